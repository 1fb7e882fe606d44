"""What is asked back: which of two readings is meant, or whether something costly shall really run."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from analytics.asking import phrases
from analytics.catalogue import Catalogue, Table
from analytics.meaning.linking import Linked, Reading
from personas.context import Language

MAX_CHOICES = 6
# Of one question; after that the likelier reading is taken.
MAX_TIMES = 3


class AskBack(Exception):
    """The question cannot go on without an answer. `clarification`: {kind, question, choices} and what we need then."""

    def __init__(self, clarification: Mapping[str, Any], **fields: Any) -> None:
        super().__init__()
        self.clarification = dict(clarification)
        self.fields = fields


def undecided(linked: Linked, catalogue: Catalogue, answers: Sequence[Mapping[str, Any]]) -> AskBack | None:
    """The first reading that nobody has decided on yet, as something to ask."""
    decided = {answer["said"] for answer in answers}
    reading = next((one for one in linked.readings if one.said not in decided), None)
    if reading is None or len(answers) >= MAX_TIMES:
        return None
    places = [list(place) for place in reading.choices[:MAX_CHOICES]]
    return AskBack(
        {
            "kind": "reading",
            "question": _("What do you mean by «%(said)s»?") % {"said": reading.said},
            "choices": _told_apart(reading, catalogue),
            "said": reading.said,
            "places": places,
            "answers": list(answers),
        }
    )


def _told_apart(reading: Reading, catalogue: Catalogue) -> list[str]:
    told = [_place(catalogue, *place) for place in reading.choices[:MAX_CHOICES]]
    # Two that are called alike are told apart by their names in SQL.
    return [
        one if told.count(one) == 1 else f"{one} ({'.'.join(place)})"
        for one, place in zip(told, reading.choices, strict=False)
    ]


def _place(catalogue: Catalogue, table_name: str, column_name: str) -> str:
    table = catalogue.table(table_name)
    column = table.column(column_name) if table else None
    called = (table.label or table.name) if table else table_name
    if not column_name:
        return called
    named = (column.label or column.name) if column else column_name
    return _("%(column)s of %(table)s") % {"column": named, "table": called}


def confirmation(
    *, sql: str, explanation: str, tables: Sequence[Table], plan_cost: float, language: Language
) -> AskBack:
    """Ask whether a costly statement shall run, saying what it reads and how much."""
    read = phrases.LIST[language].join(_read(table) for table in tables)
    question = _("This takes a while, since much is read: %(tables)s. %(explanation)s Shall it run?") % {
        "tables": read,
        "explanation": explanation,
    }
    clarification = {"kind": "confirm", "question": question, "choices": [_("Run it"), _("Do not run it")]}
    return AskBack(clarification, sql=sql, explanation=explanation, plan_cost=plan_cost)


def _read(table: Table) -> str:
    called = table.label or table.name
    if table.row_count is None:
        return called
    return _("%(table)s with %(count)s rows") % {"table": called, "count": f"{table.row_count:,}"}
