"""What every admin class of the house refuses, whoever asks: forged ids, lookups by hidden columns, unscoped choices.

It knows nothing of owners: see `mailings.admin.base`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, DELETION
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from guardian.models.models import BaseObjectPermission

from accounts import journal
from accounts.admin.choice import ManyAutocomplete, ManyChoices, OneAutocomplete, OneChoice
from accounts.admin.paginator import BoundedPaginator
from accounts.moment import when

# What Django's own filters put after a column's name in the address.
ENDINGS = ("", "__exact", "__isnull", "__gte", "__lt")
# Of a relation one may ask for one row, which its filter looks at: a range would tell who stands on a foreign list.
RELATION_ENDINGS = ("__id__exact", "__isnull")

if TYPE_CHECKING:
    BaseAdmin = admin.ModelAdmin[Any]
else:
    BaseAdmin = admin.ModelAdmin


class ScopedRelatedFilter(admin.RelatedFieldListFilter):
    """Offers only rows that the related model's own admin shows to this person (Django's filter offers all)."""

    def has_output(self) -> bool:
        # Django hides a filter with a single choice, and with it drops what the address asks for: the page would show
        # everybody where it was asked for the clients of the only list.
        return bool(self.lookup_choices or self.lookup_val)

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        related = model_admin.admin_site._registry.get(field.related_model)  # noqa: SLF001  the site has no public way to ask
        if related is None:
            self.rows = field.related_model._default_manager.none()
            return []
        self.rows = related.get_queryset(request).select_related(*related.list_select_related or ())
        return [(row.pk, str(row)) for row in self.rows[:200]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        """Find nothing by a row that one may not see: who of a shared list stands on another one is a secret."""
        found = super().queryset(request, queryset)
        is_secret = self.lookup_val and not self.rows.filter(pk__in=self.lookup_val).exists()
        return queryset.none() if is_secret else found


class SafeAdmin(BaseAdmin):
    view_on_site = False
    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = 50
    list_max_show_all = 200
    # Django checks the first against the model only, never the row, and the second would copy rows past their owner.
    list_editable: ClassVar = ()
    save_as = False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow what the offered filters ask for: Django answers for any column, hidden ones too, by any pattern."""
        asked = {f"id{ending}" for ending in ENDINGS}.union(*map(asked_by, self.get_list_filter(request)))
        asked |= {f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day") if self.date_hierarchy}
        return lookup in asked and super().lookup_allowed(lookup, value, request)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """:raises IncorrectLookupParameters: Django lets a year beyond all calendars rise as something else."""
        try:
            return super().get_changelist_instance(request)
        except OverflowError as error:
            raise IncorrectLookupParameters from error

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *location: Any) -> HttpResponse | None:
        """Refuse selections that are no ids: deeper down they would be a 500."""
        try:
            for value in request.POST.getlist("_selected_action"):
                self.opts.pk.clean(value, None)
        except ValidationError:
            self.message_user(request, gettext("The selection is not valid. Select the rows again."), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset, *location)

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> Any:
        # Django 6.1 passes where the actions stand; this signature serves both.
        return super().get_actions(request, *([action_location] if action_location is not None else []))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Leave out the four icons beside a choice: they lead away from a half-filled form."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        widget = getattr(field, "widget", None)
        for name in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
            if hasattr(widget, name):
                setattr(widget, name, False)
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", OneAutocomplete(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **{"form_class": OneChoice, **kwargs})

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", ManyAutocomplete(db_field, self.admin_site))
        return super().formfield_for_manytomany(db_field, request, **{"form_class": ManyChoices, **kwargs})

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Count what people know; the rows that only link two things mean nothing to them."""
        to_delete, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        links = {
            model._meta.verbose_name_plural
            for model in apps.get_models(include_auto_created=True)
            if model._meta.auto_created or issubclass(model, BaseObjectPermission)
        }
        shown = {name: count for name, count in counts.items() if name not in links}
        return to_delete, shown, perms_needed, protected

    # --- What a person should know of a page before he tries to change anything on it

    def note(self, request: HttpRequest, obj: Any = None) -> str:
        """Say whose an object is and what may be done with it, or without one what the whole list is; "" is nothing."""
        return ""

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = kwargs.get("obj")
        return super().render_change_form(request, {**context, "page_note": self.note(request, obj)}, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"page_note": self.note(request), **(extra_context or {})})

    # --- The journal

    def log(self, request: HttpRequest, obj: Model, what: journal.Line | str) -> None:
        """Write a line of the journal."""
        journal.write(request.user, obj, what)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]  # nobody asks for the row
        journal.write(request.user, obj, message, ADDITION)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]  # nobody asks for the row
        journal.write(request.user, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]  # nobody asks for the rows
        journal.write_many(request.user, queryset, "", DELETION)


class ReadOnlyAdmin(SafeAdmin):
    """A record: nobody adds, changes or deletes, not even a superuser."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def badge(value: str, label: object) -> SafeString:
    """Show a state as a badge with its word, never by colour alone."""
    return format_html('<span class="status status-{}">{}</span>', value, label)


def two_lines(first: object, second: object) -> SafeString:
    """Fill a cell with what matters and, quieter below, what belongs to it."""
    return format_html('{}<span class="under">{}</span>', first, second) if second else format_html("{}", first)


def time_column(field: str, description: Any, written: Callable[[Any], str] = when) -> Any:
    """Make a column of a time with its zone, for lists and for what a page only shows."""

    @admin.display(description=description, ordering=field)
    def column(self: Any, obj: Any) -> str:
        return written(getattr(obj, field))

    return column


def filter_name(entry: Any) -> str:
    """Name the query parameter of a `list_filter` entry."""
    if isinstance(entry, tuple):
        return str(entry[0])
    return entry if isinstance(entry, str) else getattr(entry, "parameter_name", "")


def asked_by(entry: Any) -> set[str]:
    """List what the address may say for a `list_filter` entry."""
    name = filter_name(entry)
    if hasattr(entry, "parameter_name"):
        return {name}
    is_relation = isinstance(entry, tuple) and issubclass(entry[1], admin.RelatedFieldListFilter)
    return {f"{name}{ending}" for ending in (RELATION_ENDINGS if is_relation else ENDINGS)}
