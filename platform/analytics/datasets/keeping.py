"""Datasets from their making to their end."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from analytics.datasets.describing import describe_tables
from analytics.datasets.dsn import parse_dsn
from analytics.datasets.introspecting import Found, look_into
from analytics.datasets.limits import refuse_one_too_many
from analytics.datasets.schemas import drop_schema, make_schema
from analytics.errors import DatasetNotExternal
from analytics.importing.taking_in import take_in
from analytics.meaning.profiling import post_profile
from analytics.models import Approval, Dataset, DatasetColumn
from jobs.handlers import Run
from jobs.queueing import enqueue
from knowledge.parsing.cleaning import clean_text
from tenants.errors import Conflict, Invalid
from tenants.scope import tenant_scope

LOOK = "analytics.look"


def dataset_from_files(*, name: str, uploads: "Sequence[UploadedFile[bytes]]") -> Dataset:
    """A dataset with these files in line to be imported. Raises as `take_in`, and DatasetLimitReached."""
    refuse_one_too_many()
    dataset = Dataset(name=_clean(name), kind=Dataset.Kind.FILES)
    make_schema(dataset)
    dataset.save()
    take_in(dataset, uploads)
    return dataset


def dataset_of_postgres(*, name: str, dsn: str) -> Dataset:
    """A dataset over a PostgreSQL of the tenant's; what is in it is found out by a worker.

    Raises Invalid for an address that may not be used, DatasetLimitReached.
    """
    refuse_one_too_many()
    parsed = parse_dsn(dsn)
    dataset = Dataset(name=_clean(name), kind=Dataset.Kind.POSTGRES, address=parsed.address, schema_name=parsed.schema)
    dataset.password = parsed.password
    dataset.save()
    _put_in_line(dataset)
    return dataset


def look_again(dataset: Dataset) -> None:
    """Find out anew what is in a tenant's own database. Raises DatasetNotExternal."""
    if dataset.kind != Dataset.Kind.POSTGRES:
        raise DatasetNotExternal
    if dataset.status == Dataset.Status.FAILED:
        dataset.status, dataset.error_code, dataset.error_detail = Dataset.Status.IMPORTING, "", ""
        dataset.save(update_fields=["status", "error_code", "error_detail"])
    _put_in_line(dataset)


def look(run: Run) -> None:
    """The job behind it: look into the database outside any transaction of ours, then write down what was found."""
    with tenant_scope(run.tenant_id):
        dataset = Dataset.objects.filter(pk=run.subject_id, kind=Dataset.Kind.POSTGRES).first()
    if dataset is None:
        return
    found = look_into(dataset.address, dataset.password, dataset.schema_name)
    with tenant_scope(run.tenant_id):
        run.check_in()
        dataset = Dataset.objects.select_for_update().filter(pk=run.subject_id).first()
        if dataset is None:
            return
        describe_tables(dataset, found.tables)
        _join_by_keys(dataset, found)
        dataset.status, dataset.error_code, dataset.error_detail = Dataset.Status.READY, "", ""
        dataset.address["may_write"] = found.may_write
        dataset.save(update_fields=["status", "error_code", "error_detail", "address"])
        post_profile(dataset)


def say_why_not(dataset_id: UUID, *, code: str, detail: str) -> None:
    """The last attempt to look failed. A dataset that was ready stays so, with the reason beside it."""
    datasets = Dataset.objects.filter(pk=dataset_id)
    datasets.update(error_code=code, error_detail=detail)
    datasets.filter(tables=None).update(status=Dataset.Status.FAILED)


def rename_dataset(dataset: Dataset, name: str) -> None:
    dataset.name = _clean(name)
    dataset.save(update_fields=["name"])


def delete_dataset(dataset: Dataset) -> None:
    """Delete it with everything that hangs on it; its tables and its role go once that has committed."""
    if dataset.kind == Dataset.Kind.CONVERSATIONS:
        raise Conflict(_("The built-in dataset stays."))
    rows = Dataset.objects.filter(pk=dataset.pk)
    rows._raw_delete(using=rows.db)
    if dataset.role_name:
        # Robust: what is left is swept away.
        transaction.on_commit(partial(drop_schema, dataset.role_name), robust=True)


def _put_in_line(dataset: Dataset) -> None:
    enqueue(tenant_id=dataset.tenant_id, kind=LOOK, queue="analytics", subject_id=dataset.pk)


def _join_by_keys(dataset: Dataset, found: Found) -> None:
    """Foreign keys say what belongs together: nobody need approve of that."""
    columns: dict[tuple[str, str], Any] = {
        (column.table.name, column.name): column.pk
        for column in DatasetColumn.objects.filter(table__dataset=dataset).select_related("table")
    }
    for left, right in found.keys:
        if left in columns and right in columns:
            dataset.joins.update_or_create(
                left_column_id=columns[left],
                right_column_id=columns[right],
                defaults={"status": Approval.APPROVED},
            )


def _clean(name: str) -> str:
    name = clean_text(name).strip()
    if not name:
        raise Invalid.field("name", _("A name is needed."))
    return name[:200]
