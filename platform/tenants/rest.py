"""What every REST view shares: the caller, scopes, pages."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.authentication import Caller
from tenants.errors import NotFound, Unauthenticated

if TYPE_CHECKING:  # DRF imports this module while it defines APIView
    from rest_framework.views import APIView


class CallerAuthentication(BaseAuthentication):
    """Takes the caller that the middleware found before it opened the tenant's transaction."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        caller = getattr(request._request, "caller", None)
        return (caller, None) if caller else None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """Views name what they need in `required_scope`; None asks for a valid key only."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        caller = caller_of(request)
        if scope := getattr(view, "required_scope", None):
            caller.require(scope)
        return True


class WhatThereIs(DefaultContentNegotiation):
    """Answers in JSON also those who did not ask for it: most say what they take without looking."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except (NotAcceptable, Http404):  # the latter for a ?format= that there is not
            return renderers[0], renderers[0].media_type


def caller_of(request: Request | HttpRequest) -> Caller:
    """The caller of this request. Raises Unauthenticated where a view is reached without one."""
    caller = getattr(getattr(request, "_request", request), "caller", None)
    if caller is None:
        raise Unauthenticated
    return caller  # type: ignore[no-any-return]


class CursorPages(CursorPagination):
    """Newest first; `?limit=` up to 100."""

    page_size = 25
    page_size_query_param = "limit"
    max_page_size = 100
    ordering = "-id"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """Raises NotFound for a cursor that we never gave."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (exceptions.NotFound, ValidationError, ValueError):
            if self.cursor_query_param not in request.query_params:
                raise
            raise NotFound(_("This cursor leads nowhere; begin at the first page.")) from None

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link(), "previous": self.get_previous_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }


class BySequence(CursorPages):
    """Oldest first, by the number that a conversation gave."""

    ordering = "seq"


class CallerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "tenants.rest.CallerAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "tk_<tenant>_<secret>"}
