"""The admin site: who may come in, and the pages before a tenant is chosen."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.sites import UnfoldAdminSite

from tenants.adminsite.entering import as_uuid
from tenants.adminsite.forms import FoundingForm
from tenants.adminsite.seats import leave_seat, memberships_of, seat_of, take_seat
from tenants.errors import Conflict, NotFound
from tenants.provisioning import add_member, create_tenant
from tenants.system import all_tenants


class Desk(UnfoldAdminSite):  # type: ignore[misc]
    """One site for members and operators. Model pages say by `TenantModelAdmin` what each role may do."""

    site_header = gettext_lazy("Troupe")
    index_title = gettext_lazy("Dashboard")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Anyone with an account; what there is to see is a question of the seat."""
        return bool(request.user.is_active and request.user.is_authenticated)

    def extra_urls(self) -> list[URLPattern]:
        return [
            path("choose/", self.admin_view(self.choose), name="choose"),
            path("choose/enter/", self.admin_view(require_POST(self.enter)), name="enter"),
            path("choose/leave/", self.admin_view(require_POST(self.leave)), name="leave"),
            path("choose/found/", self.admin_view(self.found), name="found"),
        ]

    def extra_context(self, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
        """What every page of the admin knows."""
        return context | {"seat": seat_of(request)}

    @staticmethod
    def _tenants(request: HttpRequest) -> list[Any]:
        if request.user.is_superuser:
            return all_tenants()
        return [member.tenant for member in memberships_of(request.user)]  # type: ignore[arg-type]

    def choose(self, request: HttpRequest) -> HttpResponse:
        """Which tenant to work in: all of them for an operator, one's own for a member."""
        tenants = self._tenants(request)
        context = self.each_context(request) | {"tenants": tenants, "title": _("Choose a tenant")}
        context["next"] = _next(request, request.GET)
        return TemplateResponse(request, "admin/desk/choose.html", context)

    def enter(self, request: HttpRequest) -> HttpResponse:
        if take_seat(request, as_uuid(request.POST.get("tenant", ""))) is None:
            raise NotFound
        return redirect(_next(request, request.POST) or "admin:index")

    def leave(self, request: HttpRequest) -> HttpResponse:
        leave_seat(request)
        return redirect("admin:choose")

    def found(self, request: HttpRequest) -> HttpResponse:
        """A new tenant with its first owner, made by an operator who is in no tenant at the time."""
        if not request.user.is_superuser or seat_of(request) is not None:
            raise PermissionDenied
        form = FoundingForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and self._found(form):
            messages.success(request, _("%(name)s is ready; its owner can sign in.") % form.cleaned_data)
            return redirect("admin:choose")
        context = self.each_context(request) | {"form": form, "title": _("Add a tenant")}
        return TemplateResponse(request, "admin/desk/form.html", context)

    @staticmethod
    def _found(form: FoundingForm) -> bool:
        given = form.cleaned_data
        try:
            tenant = create_tenant(name=given["name"], slug=given["slug"])
        except Conflict as conflict:
            form.add_error("slug", str(conflict.detail))
            return False
        add_member(tenant=tenant, email=given["owner"], password=given["password"])
        return True


def _next(request: HttpRequest, sent: QueryDict) -> str:
    """The page of ours that was asked for before a tenant was chosen, or nothing."""
    url = sent.get("next", "")
    return url if url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure()) else ""
