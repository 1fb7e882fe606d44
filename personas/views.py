from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from personas.access import access_persona
from personas.errors import KindNeedsWorld
from personas.history import SoFar, so_far
from personas.kinds import all_kinds, kind_named
from personas.models import Persona, PersonaVersion
from personas.publishing import create_persona, delete_persona, edit_persona, publish, roll_back
from personas.recall import recall_and_compile
from personas.running import running_draft
from personas.serializers import (
    KindListSerializer,
    KindSerializer,
    PersonaSerializer,
    PersonaVersionSerializer,
    PersonaWriteSerializer,
    PromptQuestionSerializer,
    PromptSerializer,
    PublishedSerializer,
    RollbackSerializer,
)
from personas.turns import Asked, TurnPlan, plan_turn
from personas.variables import check_variables
from tenants.errors import Invalid, NotFound
from tenants.rest import CursorPages, caller_of


def checked(serializer_class: Any, request: Request, **options: Any) -> dict[str, Any]:
    """The body as its serializer reads it. Raises Invalid."""
    serializer = serializer_class(data=request.data, **options)
    serializer.is_valid(raise_exception=True)
    fields: dict[str, Any] = serializer.validated_data
    return fields


class PersonaList(GenericAPIView[Persona]):
    required_scope = "manage"
    serializer_class = PersonaSerializer

    @extend_schema(responses=PersonaSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The tenant's personas, newest first."""
        personas = Persona.objects.for_tenant(caller_of(request).tenant_id).select_related("live_version")
        page = self.paginate_queryset(personas)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=PersonaWriteSerializer, responses={201: PersonaSerializer})
    def post(self, request: Request) -> Response:
        """Make a draft."""
        fields = checked(PersonaWriteSerializer, request)
        persona = create_persona(tenant_id=caller_of(request).tenant_id, **fields)
        return Response(PersonaSerializer(persona).data, status=201)


class PersonaDetail(APIView):
    required_scope = "manage"

    @extend_schema(responses=PersonaSerializer)
    def get(self, request: Request, persona: str) -> Response:
        """The draft."""
        return Response(PersonaSerializer(access_persona(caller_of(request).tenant_id, persona)).data)

    @extend_schema(request=PersonaWriteSerializer(partial=True), responses=PersonaSerializer)
    def patch(self, request: Request, persona: str) -> Response:
        """Change the draft. Keys of `settings` that are not sent stay; null takes one back to its default."""
        row = access_persona(caller_of(request).tenant_id, persona)
        fields = checked(PersonaWriteSerializer, request, partial=True)
        return Response(PersonaSerializer(edit_persona(row, **fields)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, persona: str) -> Response:
        """Delete the persona with its versions and conversations."""
        delete_persona(access_persona(caller_of(request).tenant_id, persona))
        return Response(status=204)


class PublishView(APIView):
    required_scope = "manage"

    @extend_schema(request=None, responses=PublishedSerializer)
    def post(self, request: Request, persona: str) -> Response:
        """Make the draft the version that answers."""
        caller = caller_of(request)
        version = publish(access_persona(caller.tenant_id, persona), by=caller.key_prefix)
        return _published(request, version)


class RollbackView(APIView):
    required_scope = "manage"

    @extend_schema(request=RollbackSerializer, responses=PublishedSerializer)
    def post(self, request: Request, persona: str) -> Response:
        """Let an older version answer again. The draft stays as it is."""
        row = access_persona(caller_of(request).tenant_id, persona)
        return _published(request, roll_back(row, number=checked(RollbackSerializer, request)["version"]))


def _published(request: Request, version: PersonaVersion) -> Response:
    persona = version.persona
    answer = {
        "version": version.number,
        "publishable_key": persona.publishable_key,
        "chat_url": request.build_absolute_uri(persona.chat_path),
    }
    return Response(PublishedSerializer(answer).data)


class VersionPages(CursorPages):
    ordering = "-number"


class VersionList(GenericAPIView[PersonaVersion]):
    required_scope = "manage"
    serializer_class = PersonaVersionSerializer
    pagination_class = VersionPages

    @extend_schema(responses=PersonaVersionSerializer(many=True))
    def get(self, request: Request, persona: str) -> Response:
        """Every version that was published, newest first."""
        row = access_persona(caller_of(request).tenant_id, persona)
        page = self.paginate_queryset(row.versions.all())
        serializer = self.get_serializer(page, many=True, context={"live_version_id": row.live_version_id})
        return self.get_paginated_response(serializer.data)


class PromptView(APIView):
    required_scope = "manage"
    # The question is embedded, which may be a call to a provider.
    enters_scope_itself = True

    @extend_schema(request=PromptQuestionSerializer, responses=PromptSerializer)
    def post(self, request: Request, persona: str) -> Response:
        """The exact messages that the model would get for the draft, and why each section is there."""
        tenant_id = caller_of(request).tenant_id
        asked = checked(PromptQuestionSerializer, request)
        turn = recall_and_compile(tenant_id, lambda: _plan(tenant_id, persona, **asked))
        return Response(PromptSerializer(turn).data)


def _plan(tenant_id: UUID, persona: str, *, text: str, variables: Any, conversation_id: Any) -> TurnPlan:
    row = access_persona(tenant_id, persona)
    draft = running_draft(row)
    if draft.kind.needs_world:
        raise KindNeedsWorld
    before = so_far(row.pk, conversation_id) if conversation_id else SoFar()
    asked = Asked(
        text=text,
        history=before.history,
        summary=before.summary,
        end_user=before.end_user,
        variables=check_variables(variables),
    )
    return plan_turn(draft, asked)


class KindList(APIView):
    @extend_schema(operation_id="v1_persona_kinds_list", responses=KindListSerializer)
    def get(self, request: Request) -> Response:
        """The kinds of persona, each with the JSON Schema of its settings."""
        schemas = [kind.schema() for kind in all_kinds()]
        return Response({"results": schemas, "next": None, "previous": None})


class KindDetail(APIView):
    @extend_schema(responses=KindSerializer)
    def get(self, request: Request, kind: str) -> Response:
        """The JSON Schema of one kind's settings."""
        try:
            return Response(kind_named(kind).schema())
        except Invalid:
            raise NotFound from None
