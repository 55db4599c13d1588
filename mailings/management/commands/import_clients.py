"""`manage.py import_clients FILE --owner E-MAIL`: the import of the admin, for a shell or cron."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from accounts.models import User
from mailings.models import ImportJob, RejectedRow
from mailings.operations import imports
from mailings.operations.import_clients import TOTALS, check_file, forget, import_file

SOME_WRONG = 1
NOTHING_DONE = 2
SHOWN_REJECTIONS = 100
BAR = 40


class Command(BaseCommand):
    help = (
        "Loads a CSV or XLSX file into a user's clients. Prints the totals as JSON on stdout, the rows left out on "
        "stderr. Exit code: 0 all in, 1 some rows wrong, 2 nothing done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--owner", required=True, metavar="E-MAIL", help="whose clients they become")
        parser.add_argument("--list", default="", metavar="NAME", help="the client list to put them on, made if new")
        parser.add_argument(
            "--on-existing",
            choices=ImportJob.OnExisting.values,
            default=ImportJob.OnExisting.UPDATE.value,
            help="what to do with clients who are there already (default: %(default)s)",
        )
        parser.add_argument("--dry-run", action="store_true", help="only check; nothing is written")
        parser.add_argument("--rejects", type=Path, metavar="FILE", help="write the rows left out there, as CSV")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            owner = User.objects.get_by_natural_key(options["owner"])
            job = self.take_in(owner, options)
        except User.DoesNotExist as error:
            raise nothing_done(
                _("There is no user with the address %(email)s.") % {"email": options["owner"]}
            ) from error
        except OSError as error:
            raise nothing_done(_("%(file)s cannot be read.") % {"file": options["file"]}) from error
        except ValidationError as error:  # BadFile is one
            raise nothing_done(" ".join(error.messages)) from error
        try:
            self.report(job, options["rejects"])
        finally:
            if options["dry_run"]:
                forget(job)
        self.exit(job)

    def take_in(self, owner: User, options: dict[str, Any]) -> ImportJob:
        act = check_file if options["dry_run"] else import_file
        try:
            return act(
                options["file"],
                owner,
                list_name=options["list"].strip(),
                on_existing=options["on_existing"],
                on_chunk=self.show_progress if self.stderr.isatty() else imports.nothing,
            )
        finally:
            if self.stderr.isatty():
                self.stderr.write("\r" + " " * (BAR + 30) + "\r", ending="")

    def show_progress(self, job: ImportJob) -> None:
        """Draw a bar; while the file is checked nobody knows how long it is."""
        done = job.progress * BAR // job.rows if job.rows else 0
        of = f" / {job.rows:,}" if job.rows else ""
        self.stderr.write(f"\r[{'#' * done:<{BAR}}] {job.progress:,}{of}", ending="")

    def report(self, job: ImportJob, rejects: Path | None) -> None:
        if rejects:
            # The lines carry their own ends.
            with rejects.open("w", encoding="utf-8", newline="") as file:
                file.writelines(imports.rejected_lines(job))
        rows = RejectedRow.objects.filter(job=job).order_by("line")
        for row in rows[:SHOWN_REJECTIONS]:
            for fault in row.faults:
                place = " ".join(filter(None, (fault["column"], fault["value"])))
                sentence = _("Line %(line)s: %(place)s: %(reason)s")
                self.stderr.write(sentence % {"line": row.line, "place": place, "reason": fault["reason"]})
        more = job.wrong + job.repeated - SHOWN_REJECTIONS
        if more > 0:
            self.stderr.write(_("… and %(n)s more; --rejects FILE writes all of them.") % {"n": more})
        if job.reason:
            self.stderr.write(job.reason)
        self.stdout.write(json.dumps({name: getattr(job, name) for name in TOTALS}))

    def exit(self, job: ImportJob) -> None:
        is_broken_off = job.status in (ImportJob.Status.FAILED, ImportJob.Status.STOPPED)
        if job.wrong or is_broken_off:
            sys.exit(SOME_WRONG if job.good else NOTHING_DONE)


def nothing_done(sentence: str) -> CommandError:
    return CommandError(sentence, returncode=NOTHING_DONE)
