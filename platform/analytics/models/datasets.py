"""Datasets: what may be asked about, its tables and columns, and the files that they came from."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.base import TenantForeignKey, TenantModel, TenantQuerySet
from tenants.secrets import seal, unseal


class DatasetQuerySet(TenantQuerySet):
    def ready(self) -> Self:
        return self.filter(status=Dataset.Status.READY)

    def note_change(self) -> int:
        """Count the version up: data, schema or meaning are not what they were, and no cached answer holds."""
        return self.update(version=F("version") + 1, updated_at=timezone.now())


class Dataset(TenantModel):
    """Tables that questions are asked about. SQL runs on it as a role that can read these tables and nothing else."""

    class Kind(models.TextChoices):
        FILES = "files", _("Files")
        POSTGRES = "postgres", _("PostgreSQL")
        CONVERSATIONS = "conversations", _("Conversations")

    class Status(models.TextChoices):
        IMPORTING = "importing", _("Importing")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=13, choices=Kind)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.IMPORTING)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_detail = models.TextField(blank=True, default="")
    schema_name = models.CharField(max_length=63, default="")
    role_name = models.CharField(max_length=63, default="")
    # Of the login role, or of the user of an external database. Read and written through `password`.
    sealed_password = models.BinaryField(default=bytes, editable=False)
    # Of an external database: {host, port, database, user, options}; never the password.
    address = models.JSONField(default=dict)
    # One more with each change of data, schema or meaning: the key of everything that is cached.
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    objects: ClassVar[Any] = DatasetQuerySet.as_manager()

    class Meta:
        verbose_name = _("dataset")
        verbose_name_plural = _("datasets")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(kind="conversations"), name="dataset_conversations_once"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def password(self) -> str:
        """Raises SecretUnreadable once SECRET_KEY was changed."""
        return unseal(bytes(self.sealed_password), owner=self.id.bytes) if self.sealed_password else ""

    @password.setter
    def password(self, password: str) -> None:
        self.sealed_password = seal(password, owner=self.id.bytes)


class Named(TenantModel):
    """What SQL calls by one name, and its people by others."""

    name = models.CharField(_("name"), max_length=63)
    label = models.CharField(_("label"), max_length=300, blank=True, default="")
    description = models.TextField(_("description"), blank=True, default="")
    synonyms = models.JSONField(_("synonyms"), default=list, blank=True)
    position = models.PositiveIntegerField(default=0)
    # What a model proposes for it, until a person takes it over: {description, synonyms}.
    proposal = models.JSONField(default=dict, editable=False)

    class Meta:
        abstract = True
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.label or self.name


class DatasetTable(Named):
    """A table that questions may be answered from."""

    dataset = TenantForeignKey(
        Dataset, models.CASCADE, related_name="tables", verbose_name=_("dataset"), db_index=False
    )
    row_count = models.PositiveBigIntegerField(_("rows"), null=True)
    is_hidden = models.BooleanField(_("hidden"), default=False)
    # The file's name, and the sheet's.
    origin = models.JSONField(default=dict)

    class Meta(Named.Meta):
        verbose_name = _("table")
        verbose_name_plural = _("tables")
        constraints = [models.UniqueConstraint(fields=["tenant", "dataset", "name"], name="dataset_table_name")]


class DatasetColumn(Named):
    """A column of such a table, with what is known of its values."""

    class Pii(models.TextChoices):
        EMAIL = "email", _("Email address")
        PHONE = "phone", _("Phone number")
        ID_NUMBER = "id_number", _("Identity number")
        NAME = "name", _("Person's name")
        CARD = "card", _("Card number")

    table = TenantForeignKey(
        DatasetTable, models.CASCADE, related_name="columns", verbose_name=_("table"), db_index=False
    )
    # As PostgreSQL's format_type writes it.
    type = models.CharField(_("type"), max_length=100)
    samples = models.JSONField(_("sample values"), default=list, blank=True)
    # No values of this column are kept or shown to a model.
    samples_off = models.BooleanField(_("without sample values"), default=False)
    pii = models.CharField(_("personal"), max_length=10, choices=Pii, blank=True, default="")
    # What was counted in it: {distinct, nulls, min, max, is_pii_decided}.
    profile = models.JSONField(default=dict, editable=False)
    # How the file wrote it, such as the shape of a date: the next upload is read alike.
    import_format = models.CharField(max_length=60, blank=True, default="")

    class Meta(Named.Meta):
        verbose_name = _("column")
        verbose_name_plural = _("columns")
        constraints = [models.UniqueConstraint(fields=["tenant", "table", "name"], name="dataset_column_name")]


class DatasetFile(TenantModel):
    """One upload into a dataset, from the upload until its rows are in."""

    class Mode(models.TextChoices):
        NEW = "new", _("New tables")
        REPLACE = "replace", _("Replace")
        APPEND = "append", _("Append")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        READING = "reading", _("Reading")
        IMPORTING = "importing", _("Importing")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    dataset = TenantForeignKey(Dataset, models.CASCADE, related_name="files", verbose_name=_("dataset"), db_index=False)
    name = models.CharField(_("file"), max_length=300)
    # In bytes.
    size = models.PositiveBigIntegerField(_("size"), default=0)
    mode = models.CharField(_("mode"), max_length=7, choices=Mode, default=Mode.NEW)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    # {done, total}, in rows.
    progress = models.JSONField(default=dict)
    # Tables and columns as they were inferred, for a person to correct.
    draft = models.JSONField(default=dict)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_detail = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("uploaded file")
        verbose_name_plural = _("uploaded files")
        indexes = [models.Index(fields=["tenant", "dataset", "-id"], name="dataset_file_newest")]

    def __str__(self) -> str:
        return self.name


class DatasetFileSource(TenantModel):
    """A piece of an upload's bytes as they came, apart from the file, so that lists and progress never touch them.

    In pieces of a few megabytes, so that neither the server that takes them in nor the worker holds them all.
    """

    file = TenantForeignKey(DatasetFile, models.CASCADE, related_name="sources", db_index=False)
    ordinal = models.PositiveIntegerField(default=0)
    data = models.BinaryField()

    class Meta:
        ordering = ["ordinal"]
        constraints = [models.UniqueConstraint(fields=["tenant", "file", "ordinal"], name="dataset_file_source_piece")]
