"""Worlds for servers that hold an API key."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from npc.api.parsers import YamlParser
from npc.hooks.keeping import shown
from npc.models import World, WorldVersion
from npc.worlds.access import access_version, access_world
from npc.worlds.checking import check_world
from npc.worlds.diffing import differences
from npc.worlds.document import World as Document
from npc.worlds.plain import check_plain, merged
from npc.worlds.problems import Problem, refuse
from npc.worlds.putting import delete_world, put_world
from npc.worlds.trying import situation_in, try_condition, warnings
from tenants.errors import Invalid
from tenants.rest import CursorPages, caller_of


class WorldSerializer(serializers.ModelSerializer[World]):
    version = serializers.IntegerField(source="newest.number")

    class Meta:
        model = World
        fields = ["id", "slug", "name", "version", "created_at", "updated_at"]


class WorldVersionSerializer(serializers.ModelSerializer[WorldVersion]):
    version = serializers.IntegerField(source="number")

    class Meta:
        model = WorldVersion
        fields = ["version", "digest", "put_at", "put_by"]


class ProblemSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    reason = serializers.CharField()


class PutSerializer(WorldSerializer):
    changed = serializers.BooleanField()
    warnings = ProblemSerializer(many=True)

    class Meta(WorldSerializer.Meta):
        fields = [*WorldSerializer.Meta.fields, "changed", "warnings"]


class CheckedSerializer(serializers.Serializer[Any]):
    # A serializer has `errors` of its own.
    def get_fields(self) -> dict[str, Any]:
        return {"errors": ProblemSerializer(many=True), "warnings": ProblemSerializer(many=True)}


class DifferenceSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    kind = serializers.ChoiceField(choices=["added", "removed", "changed"])
    before = serializers.JSONField(required=False)
    after = serializers.JSONField(required=False)


class DiffSerializer(serializers.Serializer[Any]):
    # `from` is a word of Python's.
    def get_fields(self) -> dict[str, Any]:
        number = {"from": serializers.IntegerField(), "to": serializers.IntegerField()}
        return {**number, "changes": DifferenceSerializer(many=True)}


class TrialSerializer(serializers.Serializer[Any]):
    """`state` is a merge patch on the world's initial state."""

    condition = serializers.CharField(max_length=2000)
    actor = serializers.CharField(max_length=64)
    state = serializers.DictField(required=False)
    args = serializers.DictField(required=False, allow_null=True)
    gives = serializers.ChoiceField(choices=["truth", "list"], default="truth")


class FaultSerializer(serializers.Serializer[Any]):
    message = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    column = serializers.IntegerField(allow_null=True)


class TriedSerializer(serializers.Serializer[Any]):
    value = serializers.JSONField(required=False)
    error = serializers.CharField(required=False)
    faults = FaultSerializer(many=True, required=False)


class WorldList(GenericAPIView[World]):
    required_scope = "npc"
    serializer_class = WorldSerializer
    pagination_class = CursorPages

    def get(self, request: Request) -> Response:
        """The tenant's worlds, newest first."""
        worlds = World.objects.for_tenant(caller_of(request).tenant_id).select_related("newest")
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(worlds), many=True).data)


class WorldDetail(APIView):
    required_scope = "npc"
    parser_classes = [JSONParser, YamlParser]

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, world: str) -> Response:
        """The document as it was put, with `id`, `version` and `updated_at`; without the secret of its hooks."""
        row = access_world(caller_of(request).tenant_id, world)
        return Response({**_document(row, row.newest), **shown(row)})

    @extend_schema(request=OpenApiTypes.OBJECT, responses={200: PutSerializer, 201: PutSerializer})
    def put(self, request: Request, world: str) -> Response:
        """Put the whole document. A 422 names every path that is wrong; nothing is stored then."""
        caller = caller_of(request)
        put = put_world(tenant_id=caller.tenant_id, slug=world, raw=request.data, by=caller.key_prefix)
        told = [problem._asdict() for problem in warnings(Document.model_validate(put.version.document))]
        body = {**WorldSerializer(put.world).data, "changed": put.has_changed, "warnings": told}
        return Response(body, status=201 if put.is_new else 200)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, world: str) -> Response:
        """Delete the world with its versions and all sessions in it."""
        delete_world(access_world(caller_of(request).tenant_id, world))
        return Response(status=204)


class WorldCheck(APIView):
    required_scope = "npc"
    parser_classes = [JSONParser, YamlParser]

    @extend_schema(request=OpenApiTypes.OBJECT, responses=CheckedSerializer)
    def post(self, request: Request) -> Response:
        """What is wrong with a document, and what looks like a slip. Stores nothing."""
        world, problems = check_world(request.data)
        slips = warnings(world) if world else []
        return Response({"errors": _told(problems), "warnings": _told(slips)})


class WorldVersionList(GenericAPIView[WorldVersion]):
    required_scope = "npc"
    serializer_class = WorldVersionSerializer
    pagination_class = CursorPages

    def get(self, request: Request, world: str) -> Response:
        """The world's versions, newest first."""
        versions = access_world(caller_of(request).tenant_id, world).versions.defer("document", "personas")
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(versions), many=True).data)


class WorldVersionDetail(APIView):
    required_scope = "npc"

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, world: str, number: int) -> Response:
        """The document of one version."""
        row = access_world(caller_of(request).tenant_id, world)
        return Response(_document(row, access_version(row, number)))


class WorldDiff(APIView):
    required_scope = "npc"

    @extend_schema(
        parameters=[
            OpenApiParameter("from", int, description="A version; the one before `to` if it is not said."),
            OpenApiParameter("to", int, description="A version; the newest if it is not said."),
        ],
        responses=DiffSerializer,
    )
    def get(self, request: Request, world: str) -> Response:
        """What changed between two versions, by path; entries of lists are told by their ids."""
        row = access_world(caller_of(request).tenant_id, world)
        to = _number(request, "to", row.newest.number)
        since = _number(request, "from", max(to - 1, 1))
        before, after = access_version(row, since).document, access_version(row, to).document
        return Response({"from": since, "to": to, "changes": list(differences(before, after))})


class WorldTrial(APIView):
    required_scope = "npc"

    @extend_schema(request=TrialSerializer, responses=TriedSerializer)
    def post(self, request: Request, world: str) -> Response:
        """Try a condition in a state of the world: its value, why it fails, or where it does not compile."""
        serializer = TrialSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        row = access_world(caller_of(request).tenant_id, world)
        document = Document.model_validate(row.newest.document)
        if asked["actor"] not in {character.id for character in document.characters}:
            raise Invalid.field("actor", _("There is no such character."))
        refuse([*check_plain(asked.get("state", {}), "state"), *check_plain(asked.get("args"), "args")])
        state = merged(document.initial_state, asked.get("state", {}))
        situation = situation_in(document, state, actor=asked["actor"], args=asked.get("args"))
        return Response(try_condition(asked["condition"], situation, gives=asked["gives"]))


def _document(world: World, version: WorldVersion) -> dict[str, Any]:
    return {**version.document, "id": str(world.pk), "version": version.number, "updated_at": version.put_at}


def _told(problems: list[Problem]) -> list[dict[str, str]]:
    return [problem._asdict() for problem in problems]


def _number(request: Request, name: str, otherwise: int) -> int:
    text = request.query_params.get(name, str(otherwise))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Invalid.field(name, _("This must be a whole number."))
    return int(text)
