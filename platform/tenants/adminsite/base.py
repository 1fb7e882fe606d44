"""What the pages of tenant-owned models share: the seat's role decides, and the audit log remembers."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display

from tenants.adminsite.auditing import audit
from tenants.adminsite.seats import Seat, seat_of
from tenants.models import Member

OWNERS = frozenset({Member.Role.OWNER})
EDITORS = OWNERS | {Member.Role.EDITOR}
AGENTS = OWNERS | {Member.Role.AGENT}
EVERYONE = frozenset(Member.Role)

Column = TypeVar("Column", bound=Callable[..., Any])


def column(description: Any, **options: Any) -> Callable[[Column], Column]:
    """A computed column of a list: unfold's `display`, with a type."""
    return cast(Callable[[Column], Column], display(description=description, **options))


def choice_column(field: str, description: Any, colours: Mapping[Any, str]) -> Callable[[Any, Any], tuple[str, Any]]:
    """A column that shows a field's choice as a coloured label, and sorts by it."""

    @column(description, ordering=field, label=dict(colours))
    def label(model_admin: Any, row: Any) -> tuple[str, Any]:
        return getattr(row, field), getattr(row, f"get_{field}_display")()

    return label


class TenantModelAdmin(ModelAdmin):  # type: ignore[misc]
    """Pages of one tenant-owned model.

    Which rows there are is said by the scope that the middleware entered: no page filters by tenant, and none
    can forget to. What may be done with them is said by the two sets of roles.
    """

    seen_by: Collection[str] = EVERYONE
    changed_by: Collection[str] = OWNERS
    # Deleting many at once deserves a page of its own for each; the lists have no bulk actions.
    actions = None
    list_per_page = 50

    # --- Roles -------------------------------------------------------------------------------------------
    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return role_of(request) in self.seen_by

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return role_of(request) in self.changed_by

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return role_of(request) in self.changed_by

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return role_of(request) in self.changed_by

    def row(self, request: HttpRequest, object_id: Any, *, to_change: bool = False) -> Any:
        """The row that a page of ours is about. Raises Http404, or PermissionDenied for the wrong role."""
        obj = self.get_object(request, str(object_id))
        if obj is None:
            raise Http404
        allowed = self.has_change_permission if to_change else self.has_view_permission
        if not allowed(request, obj):
            raise PermissionDenied
        return obj

    # --- Rows --------------------------------------------------------------------------------------------
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.tenant_id = the_seat(request).tenant.pk
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """The database reaches down by itself and loads no row."""
        rows = type(obj)._base_manager.filter(pk=obj.pk)
        rows._raw_delete(using=rows.db)

    def get_deleted_objects(self, objs: Iterable[Any], request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """What the confirmation names: the rows alone. Collecting what hangs on them would load it all."""
        may_not = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [str(obj) for obj in objs], {}, may_not, []

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """One button to save: three of them are a question that nobody asked."""
        context |= {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[no-any-return]

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: Any) -> Any:
        raise Http404

    # --- Memory of what was done -------------------------------------------------------------------------
    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> None:
        audit(request, "add", obj)

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> None:
        audit(request, "change", obj, changes=_changed_fields(message))

    def log_deletions(self, request: HttpRequest, queryset: Iterable[models.Model]) -> None:
        for obj in queryset:
            audit(request, "delete", obj)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The audit log of one row, for those who may read the log."""
        obj = self.row(request, object_id)
        return redirect(f"{reverse('admin:tenants_auditentry_changelist')}?object_id={obj.pk}")


class ReadOnlyTenantAdmin(TenantModelAdmin):
    """Records: people may look, not edit."""

    changed_by: Collection[str] = frozenset()


def role_of(request: HttpRequest) -> str | None:
    seat = seat_of(request)
    return seat.role if seat else None


def the_seat(request: HttpRequest) -> Seat:
    """The seat of a page that is only reached with one."""
    seat = seat_of(request)
    if seat is None:
        raise PermissionDenied
    return seat


def _changed_fields(message: Any) -> dict[str, Any]:
    """Names of the fields that a form changed; values may be secrets."""
    parts = message if isinstance(message, list) else []
    fields = [name for part in parts for name in part.get("changed", {}).get("fields", [])]
    return {"fields": fields} if fields else {}
