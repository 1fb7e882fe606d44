"""People behind the bot, over HTTP: what agents do, what visitors ask for, and what both may look up.

What agents do in a conversation waits, or has an id of its own: those views are asynchronous, and described to the
OpenAPI document by `chat.api.handover_serializers.DESCRIBED`.
"""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import handover
from chat.access import access_conversation
from chat.api.handover_serializers import (
    AgentRequestSerializer,
    CannedReplySerializer,
    ContactFormSerializer,
    ContactRequestSerializer,
    DoneSerializer,
    HandoffRequestSerializer,
    HandoffSerializer,
    RatingSerializer,
    SayRequestSerializer,
    StandingSerializer,
    TransferRequestSerializer,
)
from chat.api.public import PublicView, in_keys_tenant
from chat.api.serializers import ConversationSerializer, MessageSerializer
from chat.handover import visitors
from chat.models import CannedReply, ContactRequest, Conversation, Handoff, Message
from chat.posting import clean_said, storable
from chat.presenting import handoff_standing
from personas.access import access_persona
from personas.models import Persona
from tenants.access import access_row
from tenants.asynchronous import for_callers, json_body, validated
from tenants.authentication import Caller
from tenants.describing import problems
from tenants.errors import Conflict
from tenants.rest import BySequence, caller_of
from tenants.scope import in_tenant


# --- What agents do -------------------------------------------------------------------------------------
def _answer(conversation: Conversation) -> JsonResponse:
    return JsonResponse(dict(ConversationSerializer(conversation).data))


async def _agent(caller: Caller, name: str = "") -> handover.Agent:
    return await in_tenant(caller.tenant_id, handover.agent_of, caller, storable(name))


async def _answered(caller: Caller, conversation_id: UUID) -> JsonResponse:
    return _answer(await in_tenant(caller.tenant_id, access_conversation, caller.tenant_id, conversation_id))


@for_callers("manage", "POST")
async def takeover_view(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponseBase:
    """Take the conversation over. Once this is answered the bot says nothing more in it."""
    asked = validated(AgentRequestSerializer, json_body(request))
    agent = await _agent(caller, asked["agent_name"])
    return _answer(await handover.take_over(conversation_id, agent))


@for_callers("manage", "POST")
async def reply_view(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponseBase:
    """Say something to the visitor. Sending the same `client_id` again changes nothing."""
    return await _said(request, caller, conversation_id, handover.reply)


@for_callers("manage", "POST")
async def note_view(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponseBase:
    """Write something down for colleagues; visitors never get it."""
    return await _said(request, caller, conversation_id, handover.note)


async def _said(request: HttpRequest, caller: Caller, conversation_id: UUID, say: Any) -> HttpResponseBase:
    asked = validated(SayRequestSerializer, json_body(request))
    text, agent = clean_said(asked["text"]), await _agent(caller, asked["agent_name"])
    await in_tenant(caller.tenant_id, say, conversation_id, agent, asked["client_id"], text)
    return await _answered(caller, conversation_id)


@for_callers("manage", "POST")
async def transfer_view(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponseBase:
    """Give the conversation to a colleague, or with `to: null` back in line."""
    asked = validated(TransferRequestSerializer, json_body(request))
    return _answer(await handover.transfer(conversation_id, await _agent(caller), asked["to"]))


@for_callers("manage", "POST")
async def release_view(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponseBase:
    """Give the conversation back to the bot, which knows what the person said."""
    await in_tenant(caller.tenant_id, handover.release, conversation_id, await _agent(caller))
    return await _answered(caller, conversation_id)


@for_callers("manage", "POST")
async def close_view(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponseBase:
    """End the conversation for good."""
    return _answer(await handover.close(conversation_id, await _agent(caller)))


class ReadView(APIView):
    required_scope = "manage"

    @extend_schema(request=None, responses={204: None, **problems(404)})
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """An agent has seen what was said: nothing is unread any more."""
        conversation = access_conversation(caller_of(request).tenant_id, conversation_id)
        handover.mark_read(conversation.pk)
        return Response(status=204)


class NoteList(GenericAPIView[Message]):
    required_scope = "manage"
    serializer_class = MessageSerializer
    pagination_class = BySequence

    def get(self, request: Request, conversation_id: UUID) -> Response:
        """What agents wrote down for each other, oldest first."""
        conversation = access_conversation(caller_of(request).tenant_id, conversation_id)
        page = self.paginate_queryset(conversation.messages.filter(role=Message.Role.NOTE))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class HandoffList(GenericAPIView[Handoff]):
    required_scope = "manage"
    serializer_class = HandoffSerializer
    pagination_class = BySequence

    def get(self, request: Request, conversation_id: UUID) -> Response:
        """How the conversation changed hands, and why, oldest first."""
        conversation = access_conversation(caller_of(request).tenant_id, conversation_id)
        page = self.paginate_queryset(conversation.handoffs.all())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class ContactRequestList(GenericAPIView[ContactRequest]):
    required_scope = "manage"
    serializer_class = ContactRequestSerializer

    @extend_schema(parameters=[OpenApiParameter("done", bool)])
    def get(self, request: Request) -> Response:
        """Who wants to hear from a person, newest first; `?done=false` leaves out whom one has called."""
        found = ContactRequest.objects.for_tenant(caller_of(request).tenant_id)
        match str(request.query_params.get("done", "")).lower():
            case "false":
                found = found.filter(done_at=None)
            case "true":
                found = found.exclude(done_at=None)
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(found), many=True).data)


class ContactRequestDetail(APIView):
    required_scope = "manage"

    @extend_schema(responses={200: ContactRequestSerializer, **problems(404)})
    def get(self, request: Request, request_id: UUID) -> Response:
        return Response(ContactRequestSerializer(self._found(request, request_id)).data)

    @extend_schema(request=DoneSerializer, responses={200: ContactRequestSerializer, **problems(404, 422)})
    def patch(self, request: Request, request_id: UUID) -> Response:
        """Somebody has got in touch, or has not after all."""
        found = self._found(request, request_id)
        serializer = DoneSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        found.done_at = (found.done_at or timezone.now()) if serializer.validated_data["done"] else None
        found.save(update_fields=["done_at"])
        return Response(ContactRequestSerializer(found).data)

    @extend_schema(responses={204: None, **problems(404)})
    def delete(self, request: Request, request_id: UUID) -> Response:
        self._found(request, request_id).delete()
        return Response(status=204)

    def _found(self, request: Request, request_id: UUID) -> ContactRequest:
        return access_row(ContactRequest, caller_of(request).tenant_id, pk=request_id)


class CannedReplyList(GenericAPIView[CannedReply]):
    required_scope = "manage"
    serializer_class = CannedReplySerializer

    @extend_schema(parameters=[OpenApiParameter("persona", str), OpenApiParameter("language", str)])
    def get(self, request: Request) -> Response:
        """What agents say often; `?persona=` leaves out what is for others, `?language=` what is in another one."""
        tenant_id = caller_of(request).tenant_id
        found = CannedReply.objects.for_tenant(tenant_id).select_related("persona")
        if slug := storable(str(request.query_params.get("persona", ""))):
            found = found.fitting(access_persona(tenant_id, slug).pk)
        if language := storable(str(request.query_params.get("language", ""))):
            found = found.filter(language__in=["", language])
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(found), many=True).data)

    @extend_schema(responses={201: CannedReplySerializer, **problems(404, 409, 422)})
    def post(self, request: Request) -> Response:
        serializer = CannedReplySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        reply = _kept(CannedReply(), serializer.validated_data, caller_of(request).tenant_id)
        return Response(CannedReplySerializer(reply).data, status=201)


class CannedReplyDetail(APIView):
    required_scope = "manage"

    @extend_schema(responses={200: CannedReplySerializer, **problems(404)})
    def get(self, request: Request, reply_id: UUID) -> Response:
        return Response(CannedReplySerializer(self._found(request, reply_id)).data)

    @extend_schema(
        request=CannedReplySerializer(partial=True), responses={200: CannedReplySerializer, **problems(404, 409, 422)}
    )
    def patch(self, request: Request, reply_id: UUID) -> Response:
        serializer = CannedReplySerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        found = self._found(request, reply_id)
        return Response(
            CannedReplySerializer(_kept(found, serializer.validated_data, caller_of(request).tenant_id)).data
        )

    @extend_schema(responses={204: None, **problems(404)})
    def delete(self, request: Request, reply_id: UUID) -> Response:
        self._found(request, reply_id).delete()
        return Response(status=204)

    def _found(self, request: Request, reply_id: UUID) -> CannedReply:
        return access_row(CannedReply, caller_of(request).tenant_id, related=["persona"], pk=reply_id)


def _kept(reply: CannedReply, values: dict[str, Any], tenant_id: UUID) -> CannedReply:
    """The reply with these values, stored. Raises NotFound for a persona that is not there, Conflict."""
    for name, value in values.items():
        if name == "persona":
            value = access_persona(tenant_id, value) if value else None
        setattr(reply, name, storable(value) if isinstance(value, str) else value)
    try:
        with transaction.atomic():
            reply.save()
    except IntegrityError:
        raise Conflict(_("There is a reply with this shortcut already; choose another one.")) from None
    return reply


# --- What visitors ask for, by their servers ------------------------------------------------------------
class HandoffRequestView(APIView):
    required_scope = "chat"

    @extend_schema(request=HandoffRequestSerializer, responses={200: StandingSerializer, **problems(404, 409, 422)})
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Ask for a person on the visitor's behalf. Outside office hours the answer's state may still be `bot`."""
        conversation = access_conversation(caller_of(request).tenant_id, conversation_id)
        return Response(_requested(conversation, request))


class ContactView(APIView):
    required_scope = "chat"

    @extend_schema(request=ContactFormSerializer, responses={201: ContactRequestSerializer, **problems(404, 422)})
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Leave a message, and how to be reached."""
        conversation = access_conversation(caller_of(request).tenant_id, conversation_id)
        return Response(_left(conversation, request), status=201)


class SatisfactionView(APIView):
    required_scope = "chat"

    @extend_schema(request=RatingSerializer, responses={204: None, **problems(404, 422)})
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Say how it was, one to five."""
        conversation = access_conversation(caller_of(request).tenant_id, conversation_id)
        _rated(conversation, request)
        return Response(status=204)


# --- The same by visitors themselves, with their sessions' tokens ---------------------------------------
class PublicHandoffRequestView(PublicView):
    @extend_schema(
        request=HandoffRequestSerializer, responses={200: StandingSerializer, **problems(404, 409, 422)}, auth=[]
    )
    @in_keys_tenant
    def post(self, request: Request, persona: Persona, conversation_id: UUID) -> Response:
        """Ask for a person. Outside office hours the answer's state may still be `bot`: leave a message then."""
        return Response(_requested(self.own_conversation(request, persona, conversation_id), request))


class PublicContactView(PublicView):
    @extend_schema(request=ContactFormSerializer, responses={201: ContactFormSerializer, **problems(404, 422)}, auth=[])
    @in_keys_tenant
    def post(self, request: Request, persona: Persona, conversation_id: UUID) -> Response:
        """Leave a message, and how to be reached."""
        left = _left(self.own_conversation(request, persona, conversation_id), request)
        return Response({name: left[name] for name in ContactFormSerializer.Meta.fields}, status=201)


class PublicSatisfactionView(PublicView):
    @extend_schema(request=RatingSerializer, responses={204: None, **problems(404, 422)}, auth=[])
    @in_keys_tenant
    def post(self, request: Request, persona: Persona, conversation_id: UUID) -> Response:
        """Say how it was, one to five."""
        _rated(self.own_conversation(request, persona, conversation_id), request)
        return Response(status=204)


def _requested(conversation: Conversation, request: Request) -> dict[str, Any]:
    serializer = HandoffRequestSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    reason = storable(serializer.validated_data["reason"])
    changed = handover.request_person(conversation.pk, reason=reason, by=Handoff.By.VISITOR)
    return handoff_standing(changed, handover.handoff_settings(changed))


def _left(conversation: Conversation, request: Request) -> dict[str, Any]:
    serializer = ContactFormSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    given = {"name": "", "message": "", **serializer.validated_data}
    return dict(ContactRequestSerializer(visitors.leave_contact(conversation.pk, **given)).data)


def _rated(conversation: Conversation, request: Request) -> None:
    serializer = RatingSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    visitors.rate(conversation.pk, serializer.validated_data["rating"], serializer.validated_data["comment"])
