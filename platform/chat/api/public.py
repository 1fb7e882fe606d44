"""What visitors of a public bot may call, with nothing but its publishable key or their session's token."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.access import access_conversation
from chat.api.serializers import MessageSerializer, PublicSessionRequestSerializer, SessionSerializer
from chat.api.views import session_body
from chat.models import Conversation, Message
from chat.origins import check_origin
from chat.sessions import open_session, read_session, returning_visitor, visitor_id
from personas.access import access_by_publishable_key
from personas.models import Persona
from tenants.authentication import bearer
from tenants.errors import NotFound, Unauthenticated
from tenants.limits.admitting import count_call
from tenants.rest import BySequence
from tenants.scope import tenant_scope
from tenants.tokens import PUBLISHABLE, parse_token

PREFLIGHT_TTL_S = 600


def in_keys_tenant(method: Callable[..., Response]) -> Callable[..., Response]:
    """Run a view's method inside the scope of the tenant that the publishable key in the address carries."""

    @wraps(method)
    def scoped(view: APIView, request: Request, publishable_key: str, **kwargs: Any) -> Response:
        try:
            tenant_id = parse_token(publishable_key, PUBLISHABLE).tenant_id
        except Unauthenticated:
            raise NotFound from None
        with tenant_scope(tenant_id):
            persona = access_by_publishable_key(tenant_id, publishable_key)
            count_call(request._request, tenant_id)
            response = method(view, request, persona, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            return response

    return scoped


class PublicView(APIView):
    authentication_classes = []
    permission_classes = []

    # The page's origin, once it was found allowed: it may then read the answer, a refusal too.
    origin = ""

    def check_origin(self, request: Request, persona: Persona) -> None:
        """Raises OriginNotAllowed unless the page's origin is our own, none (not a browser) or allowed."""
        origin = request.headers.get("Origin", "")
        check_origin(persona, origin, request.get_host())
        self.origin = origin

    def own_conversation(self, request: Request, persona: Persona, conversation_id: UUID) -> Conversation:
        """The visitor's, which his session's token opens. Raises OriginNotAllowed, Unauthenticated, NotFound."""
        self.check_origin(request, persona)
        session = read_session(bearer(request.headers.get("Authorization")))
        if (session.tenant_id, session.conversation_id) != (persona.tenant_id, conversation_id):
            raise NotFound
        conversation = access_conversation(persona.tenant_id, conversation_id)
        if conversation.persona_id != persona.pk:
            raise NotFound
        return conversation

    @extend_schema(exclude=True)
    @in_keys_tenant
    def options(self, request: Request, persona: Persona, **kwargs: Any) -> Response:
        """A browser's question before it asks from another site."""
        self.check_origin(request, persona)
        return Response(status=204)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let the page of an allowed origin read the answer."""
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(response, ["Origin"])
        if self.origin:
            response["Access-Control-Allow-Origin"] = self.origin
            response["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
            response["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
            response["Access-Control-Max-Age"] = str(PREFLIGHT_TTL_S)
        return response


class PublicSessionsView(PublicView):
    @extend_schema(request=PublicSessionRequestSerializer, responses={201: SessionSerializer}, auth=[])
    @in_keys_tenant
    def post(self, request: Request, persona: Persona) -> Response:
        """Open a chat with a public bot, as an anonymous visitor or signed in by the site."""
        self.check_origin(request, persona)
        serializer = PublicSessionRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        conversation_id = asked.get("conversation_id")
        claimed = asked.get("end_user") or {}
        if conversation_id and not claimed.get("id"):
            end_user_id = returning_visitor(persona, asked.get("token", ""), conversation_id).external_id
        else:
            end_user_id = visitor_id(persona, claimed)
        opened = open_session(
            persona=persona,
            end_user_id=end_user_id,
            name=claimed.get("name", ""),
            locale=claimed.get("locale", "") or request.headers.get("Accept-Language", "")[:20].split(",")[0],
            conversation_id=conversation_id,
            is_public=True,
        )
        return Response(session_body(opened, request), status=201)


class PublicMessages(PublicView, GenericAPIView[Message]):
    serializer_class = MessageSerializer
    pagination_class = BySequence

    @extend_schema(auth=[])
    @in_keys_tenant
    def get(self, request: Request, persona: Persona, conversation_id: UUID) -> Response:
        """What was said in the visitor's own conversation, oldest first; his session's token opens it."""
        conversation = self.own_conversation(request, persona, conversation_id)
        shown = conversation.messages.all().current().exclude(role=Message.Role.NOTE)
        page = self.paginate_queryset(shown)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
