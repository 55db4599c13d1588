"""Whose a row is and what may be done with it, in words for the pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext

from accounts.access import Owned, permission, sees_all
from accounts.models import User
from mailings.models import ClientList, Level, Mailing, Message


def note(user: User, model: type[Owned], row: Owned | None, shares: Mapping[int, Iterable[str]]) -> str:
    """Say it above the page of a row that is not one's own, and above the lists of those who see everybody's."""
    if row is None:
        is_watcher = sees_all(user, model) and not user.has_perm(permission(model, "change"))
        return watchers_note(model) if is_watcher and not user.is_superuser else ""
    if row.pk is None or row.owner_id in {None, user.pk}:
        return ""
    whose = gettext("Belongs to %(owner)s.") % {"owner": row.owner}
    if user.is_superuser:
        return whose
    if sees_all(user, model):
        return f"{whose} {watchers_note(model)}"
    return gettext("%(owner)s shares this with you: %(rights)s.") % {"owner": row.owner, "rights": rights(row, shares)}


def watchers_note(model: type[Owned]) -> str:
    sentence = gettext("Read-only: Managers see everything and change nothing that is not theirs.")
    if model is not Mailing:
        return sentence
    return sentence + " " + gettext("A mailing they may switch off.")


def rights(row: Owned, shares: Mapping[int, Iterable[str]]) -> str:
    """Say what somebody may do with a row that a grant shows him: more than see it only if the grant is on it."""
    granted = shares.get(row.pk, ()) if row.grant_path == "" else ()
    return (Level.among(set(granted)) or Level.VIEW).in_words(type(row))


def explanations(model: type[Owned]) -> list[tuple[str, str]]:
    """Explain what each level of sharing lets people do."""
    sentences = {
        Message: {
            Level.VIEW: gettext("reads it with its attachments"),
            Level.USE: gettext("puts it into his own mailings; each run sends it as it is at that moment"),
            Level.CHANGE: gettext("edits text and attachments"),
        },
        ClientList: {
            Level.VIEW: gettext("sees its clients and may export them"),
            Level.USE: gettext("sends his own mailings to them, and keeps the record of whom he sent to"),
            Level.CHANGE: gettext("renames it, and puts those of your clients on it whom he sees"),
        },
        Mailing: {
            Level.VIEW: gettext("sees its page, its runs and everybody who got it"),
            Level.CHANGE: gettext("edits, launches, pauses, resumes and switches it off"),
        },
    }
    return [(level.in_words(model), sentences[model][level]) for level in Level.of(model)]
