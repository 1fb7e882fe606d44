"""What a profile proposes: joins between columns that hold the same keys, and sums of amounts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg.sql import SQL, Identifier

from analytics.catalogue import Catalogue, Column, Table
from analytics.meaning.reading_values import Counted, share_contained
from analytics.meaning.terms import terms_of
from analytics.models import Dataset
from personas.language import is_chinese

MOST_COMPARED = 60
MOST_METRICS = 20
CONTAINED = 0.95
_KEY = re.compile(r"(?i)(?:^|_|\b)(?:id|no|code|key|num|number)$|编号|编码|代码|号$|工号|(?<=[a-z])(?:Id|No|Code)$")
_AMOUNT = re.compile(
    r"(?i)amount|total|revenue|sales|cost|fee\b|spend|profit|tax|freight|quantity|qty"
    r"|金额|总额|销售额|收入|成本|费用|数量|利润|税额|运费|件数"
)
_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class MetricProposal:
    name: str
    table: str
    sql: str


def propose_joins(
    dataset: Dataset, catalogue: Catalogue, counted: Mapping[Place, Counted]
) -> list[tuple[Place, Place]]:
    """Pairs of columns of which the left one's values nearly all occur in the right one, which has each once.

    Only columns are compared whose names say that they are keys and of what. No transaction of ours may be open.
    """
    known = {frozenset((join.left, join.right)) for join in catalogue.joins}
    pairs = [pair for pair in _candidates(catalogue, counted) if frozenset(pair) not in known][:MOST_COMPARED]
    return [pair for pair in pairs if share_contained(dataset, catalogue, *pair) >= CONTAINED]


def _candidates(catalogue: Catalogue, counted: Mapping[Place, Counted]) -> Iterator[tuple[Place, Place]]:
    unique = [
        (table, column)
        for table in catalogue.tables
        for column in table.columns
        if _is_unique(counted.get((table.name, column.name)))
    ]
    for table in catalogue.tables:
        for column in table.columns:
            one = counted.get((table.name, column.name))
            if one is None or not one.filled or not _is_key(column):
                continue
            for other, key in unique:
                if other.name != table.name and _same_type(column, key) and _names(column, other, key):
                    yield (table.name, column.name), (other.name, key.name)


def _is_unique(one: Counted | None) -> bool:
    return one is not None and one.filled > 0 and one.distinct == one.filled and one.nulls == 0


def _is_key(column: Column) -> bool:
    return any(_KEY.search(name) for name in (column.name, column.label) if name)


def _same_type(left: Column, right: Column) -> bool:
    kinds = ["number" if column.type.startswith(_NUMBERS) else column.type.split("(")[0] for column in (left, right)]
    return kinds[0] == kinds[1]


def _names(column: Column, table: Table, key: Column) -> bool:
    """`customer_id` names `customers.id`; `order_no` the `order_no` of another table; 客户编号 names 客户."""
    said = column.name.lower(), column.label
    if _is_key(key) and any(name and name in (key.name.lower(), key.label) and name.lower() != "id" for name in said):
        return True
    rest = " ".join(_KEY.sub(" ", name) for name in said if name)
    about = terms_of(rest)
    called = [terms_of(name) for name in (table.name, table.label, *table.synonyms) if name]
    return (
        _is_key(key)
        and bool(about)
        and any(len(name) <= 2 and any(part.meets(term) for part in name for term in about) for name in called)
    )


def propose_metrics(catalogue: Catalogue) -> list[MetricProposal]:
    """Sums of the columns that hold amounts, named in the language of the data."""
    taken = {metric.sql for metric in catalogue.metrics}
    proposals = [
        MetricProposal(
            _metric_name(table, column), table.name, SQL("sum({})").format(Identifier(column.name)).as_string(None)
        )
        for table in catalogue.tables
        for column in table.columns
        if column.type.startswith(_NUMBERS) and not _is_key(column) and _is_amount(column)
    ]
    return [metric for metric in proposals if metric.sql not in taken][:MOST_METRICS]


def _is_amount(column: Column) -> bool:
    return any(_AMOUNT.search(name) for name in (column.name, column.label) if name)


def _metric_name(table: Table, column: Column) -> str:
    column_called = column.label or column.name.replace("_", " ")
    table_called = table.label or table.name.replace("_", " ")
    if is_chinese(column_called):
        return f"{table_called}{column_called}合计"[:200]
    return f"total {column_called} of {table_called}"[:200]
