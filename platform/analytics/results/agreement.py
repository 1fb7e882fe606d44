"""Whether a text, as a model writes it of a result, says nothing but numbers that are in it.

Every number must be the one that its clause asks for: the cell of the row that is named beside it, the largest, a
sum, a difference, a share, to the digits that are shown. What cannot be told for sure is refused: a sentence made by
rule then takes the text's place, which costs nothing, while a wrong number costs trust.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from analytics.results.cells import NUMBER_TYPES, Cell, ResultColumn, exact, plain
from analytics.results.facts import change, extremes, has_shares, mean, share, to_places, total
from analytics.results.formats import EXACT
from analytics.results.mentions import COLUMN, LABEL, Mention, mentions_in
from analytics.results.shapes import Field, Shape, order_of, shape_of
from analytics.results.summaries import ends_of
from analytics.results.written import Written, western, written_numbers

MAX_CHARS = 2000
_SENTENCE = re.compile(r"[。！？!?\n]+|\.(?=\s|$)")
_CLAUSE = re.compile(r"[，；;、：]|,(?!\d{3})|\b(?:while|whereas|and|but)\b")
# The word before a number, or else the next one behind it, says what the number is.
_ROLES = {
    "unknown": r"没有值|为空|缺失|\b(?:no value|without|missing|null)\b",
    "every": r"每行|都是|均为|\bevery row\b",
    "total": r"合计|总计|总[共和额量数]|共计|累计|共|\b(?:in total|total|sum|altogether|overall)\b",
    "mean": r"平均|均值|\b(?:average|mean)\b",
    "max": r"最[高大多好]|峰值|\b(?:highest|largest|most|maximum|max|peak|top|biggest|best|leads?)\b",
    "min": r"最[低小少差]|\b(?:lowest|smallest|least|minimum|min|fewest|worst)\b",
    "more": r"增[加长]|上升|提高|高出|(?<!最)多|\b(?:more|higher|rose|risen|grew|grown|up|gained|increased?)\b",
    "less": r"减少|下降|降低|下滑|低于|(?<![最减])少|"
    r"\b(?:less|fewer|lower|fell|fallen|down|dropped|decreased?|declined?)\b",
    "apart": r"相差|差距|差额|之差|\b(?:difference|gap|apart)\b",
}
_ROLE = re.compile("|".join(f"(?P<{role}>{words})" for role, words in _ROLES.items()), re.I)
_DIFFERENCES = frozenset({"more", "less", "apart"})
# They make a false sentence of a true number.
_HEDGE_BEFORE = re.compile(
    r"(?:超过|不[到足止]|[多少]于|至[少多]|[将接]近|近|几乎|"
    r"\b(?:than|over|under|above|below|at least|at most|up to|nearly|almost))\s*$",
    re.I,
)
_HEDGE_AFTER = re.compile(r"\s*(?:以[上下]|左右|余|多|\+|or (?:more|less))", re.I)
_ROWS_AFTER = re.compile(r"\s*(?:行|条(?:记录|数据)|(?:rows?|records?|results?|entries)\b)", re.I)
_COUNTED_AFTER = re.compile(r"\s*[个种类项家名位条款天次笔件人]")
_NAME_AFTER = re.compile(rf"\s*(?:(?:at|in|for|on|of|from|by)\s+)?(?:the\s+)?{LABEL}", re.I)
# A value itself, where the clause tells of a difference.
_VALUE_AFTER = re.compile(rf"(?:[从由到至为是]|{LABEL}的?|\b(?:from|to|at|is|was|with|had|has))\s*$", re.I)
_OF_THE_READ = re.compile(r"前|\bfirst\b", re.I)

Number = Decimal | Fraction


def numbers_agree(
    text: str, columns: Sequence[ResultColumn], rows: Sequence[Sequence[Cell]], *, truncated: bool = False
) -> bool:
    """False if any number of the text is not said by the rows; a text without numbers agrees.

    `truncated`: there were more rows, so that sums, shares and counts of these say nothing.
    """
    if len(text) > MAX_CHARS:
        return False
    shape = shape_of(columns, rows)
    masked, mentions = mentions_in(western(text), shape)
    reader, left = _Reader(shape, truncated), iter(mentions)
    return all(reader.agrees(sentence, left) for sentence in _SENTENCE.split(masked))


@dataclass(frozen=True, slots=True)
class _Spot:
    """One number, with what its clause and the clauses before say of it."""

    number: Written
    before: str
    after: str
    role: str
    label: Mention | None  # in the clause itself
    inherited: Mention | None
    earlier: Mention | None  # the label before that
    fields: tuple[Field, ...]


class _Reader:
    def __init__(self, shape: Shape, truncated: bool) -> None:
        self.shape = shape
        self.truncated = truncated

    def agrees(self, sentence: str, mentions: Iterator[Mention]) -> bool:
        """Takes as many of the mentions as the sentence has placeholders."""
        labels: list[Mention] = []
        column: Field | None = None
        role = ""
        is_true = True
        for clause in _CLAUSE.split(sentence):
            named = [(i, next(mentions)) for i, letter in enumerate(clause) if letter in (LABEL, COLUMN)]
            own = [mention for _, mention in named if mention.is_label]
            for number in written_numbers(clause):
                before, after = clause[: number.start], clause[number.end :]
                own_role = _role_of(before, after)
                near = _column_near(named, number) or column
                label = self._label_near(named, number, after)
                spot = _Spot(
                    number=number,
                    before=before,
                    after=after,
                    role=own_role or ("" if own else role),
                    label=label,
                    inherited=labels[-1] if labels else None,
                    earlier=_other([*labels, *own], label),
                    fields=(near,) if near else self.shape.numbers,
                )
                is_true = is_true and self._is_true(spot)
            labels += own
            column = next((m.field for _, m in reversed(named) if not m.is_label and m.field.role == "number"), column)
            roles = [match.lastgroup or "" for match in _ROLE.finditer(clause)]
            role = roles[-1] if roles else role
        return is_true

    def _label_near(self, named: list[tuple[int, Mention]], number: Written, after: str) -> Mention | None:
        """The rows that the names beside a number have in common: those before it, or else the next behind it."""
        labels = [(i, mention) for i, mention in named if mention.is_label]
        behind = [mention for i, mention in labels if i >= number.end]
        ahead = [mention for i, mention in labels if i < number.start]
        if behind and (_NAME_AFTER.match(after) or not ahead):
            return behind[0]
        if not ahead:
            return None
        rows = ahead[-1].rows
        for mention in ahead[:-1]:
            if mention.field is not ahead[-1].field and rows & mention.rows:
                rows &= mention.rows
        return Mention(ahead[-1].field, rows, is_label=True)

    def _is_true(self, spot: _Spot) -> bool:
        number = spot.number
        if number.value is None or _HEDGE_BEFORE.search(spot.before) or _HEDGE_AFTER.match(spot.after):
            return False
        said = self._percents(spot) if number.is_percent else self._numbers(spot)
        return any(_is_written(number, value) for value in said)

    def _numbers(self, spot: _Spot) -> Iterator[Number]:
        if _ROWS_AFTER.match(spot.after):
            yield from self._counts(spot)
        elif spot.role in _DIFFERENCES and not (spot.label and _VALUE_AFTER.search(spot.before)):
            yield from self._differences(spot)
        elif spot.label:
            yield from self._cells(spot, spot.label)
        elif spot.role == "total":
            yield from self._totals(spot)
        elif spot.role == "mean" and self.shape.row_count > 1:
            yield from (mean(field) for field in spot.fields if field.known and not self.truncated)
        elif spot.role == "every":
            yield from (field.known[0] for field in spot.fields if len(set(field.known)) == 1)
        elif spot.inherited:
            yield from self._cells(spot, spot.inherited)
        elif spot.role in ("max", "min"):
            yield from (_extreme(field, spot.role) for field in spot.fields if field.known)
        elif self.shape.row_count == 1:
            fields = spot.fields if spot.fields != self.shape.numbers else self.shape.fields
            yield from (number for field in fields if (number := exact(field.values[0])) is not None)

    def _counts(self, spot: _Spot) -> Iterator[Number]:
        if spot.role == "unknown":
            yield from (Decimal(self.shape.row_count - len(field.known)) for field in spot.fields)
        elif not self.truncated or _OF_THE_READ.search(spot.before):
            yield Decimal(self.shape.row_count)

    def _totals(self, spot: _Spot) -> Iterator[Number]:
        if self.truncated:
            return
        if _COUNTED_AFTER.match(spot.after):
            yield Decimal(self.shape.row_count)
        yield from (total(field) for field in spot.fields if field.known and field.is_additive)

    def _cells(self, spot: _Spot, label: Mention) -> Iterator[Number]:
        """Of the labelled row, or their sum if these are several; the largest if the clause calls it so."""
        for field in spot.fields:
            cells = [number for row in sorted(label.rows) if (number := exact(field.values[row])) is not None]
            if not cells or (len(cells) > 1 and not field.is_additive):
                continue
            cell = total(Field(0, field.name, field.type, "number", tuple(cells)))
            if spot.role not in ("max", "min") or cell == _extreme(field, spot.role):
                yield cell

    def _differences(self, spot: _Spot) -> Iterator[Number]:
        for before, after, is_ordered in self._pairs(spot):
            difference = EXACT.subtract(after, before)
            if not is_ordered or spot.role == "apart":
                yield difference.copy_abs()
            else:
                yield difference if spot.role == "more" else difference.copy_negate()

    def _percents(self, spot: _Spot) -> Iterator[Number]:
        label = spot.label or spot.inherited
        if spot.role in _DIFFERENCES:
            for before, after, is_ordered in self._pairs(spot):
                if before:
                    moved = change(before, after)
                    yield abs(moved) if not is_ordered else moved if spot.role == "more" else -moved
            return
        for field in spot.fields:
            rows = label.rows if label else range(self.shape.row_count) if self.shape.row_count == 1 else ()
            cells = [number for row in rows if (number := exact(field.values[row])) is not None]
            if field.is_ratio and len(cells) == 1:
                yield from (cells[0], cells[0] * 100)
            elif cells and not self.truncated and has_shares(field):
                yield share(total(Field(0, field.name, field.type, "number", tuple(cells))), total(field))

    def _pairs(self, spot: _Spot) -> Iterator[tuple[Decimal, Decimal, bool]]:
        """What is compared: two labelled rows, else the first and the last in time; and whether in this order."""
        named = spot.label or (spot.inherited if spot.earlier else None)
        by_time = next(iter(self.shape.of("time", "period")), None)
        for field in spot.fields:
            if named and spot.earlier and len(named.rows) == len(spot.earlier.rows) == 1:
                rows, is_ordered = [min(spot.earlier.rows), min(named.rows)], False
                if by_time and by_time is named.field is spot.earlier.field:
                    rows, is_ordered = sorted(rows, key=lambda row: order_of(by_time.values[row])), True
            elif by_time and by_time.is_unique and field.known and not spot.label:
                rows, is_ordered = list(ends_of(by_time, field)), True
            else:
                continue
            before, after = (exact(field.values[row]) for row in rows)
            if before is not None and after is not None:
                yield before, after, is_ordered


def _role_of(before: str, after: str) -> str:
    """The last word before the number that says what it is, else the first behind it."""
    roles = [match.lastgroup or "" for match in _ROLE.finditer(before)]
    if roles:
        return roles[-1]
    behind = _ROLE.search(after)
    return (behind.lastgroup or "") if behind else ""


def _column_near(named: list[tuple[int, Mention]], number: Written) -> Field | None:
    columns = [(i, m.field) for i, m in named if not m.is_label and m.field.type in NUMBER_TYPES]
    before = [field for i, field in columns if i < number.start]
    behind = [field for i, field in columns if i >= number.end]
    return before[-1] if before else behind[0] if behind else None


def _other(labels: Sequence[Mention], label: Mention | None) -> Mention | None:
    """The last label but the given one, or but the last."""
    rows = label.rows if label else labels[-1].rows if labels else frozenset()
    return next((mention for mention in reversed(labels) if mention.rows != rows), None)


def _extreme(field: Field, role: str) -> Decimal:
    largest, smallest = extremes(number for value in field.known if (number := exact(value)) is not None)
    return largest if role == "max" else smallest


def _is_written(number: Written, value: Number) -> bool:
    """Whether the number is the value, to as many digits as it shows."""
    if number.value is None or number.value == value:
        return number.value is not None
    is_long = isinstance(value, Fraction) or len(plain(value).partition(".")[2]) > number.places
    if not number.is_rough or (not is_long and number.places >= 0):
        return False
    return number.value == to_places(value, number.places)
