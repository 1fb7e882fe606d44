"""What a dataset's columns hold: counted, sampled, with what is personal kept out. Joins and metrics are proposed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from django.db import transaction

from analytics.catalogue import Catalogue
from analytics.catalogues import catalogue_of
from analytics.meaning.personal import Personal, masked, personal_kind
from analytics.meaning.proposing import propose_joins, propose_metrics
from analytics.meaning.quoting import plain
from analytics.meaning.reading_values import Counted, count, has_order
from analytics.meaning.values import MAX_VALUE_CHARACTERS, keys_of, words_of
from analytics.models import Dataset, DatasetColumn, KnownValue
from jobs.handlers import Run
from jobs.queueing import enqueue
from tenants.scope import tenant_scope

PROFILE = "analytics.profile"
# Samples tell what a column holds: the frequent values, and a few rare ones.
FREQUENT, RARE = 8, 4
SAMPLE_CHARACTERS = 80
# Beyond these a column holds texts rather than names, and no question says them.
MOST_DISTINCT = 20_000
MOST_MEAN_CHARACTERS = 40
# A word tells a value if no more of the column's values have it.
MOST_VALUES_OF_A_WORD = 3
VALUES_LOOKED_AT = 200


def post_profile(dataset: Dataset) -> None:
    """Have the dataset looked at in the background. In the tenant's scope."""
    enqueue(tenant_id=dataset.tenant_id, kind=PROFILE, queue="analytics", subject_id=dataset.pk)


def profile_dataset(run: Run) -> None:
    """Look at every column of a dataset (the job's subject). Safe to do again; one that is gone is left alone."""
    with tenant_scope(run.tenant_id):
        dataset = Dataset.objects.for_tenant(run.tenant_id).ready().filter(pk=run.subject_id).first()
        if dataset is None:
            return
        catalogue = catalogue_of(dataset)
    counted: dict[tuple[str, str], Counted] = {}
    for table in catalogue.tables:
        run.check_in()
        found = count(dataset, catalogue, table.name, table.columns)
        counted |= {(table.name, name): one for name, one in found.items()}
        with tenant_scope(run.tenant_id):
            _keep(dataset, table.name, found)
    run.check_in()
    joins = propose_joins(dataset, catalogue, counted)
    with tenant_scope(run.tenant_id), transaction.atomic():
        run.check_in()
        _save_proposals(dataset, catalogue, joins)
        Dataset.objects.for_tenant(run.tenant_id).filter(pk=dataset.pk).note_change()


def _save_proposals(
    dataset: Dataset, catalogue: Catalogue, joins: Sequence[tuple[tuple[str, str], tuple[str, str]]]
) -> None:
    columns = {(c.table.name, c.name): c for c in _columns(dataset)}
    for left, right in joins:
        if left in columns and right in columns:
            dataset.joins.get_or_create(left_column=columns[left], right_column=columns[right])
    tables = {column.table.name: column.table for column in columns.values()}
    for metric in propose_metrics(catalogue):
        if metric.table in tables:
            defaults = {"table": tables[metric.table], "sql": metric.sql}
            dataset.metrics.get_or_create(name=metric.name, defaults=defaults)


def _columns(dataset: Dataset) -> list[DatasetColumn]:
    return list(DatasetColumn.objects.filter(table__dataset=dataset).select_related("table"))


@transaction.atomic
def _keep(dataset: Dataset, table_name: str, found: dict[str, Counted]) -> None:
    columns = list(DatasetColumn.objects.filter(table__dataset=dataset, table__name=table_name, name__in=found))
    for column in columns:
        keep_counted(column, found[column.name])
    DatasetColumn.objects.bulk_update(columns, ["pii", "profile", "samples"])
    forget_values([column.pk for column in columns])
    KnownValue.objects.bulk_create(
        [row for column in columns for row in _known(dataset, column, found[column.name])], batch_size=1000
    )


def keep_counted(column: DatasetColumn, one: Counted) -> None:
    """Set what is known of a column on its row, which is not saved. What a person decided of it stays."""
    values = [value for value, _times in one.values[:VALUES_LOOKED_AT]]
    if not column.pii and not column.profile.get("is_pii_decided"):
        column.pii = personal_kind(f"{column.label} {column.name}", values)
    is_shown = not (column.pii or column.samples_off)
    profile: dict[str, Any] = {"distinct": one.distinct, "nulls": one.nulls}
    if is_shown and has_order(column.type):
        profile |= {"min": one.least, "max": one.most}
    kept = {name: value for name, value in column.profile.items() if name == "is_pii_decided"}
    column.profile = profile | kept
    column.samples = samples_of(column, one)


def look_first(column: DatasetColumn, values: Sequence[str]) -> None:
    """Samples out of the first rows of a file, so that there are some until all of it is counted. Not saved."""
    if not column.profile:
        column.pii = column.pii or personal_kind(f"{column.label} {column.name}", values)
        column.samples = samples_of(column, Counted(values=Counter(values).most_common()))


def samples_of(column: DatasetColumn, one: Counted) -> list[str]:
    """A few values to show, by rank and by rarity, cut; of a personal column only their shape."""
    if column.samples_off or not one.values:
        return []
    if column.pii:
        return [masked(one.values[0][0], cast(Personal, column.pii))]
    values = [value for value, _times in one.values]
    if has_order(column.type) and one.distinct > FREQUENT + RARE:
        values = [value for value in (one.least, one.most) if value is not None]
    chosen = values if len(values) <= FREQUENT + RARE else values[:FREQUENT] + values[-RARE:]
    shown = (plain(masked(value))[:SAMPLE_CHARACTERS] for value in chosen)
    return list(dict.fromkeys(text for text in shown if text))


def _known(dataset: Dataset, column: DatasetColumn, one: Counted) -> list[KnownValue]:
    """The values that questions may say, by the words that tell them."""
    values = [value for value, _times in one.values if value.strip() and len(value) <= MAX_VALUE_CHARACTERS]
    mean = sum(map(len, values)) / len(values) if values else 0
    is_text = column.type.startswith(("text", "character", "varchar", "USER-DEFINED")) or not has_order(column.type)
    if column.pii or column.samples_off or not is_text or mean > MOST_MEAN_CHARACTERS or one.distinct > MOST_DISTINCT:
        return []
    values = [value for value in values if masked(value) == value and plain(value) == value]
    counts = Counter(word for value in values for word in words_of(value))
    telling = frozenset(word for word, times in counts.items() if times <= MOST_VALUES_OF_A_WORD)
    return [
        KnownValue(dataset=dataset, column=column, value=value, key=key, is_whole=is_whole)
        for value in values
        for key, is_whole in keys_of(value, telling).items()
    ]


def forget_values(column_ids: Sequence[UUID]) -> None:
    KnownValue.objects.filter(column_id__in=column_ids).delete()
