"""A made-up company of 60 tables, and questions about it with the tables that they need."""

import re
from pathlib import Path

from analytics.catalogue import Catalogue, Column, Join, Table

HERE = Path(__file__).parent
_COLUMN = re.compile(r"(\S+) (\S+)(?: ([^{]*?))?(?: ?\{(.*)\})?")


def company(*, with_joins: bool = True) -> Catalogue:
    tables, joins = [], []
    for line in _lines("company.txt"):
        if line.startswith("join "):
            left, right = (tuple(side.strip().split(".")) for side in line[5:].split("="))
            joins.append(Join(left, right))
            continue
        name, label, columns = (part.strip() for part in line.split("|"))
        tables.append(Table(name, tuple(map(_column, columns.split(";"))), label))
    return Catalogue("acme", tuple(tables), joins=tuple(joins) if with_joins else (), version=1)


def questions(part: str) -> list[tuple[str, frozenset[str]]]:
    """Each question of "dev" or "held_out" with the tables that its SQL needs."""
    pairs = (line.split("|") for line in _lines(f"questions_{part}.txt"))
    return [(question.strip(), frozenset(tables.split())) for question, tables in pairs]


def _column(text: str) -> Column:
    name, type_, label, samples = _COLUMN.fullmatch(text.strip()).groups()
    return Column(name, type_, (label or "").strip(), samples=tuple(samples.split(",")) if samples else ())


def _lines(name: str) -> list[str]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]
