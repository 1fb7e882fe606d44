"""A month of usage as the page shows it: sums, days as bars, groups as rows. Values only, no markup."""

import calendar
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from llm.usage import usage_by
from tenants.naming import names_of

# Before a month is so old, what is still to come of it is anybody's guess.
SURE_AFTER = timedelta(days=2)
# The picture's own units; the page draws it in any width.
WIDTH, HEIGHT, GAP = 620, 160, 4


@dataclass(frozen=True, slots=True)
class Month:
    """One month in UTC."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """`2026-11`; anything else, and what is to come, is this month."""
        now = cls.now()
        try:
            day = date.fromisoformat(f"{text}-01")
        except ValueError:
            return now
        return min(cls(day.year, day.month), now, key=lambda one: one.first)

    @classmethod
    def now(cls) -> "Month":
        now = timezone.now()
        return cls(now.year, now.month)

    @property
    def first(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        return self.start + timedelta(days=self.days)

    @property
    def days(self) -> int:
        return calendar.monthrange(self.year, self.number)[1]

    @property
    def before(self) -> "Month":
        day = self.first - timedelta(days=1)
        return Month(day.year, day.month)

    @property
    def after(self) -> "Month | None":
        """None after this one: there is nothing yet."""
        day = self.end.date()
        return None if self == Month.now() else Month(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    def forecast(self, spent: Decimal) -> Decimal | None:
        """What the month will have cost if it goes on like this; None where that is not to be said."""
        gone = timezone.now() - self.start
        if self != Month.now() or gone < SURE_AFTER:
            return None
        return spent * int((self.end - self.start).total_seconds()) / int(gone.total_seconds())


class Sum(NamedTuple):
    """What was used in one currency."""

    currency: str
    cost: Decimal
    forecast: Decimal | None


@dataclass(frozen=True, slots=True)
class Total:
    """All of a month."""

    sums: Sequence[Sum]
    input_tokens: int
    output_tokens: int
    calls: int
    turns: int


class Bar(NamedTuple):
    """A day of the chart, in the picture's units."""

    x: float
    y: float
    width: float
    height: float
    day: date
    value: str


@dataclass(frozen=True, slots=True)
class Chart:
    bars: Sequence[Bar]
    most: str
    is_cost: bool
    ticks: Sequence[int]


class Group(NamedTuple):
    """A row of the table. `share` is its part of all cost, or of all tokens where nothing cost anything."""

    name: str
    input_tokens: int
    output_tokens: int
    turns: int
    cost: Decimal
    currency: str
    share: int


def total_of(month: Month, rows: Sequence[Mapping[str, Any]]) -> Total:
    """From the rows of one grouping, each of which counts a turn once: days, whose turns are as good as apart."""
    costs = _paid(rows)
    sums = [Sum(currency, cost, month.forecast(cost)) for currency, cost in sorted(costs.items()) if cost]
    return Total(
        sums, *(sum(row[name] for row in rows) for name in ("input_tokens", "output_tokens", "calls", "turns"))
    )


def chart_of(month: Month, rows: Sequence[Mapping[str, Any]]) -> Chart | None:
    """A bar for each day: what it cost in the currency that most was paid in, else its tokens. None without usage."""
    costs = _paid(rows)
    currency = max(costs, key=lambda one: costs[one], default="")
    is_cost = bool(costs.get(currency))
    values: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if not is_cost or row["currency"] == currency:
            values[row["group"]] += row["cost"] if is_cost else Decimal(row["input_tokens"] + row["output_tokens"])
    most = max(values.values(), default=Decimal(0))
    if not most:
        return None

    def said(value: Decimal) -> str:
        return money(value, currency) if is_cost else _("%(count)s tokens") % {"count": f"{int(value):,}"}

    days = [month.first + timedelta(days=number) for number in range(month.days)]
    bars = [_bar(month, day, values[day.isoformat()] / most, said(values[day.isoformat()])) for day in days]
    return Chart(bars, said(most), is_cost, ticks=(1, month.days // 2 + 1, month.days))


def _bar(month: Month, day: date, share: Decimal, said: str) -> Bar:
    step, height = WIDTH / month.days, round(float(share) * HEIGHT, 1)
    return Bar(
        round((day.day - 1) * step + GAP / 2, 1), round(HEIGHT - height, 1), round(step - GAP, 1), height, day, said
    )


def _paid(rows: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """What was paid in each currency."""
    paid: dict[str, Decimal] = {}
    for row in rows:
        paid[row["currency"]] = paid.get(row["currency"], Decimal(0)) + row["cost"]
    return paid


def groups_of(by: str, rows: Sequence[Mapping[str, Any]]) -> list[Group]:
    """The rows of a grouping with names instead of ids, most costly first; days in their order."""
    names = {str(pk): name for pk, name in names_of(by).items()}
    tokens = sum(row["input_tokens"] + row["output_tokens"] for row in rows)
    paid = _paid(rows)
    groups = []
    for row in rows:
        if all_paid := paid[row["currency"]]:
            share = row["cost"] / all_paid
        else:
            share = Decimal(row["input_tokens"] + row["output_tokens"]) / (tokens or 1)
        groups.append(
            Group(
                name=_name(row["group"], names, by),
                input_tokens=row["input_tokens"],
                output_tokens=row["output_tokens"],
                turns=row["turns"],
                cost=row["cost"],
                currency=row["currency"],
                share=round(share * 100),
            )
        )
    return groups if by == "day" else sorted(groups, key=lambda group: (group.currency, -group.cost))


def _name(group: str | None, names: Mapping[str, str], by: str) -> str:
    if group is None:
        return _("Nobody in particular")
    # What is gone has no name any more, but its usage stays.
    return names.get(group, _("Deleted (%(id)s)") % {"id": group[-6:]} if by in ("persona", "key") else group)


def rows_of(month: Month, by: str) -> list[dict[str, Any]]:
    """The current tenant's usage of a month."""
    return usage_by(by, start=month.start, end=month.end)


def money(amount: Decimal, currency: str) -> str:
    """Cents, and of less than a tenth of a unit as much as there is to see."""
    places = 2 if not amount or abs(amount) >= Decimal("0.1") else 4
    return f"{amount:,.{places}f} {currency}"


def subject_name(subject_id: UUID | None, of: str) -> str:
    """Whose a budget is."""
    if subject_id is None:
        return ""
    return names_of(of).get(subject_id, _("Deleted (%(id)s)") % {"id": str(subject_id)[-6:]})
