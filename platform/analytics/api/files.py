"""Files of tables for a dataset: handed in, followed, stopped, and what was read of them corrected."""

from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.access import access_dataset
from analytics.importing.errors import ValuesWouldBeLost
from analytics.importing.retyping import Preview, Retype, last_change, preview, rename, retype
from analytics.importing.stopping import retry_file, stop_file
from analytics.importing.taking_in import IMPORT, take_in
from analytics.models import DatasetColumn, DatasetFile
from analytics.reading.converting import TYPES
from analytics.reading.texts import told
from jobs.models import Job
from jobs.queueing import queue_position
from tenants.access import access_row
from tenants.errors import Invalid
from tenants.models import Scope
from tenants.rest import caller_of
from tenants.scope import tenant_scope
from tenants.serializing import NullsLeftOut

# As people write them, beside PostgreSQL's own names.
_ALIASES = {
    "integer": "bigint",
    "decimal": "numeric",
    "float": "double precision",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "json": "jsonb",
}


class FilesUploadSerializer(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(choices=DatasetFile.Mode.choices, default=DatasetFile.Mode.NEW)

    def get_fields(self) -> dict[str, Any]:
        files = serializers.ListField(child=serializers.FileField(), help_text="CSV, TSV, XLSX or Parquet.")
        return {"files[]": files, **super().get_fields()}


class ProgressSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField(help_text="Rows that are in.")
    total = serializers.IntegerField()


class QueueSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    eta_s = serializers.IntegerField(allow_null=True)


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class DraftColumnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # DRF has an attribute of this name
    type = serializers.CharField()
    format = serializers.CharField()
    lost = serializers.IntegerField(help_text="Values that this type could not take and that are empty now.")
    notes = serializers.ListField(child=serializers.CharField())


class DraftTableSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # DRF has an attribute of this name
    sheet = serializers.CharField()
    row_count = serializers.IntegerField()
    columns = DraftColumnSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())
    sample = serializers.ListField(child=serializers.ListField(child=serializers.CharField(allow_null=True)))


class DatasetFileSerializer(serializers.ModelSerializer[DatasetFile]):
    size_bytes = serializers.IntegerField(source="size")
    progress = serializers.SerializerMethodField()
    queue = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = DatasetFile
        fields = [
            "id",
            "dataset_id",
            "name",
            "size_bytes",
            "mode",
            "status",
            "progress",
            "queue",
            "error",
            "created_at",
        ]

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, file: DatasetFile) -> dict[str, int]:
        return {"done": file.progress.get("done", 0), "total": file.progress.get("total", 0)}

    @extend_schema_field(QueueSerializer(allow_null=True))
    def get_queue(self, file: DatasetFile) -> dict[str, Any] | None:
        if file.status != DatasetFile.Status.QUEUED:
            return None
        job = Job.objects.filter(subject_id=file.pk, kind=IMPORT).unfinished().first()
        return queue_position(job) if job else None

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, file: DatasetFile) -> dict[str, str] | None:
        if not file.error_code:
            return None
        why = file.reason if hasattr(file, "reason") else file.draft.get("error")
        return {"code": file.error_code, "detail": told(why["text"], why["values"]) if why else _(file.error_detail)}


class DatasetFileDetailSerializer(DatasetFileSerializer):
    tables = serializers.SerializerMethodField()

    class Meta(DatasetFileSerializer.Meta):
        fields = [*DatasetFileSerializer.Meta.fields, "tables"]

    @extend_schema_field(DraftTableSerializer(many=True))
    def get_tables(self, file: DatasetFile) -> list[dict[str, Any]]:
        """As they were read. Their columns' types are corrected at the dataset's tables."""
        return [_shown_table(table) for table in file.draft.get("tables", ())]


def _shown_table(table: dict[str, Any]) -> dict[str, Any]:
    columns = [{**column, "notes": _said(column["notes"])} for column in table["columns"]]
    name = table["target"] or table["name"]
    return dict(DraftTableSerializer({**table, "name": name, "columns": columns, "notes": _said(table["notes"])}).data)


def _said(notes: list[dict[str, Any]]) -> list[str]:
    return [told(note["text"], note["values"]) for note in notes]


class FileList(GenericAPIView[DatasetFile]):
    required_scope = Scope.ANALYTICS
    serializer_class = DatasetFileSerializer
    parser_classes = [MultiPartParser]

    def get(self, request: Request, dataset_id: UUID) -> Response:
        """The dataset's files with their states, newest first."""
        files = access_dataset(caller_of(request).tenant_id, dataset_id).files
        files = files.defer("draft").annotate(reason=F("draft__error"))  # drafts of wide tables are large
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(files), many=True).data)

    @extend_schema(
        request={"multipart/form-data": FilesUploadSerializer}, responses={202: DatasetFileSerializer(many=True)}
    )
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """Take in CSV, XLSX or Parquet files (multipart `files[]`), each to be imported in the background.

        `new` makes new tables, `replace` takes the place of tables of the same names, `append` adds rows to those
        with the same columns.
        """
        dataset = access_dataset(caller_of(request).tenant_id, dataset_id)
        files = take_in(dataset, request.FILES.getlist("files[]"), mode_of(request.POST.get("mode", "")))
        return Response(DatasetFileSerializer(files, many=True).data, status=202)


def mode_of(said: str) -> DatasetFile.Mode:
    """What a form says is to be done with its files. Raises Invalid."""
    try:
        return DatasetFile.Mode(said or DatasetFile.Mode.NEW)
    except ValueError:
        raise Invalid.field("mode", _("Say new, replace or append.")) from None


class FileDetail(APIView):
    required_scope = Scope.ANALYTICS

    @extend_schema(responses=DatasetFileDetailSerializer)
    def get(self, request: Request, dataset_id: UUID, file_id: UUID) -> Response:
        """One file with the tables that were read of it, and what was noticed about them."""
        return Response(DatasetFileDetailSerializer(_file(request, dataset_id, file_id)).data)


class FileCancel(APIView):
    required_scope = Scope.ANALYTICS

    @extend_schema(request=None, responses=DatasetFileSerializer)
    def post(self, request: Request, dataset_id: UUID, file_id: UUID) -> Response:
        """Stop an import. The dataset stays as it was before."""
        return Response(DatasetFileSerializer(stop_file(_file(request, dataset_id, file_id))).data)


class FileRetry(APIView):
    required_scope = Scope.ANALYTICS

    @extend_schema(request=None, responses={202: DatasetFileSerializer})
    def post(self, request: Request, dataset_id: UUID, file_id: UUID) -> Response:
        """Start an import again that failed or was stopped."""
        return Response(DatasetFileSerializer(retry_file(_file(request, dataset_id, file_id))).data, status=202)


def _file(request: Request, dataset_id: UUID, file_id: UUID) -> DatasetFile:
    dataset = access_dataset(caller_of(request).tenant_id, dataset_id)
    return access_row(DatasetFile, dataset.tenant_id, dataset=dataset, pk=file_id)


# --- Columns ----------------------------------------------------------------------------------------------------
class RetypeSerializer(NullsLeftOut, serializers.Serializer[Any]):
    label = serializers.CharField(max_length=300, required=False)  # type: ignore[assignment]
    type = serializers.ChoiceField(choices=[*TYPES, *_ALIASES], required=False)
    format = serializers.ChoiceField(
        choices=["dmy", "mdy", "1.234,5"],
        required=False,
        default="",
        help_text="Of dates such as 01/02/2024, which comes first; `1.234,5` for numbers with a decimal comma.",
    )
    force = serializers.BooleanField(default=False, help_text="Change the type although values become empty.")
    dry_run = serializers.BooleanField(default=False, help_text="Only say what would be lost.")


class LossSerializer(serializers.Serializer[Any]):
    lost = serializers.IntegerField(help_text="Values that would become empty.")
    rows = serializers.IntegerField()
    examples = serializers.ListField(child=serializers.CharField())


class TypeChangeSerializer(serializers.Serializer[Any]):
    """The last change of a column's type."""

    type = serializers.CharField()
    format = serializers.CharField()
    status = serializers.CharField()
    error = ErrorSerializer(allow_null=True)


class FileColumnSerializer(serializers.ModelSerializer[DatasetColumn]):
    format = serializers.CharField(source="import_format")
    change = serializers.SerializerMethodField()

    class Meta:
        model = DatasetColumn
        fields = ["name", "label", "type", "format", "change"]

    @extend_schema_field(TypeChangeSerializer(allow_null=True))
    def get_change(self, column: DatasetColumn) -> dict[str, Any] | None:
        job = last_change(column)
        if job is None:
            return None
        error = {"code": job.error_code, "detail": _(job.error_detail)} if job.error_code else None
        change = {"type": job.payload["type"], "format": job.payload["format"], "status": job.status, "error": error}
        return dict(TypeChangeSerializer(change).data)


class ColumnDetail(APIView):
    required_scope = Scope.ANALYTICS
    # The kept files are read to know what would be lost.
    enters_scope_itself = True

    @extend_schema(responses=FileColumnSerializer)
    def get(self, request: Request, dataset_id: UUID, table: str, column: str) -> Response:
        tenant_id = self._caller(request)
        with tenant_scope(tenant_id):
            return Response(FileColumnSerializer(_column(tenant_id, dataset_id, table, column)).data)

    @extend_schema(
        request=RetypeSerializer,
        responses={
            200: PolymorphicProxySerializer("ColumnOrLoss", [FileColumnSerializer, LossSerializer], None),
            202: FileColumnSerializer,
        },
    )
    def patch(self, request: Request, dataset_id: UUID, table: str, column: str) -> Response:
        """Correct what a column is called or how it is read.

        Another type makes the table anew from its files (202); changing it back brings everything back. If values
        would become empty it is refused (409 `values_lost`) unless `force` is sent; `dry_run` only counts them.
        """
        tenant_id = self._caller(request)
        serializer = RetypeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        with tenant_scope(tenant_id):
            row = _column(tenant_id, dataset_id, table, column)
        type = _ALIASES.get(asked.get("type", ""), asked.get("type", row.type))
        wish = Retype(row.name, type, asked["format"])
        is_other = (type, asked["format"] or row.import_format) != (row.type, row.import_format)
        if asked["dry_run"]:
            seen = preview(tenant_id, row.table, wish) if is_other else Preview(rows=row.table.row_count or 0)
            return Response(LossSerializer(_loss(seen)).data)
        if is_other:
            _refuse_loss(preview(tenant_id, row.table, wish), asked["force"])
        with tenant_scope(tenant_id):
            if "label" in asked:
                rename(row, asked["label"])
            if is_other:
                retype(row.table, wish)
            return Response(FileColumnSerializer(row).data, status=202 if is_other else 200)

    def _caller(self, request: Request) -> UUID:
        return caller_of(request).tenant_id


def _column(tenant_id: UUID, dataset_id: UUID, table: str, column: str) -> DatasetColumn:
    """Raises NotFound."""
    wanted: dict[str, Any] = {"table__dataset_id": dataset_id, "table__name": table, "name": column}
    return access_row(DatasetColumn, tenant_id, related=["table__dataset"], **wanted)


def _refuse_loss(seen: Preview, is_forced: bool) -> None:
    """Raises Invalid where the format must be said, ValuesWouldBeLost."""
    if seen.notes:
        raise Invalid.field("format", "; ".join(told(note.text, note.values) for note in seen.notes))
    if seen.lost and not is_forced:
        raise ValuesWouldBeLost(**_loss(seen))


def _loss(seen: Preview) -> dict[str, Any]:
    return {"lost": seen.lost, "rows": seen.rows, "examples": seen.examples}
