"""Pages for members outside the admin, who come in by the session that they have there, to the tenant they chose there.

Such pages ask the views of the API itself, mounted a second time: a member takes the place of a key, and his role says
what he may do. Django's CSRF check is on, as for any view that a cookie opens.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import update_wrapper
from inspect import unwrap
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tenants.adminsite.base import EDITORS, EVERYONE
from tenants.adminsite.seats import Seat, find_seat
from tenants.answering import answer_for
from tenants.authentication import Caller
from tenants.errors import NotFound, PlatformError, ScopeMissing, Unauthenticated
from tenants.problems import MethodNotAllowed, problem_response
from tenants.scope import off_loop, tenant_scope

SyncView = Callable[..., HttpResponseBase]
AsyncView = Callable[..., Awaitable[HttpResponseBase]]

# Nothing from elsewhere, nothing inline: what a customer or a model wrote can neither run nor report.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'{sockets}; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class MemberPages:
    """One part of the site. `not_found` is the template of its 404, which a role that is not among `seen_by` gets too.

    `scopes_of(seat)`: as which key's scopes a role counts for the API's views. `has_sockets`: its pages open some.
    """

    not_found: str
    scopes_of: Callable[[Seat], frozenset[str]]
    seen_by: Collection[str] = EVERYONE
    has_sockets: bool = False

    def page(self, view: SyncView) -> SyncView:
        """A page for whoever has a seat: `view(request, seat, …)`, in the tenant's scope. Others sign in or choose."""

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            seat = find_seat(request)
            if seat is None:
                return _sent_away(request)
            try:
                if seat.role not in self.seen_by:
                    raise NotFound
                with tenant_scope(seat.tenant):
                    response: HttpResponseBase = view(request, seat, *args, **kwargs)
            except (NotFound, Http404):
                response = render(request, self.not_found, {"seat": seat}, status=404)
            response["Content-Security-Policy"] = self._policy(request)
            response["Referrer-Policy"] = "same-origin"
            # What one member saw is not the next one's to see, on a machine that they share.
            response["Cache-Control"] = "no-store"
            return response

        return require_safe(update_wrapper(guarded, view))

    def _policy(self, request: HttpRequest) -> str:
        sockets = f" {'wss' if request.is_secure() else 'ws'}://{request.get_host()}" if self.has_sockets else ""
        return CONTENT_SECURITY_POLICY.format(sockets=sockets)

    def for_members(
        self, view: SyncView, *, seen_by: Collection[str] | None = None, changed_by: Collection[str] = EDITORS
    ) -> SyncView:
        """A view of the API as members get it: the two sets of roles say who may read by it, and who may change."""
        seen_by = self.seen_by if seen_by is None else seen_by

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return answer_for(self._admitted(request, seen_by, changed_by), request, view, args, kwargs)
            except PlatformError as error:
                return problem_response(error, request)

        # Not its attributes: one of them switches the CSRF check off.
        return update_wrapper(guarded, view, updated=())

    def async_for_members(
        self, view: AsyncView, method: str, *, changed_by: Collection[str] | None = None
    ) -> AsyncView:
        """The same for one method of a view made by `for_callers`, whose check of a key is left out."""
        asked_of_callers: AsyncView = unwrap(view)
        changed_by = self.seen_by if changed_by is None else changed_by

        async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                if request.method != method:
                    raise MethodNotAllowed(_("Use %(methods)s.") % {"methods": method}, headers={"Allow": method})
                caller = await off_loop(self._admitted, request, self.seen_by, changed_by)
                return await asked_of_callers(request, caller, *args, **kwargs)
            except PlatformError as error:
                return problem_response(error, request)

        return update_wrapper(guarded, asked_of_callers, updated=())

    def _admitted(self, request: HttpRequest, seen_by: Collection[str], changed_by: Collection[str]) -> Caller:
        """Whoever is signed in, as the API's views know callers. Raises Unauthenticated, ScopeMissing."""
        seat = find_seat(request)
        if seat is None:
            raise Unauthenticated(_("You have been signed out. Sign in again."))
        if seat.role not in (seen_by if request.method in ("GET", "HEAD", "OPTIONS") else changed_by):
            raise ScopeMissing(_("Your role in this tenant does not allow this."))
        return self.caller_in(seat)

    def caller_in(self, seat: Seat) -> Caller:
        """A seat in a caller's shape."""
        return Caller(
            tenant_id=seat.tenant.pk,
            tenant_slug=seat.tenant.slug,
            tenant_name=seat.tenant.name,
            key_id=None,
            key_prefix="",
            scopes=self.scopes_of(seat),
            expires_at=None,
            member_id=seat.member_id,
        )


def _sent_away(request: HttpRequest) -> HttpResponseBase:
    here = request.get_full_path()
    if not request.user.is_authenticated:
        return redirect_to_login(here, reverse("admin:login"))
    return redirect(f"{reverse('admin:choose')}?{urlencode({'next': here})}")
