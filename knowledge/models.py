"""Knowledge bases, the documents in them, and the passages that are searched and cited."""

from typing import Any, ClassVar, Self

from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField
from uuid_utils.compat import uuid7

from tenants.base import OwnTenant, TenantForeignKey, TenantModel, TenantQuerySet
from tenants.scope import current_tenant_id


class KnowledgeBaseQuerySet(TenantQuerySet):
    def with_counts(self) -> Self:
        """Annotate `document_count` and `chunk_total`, counted in SQL so that a list needs no query per row."""
        return self.annotate(
            document_count=models.Count("documents"),
            chunk_total=Coalesce(models.Sum("documents__chunk_count"), 0),
        )


class KnowledgeBase(TenantModel):
    """A collection of documents that personas may answer from."""

    slug = models.SlugField(_("slug"), max_length=63, db_index=False)
    name = models.CharField(_("name"), max_length=200)
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects: ClassVar[Any] = KnowledgeBaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("knowledge base")
        verbose_name_plural = _("knowledge bases")
        constraints = [models.UniqueConstraint(fields=["tenant", "slug"], name="knowledge_base_slug")]

    def __str__(self) -> str:
        return self.name


class Space(TenantModel):
    """The vectors of one base under one embedding model. A change of model fills a second one beside the first."""

    base = TenantForeignKey(KnowledgeBase, models.CASCADE, related_name="spaces", db_index=False)
    model = models.CharField(max_length=200)
    dimension = models.PositiveSmallIntegerField(choices=[(size, str(size)) for size in (384, 768, 1024, 1536)])
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "base", "model"], name="space_per_model"),
            models.UniqueConstraint(fields=["tenant", "base"], condition=Q(is_active=True), name="space_active"),
        ]


class DocumentQuerySet(TenantQuerySet):
    def ready(self) -> Self:
        return self.filter(status=Document.Status.READY)


class Document(TenantModel):
    """One source in a base, from the upload until it can be found, or until it says why it cannot."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        PARSING = "parsing", _("Reading")
        CHUNKING = "chunking", _("Splitting")
        EMBEDDING = "embedding", _("Embedding")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    base = TenantForeignKey(
        KnowledgeBase, models.CASCADE, related_name="documents", verbose_name=_("knowledge base"), db_index=False
    )
    title = models.CharField(_("title"), max_length=300)
    filename = models.CharField(_("file"), max_length=300, blank=True, default="")
    media_type = models.CharField(max_length=150, default="")
    size_bytes = models.PositiveBigIntegerField(default=0)
    content_sha256 = models.CharField(max_length=64)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(_("passages"), default=0)
    # Searchable words of all its chunks, with repetitions: the base's average length is made of these.
    word_count = models.PositiveIntegerField(default=0)
    # Set when a person agreed to embed a document that takes long (see ingestion.ASK_ABOVE_CHUNKS).
    is_confirmed = models.BooleanField(default=False)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_detail = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    ready_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        indexes = [models.Index(fields=["tenant", "base", "-id"], name="document_newest")]

    def __str__(self) -> str:
        return self.title


class DocumentSource(TenantModel):
    """A document's bytes as they came, and its text once read.

    In the database, not on a disk: so they are isolated, backed up and deleted with everything else, and a worker
    on another machine finds them.
    """

    document = TenantForeignKey(Document, models.CASCADE, related_name="sources", db_index=False)
    data = models.BinaryField()
    text = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "document"], name="source_once")]


class PassageManager(models.Manager.from_queryset(TenantQuerySet)):  # type: ignore[misc]
    """Of partitioned tables: without the tenant as a literal PostgreSQL plans every partition, so it is named first."""

    def get_queryset(self) -> Any:
        tenant_id = current_tenant_id()
        if tenant_id is None:
            raise RuntimeError("Chunks are read inside a tenant's scope, which names the tenant to the planner.")
        return super().get_queryset().filter(tenant_id=tenant_id)


class Chunk(models.Model):
    """One passage: what is embedded, found and cited. `start` and `end` count code points of the source's text."""

    pk = models.CompositePrimaryKey("tenant_id", "id")
    tenant = OwnTenant()
    id = models.UUIDField(default=uuid7)
    base = TenantForeignKey(KnowledgeBase, models.CASCADE, related_name="+")
    document = TenantForeignKey(Document, models.CASCADE, related_name="+")
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    # "Returns › Damaged goods": embedded and indexed with the text, shown above it.
    heading = models.TextField(default="")
    page = models.PositiveIntegerField(null=True)
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    enabled = models.BooleanField(default=True)
    words = SearchVectorField()
    # Words with repetitions: the length that BM25 divides by.
    word_count = models.PositiveIntegerField()

    objects = PassageManager()

    class Meta:
        indexes = [models.Index(fields=["tenant", "document", "ordinal"], name="chunk_order")]


class ChunkVector(models.Model):
    """A chunk's vector in one space. One table per dimension."""

    pk = models.CompositePrimaryKey("tenant_id", "chunk_id", "space_id")
    tenant = OwnTenant()
    chunk_id = models.UUIDField()
    base = TenantForeignKey(KnowledgeBase, models.CASCADE, related_name="+")
    space = TenantForeignKey(Space, models.CASCADE, related_name="+")

    objects = PassageManager()

    class Meta:
        abstract = True


class ChunkVector384(ChunkVector):
    embedding = HalfVectorField(dimensions=384)

    class Meta:
        db_table = "knowledge_chunk_vector_384"
        indexes = [models.Index(fields=["tenant", "base", "space"], name="vector_384_space")]


class ChunkVector768(ChunkVector):
    embedding = HalfVectorField(dimensions=768)

    class Meta:
        db_table = "knowledge_chunk_vector_768"
        indexes = [models.Index(fields=["tenant", "base", "space"], name="vector_768_space")]


class ChunkVector1024(ChunkVector):
    embedding = HalfVectorField(dimensions=1024)

    class Meta:
        db_table = "knowledge_chunk_vector_1024"
        indexes = [models.Index(fields=["tenant", "base", "space"], name="vector_1024_space")]


class ChunkVector1536(ChunkVector):
    embedding = HalfVectorField(dimensions=1536)

    class Meta:
        db_table = "knowledge_chunk_vector_1536"
        indexes = [models.Index(fields=["tenant", "base", "space"], name="vector_1536_space")]


VECTOR_TABLES: dict[int, type[ChunkVector]] = {
    384: ChunkVector384,
    768: ChunkVector768,
    1024: ChunkVector1024,
    1536: ChunkVector1536,
}


class Term(TenantModel):
    """In how many chunks of a base a word stands: rare words say more, and common ones are not worth reading."""

    base = TenantForeignKey(KnowledgeBase, models.CASCADE, related_name="+", db_index=False)
    word = models.CharField(max_length=100)
    chunks = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "base", "word"], name="term_once")]
