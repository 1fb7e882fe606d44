"""Monthly budgets: reserved before a model is asked, settled at what it cost, never exceeded however many turns run.

    spending = spend_on(turn_id, account, routes, dearest=…, …)   # in the transaction that takes the turn in
    settle(turn_id, account, {"USD": cost})                       # in the one that stores the answer

A reservation is one statement that changes all budgets of the account or none, under the lock of their rows: of two
turns for which the money suffices once, one gets it. What is never closed, as its process died, is released in time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Sum, TextChoices
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from llm.models import Budget, LedgerEntry, ModelCall
from llm.routes import Routes, reader_route, resolve_route
from llm.types import RouteConfig
from tenants.errors import Conflict, PlatformError
from tenants.models import AuditEntry
from tenants.statements import prepared_cursor


class BudgetExhausted(PlatformError):
    """The detail is for whoever chats, in the words of the budget's owner if he wrote any."""

    code = "budget_exhausted"
    status = 402
    default_detail = gettext_lazy("The budget for this month is used up. Please come back next month.")
    retryable = False


class Rung(TextChoices):
    """How far down the ladder a budget has come."""

    NORMAL = "normal", gettext_lazy("All is well")
    WARNED = "warned", gettext_lazy("Running low")
    CHEAPER = "cheaper", gettext_lazy("On the cheaper route")
    DOCUMENTS = "documents", gettext_lazy("Documents only")
    STOPPED = "stopped", gettext_lazy("Used up")


@dataclass(frozen=True, slots=True)
class Account:
    """On whose budgets something goes: the tenant's always, and those of the persona and the key."""

    tenant_id: UUID
    persona_id: UUID | None = None
    key_id: UUID | None = None

    @property
    def subjects(self) -> list[UUID]:
        return [one for one in (self.persona_id, self.key_id) if one]


class Standing(NamedTuple):
    """A budget as it stood before something was asked of it."""

    id: UUID
    of: str
    amount: Decimal
    currency: str
    spent: Decimal
    reserved: Decimal
    warn_at: int
    cheaper_at: int
    cheaper_route: str
    at_end: str
    text_en: str
    text_zh: str
    told: str

    @property
    def percent(self) -> Decimal:
        """How much of it is gone, in percent; of a budget of nothing all is."""
        return (self.spent + self.reserved) * 100 / self.amount if self.amount else Decimal(100)

    @property
    def rung(self) -> Rung:
        if self.percent >= 100:
            return self.at_end_rung
        if self.cheaper_route and self.percent >= self.cheaper_at:
            return Rung.CHEAPER
        return Rung.WARNED if self.percent >= self.warn_at else Rung.NORMAL

    @property
    def at_end_rung(self) -> Rung:
        return Rung.STOPPED if self.at_end == Budget.AtEnd.STOP else Rung.DOCUMENTS

    def has(self, cost: Decimal) -> bool:
        return self.spent + self.reserved + cost <= self.amount


_COLUMNS = ", ".join(Standing._fields)
# The budgets of an account, locked in one order so that no two of us wait for each other.
_MINE = """
    SELECT id, "of", amount, currency, CASE WHEN month = %(month)s THEN spent ELSE 0 END AS spent,
           CASE WHEN month = %(month)s THEN reserved ELSE 0 END AS reserved,
           warn_at, cheaper_at, cheaper_route, at_end, text_en, text_zh, told
    FROM llm_budget
    WHERE tenant_id = %(tenant)s AND currency = %(currency)s
      AND (subject_id IS NULL OR subject_id = ANY(%(subjects)s))
    ORDER BY id FOR NO KEY UPDATE
"""
_RESERVE = f"""
    WITH mine AS ({_MINE}),
    held AS (
        INSERT INTO llm_ledgerentry (id, tenant_id, budget_id, month, kind, reference, amount, at)
        SELECT gen_random_uuid(), %(tenant)s, id, %(month)s, 'reserve', %(reference)s, %(cost)s, now() FROM mine
        WHERE (SELECT bool_and(spent + reserved + %(cost)s <= amount) FROM mine)
        RETURNING budget_id
    ),
    changed AS (
        UPDATE llm_budget SET month = %(month)s, spent = mine.spent, reserved = mine.reserved + %(cost)s
        FROM mine JOIN held ON held.budget_id = mine.id WHERE llm_budget.id = mine.id
    )
    SELECT {_COLUMNS.replace("of,", '"of",')} FROM mine
"""  # noqa: S608 - names of ours
# A reservation is closed once; what was not reserved (a call besides turns) is charged by the same statement.
_SETTLE = f"""
    WITH held AS (
        SELECT budget_id, month, amount FROM llm_ledgerentry
        WHERE tenant_id = %(tenant)s AND reference = %(reference)s AND kind = 'reserve'
    ),
    mine AS (
        SELECT b.id, coalesce(held.month, %(month)s) AS month, coalesce(held.amount, 0) AS held,
               CASE WHEN b.currency = %(currency)s THEN %(cost)s ELSE 0 END AS cost
        FROM llm_budget b LEFT JOIN held ON held.budget_id = b.id
        WHERE b.tenant_id = %(tenant)s AND (held.budget_id IS NOT NULL OR (%(charges)s AND b.currency = %(currency)s
          AND (b.subject_id IS NULL OR b.subject_id = ANY(%(subjects)s))))
        ORDER BY b.id FOR NO KEY UPDATE OF b
    ),
    closed AS (
        INSERT INTO llm_ledgerentry (id, tenant_id, budget_id, month, kind, reference, amount, at)
        SELECT gen_random_uuid(), %(tenant)s, id, month, %(kind)s, %(reference)s, cost, now() FROM mine
        ON CONFLICT DO NOTHING RETURNING budget_id
    )
    UPDATE llm_budget b
    SET spent = CASE WHEN b.month = mine.month THEN b.spent ELSE 0 END + mine.cost,
        reserved = CASE WHEN b.month = mine.month THEN greatest(0, b.reserved - mine.held) ELSE 0 END,
        month = mine.month
    FROM mine JOIN closed ON closed.budget_id = mine.id
    -- What belongs to a month that is over stays in the ledger, and changes nothing of this one.
    WHERE b.id = mine.id AND (b.month IS NULL OR b.month <= mine.month)
    RETURNING {", ".join(f'b."{name}"' for name in Standing._fields)}
"""  # noqa: S608 - names of ours


def this_month() -> date:
    return timezone.now().date().replace(day=1)


# --- Turns ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Spending:
    """What a turn may spend, and on which routes. `is_held`: something was reserved, and is to be settled."""

    rung: Rung
    routes: Routes
    is_held: bool = False


def spend_on(
    reference: UUID,
    account: Account,
    routes: Routes,
    *,
    dearest: Callable[[RouteConfig], tuple[Decimal, str]],
    has_documents: bool,
    language: str,
) -> Spending:
    """Reserve what a turn may cost at most, on the best routes that its budgets still allow.

    `dearest` says what a route may cost, and in which currency. Inside the tenant's scope and the transaction that
    stores the turn. Raises BudgetExhausted, in the language given.
    """
    cost, currency = max(map(dearest, routes.usable))
    if not cost:
        return Spending(Rung.NORMAL, routes)
    standings = reserve(reference, account, cost, currency)
    fits = all(standing.has(cost) for standing in standings)
    cheaper = _cheaper(account.tenant_id, standings) if not fits or _is_low(standings) else None
    if fits:
        lowest = max((standing.rung for standing in standings), key=list(Rung).index, default=Rung.NORMAL)
        # More is held than the cheaper route costs; it is given back when the turn is settled.
        rung = lowest if cheaper or lowest != Rung.CHEAPER else Rung.WARNED
        return Spending(rung, cheaper or routes, is_held=bool(standings))
    if cheaper:
        cost, currency = dearest(cheaper.first)
        if not cost or all(standing.has(cost) for standing in reserve(reference, account, cost, currency)):
            return Spending(Rung.CHEAPER, cheaper, is_held=bool(cost))
    return _at_end([standing for standing in standings if not standing.has(cost)], has_documents, language)


def reserve(reference: UUID, account: Account, cost: Decimal, currency: str) -> list[Standing]:
    """Reserve a cost on all budgets of an account in this currency, or on none if one of them has not that much.

    How they stood before: whether each of them `has` the cost says which of the two it was.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_RESERVE, _values(reference, account, cost, currency))
        return [Standing(*row) for row in cursor.fetchall()]


def settle(reference: UUID, account: Account, costs: Mapping[str, Decimal]) -> None:
    """Close what was reserved under a reference at what it cost, by currency; what was not reserved is charged.

    Doing so again changes nothing.
    """
    for currency, cost in costs.items():
        _tell_owners(_close(reference, account, cost, currency, LedgerEntry.Kind.SETTLE))


def release(reference: UUID, account: Account) -> None:
    """Close what was reserved under a reference, for something that never cost anything."""
    _close(reference, account, Decimal(0), "", LedgerEntry.Kind.RELEASE)


def _close(reference: UUID, account: Account, cost: Decimal, currency: str, kind: str) -> list[Standing]:
    values = _values(reference, account, cost, currency)
    with prepared_cursor() as cursor:
        cursor.execute(_SETTLE, {**values, "kind": kind, "charges": kind == LedgerEntry.Kind.SETTLE})
        return [Standing(*row) for row in cursor.fetchall()]


def _values(reference: UUID, account: Account, cost: Decimal, currency: str) -> dict[str, Any]:
    return {
        "tenant": account.tenant_id,
        "subjects": account.subjects,
        "reference": reference,
        # As the ledger keeps it, rounded up.
        "cost": cost.quantize(Decimal("1e-9"), rounding="ROUND_UP"),
        "currency": currency,
        "month": this_month(),
    }


# --- The ladder ----------------------------------------------------------------------------------------------
def _is_low(standings: Sequence[Standing]) -> bool:
    return any(standing.cheaper_route and standing.percent >= standing.cheaper_at for standing in standings)


def _cheaper(tenant_id: UUID, standings: Sequence[Standing]) -> Routes | None:
    """The cheaper route that the fullest of the budgets names, if it can be asked."""
    for standing in sorted(standings, key=lambda one: one.percent, reverse=True):
        if standing.cheaper_route:
            try:
                return Routes((resolve_route(tenant_id, standing.cheaper_route),), has_own=False)
            except PlatformError:
                continue
    return None


def _at_end(spent: Sequence[Standing], has_documents: bool, language: str) -> Spending:
    """Without money: the documents, where there are any and every owner wants that; else the last words."""
    _tell_owners(spent, is_refused=True)
    if has_documents and all(standing.at_end == Budget.AtEnd.DOCUMENTS for standing in spent):
        return Spending(Rung.DOCUMENTS, Routes((reader_route(),), has_own=False))
    raise BudgetExhausted(last_words(spent, language))


def last_words(spent: Sequence[Standing], language: str) -> str:
    """What whoever chats is told: the persona's own words first, then the key's, then the tenant's, then ours."""
    order = (Budget.Of.PERSONA, Budget.Of.KEY, Budget.Of.TENANT)
    for standing in sorted(spent, key=lambda one: order.index(Budget.Of(one.of))):
        if text := standing.text_zh if language == "zh" else standing.text_en:
            return text
    with translation.override("zh-hans" if language == "zh" else "en"):
        return str(BudgetExhausted.default_detail)


def check_budgets(account: Account) -> None:
    """Raise BudgetExhausted if one of the budgets is spent, for what is charged without having been reserved."""
    spent = [standing for standing in standings_of(account) if standing.percent >= 100]
    if spent:
        raise BudgetExhausted(_("The budget for this month is used up."))


def standings_of(account: Account) -> list[Standing]:
    """How the budgets of an account stand in this month."""
    return [standing_of(budget) for budget in Budget.objects.for_tenant(account.tenant_id) if _is_of(budget, account)]


def standing_of(budget: Budget) -> Standing:
    """How a budget stands in this month, whatever month was written down last."""
    standing = Standing(*(getattr(budget, name) for name in Standing._fields))
    return standing if budget.month == this_month() else standing._replace(spent=Decimal(0), reserved=Decimal(0))


def _is_of(budget: Budget, account: Account) -> bool:
    return budget.subject_id is None or budget.subject_id in account.subjects


# --- What owners are told ------------------------------------------------------------------------------------
def _tell_owners(standings: Sequence[Standing], *, is_refused: bool = False) -> None:
    """Note in the audit log that a budget has come to its next rung, once in a month."""
    for standing in standings:
        rung = standing.at_end_rung if is_refused else standing.rung
        if rung == Rung.NORMAL or _is_told(standing.told, rung):
            continue
        told = f"{this_month():%Y-%m} {rung}"
        if Budget.objects.filter(pk=standing.id).exclude(told=told).update(told=told):
            AuditEntry.objects.create(
                action=f"budget_{rung}",
                object_type="llm.budget",
                object_id=str(standing.id),
                object_name=f"{Budget.Of(standing.of).label}: {standing.amount.normalize():f} {standing.currency}",
                changes={"spent": str(standing.spent), "amount": str(standing.amount)},
            )


def _is_told(told: str, rung: Rung) -> bool:
    """Whether what was told last is of this month, and goes as far."""
    month, _space, before = told.partition(" ")
    return month == f"{this_month():%Y-%m}" and list(Rung).index(Rung(before)) >= list(Rung).index(rung)


def spent_so_far(budget: Budget) -> Decimal:
    """What the calls of this month cost that a new budget would have counted."""
    calls = ModelCall.objects.for_tenant(budget.tenant_id).filter(at__date__gte=this_month(), currency=budget.currency)
    match budget.of:
        case Budget.Of.PERSONA:
            calls = calls.filter(persona_id=budget.subject_id)
        case Budget.Of.KEY:
            calls = calls.filter(api_key_id=budget.subject_id)
    return calls.aggregate(total=Sum("cost"))["total"] or Decimal(0)


def open_budget(budget: Budget) -> Budget:
    """Store a new budget, with what was spent of it in this month already. Raises Conflict if there is one."""
    budget.month, budget.spent = this_month(), spent_so_far(budget)
    try:
        with transaction.atomic():
            budget.save(force_insert=True)
    except IntegrityError:
        raise Conflict(_("There is a budget for this already; change that one.")) from None
    return budget
