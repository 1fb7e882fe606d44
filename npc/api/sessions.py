"""Game sessions for servers that hold an API key: open, read, change, tell, save."""

import re
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from npc.api.parsers import JsonPatchParser, MergePatchParser
from npc.api.serializers import (
    EventRequestSerializer,
    EventSerializer,
    GameSessionSerializer,
    LogEntrySerializer,
    OpenedSerializer,
    OpenRequestSerializer,
    SaveRequestSerializer,
    SaveSerializer,
    StateSerializer,
)
from npc.errors import PreconditionRequired
from npc.models import GameSession, LogEntry, Save
from npc.sessions.access import access_session
from npc.sessions.carrying import export_session, import_session
from npc.sessions.changing import expect_version, patch_state
from npc.sessions.happening import record_event
from npc.sessions.opening import load_save, open_session
from npc.sessions.play import Player
from npc.sessions.saving import save_play
from npc.sessions.tokens import token_for
from npc.sessions.writing import Reading, Writer, reading, writing
from npc.worlds.access import access_world
from tenants.describing import problems
from tenants.errors import Invalid
from tenants.rest import BySequence, caller_of

_ETAG = re.compile(r'\s*"?(\d{1,18})"?\s*')


class SessionList(GenericAPIView[GameSession]):
    required_scope = "npc"
    serializer_class = GameSessionSerializer

    @extend_schema(parameters=[OpenApiParameter("world", str), OpenApiParameter("player", str)])
    def get(self, request: Request) -> Response:
        """The tenant's sessions, newest first."""
        sessions = GameSession.objects.for_tenant(caller_of(request).tenant_id).select_related("world", "version")
        for name, field in (("world", "world__slug"), ("player", "player_id")):
            if value := request.query_params.get(name, "").replace("\x00", ""):
                sessions = sessions.filter(**{field: value})
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(sessions), many=True).data)

    @extend_schema(request=OpenRequestSerializer, responses={201: OpenedSerializer})
    def post(self, request: Request) -> Response:
        """Let a player into a world: at its beginning, or with `save` at a save, on a new branch."""
        asked = _checked(OpenRequestSerializer, request)
        tenant_id = caller_of(request).tenant_id
        world = access_world(tenant_id, asked["world"])
        player = Player(id=asked["player"]["id"], name=asked["player"]["name"])
        if (save_id := asked.get("save")) is not None:
            if asked.get("state") is not None:
                raise Invalid.field("state", _("A save brings its own state."))
            opened = load_save(tenant_id=tenant_id, save_id=save_id, world=world, player=player)
        else:
            scene = asked["player"].get("scene")
            opened = open_session(
                world=world, player=player, scene=scene, state=asked.get("state"), seed=asked.get("seed")
            )
        return Response(_opened(opened, request), status=201)


class SessionDetail(APIView):
    required_scope = "npc"

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, session_id: UUID) -> Response:
        """Where the session stands: state, who is where, affinity, emotions, actions that wait for an answer."""
        now = reading(caller_of(request).tenant_id, session_id)
        play = now.play.model_dump(mode="json")
        return Response(
            {
                "id": now.session.pk,
                "world": now.world.document.slug,
                "branch_id": now.branch.pk,
                "seq": now.branch.head_seq,
                "seed": now.session.seed,
                "opened_at": now.session.opened_at,
                "state_version": play.pop("version"),
                **play,
            }
        )

    @extend_schema(responses={204: None})
    def delete(self, request: Request, session_id: UUID) -> Response:
        """Delete the session with its log, its saves and all that was remembered in it."""
        session = access_session(caller_of(request).tenant_id, session_id)
        rows = GameSession.objects.for_tenant(session.tenant_id).filter(pk=session.pk)
        rows._raw_delete(using=rows.db)
        return Response(status=204)


class StateView(APIView):
    required_scope = "npc"
    parser_classes = [JsonPatchParser, MergePatchParser]

    @extend_schema(responses=StateSerializer)
    def get(self, request: Request, session_id: UUID) -> Response:
        """The state and its version, which is the ETag too."""
        return _state(reading(caller_of(request).tenant_id, session_id))

    @extend_schema(
        parameters=[
            OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description='"<state_version>"')
        ],
        request={
            JsonPatchParser.media_type: {"type": "array", "items": {"type": "object"}},
            MergePatchParser.media_type: OpenApiTypes.OBJECT,
        },
        responses={200: StateSerializer, **problems(428)},
    )
    def patch(self, request: Request, session_id: UUID) -> Response:
        """Change the state, whole or not at all, if it still is the version that `If-Match` names."""
        versions = _versions(request)
        _check_kind(request)
        with writing(caller_of(request).tenant_id, session_id) as writer:
            if versions is not None:
                expect_version(writer.play, *versions)
            patch_state(writer, request.data)
        return _state(writer)


class EventsView(APIView):
    required_scope = "npc"

    @extend_schema(request=EventRequestSerializer, responses={201: EventSerializer})
    def post(self, request: Request, session_id: UUID) -> Response:
        """Tell of something that happened in the game. Those who perceive it remember it."""
        asked = _checked(EventRequestSerializer, request)
        with writing(caller_of(request).tenant_id, session_id) as writer:
            event_id = record_event(writer, **asked)
        return Response({"id": event_id}, status=201)


class SavesView(GenericAPIView[Save]):
    required_scope = "npc"
    serializer_class = SaveSerializer

    def get(self, request: Request, session_id: UUID) -> Response:
        """The session's saves, newest first."""
        session = access_session(caller_of(request).tenant_id, session_id)
        saves = Save.objects.filter(session=session).defer("play")
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(saves), many=True).data)

    @extend_schema(request=SaveRequestSerializer, responses={201: SaveSerializer})
    def post(self, request: Request, session_id: UUID) -> Response:
        """Save the play as it is, or with `seq` as it was after that entry of the log."""
        asked = _checked(SaveRequestSerializer, request)
        save = save_play(tenant_id=caller_of(request).tenant_id, session_id=session_id, seq=asked.get("seq"))
        return Response(SaveSerializer(save).data, status=201)


class ExportView(APIView):
    required_scope = "npc"

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, session_id: UUID) -> Response:
        """The session as one file: its world, its log, what its characters keep."""
        return Response(export_session(caller_of(request).tenant_id, session_id))


class ImportView(APIView):
    required_scope = "npc"

    @extend_schema(request=OpenApiTypes.OBJECT, responses={201: OpenedSerializer})
    def post(self, request: Request) -> Response:
        """A new session that stands where the exported one stood. A world that is here goes on as it is."""
        caller = caller_of(request)
        opened = import_session(tenant_id=caller.tenant_id, raw=request.data, by=caller.key_prefix)
        return Response(_opened(opened, request), status=201)


class LogView(GenericAPIView[LogEntry]):
    required_scope = "npc"
    serializer_class = LogEntrySerializer
    pagination_class = BySequence

    def get(self, request: Request, session_id: UUID) -> Response:
        """All that happened on the live branch and before it branched off, oldest first."""
        entries = LogEntry.objects.on(reading(caller_of(request).tenant_id, session_id).branch)
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(entries), many=True).data)


def _checked(serializer_class: Any, request: Request) -> dict[str, Any]:
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _opened(opened: Reading, request: Request) -> dict[str, Any]:
    token, expires_at = token_for(opened.session, caller_of(request).key_id)
    scheme = "wss" if request.is_secure() else "ws"
    return {
        "id": opened.session.pk,
        "token": token,
        "expires_at": expires_at,
        "websocket_url": f"{scheme}://{request.get_host()}/ws/v1/npc/",
        "branch_id": opened.branch.pk,
        "state_version": opened.play.version,
        "state": opened.play.state,
    }


def _state(at: Reading | Writer) -> Response:
    body = {"state_version": at.play.version, "state": at.play.state}
    return Response(body, headers={"ETag": f'"{at.play.version}"'})


def _versions(request: Request) -> list[int] | None:
    """The versions that `If-Match` names; None for `*`, which takes any. Raises PreconditionRequired, Invalid."""
    header = request.headers.get("If-Match", "").strip()
    if not header:
        raise PreconditionRequired
    if header == "*":
        return None
    named = [_ETAG.fullmatch(part) for part in header.split(",")]
    if not all(named):
        raise Invalid.field("If-Match", _("This must be a version in quotes."))
    return [int(match[1]) for match in named if match]


def _check_kind(request: Request) -> None:
    """A JSON Patch is a list, a merge patch of a state an object: what is sent must be what it says it is."""
    is_list = request.content_type.startswith(JsonPatchParser.media_type)
    if not isinstance(request.data, list if is_list else dict):
        raise Invalid.field("patch", _("A JSON Patch is a list of operations, a merge patch an object."))
