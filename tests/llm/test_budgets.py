"""Monthly budgets: what is reserved and settled, and that no number of turns at once spends more than there is."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import ProgrammingError, connections, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from llm import budgets
from llm.budgets import Account, BudgetExhausted, Rung, check_budgets, release, reserve, settle, spend_on, spent_so_far
from llm.metering import Payer, record_call
from llm.models import Budget, LedgerEntry, Route
from llm.routes import Routes, resolve_route
from llm.sweeping import release_stale
from llm.types import RouteConfig, Usage
from tenants.models import AuditEntry
from tests.conftest import Business

DEAR = RouteConfig("dear", "openai", "https://models.example/v1", chat_model="large", price_output=Decimal(1000))


def budget(business: Business, amount: str = "1", **fields: Any) -> Budget:
    with business.scope():
        row: Budget = Budget.objects.create(amount=Decimal(amount), **fields)
        return row


def now_of(business: Business, row: Budget) -> tuple[Decimal, Decimal]:
    """What is spent and reserved of a budget."""
    with business.scope():
        row.refresh_from_db()
        return row.spent, row.reserved


def hold(business: Business, cost: str, reference: UUID | None = None, **account: Any) -> bool:
    """Reserve; whether the money sufficed."""
    with business.scope():
        whose = Account(business.id, **account)
        standings = reserve(reference or uuid4(), whose, Decimal(cost), "USD")
        return all(standing.has(Decimal(cost)) for standing in standings)


def pay(business: Business, reference: UUID, cost: str, **account: Any) -> None:
    with business.scope():
        settle(reference, Account(business.id, **account), {"USD": Decimal(cost)})


def test_what_is_reserved_is_settled_at_what_it_cost(acme: Business) -> None:
    purse, turn = budget(acme), uuid4()
    assert hold(acme, "0.6", turn)
    assert now_of(acme, purse) == (0, Decimal("0.6"))

    pay(acme, turn, "0.25")

    assert now_of(acme, purse) == (Decimal("0.25"), 0)
    with acme.scope():
        entries = LedgerEntry.objects.filter(reference=turn).order_by("at")
        assert [(entry.kind, entry.amount) for entry in entries] == [
            ("reserve", Decimal("0.6")), ("settle", Decimal("0.25")),
        ]  # fmt: skip


def test_nothing_is_charged_twice(acme: Business) -> None:
    purse, turn = budget(acme), uuid4()
    hold(acme, "0.6", turn)

    for _ in range(3):
        pay(acme, turn, "0.25")
    with acme.scope():
        release(turn, Account(acme.id))

    assert now_of(acme, purse) == (Decimal("0.25"), 0)


def test_all_budgets_of_an_account_give_or_none(acme: Business) -> None:
    persona, key = uuid4(), uuid4()
    wide = budget(acme, "10")
    narrow = budget(acme, "1", of="persona", subject_id=persona)
    other = budget(acme, "0", of="key", subject_id=key)

    assert hold(acme, "0.9", persona_id=persona)
    assert not hold(acme, "0.2", persona_id=persona)
    assert hold(acme, "0.2")
    assert not hold(acme, "0.1", key_id=key)

    assert [now_of(acme, one)[1] for one in (wide, narrow, other)] == [Decimal("1.1"), Decimal("0.9"), 0]


def test_a_budget_is_of_its_tenant_alone(acme: Business, globex: Business) -> None:
    """Mallory names Acme's persona, Acme's turn; nothing of Acme's budget moves."""
    persona, turn = uuid4(), uuid4()
    purse = budget(acme, "1", of="persona", subject_id=persona)
    hold(acme, "0.5", turn, persona_id=persona)

    assert hold(globex, "0.9", turn, persona_id=persona)
    pay(globex, turn, "0.9", persona_id=persona)

    assert now_of(acme, purse) == (0, Decimal("0.5"))
    with globex.scope():
        assert not LedgerEntry.objects.exists()


def test_the_ledger_cannot_be_rewritten(acme: Business) -> None:
    budget(acme)
    hold(acme, "0.5")

    for change in ("UPDATE llm_ledgerentry SET amount = 0", "DELETE FROM llm_ledgerentry"):
        with pytest.raises(ProgrammingError, match="permission denied"), acme.scope():
            connections["default"].cursor().execute(change)


@pytest.mark.parametrize("ends_by", ["settle", "release"])
def test_however_many_turns_run_at_once_no_more_is_spent(acme: Business, ends_by: str) -> None:
    """Eight threads, each with a connection of its own, want 160 turns of 7 ct; a dollar and a half pays for 21."""
    persona = uuid4()
    purses = [budget(acme, "1.5"), budget(acme, "1.4", of="persona", subject_id=persona)]
    granted: list[UUID] = []
    failures: list[BaseException] = []
    starts = threading.Barrier(8)

    def turns(number: int) -> None:
        try:
            starts.wait()
            for _ in range(20):
                turn = uuid4()
                if hold(acme, "0.07", turn, persona_id=persona):
                    granted.append(turn)
                    if ends_by == "settle":
                        pay(acme, turn, "0.07", persona_id=persona)
        except BaseException as failure:
            failures.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=turns, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert len(granted) == 20  # the narrower of the two
    gone = Decimal("1.40")
    assert [sum(now_of(acme, purse)) for purse in purses] == [gone, gone]
    if ends_by == "settle":
        assert [now_of(acme, purse)[0] for purse in purses] == [gone, gone]
    else:
        with acme.scope():
            for turn in granted:
                release(turn, Account(acme.id, persona))
        assert [now_of(acme, purse) for purse in purses] == [(0, 0), (0, 0)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["reserve", "settle", "release", "charge"]), st.integers(0, 5), st.integers(0, 400)),
        max_size=25,
    )
)
@tries(max_examples=25)
def test_the_counters_are_what_the_ledger_says(open_business: Callable[..., Business], steps: list[Any]) -> None:
    acme = _acme_of(open_business)
    with transaction.atomic(), acme.scope():
        Budget.objects.all().delete()
        purse = Budget.objects.create(amount=Decimal("1"))
        whose, turns = Account(acme.id), [uuid4() for _ in range(6)]
        for kind, which, thousandths in steps:
            cost, turn = Decimal(thousandths) / 1000, turns[which]
            if kind == "reserve" and not LedgerEntry.objects.filter(reference=turn).exists():
                reserve(turn, whose, cost, "USD")
            elif kind == "settle":
                settle(turn, whose, {"USD": min(cost, _held(turn))})
            elif kind == "release":
                release(turn, whose)

        purse.refresh_from_db()
        entries = list(LedgerEntry.objects.filter(budget_id=purse.pk))
        closed = {entry.reference for entry in entries if entry.kind != "reserve"}
        open_ = sum(e.amount for e in entries if e.kind == "reserve" and e.reference not in closed)
        assert purse.reserved == open_
        assert purse.spent == sum(e.amount for e in entries if e.kind == "settle")
        assert purse.spent + purse.reserved <= purse.amount


_businesses: list[Business] = []


def _acme_of(open_business: Callable[..., Business]) -> Business:
    if not _businesses:
        _businesses.append(open_business("Acme"))
    return _businesses[0]


def _held(turn: UUID) -> Decimal:
    held = LedgerEntry.objects.filter(reference=turn, kind="reserve").first()
    return held.amount if held else Decimal(0)


def test_a_new_month_begins_with_all_of_it(acme: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn of the last minute of November stays November's, whenever it ends."""
    purse, late = budget(acme), uuid4()
    monkeypatch.setattr(budgets, "this_month", lambda: date(2026, 11, 1))
    hold(acme, "0.9", late)
    monkeypatch.setattr(budgets, "this_month", lambda: date(2026, 12, 1))

    assert hold(acme, "0.9")
    pay(acme, late, "0.8")

    assert now_of(acme, purse) == (0, Decimal("0.9"))
    with acme.scope():
        assert LedgerEntry.objects.get(reference=late, kind="settle").month == date(2026, 11, 1)


def test_what_was_never_closed_is_released(acme: Business) -> None:
    purse, turn, fresh = budget(acme), uuid4(), uuid4()
    hold(acme, "0.3", turn)
    hold(acme, "0.3", fresh)
    pay(acme, fresh, "0.2")

    release_stale()
    assert now_of(acme, purse) == (Decimal("0.2"), Decimal("0.3"))
    release_stale(now=timezone.now() + timedelta(minutes=20))

    assert now_of(acme, purse) == (Decimal("0.2"), 0)
    pay(acme, turn, "0.3")  # the dead had only been silent; it is not charged any more
    assert now_of(acme, purse) == (Decimal("0.2"), 0)


def test_a_call_besides_turns_is_charged_when_it_is_recorded(acme: Business) -> None:
    purse = budget(acme)

    with acme.scope():
        record_call(route=DEAR, usage=Usage(10, 500), duration_ms=10, payer=Payer())
        free = RouteConfig("reader", "reader")
        record_call(route=free, usage=Usage(10, 500), duration_ms=10, payer=Payer())

    assert now_of(acme, purse) == (Decimal("0.5"), 0)


def test_a_budget_counts_its_own_currency(acme: Business) -> None:
    dollars, yuan = budget(acme), budget(acme, "5", currency="CNY")

    with acme.scope():
        route = RouteConfig("home", "openai", chat_model="qwen", price_output=Decimal(1000), currency="CNY")
        record_call(route=route, usage=Usage(0, 2000), duration_ms=10, payer=Payer())

    assert [now_of(acme, one)[0] for one in (dollars, yuan)] == [0, 2]


def test_a_new_budget_knows_what_was_spent_before_it(acme: Business) -> None:
    persona = uuid4()
    with acme.scope():
        for payer in (Payer(persona_id=persona), Payer()):
            record_call(route=DEAR, usage=Usage(0, 100), duration_ms=10, payer=payer)

        assert spent_so_far(Budget(of="tenant", tenant_id=acme.id)) == Decimal("0.2")
        assert spent_so_far(Budget(of="persona", subject_id=persona, tenant_id=acme.id)) == Decimal("0.1")


# --- The ladder ----------------------------------------------------------------------------------------------
@pytest.fixture
def routes(acme: Business) -> Routes:
    with acme.scope():
        Route.objects.create(
            slug="small", name="Small", base_url="https://models.example/v1", chat_model="s", price_output=Decimal(10)
        )
    return Routes((DEAR,))


def go(acme: Business, routes: Routes, *, has_documents: bool = True, language: str = "en") -> Any:
    """A turn that may cost ten cents on the dear route, and a tenth of a cent on the small one."""

    def dearest(route: RouteConfig) -> tuple[Decimal, str]:
        return route.price_output / 10_000, "USD"

    with acme.scope():
        return spend_on(
            uuid4(), Account(acme.id), routes, dearest=dearest, has_documents=has_documents, language=language
        )


@pytest.mark.parametrize(
    ("spent", "rung", "route"),
    [
        ("0", Rung.NORMAL, "dear"),
        ("0.80", Rung.WARNED, "dear"),
        ("0.90", Rung.CHEAPER, "small"),
        ("0.95", Rung.CHEAPER, "small"),
        ("1", Rung.DOCUMENTS, "reader"),
    ],
)
def test_the_ladder_leads_down(acme: Business, routes: Routes, spent: str, rung: Rung, route: str) -> None:
    budget(acme, cheaper_route="small", spent=Decimal(spent), month=budgets.this_month())

    spending = go(acme, routes)

    assert (spending.rung, spending.routes.first.slug) == (rung, route)


def test_a_cheaper_route_that_is_gone_is_none(acme: Business, routes: Routes) -> None:
    budget(acme, cheaper_route="gone", spent=Decimal("0.9"), month=budgets.this_month())

    assert go(acme, routes).routes.first.slug == "dear"


@pytest.mark.parametrize(("language", "words"), [("en", "Back in December!"), ("zh", "十二月见！")])
def test_at_the_end_are_the_owners_last_words(acme: Business, routes: Routes, language: str, words: str) -> None:
    budget(acme, "0.05", at_end="stop", text_en="Back in December!", text_zh="十二月见！")

    with pytest.raises(BudgetExhausted) as stopped:
        go(acme, routes, language=language)

    assert (stopped.value.status, stopped.value.detail) == (402, words)


@pytest.mark.parametrize(("language", "words"), [("en", "used up"), ("zh", "预算")])
def test_without_any_there_are_ours_in_both_languages(
    acme: Business, routes: Routes, language: str, words: str
) -> None:
    budget(acme, "0.05")

    with pytest.raises(BudgetExhausted) as stopped:  # there are no documents to answer from
        go(acme, routes, has_documents=False, language=language)

    assert words in stopped.value.detail


def test_owners_are_told_of_each_rung_once(acme: Business, routes: Routes) -> None:
    purse = budget(acme, at_end="documents")

    for _ in range(12):
        spending = go(acme, routes)
        if spending.is_held:
            with acme.scope():
                turn = LedgerEntry.objects.filter(budget_id=purse.pk, kind="reserve").latest("at").reference
            pay(acme, turn, "0.1")

    assert now_of(acme, purse) == (1, 0)
    with acme.scope():
        told = AuditEntry.objects.filter(object_id=str(purse.pk)).order_by("at").values_list("action", flat=True)
        assert list(told) == ["budget_warned", "budget_documents"]


def test_what_is_not_reserved_asks_first(acme: Business) -> None:
    with acme.scope():
        check_budgets(Account(acme.id))
    budget(acme, spent=Decimal("1.2"), month=budgets.this_month())

    with pytest.raises(BudgetExhausted), acme.scope():
        check_budgets(Account(acme.id))


def test_a_free_route_asks_no_budget(acme: Business, routes: Routes) -> None:
    budget(acme, "0")
    with acme.scope():
        free = Routes((resolve_route(acme.id),))

    assert go(acme, free).rung == Rung.NORMAL
