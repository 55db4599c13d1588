"""One admin class that keeps every path to a row with its owner: list, form, choices, autocomplete, filters."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned, granted_actions, permission, person, sees_all
from accounts.admin.base import SafeAdmin, badge
from accounts.admin.choice import ManyChoices, OfOwner, OneChoice, named, row_owner_id
from accounts.models import User
from mailings.admin import ownership


class OwnedForm(forms.ModelForm):
    """A form whose row has its owner before validation, so that “unique per owner” is checked here and not as a 500."""

    row_owner: User

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.instance.owner = self.row_owner

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() - {"owner"}  # type: ignore[misc,no-any-return]  # not in the stubs


class OwnerFilter(admin.SimpleListFilter):
    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), email) for pk, email in User.objects.order_by("email").values_list("pk", "email")[:200]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(owner=int(value)) if value.isdecimal() and len(value) < 18 else queryset.none()


class WhoseFilter(admin.SimpleListFilter):
    """For those with whom something is shared."""

    title = _("whose")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("own", gettext("my own")), ("shared", gettext("shared with me"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "own":
            return queryset.filter(owner=request.user.pk)
        return queryset.exclude(owner=request.user.pk) if self.value() == "shared" else queryset


class OwnedAdmin(SafeAdmin):
    form = OwnedForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined,no-any-return]

    # --- Rights: the model's permission for the page, the object's permission for the row

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "view", obj) or self.may(request, "change", obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "delete", obj)

    def may(self, request: HttpRequest, action: str, obj: Model | None) -> bool:
        name = permission(self.model, action)
        # Every method of the admin also asks without an object, which means the page and never a row.
        return request.user.has_perm(name, obj) if obj is not None else request.user.has_perm(name)

    def own_or_404(self, request: HttpRequest, pk: int) -> Any:
        """:raises Http404: there is no such row, or this person may not see it: the same answer for both."""
        row = self.get_object(request, str(pk))
        if row is None:
            raise Http404
        return row

    # --- Columns and filters

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = tuple(super().get_list_display(request))
        if sees_all(person(request), self.model):
            return (*columns, "owner")
        return (*columns, owner_column(request, self.model)) if shares_with(request, self.model) else columns

    def get_list_filter(self, request: HttpRequest) -> Any:
        filters = tuple(super().get_list_filter(request))
        if sees_all(person(request), self.model):
            return (*filters, OwnerFilter)
        return (*filters, WhoseFilter) if shares_with(request, self.model) else filters

    def get_list_select_related(self, request: HttpRequest) -> Any:
        related = super().get_list_select_related(request)
        return (*related, "owner") if isinstance(related, (tuple, list)) else ("owner",)

    def note(self, request: HttpRequest, obj: Any = None) -> str:
        return ownership.note(person(request), self.model, obj, shares_with(request, self.model))

    # --- Forms: choices belong to the owner of the row, who need not be the one who looks

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        request.row, request.row_owner = obj, obj.owner if obj else request.user  # type: ignore[attr-defined]
        form = super().get_form(request, obj, change=change, **kwargs)
        form.row_owner = request.row_owner  # type: ignore[attr-defined]
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        offered = self.offered(db_field, request)
        return self.scoped(request, super().formfield_for_foreignkey(db_field, request, **offered, **kwargs))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        offered = self.offered(db_field, request)
        return self.scoped(request, super().formfield_for_manytomany(db_field, request, **offered, **kwargs))

    def offered(self, db_field: Any, request: HttpRequest) -> dict[str, Any]:
        if not issubclass(db_field.related_model, Owned):
            return {}
        row = getattr(request, "row", None)
        linked = db_field.value_from_object(row) if row and isinstance(row, db_field.model) else []
        return {"queryset": choices_for(request, db_field.related_model, linked)}

    def scoped(self, request: HttpRequest, field: Any) -> Any:
        """Let a form for somebody else's row ask for his choices, and name those that are not the owner's own."""
        rows = getattr(field, "queryset", None)
        if isinstance(field, (OneChoice, ManyChoices)) and rows is not None and issubclass(rows.model, Owned):
            name_choices(field, row_owner(request), person(request))
        return field

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> Any:
        rows, may_repeat = super().get_search_results(request, queryset, term)
        is_choice = request.resolver_match is not None and request.resolver_match.url_name == "autocomplete"
        if not is_choice:
            return rows, may_repeat
        # What may be seen may not always be used: offer what the form would accept.
        if "owner" in request.GET:
            return rows.filter(owner=row_owner_id(request)).select_related("owner"), may_repeat
        usable = self.model.objects.usable_by(person(request)).order_by()
        return rows.filter(pk__in=usable.values("pk")).select_related("owner"), may_repeat

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write only what the form changed: a worker or a colleague may have changed the rest in the meantime."""
        if not change:
            obj.owner = request.user
            super().save_model(request, obj, form, change)
            return
        changed = set(form.changed_data)
        obj.save(update_fields=[f.name for f in obj._meta.concrete_fields if f.name in changed or is_auto(f)])

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Give the rows of inlines the owner of their parent."""
        for row in formset.save(commit=False):
            if isinstance(row, Owned):
                row.owner_id = form.instance.owner_id
            row.save()
        for row in formset.deleted_objects:
            row.delete()
        formset.save_m2m()


class RecordAdmin(OwnedAdmin):
    """What the product itself writes down: read-only for everybody."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


# --- Choices ---------------------------------------------------------------------------------------------------------


def row_owner(request: HttpRequest) -> User:
    return getattr(request, "row_owner", None) or person(request)


def choices_for(request: HttpRequest, model: type[Owned], linked: Any = ()) -> QuerySet[Any]:
    """Select what may be put into the row: what its owner may use, and of that what the one who asks may see.

    Whoever changes a row that is shared with him would else see by it what is not. What stands in it already may stay.
    """
    owner = row_owner(request)
    usable: QuerySet[Any] = model.objects.usable_by(owner).select_related("owner")
    if owner == request.user:
        return usable
    kept = [getattr(each, "pk", each) for each in (linked if isinstance(linked, (list, tuple)) else [linked]) if each]
    seen = model.objects.visible_to(person(request)).order_by().values("pk")
    return usable.filter(Q(pk__in=seen) | Q(pk__in=kept))


def name_choices(field: Any, owner: User, reader: User) -> None:
    field.label_from_instance = lambda obj: named(obj, owner.pk)
    if isinstance(field.widget, OfOwner) and owner != reader:
        field.widget.owner_id = owner.pk


# --- What is shared with the one who asks ----------------------------------------------------------------------------


def shares_with(request: HttpRequest, model: type[Owned]) -> dict[int, set[str]]:
    """Tell what of the model's grants reach this person; asked once in a request, for several hooks need it."""
    source = model.granted_model()
    known: dict[Any, dict[int, set[str]]] = request.__dict__.setdefault("known_shares", {})
    if source and source not in known:
        known[source] = granted_actions(person(request), source)
    return known.get(source, {})


def owner_column(request: HttpRequest, model: type[Owned]) -> Any:
    """Make the column that tells one's own rows from those that are shared, and what may be done with these."""
    shares = shares_with(request, model)

    def whose(row: Any) -> str | SafeString:
        if row.owner_id == request.user.pk:
            return gettext("mine")
        rights = badge("shared", ownership.rights(row, shares))
        return format_html('<span class="owner">{}</span> {}', row.owner.get_full_name(), rights)

    whose.short_description = _("owner")  # type: ignore[attr-defined]
    return whose


def is_auto(field: Any) -> bool:
    return bool(getattr(field, "auto_now", False))
