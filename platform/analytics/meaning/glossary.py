"""The glossary of a dataset: what its people call things, metrics and joins, and what is proposed of these."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg.sql import SQL, Identifier
from sqlglot import exp

from analytics.catalogue import Catalogue
from analytics.catalogues import catalogue_of
from analytics.errors import SqlRejected
from analytics.gate import check
from analytics.gate.dialect import parse
from analytics.meaning.profiling import forget_values, post_profile
from analytics.meaning.quoting import plain_description, plain_name, plain_synonyms
from analytics.models import Approval, Dataset, DatasetColumn, DatasetTable
from analytics.models import Join as JoinRow
from analytics.models import Metric as MetricRow
from tenants.errors import Conflict, Invalid

MAX_METRICS, MAX_JOINS = 500, 1000
Changes = Mapping[str, Sequence[Mapping[str, Any]]]


def glossary_of(dataset: Dataset) -> dict[str, Any]:
    """`{metrics, joins, proposals}`; descriptions and synonyms stand with their tables and columns.

    In the tenant's scope; four queries.
    """
    joins = dataset.joins.select_related("left_column__table", "right_column__table").order_by("id")
    return {
        "metrics": [
            {
                "id": str(metric.pk),
                "name": metric.name,
                "table": metric.table.name,
                "sql": metric.sql,
                "description": metric.description,
                "synonyms": metric.synonyms,
                "status": metric.status,
            }
            for metric in dataset.metrics.select_related("table").order_by("name")
        ],
        "joins": [
            {
                "id": str(join.pk),
                "left": _place(join.left_column),
                "right": _place(join.right_column),
                "status": join.status,
            }
            for join in joins
        ],
        "proposals": [*_proposed(dataset.tables.all(), "table"), *_proposed(_columns_of(dataset), "column")],
    }


def _place(column: DatasetColumn) -> dict[str, str]:
    return {"table": column.table.name, "column": column.name}


def _proposed(rows: Iterable[DatasetTable | DatasetColumn], kind: str) -> list[dict[str, Any]]:
    return [
        {
            "id": str(row.pk),
            "kind": kind,
            "name": row.name,
            "description": row.proposal.get("description", ""),
            "synonyms": row.proposal.get("synonyms", []),
        }
        for row in rows
        if row.proposal
    ]


@transaction.atomic
def patch_glossary(dataset: Dataset, changes: Changes, *, may_approve: bool) -> None:
    """Take over what a person says of tables, columns, metrics and joins; all of it or nothing. In the tenant's scope.

    Each change names its row by `id`; a metric or join without one is new, `delete` takes it away. Without
    `may_approve` what is new is a proposal. Raises Invalid, Conflict, and SqlRejected for a metric that may not run.
    """
    dataset = Dataset.objects.select_for_update().get(pk=dataset.pk)
    for index, change in enumerate(changes.get("tables", ())):
        _change_table(_row(dataset.tables, change, f"tables.{index}"), change)
    columns = [
        _row(_columns_of(dataset), change, f"columns.{i}") for i, change in enumerate(changes.get("columns", ()))
    ]
    for column, change in zip(columns, changes.get("columns", ()), strict=True):
        _change_column(column, change)
    for index, change in enumerate(changes.get("metrics", ())):
        _change_metric(dataset, change, f"metrics.{index}", may_approve=may_approve)
    for index, change in enumerate(changes.get("joins", ())):
        _change_join(dataset, change, f"joins.{index}", may_approve=may_approve)
    if any({"samples_off", "pii"} & change.keys() for change in changes.get("columns", ())):
        post_profile(dataset)
    Dataset.objects.filter(pk=dataset.pk).note_change()


def _columns_of(dataset: Dataset) -> Any:
    return DatasetColumn.objects.filter(table__dataset=dataset)


def _row(rows: Any, change: Mapping[str, Any], place: str) -> Any:
    found = rows.filter(pk=change["id"]).first()
    if found is None:
        raise Invalid.field(f"{place}.id", _("There is nothing here under this id."))
    return found


def _change_table(table: DatasetTable, change: Mapping[str, Any]) -> None:
    _set_words(table, change)
    if "is_hidden" in change:
        table.is_hidden = change["is_hidden"]
    table.save()


def _change_column(column: DatasetColumn, change: Mapping[str, Any]) -> None:
    _set_words(column, change)
    if "pii" in change:
        column.pii = change["pii"]
        column.profile = {**column.profile, "is_pii_decided": True}
    if "samples_off" in change:
        column.samples_off = change["samples_off"]
    if column.samples_off or column.pii:
        # At once, without waiting for the next profile.
        column.samples = []
        column.profile = {name: value for name, value in column.profile.items() if name not in ("min", "max")}
        forget_values([column.pk])
    column.save()


def _set_words(row: DatasetTable | DatasetColumn, change: Mapping[str, Any]) -> None:
    """Whoever takes over a proposal, or writes something else in its place, has decided on it."""
    if "description" in change:
        row.description = plain_description(change["description"])
    if "synonyms" in change:
        row.synonyms = plain_synonyms(change["synonyms"])
    decided = {name for name in ("description", "synonyms") if name in change}
    if change.get("dismiss_proposal"):
        decided = {"description", "synonyms"}
    row.proposal = {name: value for name, value in row.proposal.items() if name not in decided}


def _status(change: Mapping[str, Any], *, may_approve: bool) -> str:
    return change.get("status", Approval.APPROVED) if may_approve else Approval.PROPOSED


def _change_metric(dataset: Dataset, change: Mapping[str, Any], place: str, *, may_approve: bool) -> None:
    if "id" in change:
        metric = _row(dataset.metrics, change, place)
    elif dataset.metrics.count() >= MAX_METRICS:
        raise Invalid.field(place, _("There are as many metrics as there may be."))
    else:
        metric = MetricRow(dataset=dataset)
    if change.get("delete"):
        if not metric._state.adding:
            metric.delete()
        return
    if "table" in change:
        metric.table = _table_named(dataset, change["table"], f"{place}.table")
    elif metric.table_id is None:
        raise Invalid.field(f"{place}.table", _("Name the table."))
    metric.name = plain_name(change.get("name", metric.name))
    metric.sql = change.get("sql", metric.sql).strip()
    if not metric.name or not metric.sql:
        raise Invalid.field(place, _("A metric needs a name and its SQL."))
    if dataset.metrics.filter(name=metric.name).exclude(pk=metric.pk).exists():
        raise Conflict(_("There is a metric of this name already."))
    metric.description = plain_description(change.get("description", metric.description))
    metric.synonyms = plain_synonyms(change.get("synonyms", metric.synonyms))
    metric.status = _status(change, may_approve=may_approve)
    check_metric(metric.sql, metric.table.name, catalogue_of(dataset))
    metric.save()


def check_metric(sql: str, table: str, catalogue: Catalogue) -> None:
    """Whether this may stand as one expression in a SELECT over its table. Raises SqlRejected with the rule."""
    statement = SQL("SELECT ({}\n) FROM {}").format(SQL(sql), Identifier(table)).as_string(None)
    check(statement, catalogue)
    (tree,) = parse(statement)
    parts = tree.expressions if tree else []
    has_note = "--" in sql or "/*" in sql
    if has_note or len(parts) != 1 or not isinstance(parts[0], exp.Paren) or parts[0].find(exp.Query):
        raise SqlRejected(
            rule="metric", detail=_("A metric is one expression over the columns of its table, as sum(amount).")
        )
    known = catalogue.table(table)
    if not all(known and known.column(column.name) for column in parts[0].find_all(exp.Column)):
        raise SqlRejected(rule="column_unknown", detail=_("The table has no such column."))


def _table_named(dataset: Dataset, name: str, place: str) -> DatasetTable:
    table: DatasetTable | None = dataset.tables.filter(name=name).first()
    if table is None:
        raise Invalid.field(place, _("There is no such table."))
    return table


def _change_join(dataset: Dataset, change: Mapping[str, Any], place: str, *, may_approve: bool) -> None:
    if "id" in change:
        join = _row(dataset.joins, change, place)
        if change.get("delete"):
            join.delete()
            return
        join.status = _status(change, may_approve=may_approve)
        join.save(update_fields=["status"])
        return
    if dataset.joins.count() >= MAX_JOINS:
        raise Invalid.field(place, _("There are as many joins as there may be."))
    left, right = (_column_at(dataset, change.get(side), f"{place}.{side}") for side in ("left", "right"))
    if left.pk == right.pk:
        raise Invalid.field(place, _("A join needs two columns."))
    status = _status(change, may_approve=may_approve)
    JoinRow.objects.update_or_create(dataset=dataset, left_column=left, right_column=right, defaults={"status": status})


def _column_at(dataset: Dataset, at: Mapping[str, str] | None, place: str) -> DatasetColumn:
    named = at or {}
    column: DatasetColumn | None = (
        _columns_of(dataset).filter(table__name=named.get("table"), name=named.get("column")).first()
    )
    if column is None:
        raise Invalid.field(place, _("There is no such column."))
    return column
