"""The fields of a client that files carry: what django-import-export calls a resource.

Knows the rows of one owner only: neither `id` nor `owner` is a column, so that no file can name another's row.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from import_export.fields import Field
from import_export.resources import ModelResource

from accounts.models import User
from mailings.models import Client
from mailings.models.client import validate_attributes
from mailings.resources.cells import AddressWidget, AttributesWidget, CommentWidget, MomentWidget, TextWidget, flat
from mailings.resources.columns import ALIASES, by_name


class ClientResource(ModelResource):  # type: ignore[misc]  # import-export ships no types
    email = Field("email", widget=AddressWidget(), saves_null_values=False)
    full_name = Field("full_name", widget=TextWidget("full_name"), saves_null_values=False)
    comment = Field("comment", widget=CommentWidget("comment"), saves_null_values=False)
    consent_at = Field("consent_at", widget=MomentWidget(), saves_null_values=False)
    consent_source = Field("consent_source", widget=TextWidget("consent_source"), saves_null_values=False)
    attributes = Field("attributes", widget=AttributesWidget(), saves_null_values=False)

    class Meta:
        model = Client
        fields = tuple(ALIASES)
        import_id_fields = ("email",)
        # One constraint query per row, and the sentence of the database where ours should stand.
        clean_model_instances = False

    def __init__(self, owner: User | None = None) -> None:
        super().__init__()
        self.owner = owner

    def get_queryset(self) -> QuerySet[Client]:
        return Client.objects.owned_by(self.owner) if self.owner else Client.objects.none()

    def init_instance(self, row: Any = None) -> Client:
        return Client(owner=self.owner)

    def before_import(self, dataset: Any, **_: Any) -> None:
        """Give the columns of a dataset of the library's own import the names of the fields."""
        columns = by_name(list(dataset.headers or []))
        names = {columns.header(name): name for name in columns.places}
        dataset.headers = [names.get(header, header) for header in columns.headers]

    def after_import(self, *_: Any, **__: Any) -> None:
        """Leave the sequence of ids alone: the library's reset makes two imports at a time collide."""


def changes(old: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Find what a row would change in a client: attributes are added to, the other values replaced.

    A consent is never taken back by an older one: that would be a step down which nobody asked for.

    :raises ValidationError: the client would have too many attributes.
    """
    wanted = dict(values)
    if "attributes" in wanted:
        wanted["attributes"] = old["attributes"] | wanted["attributes"]
        validate_attributes(wanted["attributes"])
    if takes_back_consent(old, wanted):
        wanted.pop("consent_at")
        wanted.pop("consent_source", None)
    return {name: value for name, value in wanted.items() if flat(old[name]) != value}


def takes_back_consent(old: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    given: datetime | None = old["consent_at"]
    stated: datetime | None = values.get("consent_at")
    return given is not None and stated is not None and stated < given
