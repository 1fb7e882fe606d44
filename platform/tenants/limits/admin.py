"""Rate limits in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from tenants.adminsite.base import OWNERS, TenantModelAdmin, column, the_seat
from tenants.limits.policies import exceeds_default, forget_limits
from tenants.models import RateLimit
from tenants.naming import names_of


def subject_choices(everyone: Any) -> list[Any]:
    """The keys and personas of a tenant, to choose one of them or none."""
    groups = ((_("API keys"), "key"), (_("Personas"), "persona"))
    named = [(title, [(str(pk), name) for pk, name in names_of(kind).items()]) for title, kind in groups]
    return [("", everyone), *((title, names) for title, names in named if names)]


class SubjectField(forms.ChoiceField):
    """One key or persona by its name, or none."""

    widget = UnfoldAdminSelectWidget

    def clean(self, value: Any) -> Any:
        return super().clean(value) or None


class RateLimitForm(forms.ModelForm):  # type: ignore[type-arg]
    subject_id = SubjectField(label=_("whose"), required=False)
    is_operator = False

    class Meta:
        model = RateLimit
        fields = ["of", "subject_id", "limit", "window_s"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["subject_id"].choices = subject_choices(_("Each of them"))  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if {"of", "limit", "window_s"} <= given.keys():
            chosen = RateLimit(of=given["of"], limit=given["limit"], window_s=given["window_s"])
            if not self.is_operator and exceeds_default(chosen):
                self.add_error("limit", _("This is more than a tenant may give itself."))
            same = RateLimit.objects.filter(of=given["of"], subject_id=given.get("subject_id"))
            if same.exclude(pk=self.instance.pk).exists():
                self.add_error("of", _("There is such a limit already; change that one."))
        return given


@admin.register(RateLimit)
class RateLimitAdmin(TenantModelAdmin):
    """What a tenant limits otherwise than everybody is limited."""

    seen_by = OWNERS
    form = RateLimitForm
    list_display = ["of", "whose", "limit", "window_s"]

    @column(_("whose"))
    def whose(self, chosen: RateLimit) -> str:
        names = {**names_of("key"), **names_of("persona")}
        return names.get(chosen.subject_id, str(chosen.subject_id)) if chosen.subject_id else "–"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.is_operator = the_seat(request).is_operator
        return form

    def save_model(self, request: HttpRequest, obj: RateLimit, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        transaction.on_commit(lambda: forget_limits(obj.tenant_id))

    def delete_model(self, request: HttpRequest, obj: RateLimit) -> None:
        tenant_id = obj.tenant_id
        super().delete_model(request, obj)
        transaction.on_commit(lambda: forget_limits(tenant_id))
