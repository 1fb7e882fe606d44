"""Knowledge bases and documents for servers that hold an API key."""

import json
import time
from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import BasePagination
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from knowledge.access import access_base, access_document
from knowledge.api.serializers import (
    ChunkSerializer,
    DocumentFileSerializer,
    DocumentSerializer,
    DocumentTextSerializer,
    KnowledgeBaseSerializer,
    RetrySerializer,
    SearchRequestSerializer,
    SearchResultSerializer,
    StatusSerializer,
)
from knowledge.collecting import (
    add_file,
    add_text,
    checked_metadata,
    create_base,
    delete_base,
    delete_document,
    retry_document,
    stop_document,
)
from knowledge.models import Chunk, Document, KnowledgeBase
from knowledge.parsing.cleaning import clean_text
from knowledge.searching import Mode, SearchResult, embedding_of, search_bases
from knowledge.uploading import refuse_bad_upload
from llm.door import embed
from llm.errors import ProviderError
from llm.types import RouteConfig, Vector
from tenants.asynchronous import for_callers, json_body, validated
from tenants.authentication import Caller
from tenants.errors import Conflict, Invalid
from tenants.rest import CursorPages, caller_of
from tenants.scope import in_tenant


def checked(serializer_class: type[Serializer[Any]], data: Any, **options: Any) -> dict[str, Any]:
    """The validated body. DRF's failure becomes a 422 in one place."""
    serializer = serializer_class(data=data, **options)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class KnowledgeBaseList(GenericAPIView[KnowledgeBase]):
    required_scope = "knowledge"
    serializer_class = KnowledgeBaseSerializer

    def get(self, request: Request) -> Response:
        """The tenant's knowledge bases, newest first."""
        bases = KnowledgeBase.objects.for_tenant(caller_of(request).tenant_id).with_counts().prefetch_related("spaces")
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(bases), many=True).data)

    @extend_schema(responses={201: KnowledgeBaseSerializer})
    def post(self, request: Request) -> Response:
        """A new, empty knowledge base."""
        base = create_base(**checked(KnowledgeBaseSerializer, request.data))
        return Response(KnowledgeBaseSerializer(base).data, status=201)


class KnowledgeBaseDetail(APIView):
    required_scope = "knowledge"

    @extend_schema(responses=KnowledgeBaseSerializer)
    def get(self, request: Request, base: str) -> Response:
        return Response(KnowledgeBaseSerializer(access_base(caller_of(request).tenant_id, base)).data)

    @extend_schema(request=KnowledgeBaseSerializer, responses=KnowledgeBaseSerializer)
    def patch(self, request: Request, base: str) -> Response:
        """Change name, slug or language."""
        row = access_base(caller_of(request).tenant_id, base)
        changes = checked(KnowledgeBaseSerializer, request.data, partial=True)
        others = KnowledgeBase.objects.for_tenant(row.tenant_id).exclude(pk=row.pk)
        if "slug" in changes and others.filter(slug=changes["slug"]).exists():
            raise Conflict(_("There is a knowledge base with this slug already; choose another one."))
        for name, value in changes.items():
            setattr(row, name, value)
        row.save()
        return Response(KnowledgeBaseSerializer(row).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, base: str) -> Response:
        """Delete the base with all its documents."""
        delete_base(access_base(caller_of(request).tenant_id, base))
        return Response(status=204)


class DocumentList(GenericAPIView[Document]):
    required_scope = "knowledge"
    serializer_class = DocumentSerializer
    parser_classes = [JSONParser, MultiPartParser]

    @staticmethod
    def before_scope(request: HttpRequest, caller: Caller) -> None:
        """Look into a small file while its sender waits, but nobody's database connection does."""
        caller.require(DocumentList.required_scope)
        if request.method == "POST" and request.content_type == "multipart/form-data":
            refuse_bad_upload(request)

    @extend_schema(parameters=[OpenApiParameter("status", str, enum=Document.Status.values)])
    def get(self, request: Request, base: str) -> Response:
        """The base's documents, newest first."""
        documents = access_base(caller_of(request).tenant_id, base).documents.all()
        if status := request.query_params.get("status"):
            documents = documents.filter(status=checked(StatusSerializer, {"status": status})["status"])
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(documents), many=True).data)

    @extend_schema(
        request={"multipart/form-data": DocumentFileSerializer, "application/json": DocumentTextSerializer},
        responses={202: DocumentSerializer},
    )
    def post(self, request: Request, base: str) -> Response:
        """Take in a file (multipart `file`) or a text; it is read, split and embedded in the background.

        A small file that cannot be read is refused at once. A larger one is taken in, and its document then fails.
        """
        row = access_base(caller_of(request).tenant_id, base)
        is_upload = (request.content_type or "").startswith("multipart/")
        document = _take_file(row, request) if is_upload else _take_text(row, request)
        return Response(DocumentSerializer(document).data, status=202)


def _take_file(base: KnowledgeBase, request: Request) -> Document:
    asked = checked(DocumentFileSerializer, request.data)
    upload = asked["file"]
    return add_file(
        base=base,
        filename=upload.name or "",
        data=upload.read(),
        declared_type=upload.content_type or "",
        title=asked["title"],
        metadata=_metadata(asked.get("metadata")),
    )


def _metadata(given: Any) -> Any:
    """Multipart fields are texts; metadata comes as JSON in one."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError:
        raise Invalid.field("metadata", _("An object of texts, numbers and booleans is needed.")) from None


def _take_text(base: KnowledgeBase, request: Request) -> Document:
    asked = checked(DocumentTextSerializer, request.data)
    return add_text(base=base, title=asked["title"], text=asked["text"], metadata=asked.get("metadata"))


class DocumentDetail(APIView):
    required_scope = "knowledge"

    @extend_schema(responses=DocumentSerializer)
    def get(self, request: Request, document_id: UUID) -> Response:
        return Response(DocumentSerializer(access_document(caller_of(request).tenant_id, document_id)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, document_id: UUID) -> Response:
        """Delete the document; nothing of it is found by any later search."""
        delete_document(access_document(caller_of(request).tenant_id, document_id))
        return Response(status=204)


class DocumentCancel(APIView):
    required_scope = "knowledge"

    @extend_schema(request=None, responses=DocumentSerializer)
    def post(self, request: Request, document_id: UUID) -> Response:
        """Stop the work on a document."""
        document = stop_document(access_document(caller_of(request).tenant_id, document_id))
        return Response(DocumentSerializer(document).data)


class DocumentRetry(APIView):
    required_scope = "knowledge"

    @extend_schema(request=RetrySerializer, responses={202: DocumentSerializer})
    def post(self, request: Request, document_id: UUID) -> Response:
        """Start again. `confirm` says yes to a document that takes long."""
        document = access_document(caller_of(request).tenant_id, document_id)
        confirm = checked(RetrySerializer, request.data)["confirm"]
        return Response(DocumentSerializer(retry_document(document, is_confirmed=confirm)).data, status=202)


class ByOrdinal(CursorPages):
    ordering = "ordinal"


class ChunkList(GenericAPIView[Chunk]):
    required_scope = "knowledge"
    serializer_class = ChunkSerializer
    pagination_class: type[BasePagination] = ByOrdinal

    def get(self, request: Request, document_id: UUID) -> Response:
        """The document's passages in their order."""
        document = access_document(caller_of(request).tenant_id, document_id)
        page = self.paginate_queryset(Chunk.objects.filter(document_id=document.pk))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


# --- Search: asynchronous, since the question's vector may come from a provider -------------------------------
@for_callers("knowledge", "POST")
async def search_view(request: HttpRequest, caller: Caller, base: str) -> HttpResponseBase:
    """The best passages for a question; by words alone, and it says so, where its vector cannot be had."""
    began = time.monotonic()
    asked = validated(SearchRequestSerializer, json_body(request))
    query = clean_text(asked["query"]).strip()
    if not query:
        raise Invalid.field("query", _("The question is empty."))
    only = checked_metadata(asked.get("filter"), field="filter")
    base_id, routes = await in_tenant(caller.tenant_id, _open_base, caller.tenant_id, base)
    vectors, left_out = await question_vectors(routes, query, asked["mode"])
    results = await in_tenant(
        caller.tenant_id, search_bases, caller.tenant_id, [base_id], query, vectors,
        top_k=asked["top_k"], mode=asked["mode"], metadata=only,
    )  # fmt: skip
    return JsonResponse(
        {
            "results": [_shown(result) for result in results],
            "took_ms": round((time.monotonic() - began) * 1000),
            **({"left_out": left_out} if left_out else {}),
        }
    )


def _open_base(tenant_id: UUID, base: str) -> tuple[UUID, dict[str, RouteConfig]]:
    base_id = access_base(tenant_id, base).pk
    return base_id, embedding_of(tenant_id, [base_id])


async def question_vectors(
    routes: dict[str, RouteConfig], query: str, mode: Mode
) -> tuple[dict[str, Vector], list[dict[str, str]]]:
    """The question's vector under each model that the search goes by, and which it goes without. Outside transactions.

    Raises ProviderError where nothing would be left to search by.
    """
    vectors: dict[str, Vector] = {}
    left_out: list[dict[str, str]] = []
    for model, route in routes.items() if mode != "keyword" else ():
        try:
            vectors[model] = (await embed(route, [query], "query"))[0]
        except ProviderError as error:
            if mode == "vector":
                raise
            left_out.append({"embedding_model": model, "code": error.code, "detail": str(error.detail)})
    return vectors, left_out


def _shown(result: SearchResult) -> dict[str, Any]:
    return dict(SearchResultSerializer(result).data)
