"""Parameters of a saved question: `:name` in its SQL, bound as literals of their type in the tree of the statement.

A value never becomes text of a statement before it is a literal, and what is bound goes through the gate like any SQL.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from sqlglot import exp
from sqlglot.errors import SqlglotError

from analytics.gate.dialect import GATE, GateGenerator, parse, write
from analytics.gate.lexing import lex
from analytics.gate.refusing import refuse
from analytics.results.cells import plain
from tenants.errors import Invalid

TYPES = ("text", "number", "date", "choice")
NAME = re.compile(r"[^\W\d]\w{0,62}")
MAX_PARAMETERS = 20
MAX_CHOICES = 200
MAX_TEXT = 1000
MAX_DIGITS = 60
# In these a literal is no value: lengths of types, and the 1 of GROUP BY 1.
_NO_VALUES = (exp.Interval, exp.DataType, exp.DataTypeParam, exp.Group, exp.Ordered)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """`value` is taken where a run names none. `choices` are all that one of type "choice" may be."""

    name: str
    type: str
    value: Any
    label: str = ""
    choices: tuple[Any, ...] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Parameter":
        choices = tuple(stored.get("choices", ()))
        return cls(stored["name"], stored["type"], stored["value"], stored.get("label", ""), choices)

    def as_dict(self) -> dict[str, Any]:
        told = {"name": self.name, "label": self.label, "type": self.type, "value": self.value}
        return told | ({"choices": list(self.choices)} if self.type == "choice" else {})

    def literal(self, value: Any) -> exp.Expr:
        """The value in a statement. Raises Invalid with the parameter's name as its field."""
        match self.type:
            case "number":
                return _number(self._read_number(value))
            case "date":
                return exp.cast(exp.Literal.string(self._read_date(value)), "date")
            case "choice":
                chosen = next((each for each in self.choices if str(each) == str(value)), None)
                if chosen is None or isinstance(value, bool):
                    raise self._refused(_("Choose one of the values of this parameter."))
                return exp.Literal.string(chosen) if isinstance(chosen, str) else _number(self._read_number(chosen))
        return exp.Literal.string(self._read_text(value))

    def _read_text(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
            raise self._refused(_("Give a text of one line, of at most %(most)d characters.") % {"most": MAX_TEXT})
        return value

    def _read_number(self, value: Any) -> Decimal:
        if isinstance(value, int | float | str) and not isinstance(value, bool) and len(str(value)) <= MAX_DIGITS:
            with suppress(InvalidOperation):
                number = Decimal(str(value).strip())
                if number.is_finite() and abs(number.adjusted()) < MAX_DIGITS:
                    return number
        raise self._refused(_("Give a number."))

    def _read_date(self, value: Any) -> str:
        if isinstance(value, str) and _DATE.fullmatch(value):
            with suppress(ValueError):
                return date.fromisoformat(value).isoformat()
        raise self._refused(_("Give a date as 2026-01-31."))

    def _refused(self, detail: str) -> Invalid:
        return Invalid.field(f"parameters.{self.name}", detail)


def bind(sql: str, parameters: Sequence[Parameter], given: Mapping[str, Any]) -> str:
    """The statement with the given values, or the parameters' own, in the place of their names.

    Raises Invalid for a value that does not suit, or a name that is none of the parameters'; SqlRejected for SQL that
    cannot be read. Whether it may run says the gate.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            raise Invalid.field(f"parameters.{name}", _("This question has no such parameter."))
    literals = {name: each.literal(given.get(name, each.value)) for name, each in known.items()}

    def bound(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder):
            return node
        literal = literals.get(node.name)
        if literal is None:
            raise Invalid.field("sql", _("The SQL names «:%(name)s», which is no parameter.") % {"name": node.name})
        return literal.copy()

    return write(_tree(sql).transform(bound))


def with_parameters(sql: str, parameters: Sequence[Parameter]) -> str:
    """The statement with `:name` wherever a literal is the value of a parameter that it does not name already.

    Raises Invalid for a parameter that is nowhere, and for a name that is no parameter; SqlRejected.
    """
    tree = _tree(sql)
    named = {node.name for node in tree.find_all(exp.Placeholder)}
    wanted = [parameter for parameter in parameters if parameter.name not in named]
    if unknown := named - {parameter.name for parameter in parameters}:
        raise Invalid.field("sql", _("The SQL names «:%(name)s», which is no parameter.") % {"name": min(unknown)})
    if not wanted:
        return sql
    found = set()

    def named_instead(node: exp.Expr) -> exp.Expr:
        for parameter in wanted:
            if _is_value(node, parameter):
                found.add(parameter.name)
                return exp.Placeholder(this=parameter.name)
        return node

    tree = tree.transform(named_instead)
    if missing := next((parameter for parameter in wanted if parameter.name not in found), None):
        detail = _("The SQL has neither «:%(name)s» nor its value.") % {"name": missing.name}
        raise Invalid.field(f"parameters.{missing.name}", detail)
    return _written_with_names(tree)


def literals_of(sql: str) -> list[dict[str, str]]:
    """What may become parameters: `[{"value", "type", "column"}, …]`, each value once. Raises SqlRejected."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for node in _tree(sql).find_all(exp.Literal, bfs=False):
        if not isinstance(node.parent, _NO_VALUES):
            outer = node.parent if isinstance(node.parent, exp.Neg) else node
            value = f"-{node.this}" if outer is not node else str(node.this)
            type_ = "number" if not node.is_string else "date" if _DATE.fullmatch(node.this) else "text"
            found.setdefault((value, type_), {"value": value, "type": type_, "column": _column_beside(outer)})
    return list(found.values())


def _column_beside(node: exp.Expr) -> str:
    """The column that a literal is compared with, "" for none."""
    parent = node.parent
    while isinstance(parent, exp.Cast | exp.Paren):
        parent = parent.parent
    if isinstance(parent, exp.Binary | exp.In | exp.Between):
        column = parent.this.find(exp.Column) or parent.find(exp.Column)
        return str(column.name) if column else ""
    return ""


def _is_value(node: exp.Expr, parameter: Parameter) -> bool:
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal) and not node.this.is_string:
        return parameter.type in ("number", "choice") and _same_number(f"-{node.this.this}", parameter.value)
    if not isinstance(node, exp.Literal) or isinstance(node.parent, _NO_VALUES):
        return False
    if node.is_string:
        return parameter.type != "number" and node.this == str(parameter.value)
    is_negated = isinstance(node.parent, exp.Neg)
    return parameter.type in ("number", "choice") and not is_negated and _same_number(node.this, parameter.value)


def _same_number(text: str, value: Any) -> bool:
    try:
        return Decimal(text) == Decimal(str(value))
    except InvalidOperation:
        return False


def _number(number: Decimal) -> exp.Expr:
    literal = exp.Literal.number(plain(number.copy_abs()))
    return exp.Paren(this=exp.Neg(this=literal)) if number < 0 else literal


def _tree(sql: str) -> exp.Expr:
    """The one statement, measured first as the gate measures. Raises SqlRejected."""
    try:
        statements = [statement for statement in parse(lex(sql).text) if statement is not None]
    except RecursionError:
        refuse("too_deep")
    except SqlglotError:
        refuse("unreadable")
    if len(statements) != 1:
        refuse("one_statement")
    return statements[0]


class _Naming(GateGenerator):
    """As the gate writes, but for names of parameters, which psycopg would have as %(name)s."""

    TRANSFORMS: ClassVar[dict[Any, Any]] = {
        **GateGenerator.TRANSFORMS,
        exp.Placeholder: lambda _self, node: f":{node.name}",
    }


def _written_with_names(tree: exp.Expr) -> str:
    return _Naming(dialect=GATE, comments=False, identify=True, normalize_functions=False).generate(tree)
