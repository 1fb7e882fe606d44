"""People, keys and the log of a tenant; accounts, for operators."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm

from tenants.adminsite.auditing import audit
from tenants.adminsite.base import OWNERS, ReadOnlyTenantAdmin, TenantModelAdmin, choice_column, column, the_seat
from tenants.adminsite.forms import AccountCreationForm, AccountForm, KeyForm, MemberForm
from tenants.limits import admin as limits_admin  # noqa: F401 - registers its page
from tenants.models import ApiKey, AuditEntry, Member, Tenant, User
from tenants.provisioning import add_member, issue_key, revoke_key, rotate_key

# Rights come from memberships; Django's groups would be a second answer to the same question.
admin.site.unregister(Group)


def show_secret(request: HttpRequest, *, title: str, secret: str, explanation: str, back: str) -> HttpResponse:
    """The one page that ever shows a secret. Not a message: those travel in a cookie."""
    context = {
        **admin.site.each_context(request),
        "title": title,
        "secret": secret,
        "explanation": explanation,
        "back": back,
    }
    response = TemplateResponse(request, "admin/desk/secret.html", context)
    response["Cache-Control"] = "no-store"
    return response


@admin.register(Tenant)
class TenantAdmin(TenantModelAdmin):
    """The tenant's own name; there is only this one row to see."""

    seen_by = OWNERS
    fields = ["name", "slug", "created_at"]
    readonly_fields = ["slug", "created_at"]
    list_display = ["name", "slug", "created_at"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Member)
class MemberAdmin(TenantModelAdmin):
    """Who works here, and as what. The last owner stays one."""

    seen_by = OWNERS
    form = MemberForm
    list_display = ["user", "role_label", "last_login", "created_at"]
    list_select_related = ["user"]
    list_filter = ["role"]
    search_fields = ["user__email"]

    role_label = choice_column("role", gettext_lazy("Role"), {Member.Role.OWNER: "info"})

    @column(gettext_lazy("Last signed in"), ordering="user__last_login")
    def last_login(self, member: Member) -> Any:
        return member.user.last_login

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["user", "role"] if obj else ["email", "role"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["user"] if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if change:
            return super().get_form(request, obj, change, form=_RoleForm, **kwargs)
        return super().get_form(request, obj, change, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and is_last_owner(obj))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        email = form.cleaned_data["email"]
        is_known = User.objects.filter(email__iexact=email).exists()
        form.first_password = "" if is_known else secrets.token_urlsafe(12)
        member = add_member(
            tenant=the_seat(request).tenant, email=email, role=obj.role, password=form.first_password or None
        )
        obj.pk, obj.user = member.pk, member.user
        request.first_password = form.first_password  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        password = getattr(request, "first_password", "")
        if not password:
            messages.success(request, _("%(who)s can work here now.") % {"who": obj.user})
            return redirect("admin:tenants_member_changelist")
        return show_secret(
            request,
            title=_("Account made"),
            secret=password,
            explanation=_("The first password of %(who)s. It is shown only now; pass it on, and let it be changed.")
            % {"who": obj.user},
            back="admin:tenants_member_changelist",
        )


class _RoleForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Member
        fields = ["role"]
        widgets = MemberForm.Meta.widgets

    def clean_role(self) -> str:
        role: str = self.cleaned_data["role"]
        if role != Member.Role.OWNER and is_last_owner(Member.objects.get(pk=self.instance.pk)):
            raise forms.ValidationError(_("A tenant needs an owner; make somebody else one first."))
        return role


def is_last_owner(member: Member) -> bool:
    """Whether nobody else owns the tenant. Holds the owners' rows, so that two cannot leave at once."""
    owners = Member.objects.filter(role=Member.Role.OWNER).select_for_update()
    return [owner.pk for owner in owners] == [member.pk]


@admin.register(ApiKey)
class ApiKeyAdmin(TenantModelAdmin):
    """Keys of the tenant's servers. The token is shown once, when a key is made or rotated."""

    seen_by = OWNERS
    form = KeyForm
    list_display = ["__str__", "prefix", "state_label", "scope_names", "last_used_at", "expires_at"]
    ordering = ["-id"]
    search_fields = ["name", "prefix"]

    @column(
        gettext_lazy("State"),
        label={"valid": "success", "ending": "warning", "expired": "danger", "revoked": "danger"},
    )
    def state_label(self, key: ApiKey) -> tuple[str, Any]:
        if key.revoked_at:
            return "revoked", _("Revoked")
        if key.expires_at and key.expires_at <= timezone.now():
            return "expired", _("Expired")
        return ("ending", _("Ends")) if key.expires_at else ("valid", _("Valid"))

    @column(gettext_lazy("Scopes"))
    def scope_names(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["name", "scopes", "expires_in_days"]
        return ["name", "prefix", "scope_names", "created_at", "expires_at", "revoked_at", "last_used_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj)[1:] if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if change:
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keys are revoked, and stay in the list as a record."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        given = form.cleaned_data
        days = given["expires_in_days"]
        key, token = issue_key(
            tenant=the_seat(request).tenant,
            scopes=given["scopes"],
            name=given["name"],
            ttl=timedelta(days=days) if days else None,
        )
        obj.pk, obj.prefix = key.pk, key.prefix
        request.token = str(token)  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return _show_token(request, _("Key made"), request.token)  # type: ignore[attr-defined]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:key_id>/rotate/", view(self.rotate), name="tenants_apikey_rotate"),
            path("<uuid:key_id>/revoke/", view(self.revoke), name="tenants_apikey_revoke"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def rotate(self, request: HttpRequest, key_id: UUID) -> HttpResponse:
        key = self.row(request, key_id, to_change=True)
        _successor, token = rotate_key(key=key)
        audit(request, "rotate", key)
        return _show_token(request, _("Key rotated"), str(token))

    @method_decorator(require_POST)
    def revoke(self, request: HttpRequest, key_id: UUID) -> HttpResponse:
        key = self.row(request, key_id, to_change=True)
        revoke_key(key)
        audit(request, "revoke", key)
        messages.success(request, _("The key is revoked; nothing gets in with it any more."))
        return redirect("admin:tenants_apikey_changelist")


def _show_token(request: HttpRequest, title: str, token: str) -> HttpResponse:
    return show_secret(
        request,
        title=title,
        secret=token,
        explanation=_("The key is shown only now, since we keep no copy of it. Put it where your server reads it."),
        back="admin:tenants_apikey_changelist",
    )


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyTenantAdmin):
    """Who changed what. Rows are only added, the database sees to that."""

    seen_by = OWNERS
    list_display = ["at", "actor", "action", "object_name", "object_type"]
    list_select_related = ["actor"]
    list_filter = ["action", "object_type"]
    search_fields = ["object_name", "actor__email"]
    fields = ["at", "actor", "action", "object_type", "object_name", "object_id", "changes"]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "object_id" or super().lookup_allowed(lookup, value, request)


@admin.register(User)
class AccountAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Accounts of all people, for operators. What a person may do is said by his memberships."""

    form = AccountForm
    add_form = AccountCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["email", "first_name", "last_name", "is_active", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_superuser"]
    search_fields = ["email", "first_name", "last_name"]
    ordering = ["email"]
    filter_horizontal = []
    actions = None
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        (gettext_lazy("Person"), {"fields": ["first_name", "last_name"]}),
        (gettext_lazy("Rights"), {"fields": ["is_active", "is_staff", "is_superuser"]}),
        (gettext_lazy("Times"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "usable_password", "password1", "password2"]})]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    has_add_permission = has_view_permission
    has_change_permission = has_view_permission

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Accounts are made inactive: what they did stays told."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> None:  # type: ignore[override]
        audit(request, "add", obj)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> None:  # type: ignore[override]
        audit(request, "change", obj)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return redirect("admin:tenants_user_change", object_id)
