"""The people who chat, how long what they say is kept, and the receipts of what was erased."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.models import EndUser, Erasure, RetentionPolicy
from chat.retention.erasing import erase_person
from chat.retention.handing_out import export_of
from chat.retention.receipts import is_genuine
from tenants.adminsite.auditing import audit
from tenants.adminsite.base import OWNERS, ReadOnlyTenantAdmin, TenantModelAdmin, choice_column, column, role_of


@admin.register(EndUser)
class EndUserAdmin(ReadOnlyTenantAdmin):
    """Owners hand a person everything that is kept of him, or erase it: that is what deleting means here."""

    list_display = ["__str__", "external_id", "locale", "created_at"]
    search_fields = ["name", "external_id"]
    ordering = ["-created_at"]
    fields = ["name", "external_id", "locale", "created_at", "kept"]
    readonly_fields = ["kept"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return role_of(request) in OWNERS

    @column(gettext_lazy("Everything that is kept"))
    def kept(self, end_user: EndUser) -> str:
        return format_html(
            '<a class="text-primary-600 underline" href="{}">{}</a>',
            reverse("admin:chat_enduser_hand_out", args=[end_user.pk]),
            _("Download as a file"),
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.hand_out)
        return [path("<uuid:end_user_id>/kept/", view, name="chat_enduser_hand_out"), *super().get_urls()]

    def hand_out(self, request: HttpRequest, end_user_id: UUID) -> HttpResponse:
        end_user = self.row(request, end_user_id)
        if role_of(request) not in OWNERS:
            raise PermissionDenied
        audit(request, "export", end_user)
        return JsonResponse(
            export_of(end_user),
            headers={"Content-Disposition": 'attachment; filename="what-is-kept.json"'},
            json_dumps_params={"ensure_ascii": False, "indent": 1},
        )

    def delete_model(self, request: HttpRequest, obj: EndUser) -> None:
        erase_person(obj, Erasure.Origin.TENANT)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        messages.success(request, _("Being erased. The receipt below says when it is done."))
        return redirect("admin:chat_erasure_changelist")


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyTenantAdmin):
    """Receipts. They name nobody: the log of changes says who was erased at that time."""

    list_display = ["requested_at", "origin", "status_label", "total", "finished_at"]
    list_filter = ["origin", "status"]
    ordering = ["-requested_at"]
    fields = [
        "requested_at", "origin", "status_label", "finished_at", "person_digest", "found", "left", "signature",
        "genuine", "error_detail",
    ]  # fmt: skip
    readonly_fields = fields

    status_label = choice_column(
        "status",
        gettext_lazy("Status"),
        {
            Erasure.Status.QUEUED: "info",
            Erasure.Status.RUNNING: "info",
            Erasure.Status.DONE: "success",
            Erasure.Status.FAILED: "danger",
        },
    )

    @column(gettext_lazy("Found"))
    def total(self, erasure: Erasure) -> int:
        return sum(erasure.found.values())

    @column(gettext_lazy("Receipt is genuine"), boolean=True)
    def genuine(self, erasure: Erasure) -> bool | None:
        return is_genuine(erasure) if erasure.signature else None


@admin.register(RetentionPolicy)
class RetentionPolicyAdmin(TenantModelAdmin):
    """One of a tenant."""

    seen_by = OWNERS
    list_display = ["__str__", "conversations_days", "traces_days", "looked_at"]
    fields = ["conversations_days", "traces_days"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request) and not RetentionPolicy.objects.exists()

    def save_model(self, request: HttpRequest, obj: RetentionPolicy, form: Any, change: bool) -> None:
        obj.looked_at = None  # what is too old by now goes at the clock's next look
        super().save_model(request, obj, form, change)
