"""Invitations: a link with which somebody new sets his password. Works once, for a while, and only the newest."""

from __future__ import annotations

from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import journal
from accounts.models import User

INVITED = journal.Act("user_invited", _("user invited"), _("Invited"))
SENT_AGAIN = journal.Act("invitation_sent_again", _("invitation sent again"), _("Invitation sent again"))


class CannotInvite(Exception):
    """A fact that stands in the way; `str()` is the sentence for the person."""

    def __init__(self, sentence: Promise) -> None:
        super().__init__(sentence)

    def __str__(self) -> str:
        return str(self.args[0])


class Tokens:
    """The keys of invitations, in the form in which Django's page for a new password asks for them.

    Django's own tokens all live as long as PASSWORD_RESET_TIMEOUT says, which is an hour.
    """

    def make_token(self, user: User) -> str:
        return Signer(salt="accounts.invitation").signature(state(user))

    def check_token(self, user: User | None, token: str | None) -> bool:
        if user is None or not user.is_invited or has_ended(user):
            return False
        try:
            Signer(salt="accounts.invitation").unsign(f"{state(user)}:{token}")
        except BadSignature:
            return False
        return True


tokens = Tokens()


def state(user: User) -> str:
    """Write down what ends an invitation when it changes."""
    sent = user.invited_at and user.invited_at.timestamp()
    return f"{user.pk} {user.email} {user.password} {user.session_version} {sent}"


def has_ended(user: User) -> bool:
    ends_at = user.invitation_ends_at
    return ends_at is None or ends_at < timezone.now()


@transaction.atomic
def renew(user_id: int) -> User:
    """Let a new invitation begin; the link sent before stops working. The letter is the caller's business.

    :raises CannotInvite: blocked, or he has a password already.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if not user.is_active:
        raise CannotInvite(_("The user is blocked. Unblock him first."))
    if not user.is_invited:
        raise CannotInvite(_("The user has set a password already. “Forgotten your password?” leads to a new one."))
    user.invited_at = timezone.now()
    user.save(update_fields=["invited_at"])
    return user
