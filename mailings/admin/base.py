"""One admin class that keeps every path to a row with its owner: list, form, choices, autocomplete, filters."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned, permission, person, sees_all
from accounts.admin.base import SafeAdmin
from accounts.models import User


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

    # --- Columns and filters

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = tuple(super().get_list_display(request))
        return (*columns, "owner") if sees_all(person(request), self.model) else columns

    def get_list_filter(self, request: HttpRequest) -> Any:
        filters = tuple(super().get_list_filter(request))
        return (*filters, OwnerFilter) if sees_all(person(request), self.model) else filters

    def get_list_select_related(self, request: HttpRequest) -> Any:
        related = super().get_list_select_related(request)
        return (*related, "owner") if isinstance(related, (tuple, list)) else ("owner",)

    # --- Forms: choices belong to the owner of the row, who need not be the one who looks

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        request.row_owner = obj.owner if obj else request.user  # type: ignore[attr-defined]
        form = super().get_form(request, obj, change=change, **kwargs)
        form.row_owner = request.row_owner  # type: ignore[attr-defined]
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, **self.scoped(db_field, request, kwargs))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_manytomany(db_field, request, **self.scoped(db_field, request, kwargs))

    def scoped(self, db_field: Any, request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
        related = db_field.related_model
        if issubclass(related, Owned):
            owner = getattr(request, "row_owner", request.user)
            kwargs["queryset"] = related.objects.usable_by(owner)
        return kwargs

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> Any:
        rows, may_repeat = super().get_search_results(request, queryset, term)
        is_choice = request.resolver_match is not None and request.resolver_match.url_name == "autocomplete"
        if is_choice and not request.user.is_superuser:
            # What may be seen may not always be used: offer what the form would accept.
            rows = rows.filter(pk__in=self.model.objects.usable_by(request.user).order_by().values("pk"))
        return rows, may_repeat

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


def is_auto(field: Any) -> bool:
    return bool(getattr(field, "auto_now", False))
