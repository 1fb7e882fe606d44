"""A result in one or two plain sentences, by rule: every number in them is in the rows or computed from all of them."""

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from analytics.results.cells import Cell, ResultColumn, plain
from analytics.results.facts import change, extremes, has_shares, share, to_places, total
from analytics.results.formats import EXACT, clipped, is_rounded, is_sayable, shown_label, shown_number, shown_value
from analytics.results.shapes import Field, Shape, order_of, shape_of

MAX_CELLS = 4
_AROUND_MARKS = re.compile(r" *([，。]) *")
_SAYS: dict[str, dict[str, str]] = {
    "zh": {
        "nothing": "没有符合条件的数据。",
        "cell": "{name}为 {value}",
        "no_value": "{name}没有值",
        "and": "，",
        "end": "。",
        "between": "",
        "about": "约 {}",
        "rows": "共 {rows}",
        "truncated": "只取了前 {rows}，后面还有",
        "unknown": "{name}有 {rows}没有值",
        "same": "{name}每行都是 {value}",
        "course": "{name}从{first}的 {before} 到{last}的 {after}",
        "steady": "没有变化",
        "rose": "增加 {by}",
        "fell": "减少 {by}",
        "percent": "（{p}%）",
        "high": "最高为{label}的 {value}",
        "low": "最低为{label}的 {value}",
        "largest": "{name}最高的是{label}，为 {value}",
        "smallest": "最低的是{label}，为 {value}",
        "tied": "{label}等",
        "total": "{name}合计 {value}",
        "share": "其中{label}占 {p}%",
        "range": "{name}最大 {high}，最小 {low}",
    },
    "en": {
        "nothing": "No rows match.",
        "cell": "{name} is {value}",
        "no_value": "{name} has no value",
        "and": "; ",
        "end": ".",
        "between": " ",
        "about": "about {}",
        "rows": "{rows}",
        "truncated": "Only the first {rows} were read, there are more",
        "unknown": "{name} has no value in {rows}",
        "same": "{name} is {value} in every row",
        "course": "{name} went from {before} at {first} to {after} at {last}",
        "steady": "no change",
        "rose": "up {by}",
        "fell": "down {by}",
        "percent": " ({p}%)",
        "high": "the highest is {value} at {label}",
        "low": "the lowest is {value} at {label}",
        "largest": "{name} is highest at {label} with {value}",
        "smallest": "lowest at {label} with {value}",
        "tied": "{label} and others",
        "total": "{name} comes to {value} in total",
        "share": "{label} has {p}% of it",
        "range": "{name} at its largest is {high}, at its smallest {low}",
    },
}


def summarise(
    question: str, columns: Sequence[ResultColumn], rows: Sequence[Sequence[Cell]], *, truncated: bool, language: str
) -> str:
    """One or two sentences, "zh" or "en". Of several columns of numbers the one that the question names is told."""
    return _Summary(question, shape_of(columns, rows), truncated, language).text()


class _Summary:
    def __init__(self, question: str, shape: Shape, truncated: bool, language: str) -> None:
        self.shape = shape
        self.truncated = truncated
        self.language = language
        numbers = [field for field in shape.numbers if field.known]
        named = [field for field in numbers if field.name.strip() and field.name.lower() in question.lower()]
        self.measure = next(iter(named or numbers), None)

    def text(self) -> str:
        if not self.shape.row_count:
            return self._say("nothing")
        if self.shape.row_count == 1 and not self.truncated:
            return self._sentence([self._cell(field) for field in self.shape.fields[:MAX_CELLS]])
        sentences = [[self._say("truncated" if self.truncated else "rows", rows=self._rows(self.shape.row_count))]]
        if self.measure:
            sentences[0] += self._unknown(self.measure)
            sentences += self._about(self.measure)
        return self._say("between").join(filter(None, map(self._sentence, sentences)))

    def _about(self, measure: Field) -> list[list[str]]:
        largest, smallest = extremes(measure.known)
        if largest == smallest:
            return [[self._say("same", name=self._name(measure), value=self._number(largest))]]
        label = self.shape.label
        if label is None or not is_sayable(label):
            return [[*self._total(measure), self._range(measure, largest, smallest)]]
        if label.role in ("time", "period"):
            return [[*self._course(label, measure), *self._turns(label, measure, largest, smallest)]]
        return [self._ends(label, measure, largest, smallest), self._whole(label, measure, largest)]

    def _course(self, label: Field, measure: Field) -> list[str]:
        first, last = ends_of(label, measure)
        before, after = measure.values[first], measure.values[last]
        course = self._say(
            "course",
            name=self._name(measure),
            first=self._label(label, first),
            before=self._number(before),
            last=self._label(label, last),
            after=self._number(after),
        )
        if before == after:
            return [course, self._say("steady")]
        by = self._number(EXACT.subtract(after, before).copy_abs())
        percent = self._say("percent", p=_percent(change(before, after))) if before > 0 and not measure.is_ratio else ""
        return [course, self._say("rose" if after > before else "fell", by=by) + percent]

    def _turns(self, label: Field, measure: Field, largest: Decimal, smallest: Decimal) -> list[str]:
        return [
            self._say(what, label=self._where(label, measure, number), value=self._number(number))
            for what, number in (("high", largest), ("low", smallest))
        ]

    def _ends(self, label: Field, measure: Field, largest: Decimal, smallest: Decimal) -> list[str]:
        names = {"name": self._name(measure)}
        return [
            self._say(what, label=self._where(label, measure, number), value=self._number(number), **names)
            for what, number in (("largest", largest), ("smallest", smallest))
        ]

    def _whole(self, label: Field, measure: Field, largest: Decimal) -> list[str]:
        sentence = self._total(measure)
        if sentence and has_shares(measure):
            where = self._label(label, measure.values.index(largest))
            sentence.append(self._say("share", label=where, p=_percent(share(largest, total(measure)))))
        return sentence

    def _total(self, measure: Field) -> list[str]:
        """Only of what was read whole."""
        if self.truncated or not measure.is_additive:
            return []
        return [self._say("total", name=self._name(measure), value=self._number(total(measure)))]

    def _range(self, measure: Field, largest: Decimal, smallest: Decimal) -> str:
        return self._say("range", name=self._name(measure), high=self._number(largest), low=self._number(smallest))

    def _unknown(self, measure: Field) -> list[str]:
        unknown = self.shape.row_count - len(measure.known)
        return [self._say("unknown", name=self._name(measure), rows=self._rows(unknown))] if unknown else []

    def _cell(self, field: Field) -> str:
        value = field.values[0]
        if value is None:
            return self._say("no_value", name=self._name(field))
        is_number = field.role == "number" or (field.role == "other" and isinstance(value, Decimal))
        shown = self._number(value) if is_number else clipped(shown_value(field, value, self.language))
        return self._say("cell", name=self._name(field), value=shown)

    def _where(self, label: Field, measure: Field, number: Decimal) -> str:
        name = self._label(label, measure.values.index(number))
        return self._say("tied", label=name) if measure.known.count(number) > 1 else name

    def _label(self, label: Field, row: int) -> str:
        return self._spaced(shown_label(label, label.values[row], self.language))

    def _name(self, field: Field) -> str:
        return self._spaced(field.name)

    def _spaced(self, name: str) -> str:
        """Letters of the alphabet stand apart from Chinese ones."""
        name = clipped(name)
        if self.language != "zh" or not name:
            return name
        return f"{' ' * name[0].isascii()}{name}{' ' * name[-1].isascii()}"

    def _rows(self, count: int) -> str:
        if self.language == "zh":
            return f"{count:,} 行"
        return f"{count:,} row" if count == 1 else f"{count:,} rows"

    def _number(self, number: Decimal) -> str:
        shown = shown_number(number)
        return self._say("about").format(shown) if is_rounded(number) else shown

    def _say(self, what: str, **words: str) -> str:
        template = _SAYS[self.language][what]
        return template.format(**words) if words else template

    def _sentence(self, parts: Sequence[str]) -> str:
        sentence = self._say("and").join(parts) + self._say("end") if parts else ""
        return _AROUND_MARKS.sub(r"\1", sentence).strip() if self.language == "zh" else sentence


def ends_of(label: Field, measure: Field) -> tuple[int, int]:
    """The rows of the first and of the last time at which the measure is known."""
    known = [row for row, number in enumerate(measure.values) if number is not None and label.values[row] is not None]
    known.sort(key=lambda row: order_of(label.values[row]))
    return known[0], known[-1]


def _percent(number: Fraction) -> str:
    """With one place, without its sign: the words say whether it is more or less."""
    return f"{Decimal(plain(to_places(abs(number), 1))):,f}"
