"""Datasets for servers that hold an API key, and for the pages of members."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.access import access_dataset
from analytics.api.glossary import GlossaryChangeSerializer, GlossarySerializer, may_approve
from analytics.datasets.conversations import conversations_of
from analytics.datasets.keeping import (
    LOOK,
    dataset_from_files,
    dataset_of_postgres,
    delete_dataset,
    look_again,
    rename_dataset,
)
from analytics.importing.taking_in import IMPORT
from analytics.meaning.glossary import glossary_of, patch_glossary
from analytics.models import Dataset, DatasetColumn, DatasetFile, DatasetTable
from jobs.models import Job
from jobs.queueing import queue_position
from knowledge.errors import in_readers_language
from tenants.errors import Invalid
from tenants.models import Scope
from tenants.rest import caller_of
from tenants.serializing import NullsLeftOut

_TEXTS = serializers.ListField(child=serializers.CharField())


class DatasetFilesSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, required=False, help_text="Of the first file, if left out.")

    def get_fields(self) -> dict[str, Any]:
        files = serializers.ListField(child=serializers.FileField(), help_text="CSV, TSV, XLSX or Parquet.")
        return {"files[]": files, **super().get_fields()}


class DatasetDsnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    dsn = serializers.CharField(
        max_length=2_000,
        write_only=True,
        help_text="`postgresql://user:password@host:5432/database?schema=sales&sslmode=require` of a user who may only "
        "read. It is kept encrypted and never shown.",
    )


class DatasetChangeSerializer(NullsLeftOut, serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, required=False)
    glossary = GlossaryChangeSerializer(required=False)


class DatasetErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class DatasetProgressSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField(help_text="Rows that are in.")
    total = serializers.IntegerField()


class DatasetQueueSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    eta_s = serializers.IntegerField(allow_null=True)


class DatasetAddressSerializer(serializers.Serializer[Any]):
    """Of a PostgreSQL of the tenant's, without the password."""

    host = serializers.CharField()
    port = serializers.IntegerField()
    database = serializers.CharField()
    user = serializers.CharField()
    schema = serializers.CharField()


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    error = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    queue = serializers.SerializerMethodField()
    table_count = serializers.SerializerMethodField()

    class Meta:
        model = Dataset
        fields = [
            "id", "name", "kind", "status", "progress", "queue", "error", "table_count", "version",
            "created_at", "updated_at",
        ]  # fmt: skip

    @extend_schema_field(DatasetErrorSerializer(allow_null=True))
    def get_error(self, dataset: Dataset) -> dict[str, str] | None:
        if not dataset.error_code:
            return None
        return {"code": dataset.error_code, "detail": in_readers_language(dataset.error_detail)}

    @extend_schema_field(DatasetProgressSerializer)
    def get_progress(self, dataset: Dataset) -> dict[str, int]:
        return {name: sum(file.progress.get(name, 0) for file in dataset.files.all()) for name in ("done", "total")}

    @extend_schema_field(DatasetQueueSerializer(allow_null=True))
    def get_queue(self, dataset: Dataset) -> dict[str, Any] | None:
        """Of the first of its jobs that wait, while there are no tables to ask about yet."""
        if dataset.status != Dataset.Status.IMPORTING:
            return None
        subjects = [dataset.pk, *(file.pk for file in dataset.files.all())]
        jobs = Job.objects.filter(subject_id__in=subjects, kind__in=(IMPORT, LOOK), status=Job.Status.QUEUED)
        first = jobs.order_by("created_at").first()
        return queue_position(first) if first else None

    @extend_schema_field(int)
    def get_table_count(self, dataset: Dataset) -> int:
        return len(dataset.tables.all())


_UNDER_WAY = (DatasetFile.Status.QUEUED, DatasetFile.Status.READING, DatasetFile.Status.IMPORTING)
# Without their drafts, which are large.
FILES_UNDER_WAY = Prefetch(
    "files", DatasetFile.objects.filter(status__in=_UNDER_WAY).only("dataset_id", "tenant_id", "progress")
)


class DatasetColumnSerializer(serializers.ModelSerializer[DatasetColumn]):
    samples = serializers.SerializerMethodField(help_text="None of columns that are personal or whose values are off.")

    class Meta:
        model = DatasetColumn
        fields = [
            "id", "name", "label", "type", "description", "synonyms", "samples", "samples_off", "pii",
        ]  # fmt: skip

    @extend_schema_field(_TEXTS)
    def get_samples(self, column: DatasetColumn) -> list[str]:
        return [] if column.samples_off or column.pii else list(column.samples)


class DatasetTableSerializer(serializers.ModelSerializer[DatasetTable]):
    columns = DatasetColumnSerializer(many=True)

    class Meta:
        model = DatasetTable
        fields = ["id", "name", "label", "description", "synonyms", "row_count", "is_hidden", "origin", "columns"]


class DatasetDetailSerializer(DatasetSerializer):
    tables = DatasetTableSerializer(many=True)
    address = serializers.SerializerMethodField()
    warnings = serializers.SerializerMethodField()
    glossary = serializers.SerializerMethodField()

    class Meta(DatasetSerializer.Meta):
        fields = [*DatasetSerializer.Meta.fields, "tables", "address", "warnings", "glossary"]

    @extend_schema_field(GlossarySerializer)
    def get_glossary(self, dataset: Dataset) -> dict[str, Any]:
        return glossary_of(dataset)

    @extend_schema_field(DatasetAddressSerializer(allow_null=True))
    def get_address(self, dataset: Dataset) -> dict[str, Any] | None:
        if dataset.kind != Dataset.Kind.POSTGRES:
            return None
        return dict(DatasetAddressSerializer({**dataset.address, "schema": dataset.schema_name}).data)

    @extend_schema_field(_TEXTS)
    def get_warnings(self, dataset: Dataset) -> list[str]:
        if not dataset.address.get("may_write"):
            return []
        return [_("This user may also write. Questions only ever read, but one who may only read is safer.")]


class DatasetList(GenericAPIView[Dataset]):
    required_scope = Scope.ANALYTICS
    serializer_class = DatasetSerializer
    parser_classes = [JSONParser, MultiPartParser]

    def get(self, request: Request) -> Response:
        """The tenant's datasets, newest first, the built-in one over its conversations among them."""
        tenant_id = caller_of(request).tenant_id
        conversations_of(tenant_id)
        datasets = Dataset.objects.for_tenant(tenant_id).prefetch_related("tables", FILES_UNDER_WAY)
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(datasets), many=True).data)

    @extend_schema(
        request={"multipart/form-data": DatasetFilesSerializer, "application/json": DatasetDsnSerializer},
        responses={202: DatasetSerializer},
    )
    def post(self, request: Request) -> Response:
        """A dataset from files (multipart `files[]`), or over a PostgreSQL by its `dsn`; what is in it comes after."""
        is_upload = (request.content_type or "").startswith("multipart/")
        dataset = _from_files(request) if is_upload else dataset_of_postgres(**_checked(DatasetDsnSerializer, request))
        return _posted(dataset)


def _posted(dataset: Dataset) -> Response:
    found = Dataset.objects.prefetch_related("tables", FILES_UNDER_WAY).get(pk=dataset.pk)
    return Response(DatasetSerializer(found).data, status=202)


def _from_files(request: Request) -> Dataset:
    uploads = request.FILES.getlist("files[]")
    if not uploads:
        raise Invalid.field("files[]", _("Send at least one file: CSV, XLSX or Parquet."))
    first = (uploads[0].name or "").rpartition(".")[0]
    return dataset_from_files(name=request.POST.get("name") or first or _("Untitled"), uploads=uploads)


class DatasetDetail(APIView):
    required_scope = Scope.ANALYTICS

    @extend_schema(responses=DatasetDetailSerializer)
    def get(self, request: Request, dataset_id: str) -> Response:
        """The dataset with its tables, their columns and sample values, and what they mean."""
        return _shown(access_dataset(caller_of(request).tenant_id, dataset_id))

    @extend_schema(request=DatasetChangeSerializer, responses=DatasetDetailSerializer)
    def patch(self, request: Request, dataset_id: str) -> Response:
        """Change the name, and what tables, columns, metrics and joins mean."""
        dataset = access_dataset(caller_of(request).tenant_id, dataset_id)
        asked = _checked(DatasetChangeSerializer, request)
        if "name" in asked:
            rename_dataset(dataset, asked["name"])
        if "glossary" in asked:
            patch_glossary(dataset, asked["glossary"], may_approve=may_approve(request))
        return _shown(dataset)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, dataset_id: str) -> Response:
        """Delete the dataset with its tables, questions and results. A database of the tenant's own stays as it is."""
        delete_dataset(access_dataset(caller_of(request).tenant_id, dataset_id))
        return Response(status=204)


class DatasetRefresh(APIView):
    required_scope = Scope.ANALYTICS

    @extend_schema(request=None, responses={202: DatasetSerializer})
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """Look anew what tables there are in a PostgreSQL of the tenant's; what was said of them stays."""
        dataset = access_dataset(caller_of(request).tenant_id, dataset_id)
        look_again(dataset)
        return _posted(dataset)


def _shown(dataset: Dataset) -> Response:
    found = Dataset.objects.prefetch_related("tables__columns", FILES_UNDER_WAY).get(pk=dataset.pk)
    return Response(DatasetDetailSerializer(found).data)


def _checked(serializer_class: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
