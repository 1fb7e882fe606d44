"""Sessions and conversations for servers that hold an API key."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.access import access_conversation
from chat.api.serializers import (
    ConversationSerializer,
    MessageSerializer,
    SessionRequestSerializer,
    SessionSerializer,
)
from chat.erasing import erase_conversation
from chat.models import Conversation, Message
from chat.posting import storable
from chat.sessions import Opened, open_session
from personas.access import access_published
from tenants.rest import BySequence, caller_of


class SessionsView(APIView):
    required_scope = "chat"

    @extend_schema(request=SessionRequestSerializer, responses={201: SessionSerializer})
    def post(self, request: Request) -> Response:
        """Let one end user chat with a published persona, in a new conversation or one of his own."""
        serializer = SessionRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        caller = caller_of(request)
        opened = open_session(
            persona=access_published(caller.tenant_id, asked["persona"]),
            end_user_id=asked["end_user"]["id"],
            name=asked["end_user"]["name"],
            locale=asked["end_user"]["locale"],
            conversation_id=asked.get("conversation_id"),
            ttl=timedelta(seconds=asked["ttl_s"]) if "ttl_s" in asked else None,
            key_id=caller.key_id,
        )
        return Response(session_body(opened, request), status=201)


def session_body(opened: Opened, request: Request | HttpRequest) -> dict[str, Any]:
    """What the holder of a new session is told."""
    scheme = "wss" if request.is_secure() else "ws"
    return {
        "token": opened.token,
        "expires_at": opened.expires_at.isoformat().replace("+00:00", "Z"),
        "conversation_id": str(opened.conversation.pk),
        "websocket_url": f"{scheme}://{request.get_host()}/ws/v1/chat/",
    }


class ConversationList(GenericAPIView[Conversation]):
    required_scope = "chat"
    serializer_class = ConversationSerializer

    @extend_schema(parameters=[OpenApiParameter(name, str) for name in ("persona", "end_user", "state")])
    def get(self, request: Request) -> Response:
        """The tenant's conversations, newest first."""
        found = Conversation.objects.for_tenant(caller_of(request).tenant_id).with_people()
        asked = {name: storable(str(value)) for name, value in request.query_params.items()}
        if persona := asked.get("persona"):
            found = found.of_persona(persona)
        if end_user := asked.get("end_user"):
            found = found.filter(end_user__external_id=end_user)
        if state := asked.get("state"):
            found = found.filter(state=state)
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(found), many=True).data)


class ConversationDetail(APIView):
    required_scope = "chat"

    @extend_schema(responses=ConversationSerializer)
    def get(self, request: Request, conversation_id: UUID) -> Response:
        conversation = access_conversation(caller_of(request).tenant_id, conversation_id)
        return Response(ConversationSerializer(conversation).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, conversation_id: UUID) -> Response:
        """Delete a conversation with all that was derived from it."""
        erase_conversation(access_conversation(caller_of(request).tenant_id, conversation_id))
        return Response(status=204)


class MessageList(GenericAPIView[Message]):
    required_scope = "chat"
    serializer_class = MessageSerializer
    pagination_class = BySequence

    def get(self, request: Request, conversation_id: UUID) -> Response:
        """What was said, oldest first. Answers that another one took the place of are left out.

        Agents' notes are at `…/notes/`, for keys that may manage: what is listed here may be shown to the visitor.
        """
        conversation = access_conversation(caller_of(request).tenant_id, conversation_id)
        page = self.paginate_queryset(conversation.messages.all().current().exclude(role=Message.Role.NOTE))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
