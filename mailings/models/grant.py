"""guardian's tables for grants, with real foreign keys: a grant ends with the object, and joins stay cheap.

Beside each stands a table of grants that wait for somebody to come to an address.
"""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from mailings.models.client_list import ClientList
from mailings.models.mailing import Mailing
from mailings.models.message import Message


class Level(models.TextChoices):
    """How much is granted; each includes the ones before. Nothing is made of a mailing, so it lacks the second."""

    VIEW = "view", _("see")
    USE = "use", _("use")
    CHANGE = "change", _("change")

    @classmethod
    def of(cls, model: type[models.Model]) -> list["Level"]:
        """List the levels at which a row of this model can be granted."""
        return [level for level in cls if level != cls.USE or model is not Mailing]

    @classmethod
    def among(cls, actions: Any) -> "Level | None":
        """Find the highest level of these actions, for instance of `view` and `use`."""
        return next((level for level in reversed(cls) if level in actions), None)

    def actions(self, model: type[models.Model]) -> list["Level"]:
        """List what the level comes to: itself and the ones before."""
        levels = self.of(model)
        return levels[: levels.index(self) + 1]

    def in_words(self, model: type[models.Model]) -> str:
        """Say what it comes to."""
        if self == Level.CHANGE and model is Mailing:
            return gettext("see, change, launch and stop")
        words = {
            Level.VIEW: gettext("see"),
            Level.USE: gettext("see and use"),
            Level.CHANGE: gettext("see, use and change"),
        }
        return words[self]


class AwaitedGrant(models.Model):
    """A grant to an address at which nobody works so far, kept so that sharing never tells whether somebody does.

    It becomes a grant of guardian's as soon as somebody has the address and may log in.
    """

    content_object: Any
    objects: ClassVar[Any]
    address = models.EmailField()
    level = models.CharField(max_length=6, choices=Level)

    class Meta:
        abstract = True


class MessageUserGrant(UserObjectPermissionBase):
    content_object = models.ForeignKey(Message, on_delete=models.CASCADE)


class MessageGroupGrant(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Message, on_delete=models.CASCADE)


class MessageAwaitedGrant(AwaitedGrant):
    content_object = models.ForeignKey(Message, on_delete=models.CASCADE)

    class Meta:
        constraints: ClassVar = (
            models.UniqueConstraint(fields=("address", "content_object"), name="message_awaited_grant_is_unique"),
        )


class ClientListUserGrant(UserObjectPermissionBase):
    content_object = models.ForeignKey(ClientList, on_delete=models.CASCADE)


class ClientListGroupGrant(GroupObjectPermissionBase):
    content_object = models.ForeignKey(ClientList, on_delete=models.CASCADE)


class ClientListAwaitedGrant(AwaitedGrant):
    content_object = models.ForeignKey(ClientList, on_delete=models.CASCADE)

    class Meta:
        constraints: ClassVar = (
            models.UniqueConstraint(fields=("address", "content_object"), name="list_awaited_grant_is_unique"),
        )


class MailingUserGrant(UserObjectPermissionBase):
    content_object = models.ForeignKey(Mailing, on_delete=models.CASCADE)


class MailingGroupGrant(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Mailing, on_delete=models.CASCADE)


class MailingAwaitedGrant(AwaitedGrant):
    content_object = models.ForeignKey(Mailing, on_delete=models.CASCADE)

    class Meta:
        constraints: ClassVar = (
            models.UniqueConstraint(fields=("address", "content_object"), name="mailing_awaited_grant_is_unique"),
        )


AWAITED: dict[type[models.Model], type[AwaitedGrant]] = {
    Message: MessageAwaitedGrant,
    ClientList: ClientListAwaitedGrant,
    Mailing: MailingAwaitedGrant,
}
