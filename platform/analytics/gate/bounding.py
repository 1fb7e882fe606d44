"""Calls that are harmless but for their size: their size must be seen before they run."""

import re
from datetime import datetime, timedelta

from sqlglot import exp

from analytics.gate.allowed import LONGEST_FILL, MOST_GENERATED_ROWS
from analytics.gate.naming import start_of
from analytics.gate.refusing import refuse

_FILLS = frozenset({"repeat", "lpad", "rpad"})
# One power of long decimals takes up to a second, and PostgreSQL cannot be interrupted inside.
MOST_POWERS = 8
_POWERS = frozenset({"power", "pow", "exp"})
_WIDTH = re.compile(r"%(?:[0-9]+\$)?-?(?:[0-9]{4,}|\*)")
_STEP = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*", re.IGNORECASE)
_UNIT_S = {
    "second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86_400, "week": 604_800,
    "month": 2_592_000, "mon": 2_592_000, "year": 31_536_000,
}  # fmt: skip
_SHORTEST_OPEN_STEP_S = 3600


def bound(tree: exp.Expr) -> exp.Expr:
    """Refuse what may grow without an end, and write a limit into what may not. Changes the tree."""
    powers = 0
    for node in list(tree.find_all(exp.Anonymous, exp.Pow, exp.With)):
        if isinstance(node, exp.With):
            _recursion(node)
        elif isinstance(node, exp.Pow) or node.this in _POWERS:
            powers += 1
            if powers > MOST_POWERS:
                refuse("powers", limit=MOST_POWERS, position=start_of(node))
        elif node.this == "generate_series":
            _series(node)
        elif node.this in _FILLS:
            _fill(node)
        elif node.this == "format":
            _format(node)
    return tree


def _fill(call: exp.Expr) -> None:
    arguments = call.expressions
    if len(arguments) < 2:
        return  # PostgreSQL knows no such function
    text, length, *_rest = arguments
    if any(inner.this in _FILLS for inner in text.find_all(exp.Anonymous)):
        refuse("text_size", name=call.this, limit=LONGEST_FILL, position=start_of(call))
    number = _number(length)
    if number is None and _is_limited(length):
        return
    if number is None:
        limited = exp.Anonymous(this="least", expressions=[length.copy(), exp.Literal.number(LONGEST_FILL)])
        length.replace(limited)
    elif number > LONGEST_FILL:
        refuse("text_size", name=call.this, limit=LONGEST_FILL, position=start_of(call))


def _is_limited(length: exp.Expr) -> bool:
    """Whether it is `least(length, limit)`, as the gate writes it."""
    if not isinstance(length, exp.Anonymous) or length.this != "least" or not length.expressions:
        return False
    limit = _number(length.expressions[-1])
    return limit is not None and limit <= LONGEST_FILL


def _format(call: exp.Expr) -> None:
    pattern = call.expressions[0] if call.expressions else None
    if not isinstance(pattern, exp.Literal) or _WIDTH.search(pattern.name):
        refuse("text_size", name="format", limit=999, position=start_of(call))


def _series(call: exp.Expr) -> None:
    ends, step = call.expressions[:2], call.expressions[2] if len(call.expressions) > 2 else None
    if len(ends) == 2 and _is_bounded(ends[0], ends[1], step):
        return
    refuse("row_count", limit=MOST_GENERATED_ROWS, position=start_of(call))


def _is_bounded(first: exp.Expr, last: exp.Expr, step: exp.Expr | None) -> bool:
    step_s = _seconds(step) if step is not None else None
    if step_s is not None:
        begin, end = _moment(first), _moment(last)
        if begin and end:
            return abs((end - begin) / timedelta(seconds=1)) / step_s <= MOST_GENERATED_ROWS
        return step_s >= _SHORTEST_OPEN_STEP_S and all(_is_moment_of_data(one) for one in (first, last))
    by = 1 if step is None else _number(step)
    if not by:
        return False
    begins, ends = _number(first), _number(last)
    if begins is not None and ends is not None:
        return abs(ends - begins) / abs(by) <= MOST_GENERATED_ROWS
    return all(_number(one) is not None or _is_of_data(one) for one in (first, last))


def _is_of_data(node: exp.Expr) -> bool:
    """Whether a value comes from a table, so that it is as large as the data are."""
    return node.find(exp.Column) is not None and not any(
        abs(number) > MOST_GENERATED_ROWS for number in map(_number, node.find_all(exp.Literal)) if number is not None
    )


def _is_moment_of_data(node: exp.Expr) -> bool:
    return not any("inf" in literal.name.lower() for literal in node.find_all(exp.Literal) if literal.is_string)


def _number(node: exp.Expr) -> float | None:
    """A number that is written out; None for any other expression."""
    match node:
        case exp.Paren() | exp.Cast():
            return _number(node.this)
        case exp.Neg():
            inner = _number(node.this)
            return None if inner is None else -inner
        case exp.Literal() if not node.is_string:
            return float(node.name)
    return None


def _written(node: exp.Expr) -> str | None:
    """A string that is written out, with or without a cast."""
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    return node.name if isinstance(node, exp.Literal) and node.is_string else None


def _moment(node: exp.Expr) -> datetime | None:
    text = _written(node)
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return None


def _seconds(node: exp.Expr) -> float | None:
    """The length of an interval that is written out, at least; None if it is none, or not longer than nothing."""
    unit = ""
    if isinstance(node, exp.Neg | exp.Paren):
        return _seconds(node.this)
    if isinstance(node, exp.Interval):
        unit, node = node.text("unit"), node.this
    text = _written(node)
    found = _STEP.fullmatch(f"{text or ''} {unit}".strip().lstrip("-"))
    if not found:
        return None
    one = _UNIT_S.get(found[2].lower(), _UNIT_S.get(found[2].lower().rstrip("s")))
    return float(found[1]) * one or None if one else None


def _recursion(with_: exp.With) -> None:
    if not with_.args.get("recursive"):
        return
    for cte in with_.expressions:
        for arm in _recursive_arms(cte):
            if not _has_an_end(arm, cte.alias):
                refuse("recursion", position=start_of(cte))


def _recursive_arms(cte: exp.Expr) -> list[exp.Expr]:
    """The SELECTs that read the CTE that they make."""
    selects = [table.find_ancestor(exp.Select) for table in cte.this.find_all(exp.Table) if table.name == cte.alias]
    return [select for select in selects if select is not None]


def _has_an_end(arm: exp.Expr, name: str) -> bool:
    """By a condition on its rows, or since it joins rows of which there are only so many."""
    literals = [number for where in arm.find_all(exp.Where) for number in map(_number, where.find_all(exp.Literal))]
    if any(number is not None and abs(number) > MOST_GENERATED_ROWS for number in literals):
        return False
    if any(where.find(exp.Column) for where in arm.find_all(exp.Where)):
        return True
    return any(table.args.get("db") is not None and table.name != name for table in arm.find_all(exp.Table))
