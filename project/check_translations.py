"""`make check`: the Russian catalogue is complete, compiled, and knows every text of the code. Changes nothing.

Needs gettext's own tools, which judge as translators' editors do.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = Path("mailings/locale/ru/LC_MESSAGES/django.po")
TOOLS = ("msgfmt", "msgattrib", "msgunfmt", "msgcmp", "xgettext")
SOURCES = ("accounts", "mailings", "project", "manage.py")


def main() -> None:
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        sys.exit(f"{', '.join(missing)} not found: install gettext (Debian, Ubuntu: apt install gettext).")
    if not (ROOT / CATALOGUE).is_file():
        sys.exit(f"{CATALOGUE} is missing: make messages")
    faults = list(find_faults(ROOT / CATALOGUE))
    sys.exit("\n".join(faults) if faults else None)


def find_faults(catalogue: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from undecided(catalogue)
        yield from stale(catalogue, folder / "fresh.mo")
        yield from unknown(catalogue, folder)


def undecided(catalogue: Path) -> Iterator[str]:
    """Find entries that a reader would see in English, or in a translation nobody has confirmed."""
    for option, word in (("--untranslated", "Not translated"), ("--only-fuzzy", "Fuzzy")):
        entries = run("msgattrib", option, "--no-obsolete", str(catalogue)).stdout
        yield from (f"{word}: “{text}”" for text in texts_of(entries))


def texts_of(entries: str) -> Iterator[str]:
    for lines in re.findall(r'^msgid ((?:".*"\n)+)', entries, re.MULTILINE):
        text = "".join(line[1:-1] for line in lines.splitlines())
        # The empty text is the catalogue's header.
        if text:
            yield text


def stale(catalogue: Path, fresh: Path) -> Iterator[str]:
    """Compile with all of gettext's checks (placeholders, plurals) and compare with what is in the repository."""
    compiled = run("msgfmt", "--check", "--output-file", str(fresh), str(catalogue))
    if compiled.returncode:
        yield compiled.stderr.strip()
        return
    kept = catalogue.with_suffix(".mo")
    if not kept.is_file() or run("msgunfmt", str(kept)).stdout != run("msgunfmt", str(fresh)).stdout:
        yield f"{kept.relative_to(ROOT)} is not what {catalogue.name} says: make messages"


def unknown(catalogue: Path, folder: Path) -> Iterator[str]:
    """Collect the code's texts in a copy of the tree, as makemessages does, and look each one up."""
    for source in SOURCES:
        copy(ROOT / source, folder / source)
    made = run(
        sys.executable, "manage.py", "makemessages", "--locale", "ru", "--ignore", "tests", "--keep-pot", folder=folder
    )
    template = folder / CATALOGUE.parents[2] / "django.pot"
    if made.returncode or not template.is_file():
        yield f"makemessages failed: {made.stderr.strip()}"
        return
    compared = run("msgcmp", "--use-fuzzy", "--use-untranslated", str(catalogue), str(template))
    if compared.returncode:
        # What is in the catalogue only corrects texts of Django and the theme: no fault.
        yield "\n".join(line for line in compared.stderr.splitlines() if "this message is not used" not in line)
        yield "The catalogue does not know every text of the code: make messages, then translate."


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    else:
        shutil.copy(source, target)


def run(*command: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    # The tools speak the user's language; we read their English.
    english = {**os.environ, "LANGUAGE": "en"}
    return subprocess.run(  # noqa: S603  our own commands
        command, cwd=folder, env=english, capture_output=True, encoding="utf-8", check=False
    )


if __name__ == "__main__":
    main()
