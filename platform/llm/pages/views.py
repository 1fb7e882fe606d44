"""What was used and what it cost, for every member; the server draws all of it, so that it works without a script."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from llm.budgets import standing_of
from llm.models import Budget
from llm.pages.months import HEIGHT, WIDTH, Month, chart_of, groups_of, money, rows_of, subject_name, total_of
from llm.usage import GROUPINGS
from tenants.adminsite.base import OWNERS
from tenants.adminsite.seats import Seat
from tenants.members import MemberPages
from tenants.naming import names_of
from tenants.spreadsheets import BOM, csv_line, harmless

usage_pages = MemberPages(not_found="usage/not_found.html", scopes_of=lambda _seat: frozenset())

LABELS = {
    "day": _("Day"), "persona": _("Persona"), "key": _("API key"), "model": _("Model"), "end_user": _("End user"),
}  # fmt: skip


class Purse(NamedTuple):
    """A budget as the page shows it."""

    of: str
    name: str
    spent: str
    amount: str
    reserved: str
    forecast: str
    is_over: bool
    percent: int
    rung: str
    state: Any


@usage_pages.page
def usage_page(request: HttpRequest, seat: Seat) -> HttpResponse:
    """A month: against the budgets, by day, and by whatever else is asked for."""
    month, by = _asked(request)
    days = rows_of(month, "day")
    is_now = month == Month.now()
    total = total_of(month, days)
    context = {
        "seat": seat,
        "language": get_language(),
        "month": month,
        "by": by,
        "groupings": [(name, LABELS[name], name == by) for name in LABELS],
        "label": LABELS[by],
        "total": total,
        "sums": [
            (money(one.cost, one.currency), one.forecast and money(one.forecast, one.currency)) for one in total.sums
        ],
        "chart": chart_of(month, days),
        "picture": (WIDTH, HEIGHT),
        "groups": [(group, money(group.cost, group.currency)) for group in groups_of(by, rows_of(month, by))],
        "purses": [_purse(budget, month) for budget in Budget.objects.all()] if is_now else [],
        "may_set": seat.role in OWNERS,
        "is_now": is_now,
    }
    return render(request, "usage/usage.html", context)


@usage_pages.page
def usage_file(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The table as CSV."""
    month, by = _asked(request)
    response = HttpResponse("".join(_lines(month, by)).encode(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="usage-{month}-{by}.csv"'
    return response


def _asked(request: HttpRequest) -> tuple[Month, str]:
    by = request.GET.get("by", "")
    return Month.parse(request.GET.get("month", "")), by if by in GROUPINGS else "day"


def _lines(month: Month, by: str) -> Iterator[str]:
    counts = ("input_tokens", "output_tokens", "cached_tokens", "calls", "turns")
    yield BOM + csv_line([by, f"{by}_id", *counts, "cost", "currency"])
    names = {str(pk): name for pk, name in names_of(by).items()}
    for row in rows_of(month, by):
        group = row["group"] or ""
        numbers = [str(row[name]) for name in counts]
        texts = [names.get(group, group), group]
        yield csv_line([*map(harmless, texts), *numbers, f"{row['cost']:f}", harmless(row["currency"])])


def _purse(budget: Budget, month: Month) -> Purse:
    standing = standing_of(budget)
    forecast = month.forecast(standing.spent)
    return Purse(
        of=budget.get_of_display(),
        name=subject_name(budget.subject_id, budget.of),
        spent=money(standing.spent, budget.currency),
        amount=money(budget.amount, budget.currency),
        reserved=money(standing.reserved, budget.currency) if standing.reserved else "",
        forecast=money(forecast, budget.currency) if forecast else "",
        is_over=bool(forecast and forecast > budget.amount),
        percent=min(100, round(standing.percent)),
        rung=standing.rung.value,
        state=standing.rung.label,
    )
