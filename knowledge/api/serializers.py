"""Shapes of the knowledge API, as the public contract gives them."""

import re
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from jobs.models import Job
from jobs.queueing import queue_position
from knowledge.access import as_uuid
from knowledge.collecting import INGEST
from knowledge.errors import in_readers_language
from knowledge.models import Chunk, Document, KnowledgeBase, Space
from llm.routes import resolve_route
from llm.types import BUNDLED_EMBEDDINGS
from tenants.serializing import NullsLeftOut


class LanguageField(serializers.ChoiceField):
    """Chinese, English or unsaid; a tag with a region or a script (`zh-CN`) counts as its language."""

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(re.split("[-_]", data.lower())[0] if isinstance(data, str) else data)


class KnowledgeBaseSerializer(NullsLeftOut, serializers.ModelSerializer[KnowledgeBase]):
    slug = serializers.SlugField(max_length=63, required=False)
    language = LanguageField(choices=["", "zh", "en"], required=False)
    document_count = serializers.IntegerField(read_only=True, default=0)
    chunk_count = serializers.IntegerField(read_only=True, source="chunk_total", default=0)
    embedding_model = serializers.SerializerMethodField()
    dimension = serializers.SerializerMethodField()

    class Meta:
        model = KnowledgeBase
        fields = [
            "id", "slug", "name", "language", "document_count", "chunk_count", "embedding_model", "dimension",
            "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at"]

    def validate_slug(self, slug: str) -> str:
        if as_uuid(slug):  # no address would lead to it
            raise serializers.ValidationError(_("This slug is reserved; choose another one."))
        return slug

    def get_embedding_model(self, base: KnowledgeBase) -> str:
        space = self._space(base)
        return space.model if space else resolve_route(base.tenant_id).embedding_name

    def get_dimension(self, base: KnowledgeBase) -> int | None:
        """None until the first document tells: an endpoint's dimension is known by its vectors."""
        space = self._space(base)
        if space:
            return space.dimension
        return 384 if self.get_embedding_model(base) == BUNDLED_EMBEDDINGS else None

    def _space(self, base: KnowledgeBase) -> Space | None:
        return next((space for space in base.spaces.all() if space.is_active), None)


class DocumentTextSerializer(NullsLeftOut, serializers.Serializer[Any]):
    title = serializers.CharField(max_length=300)
    text = serializers.CharField(trim_whitespace=False)
    metadata = serializers.DictField(required=False)


class DocumentFileSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True, max_length=300)
    title = serializers.CharField(max_length=300, required=False, default="")
    metadata = serializers.JSONField(required=False)


class StatusSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Document.Status.values)


class RetrySerializer(NullsLeftOut, serializers.Serializer[Any]):
    confirm = serializers.BooleanField(default=False)


class DocumentSerializer(serializers.ModelSerializer[Document]):
    knowledge_base_id = serializers.UUIDField(source="base_id")
    progress = serializers.SerializerMethodField()
    queue = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = Document
        fields = [
            "id", "knowledge_base_id", "title", "filename", "media_type", "size_bytes", "metadata", "status",
            "progress", "queue", "error", "chunk_count", "content_sha256", "created_at", "ready_at",
        ]  # fmt: skip

    def get_progress(self, document: Document) -> dict[str, int]:
        return {"done": document.progress_done, "total": document.progress_total}

    def get_queue(self, document: Document) -> dict[str, Any] | None:
        if document.status != Document.Status.QUEUED:
            return None
        job = Job.objects.filter(subject_id=document.pk, kind=INGEST).unfinished().first()
        return queue_position(job) if job else None

    def get_error(self, document: Document) -> dict[str, str] | None:
        if not document.error_code:
            return None
        return {"code": document.error_code, "detail": in_readers_language(document.error_detail)}


class ChunkSerializer(serializers.ModelSerializer[Chunk]):
    class Meta:
        model = Chunk
        fields = ["id", "ordinal", "text", "heading", "page", "start", "end", "enabled"]


class SearchRequestSerializer(NullsLeftOut, serializers.Serializer[Any]):
    query = serializers.CharField(max_length=4000)
    top_k = serializers.IntegerField(min_value=1, max_value=100, default=5)
    mode = serializers.ChoiceField(choices=["hybrid", "vector", "keyword"], default="hybrid")
    filter = serializers.DictField(required=False)


class SearchResultSerializer(serializers.Serializer[Any]):
    chunk_id = serializers.UUIDField()
    document_id = serializers.UUIDField()
    title = serializers.CharField()
    heading = serializers.CharField()
    text = serializers.CharField()
    score = serializers.FloatField()
    vector_rank = serializers.IntegerField(allow_null=True)
    keyword_rank = serializers.IntegerField(allow_null=True)
    page = serializers.IntegerField(allow_null=True)
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    metadata = serializers.DictField()


class LeftOutSerializer(serializers.Serializer[Any]):
    embedding_model = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class SearchAnswerSerializer(serializers.Serializer[Any]):
    results = SearchResultSerializer(many=True)
    took_ms = serializers.IntegerField()
    left_out = LeftOutSerializer(
        many=True, required=False, help_text="Embedding models that did not answer: what was found is found by words."
    )
