"""Webhooks and the log of what they were told, for the tenant's owners."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from tenants.admin import show_secret
from tenants.adminsite.auditing import audit
from tenants.adminsite.base import OWNERS, ReadOnlyTenantAdmin, TenantModelAdmin, choice_column, column
from tenants.errors import Invalid
from webhooks.endpoints import check_url, resend, resend_failed, rotate_secret, send_test, switch
from webhooks.models import Delivery, Endpoint, EventType
from webhooks.signing import new_secret

RESENT_BY_HAND = timedelta(days=7)


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """Where it leads and what it listens to. The secret is made here, and never typed in."""

    event_types = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=EventType.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy("None chosen: all."),
    )

    class Meta:
        model = Endpoint
        fields = ["url", "description", "event_types", "is_enabled"]
        widgets = {
            "url": UnfoldAdminTextInputWidget,
            "description": UnfoldAdminTextInputWidget,
            "is_enabled": UnfoldBooleanSwitchWidget,
        }

    def clean_url(self) -> str:
        try:
            return check_url(self.cleaned_data["url"].strip())
        except Invalid as error:
            raise forms.ValidationError(error.errors[0]["detail"]) from None


@admin.register(Endpoint)
class EndpointAdmin(TenantModelAdmin):
    """The secret is shown once, when a webhook is made or its secret rotated."""

    seen_by = OWNERS
    form = EndpointForm
    list_display = ["__str__", "state_label", "listens_to", "failing_since", "created_at"]
    list_filter = ["is_enabled"]
    search_fields = ["url", "description"]
    ordering = ["-id"]

    @column(gettext_lazy("State"), label={"on": "success", "failing": "warning", "off": "danger"})
    def state_label(self, endpoint: Endpoint) -> tuple[str, Any]:
        if not endpoint.is_enabled:
            return "off", endpoint.get_disabled_reason_display() or _("Switched off")
        return ("failing", _("Failing")) if endpoint.failing_since else ("on", _("On"))

    @column(gettext_lazy("Events"))
    def listens_to(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.event_types) or _("All")

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        if not change:
            obj.secret = request.secret = new_secret()  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)
        if "is_enabled" in form.changed_data:
            switch(obj, on=obj.is_enabled)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return _show(request, _("Webhook made"), request.secret)  # type: ignore[attr-defined]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:webhook_id>/rotate/", view(self.rotate), name="webhooks_endpoint_rotate"),
            path("<uuid:webhook_id>/test/", view(self.test), name="webhooks_endpoint_test"),
            path("<uuid:webhook_id>/resend/", view(self.resend), name="webhooks_endpoint_resend"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def rotate(self, request: HttpRequest, webhook_id: UUID) -> HttpResponse:
        endpoint = self.row(request, webhook_id, to_change=True)
        rotate_secret(endpoint)
        audit(request, "rotate", endpoint)
        return _show(request, _("Secret rotated"), endpoint.secret)

    @method_decorator(require_POST)
    def test(self, request: HttpRequest, webhook_id: UUID) -> HttpResponse:
        delivery = send_test(self.row(request, webhook_id, to_change=True))
        messages.success(request, _("A test event is on its way."))
        return redirect("admin:webhooks_delivery_change", delivery.pk)

    @method_decorator(require_POST)
    def resend(self, request: HttpRequest, webhook_id: UUID) -> HttpResponse:
        """All that did not arrive in the last week."""
        endpoint = self.row(request, webhook_id, to_change=True)
        count = resend_failed(endpoint, since=timezone.now() - RESENT_BY_HAND)
        audit(request, "resend", endpoint)
        messages.success(request, _("Events that are sent again: %(count)d.") % {"count": count})
        return redirect("admin:webhooks_endpoint_change", endpoint.pk)


def _show(request: HttpRequest, title: str, secret: str) -> HttpResponse:
    return show_secret(
        request,
        title=title,
        secret=secret,
        explanation=_("The secret is shown only now. Put it where your server checks signatures."),
        back="admin:webhooks_endpoint_changelist",
    )


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyTenantAdmin):
    """What was told to whom, try by try."""

    seen_by = OWNERS
    list_display = ["occurred_at", "type", "endpoint", "status_label", "attempt_count", "response_status"]
    list_select_related = ["endpoint"]
    list_filter = ["status", "type", "endpoint"]
    ordering = ["-id"]
    fields = [
        "type", "endpoint", "event_id", "occurred_at", "status", "next_try_at", "delivered_at", "tries", "told",
    ]  # fmt: skip
    readonly_fields = ["tries", "told"]

    @column(gettext_lazy("Attempts"))
    def tries(self, delivery: Delivery) -> str:
        """One a line: when, what came back, how long it took, and how that began."""
        return _lines("\n".join(_line(attempt) for attempt in delivery.attempts) or "–")

    @column(gettext_lazy("What is told"))
    def told(self, delivery: Delivery) -> str:
        return _lines(json.dumps(delivery.data, ensure_ascii=False, indent=2))

    status_label = choice_column(
        "status",
        gettext_lazy("Status"),
        {Delivery.Status.DELIVERED: "success", Delivery.Status.DEAD: "danger", Delivery.Status.PENDING: "info"},
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.resend)
        return [path("<uuid:delivery_id>/resend/", view, name="webhooks_delivery_resend"), *super().get_urls()]

    @method_decorator(require_POST)
    def resend(self, request: HttpRequest, delivery_id: UUID) -> HttpResponse:
        delivery = self.row(request, delivery_id)
        resend(delivery)
        audit(request, "resend", delivery)
        messages.success(request, _("It is on its way again."))
        return redirect("admin:webhooks_delivery_change", delivery.pk)


def _line(attempt: dict[str, Any]) -> str:
    at = localize(localtime(datetime.fromisoformat(attempt["at"])))
    came = attempt["status"] or attempt["error"]
    return f"{at} · {came} · {attempt['duration_ms']} ms · {attempt['body'][:200]}".rstrip(" ·")


def _lines(text: str) -> str:
    return format_html('<pre class="whitespace-pre-wrap break-words">{}</pre>', text)
