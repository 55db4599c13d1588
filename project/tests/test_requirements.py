"""project/deploy/requirements.lock fits requirements.txt: what is asked for, at such versions, each with its hashes."""

import re

import pytest
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = (settings.BASE_DIR / "project" / "deploy" / "requirements.lock").read_text()
ASKED = (settings.BASE_DIR / "requirements.txt").read_text()
# A pin, the hashes under it, and for whose sake it is there.
ENTRY = re.compile(r"^(\S+)==(\S+)((?:.*\\\n)(?:    --hash=sha256:\w{64}.*\n)+)((?:    #.*\n)+)", re.MULTILINE)


def pins(lock):
    """Read the pins that have hashes: name, version and whether requirements.txt itself asks for it."""
    return {name: (version, "-r requirements.txt" in via) for name, version, _hashes, via in ENTRY.findall(lock)}


def faults(lock, asked):
    """Say what is asked for and not pinned as asked, pinned without a hash, or asked for no more."""
    found = pins(lock)
    wanted = {canonicalize_name(each.name): each for each in map(Requirement, lines(asked))}
    missing = [str(each) for name, each in wanted.items() if name not in found or found[name][0] not in each.specifier]
    unhashed = [line for line in lines(lock) if line[0] != " " and line.partition("==")[0] not in found]
    left = [name for name, (_version, is_asked) in found.items() if is_asked and name not in wanted]
    return missing + unhashed + left


def lines(text):
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


class TestTheLock:
    def test_holds_what_is_asked_for(self):
        """If this fails, requirements.txt has changed: `make lock`, and commit both."""
        assert faults(LOCK, ASKED) == []
        assert len(pins(LOCK)) > len(lines(ASKED))

    @pytest.mark.parametrize(
        ("lock", "asked", "said"),
        [
            (LOCK, f"{ASKED}\nhttpx==0.28.1\n", "httpx==0.28.1"),
            (LOCK, ASKED.replace("Django~=5.2", "Django~=5.99"), "Django~=5.99"),
            (LOCK.replace("\nhuey==3", "\nhuey==2"), ASKED, "huey~=3"),
            (re.sub(r"(?m)^sqlparse==(.*\\\n)+", "sqlparse==1\n", LOCK), ASKED, "sqlparse==1"),
            (LOCK, re.sub(r"(?m)^segno.*", "", ASKED), "segno"),
        ],
        ids=["new", "raised", "outdated", "unhashed", "given up"],
    )
    def test_that_does_not_fit_is_noticed(self, lock, asked, said):
        assert [fault for fault in faults(lock, asked) if fault.startswith(said)]
