"""`manage.py import_clients FILE --owner E-MAIL [--list NAME]`: the import of the admin, for a shell or cron."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from accounts.models import User
from mailings.models import ImportJob
from mailings.operations.import_clients import TOTALS, import_file

SOME_WRONG = 1
NOTHING_DONE = 2


class Command(BaseCommand):
    help = (
        "Loads a CSV or XLSX file into a user's clients. Prints the totals as JSON, and the rows left out on stderr. "
        "Exit code: 0 all in, 1 some rows wrong, 2 nothing done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--owner", required=True, metavar="E-MAIL", help="whose clients they become")
        parser.add_argument("--list", default="", metavar="NAME", help="the client list to put them on, made if new")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            owner = User.objects.get_by_natural_key(options["owner"])
            job = import_file(options["file"], owner, list_name=options["list"].strip())
        except User.DoesNotExist as error:
            raise self.nothing_done(
                _("There is no user with the address %(email)s."), email=options["owner"]
            ) from error
        except OSError as error:
            raise self.nothing_done(_("%(file)s cannot be read."), file=options["file"]) from error
        except ValidationError as error:  # BadFile is one
            raise self.nothing_done(" ".join(error.messages)) from error
        self.report(job)

    def nothing_done(self, sentence: str, **params: Any) -> CommandError:
        return CommandError(sentence % params if params else sentence, returncode=NOTHING_DONE)

    def report(self, job: ImportJob) -> None:
        for row in job.rejected_rows:
            place = " ".join(filter(None, (row["column"], row["value"])))
            self.stderr.write(_("Line %(line)s: %(place)s: %(reason)s") % {**row, "place": place})
        self.stdout.write(json.dumps({name: getattr(job, name) for name in TOTALS}))
        if job.wrong:
            sys.exit(SOME_WRONG if job.new + job.changed + job.unchanged else NOTHING_DONE)
