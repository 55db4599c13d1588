"""Takes one defence out at a time, in a copy of the code, and shows that a test of the access rules notices.

    python -m mailings.tests.admin.sabotage [word of a name …]

A tool for whoever changes a rule of access or a crawl, not part of the suite: it takes minutes. It works on a copy in a
temporary folder, with the working tree's files as they are. Exit code 1: a defence that nobody would miss, or one whose
code is not to be found any more (then bring the table below up to date).
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
READING = "test_needle_crawl.py::TestTheOtherOwner"
WRITING = "test_mutation_crawl.py::TestTheOtherOwner"
COLLEAGUE = "test_mutation_crawl.py::TestAColleague"
MANAGER = "test_mutation_crawl.py::TestAManager"
SUPERUSER = "test_mutation_crawl.py::TestASuperuser"
ADDRESSES = "test_addresses.py"


@dataclass(frozen=True)
class Defence:
    """A piece of code, what stands in its place without the defence, and the tests that run into it."""

    name: str
    path: str
    code: str
    instead: str = ""
    tests: str = READING


DEFENCES = (
    Defence(
        "lists show one's own rows",
        "mailings/admin/base.py",
        "return super().get_queryset(request).visible_to(request.user)",
        "return super().get_queryset(request)",
    ),
    Defence(
        "choices belong to the owner of the row",
        "mailings/admin/base.py",
        "usable: QuerySet[Any] = model.objects.usable_by(owner)",
        "usable: QuerySet[Any] = model.objects.all()",
    ),
    Defence(
        "a filter offers what its own list shows",
        "accounts/admin/base.py",
        "rows = related.get_queryset(request).select_related",
        "rows = field.related_model.objects.select_related",
    ),
    Defence(
        "the filter of owners is for those who see all",
        "mailings/admin/base.py",
        "        if sees_all(person(request), self.model):\n            return (*filters, OwnerFilter)\n",
        "        return (*filters, OwnerFilter)\n",
    ),
    Defence(
        "a page of a row looks among the visible ones",
        "mailings/admin/base.py",
        "row = self.get_object(request, str(pk))",
        "row = self.model._base_manager.filter(pk=pk).first()",
    ),
    Defence(
        "a button asks for a login",
        "mailings/admin/control.py",
        "self.admin_site.admin_view(self.verb_view)",
        "self.verb_view",
        tests=ADDRESSES,
    ),
    Defence(
        "a selection is one of ids",
        "accounts/admin/base.py",
        "self.opts.pk.clean(value, None)",
        "pass",
        tests=WRITING,
    ),
    Defence(
        "the choices of a relation are those of a form's field",
        "accounts/admin/choice.py",
        "            raise PermissionDenied\n",
        "            pass\n",
        tests="test_needle_crawl.py::TestTheChoicesOfARelation",
    ),
    Defence(
        "a forged id in a choice is a sentence",
        "accounts/admin/choice.py",
        '        wrong = [each for each in value or () if not hasattr(each, "pk") and not is_id(each)]\n',
        "        wrong = []\n",
        tests=WRITING,
    ),
    Defence(
        "records are read-only",
        "mailings/admin/base.py",
        "    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:\n        return False\n",
        tests=SUPERUSER,
    ),
    Defence(
        "the journal shows one's own lines",
        "accounts/admin/journal.py",
        "return rows if sees_all(person(request), JournalEntry) else rows.filter(user=request.user.pk)",
        "return rows",
    ),
    Defence(
        "the home page adds up one's own",
        "project/home.py",
        'return sees_all(person(request), Mailing) and request.GET.get("scope") != "own"',
        'return request.GET.get("scope") != "own"',
        tests="test_home.py",
    ),
    Defence(
        "the home page shows one's own latest actions",
        "project/home.py",
        "LogEntry.objects.filter(user=user.pk)",
        "LogEntry.objects.all()",
    ),
    Defence(
        "an import is moved on by its owner",
        "mailings/admin/import_steps.py",
        "return job.owner_id == person(request).pk and may_import(request)",
        "return True",
        tests=MANAGER,
    ),
    Defence(
        "a right is asked for the row, not for its kind",
        "mailings/admin/base.py",
        "return request.user.has_perm(name, obj) if obj is not None else request.user.has_perm(name)",
        "return request.user.has_perm(name)",
        tests=COLLEAGUE,
    ),
    Defence(
        "a colleague chooses among what he sees",
        "mailings/admin/base.py",
        "return usable.filter(Q(pk__in=seen) | Q(pk__in=kept))",
        "return usable",
        tests="test_needle_crawl.py::TestAColleague",
    ),
    Defence(
        "who owns a row shares it",
        "mailings/admin/access.py",
        "return request.user.is_active and (is_owner or request.user.is_superuser)",
        "return True",
        tests=COLLEAGUE,
    ),
    Defence(
        "an action asks for the right to each mailing",
        "mailings/admin/control.py",
        "            if not self.permits(request, verb, mailing):\n                self.message_user",
        "            if False:\n                self.message_user",
        tests="test_verbs.py",
    ),
    Defence(
        "no redirect by content type",
        "project/site.py",
        'if getattr(url, "name", "") != "view_on_site"',
        tests=ADDRESSES,
    ),
    Defence(
        "a row's owner is in no form",
        "mailings/admin/client.py",
        'fields = ("email", ',
        'fields = ("owner", "email", ',
        tests=WRITING,
    ),
    Defence(
        "people are not deleted",
        "accounts/admin/user.py",
        "    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:\n",
        "    def has_no_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:\n",
        tests="test_mutation_crawl.py::TestTheRegistry",
    ),
    Defence(
        "a page holds nothing inline",
        "project/templates/admin/base.html",
        '<main id="main"',
        '<script>1</script><main id="main"',
    ),
)


def main(words: list[str]) -> int:
    chosen = [each for each in DEFENCES if all(word in each.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="postroom-sabotage-") as folder:
        copy_tree(Path(folder))
        if failed := first_failure(Path(folder), *dict.fromkeys(each.tests for each in chosen)):
            sys.exit(f"With every defence in its place {failed} fails: mend that first.")
        missed = [each.name for each in chosen if not is_noticed(each, Path(folder))]
    print(
        f"{len(chosen) - len(missed)} of {len(chosen)} noticed.", *(f"NOT NOTICED: {name}" for name in missed), sep="\n"
    )
    return 1 if missed else 0


def copy_tree(folder: Path) -> None:
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def is_noticed(defence: Defence, folder: Path) -> bool:
    path = folder / defence.path
    whole = path.read_text()
    if whole.count(defence.code) < 1:
        print(f"{defence.name}: its code is not in {defence.path} any more", flush=True)
        return False
    path.write_text(whole.replace(defence.code, defence.instead))
    try:
        failed = first_failure(folder, defence.tests)
    finally:
        path.write_text(whole)
    print(f"{defence.name}: {failed or 'NOBODY MISSES IT'}", flush=True)
    return bool(failed)


def first_failure(folder: Path, *names: str) -> str:
    tests = [f"mailings/tests/admin/{name}" for name in names]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "CI"},
        check=False,
        capture_output=True,
        text=True,
    )
    found = re.search(r"^(?:FAILED|ERROR) \S+?([^/\s]+\.py::\S+)", done.stdout, re.MULTILINE)
    return found[1] if found else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
