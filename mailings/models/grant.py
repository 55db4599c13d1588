"""guardian's tables for grants, with real foreign keys: a grant ends with the object, and joins stay cheap."""

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from mailings.models.client_list import ClientList
from mailings.models.mailing import Mailing
from mailings.models.message import Message


class MessageUserGrant(UserObjectPermissionBase):
    content_object = models.ForeignKey(Message, on_delete=models.CASCADE)


class MessageGroupGrant(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Message, on_delete=models.CASCADE)


class ClientListUserGrant(UserObjectPermissionBase):
    content_object = models.ForeignKey(ClientList, on_delete=models.CASCADE)


class ClientListGroupGrant(GroupObjectPermissionBase):
    content_object = models.ForeignKey(ClientList, on_delete=models.CASCADE)


class MailingUserGrant(UserObjectPermissionBase):
    content_object = models.ForeignKey(Mailing, on_delete=models.CASCADE)


class MailingGroupGrant(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Mailing, on_delete=models.CASCADE)
