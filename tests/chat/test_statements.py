"""What a turn asks of the database: little, however long the talk and however many look on.

Counted is what the web process sends from the message's coming until nothing of its turn runs any more, but for BEGIN,
savepoints, COMMIT and `set_config`, with or without documents.
"""

import threading
from typing import Any
from uuid import UUID

import psycopg
import pytest

from llm.models import Route
from tenants.limits import policies
from tenants.postgresql.base import DatabaseWrapper
from tenants.postgresql.direct import DirectCursor
from tenants.scope import current_tenant_id
from tests.chat.conftest import comes_true, is_left_alone
from tests.chat.test_provider_trouble import teach

MOST_STATEMENTS, MOST_TRANSACTIONS = 16, 3


class Ledger:
    """Statements inside one tenant's scope, and how often it was entered. BEGIN and COMMIT do not come by here."""

    def __init__(self, tenant_id: UUID) -> None:
        self._tenant_id = tenant_id
        self.statements: list[str] = []
        self.transactions = 0

    def clear(self) -> None:
        self.statements.clear()
        self.transactions = 0

    def note(self, sql: str) -> None:
        # The last of them is asked once of each connection.
        is_counted = not any(word in sql for word in ("SAVEPOINT", "pg_backend_pid"))
        if is_counted and self._is_of_the_web_process():
            self.statements.append(sql)

    def note_transaction(self) -> None:
        self.transactions += self._is_of_the_web_process()

    def _is_of_the_web_process(self) -> bool:
        return current_tenant_id() == self._tenant_id and threading.current_thread().name.startswith("orm")


@pytest.fixture
def ledger(acme: Any, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    # Looked at every few seconds, whether somebody asks or not.
    monkeypatch.setattr(policies, "KEPT_S", 3_600.0)
    ledger, begin = Ledger(acme.id), DatabaseWrapper.set_for_transaction

    def note_those_of(kind: type[Any]) -> None:
        execute = kind.execute

        def noting(cursor: Any, query: Any, *said: Any, **options: Any) -> Any:
            ledger.note(str(query))
            return execute(cursor, query, *said, **options)

        monkeypatch.setattr(kind, "execute", noting)

    def beginning(*said: Any) -> None:
        ledger.note_transaction()
        begin(*said)

    note_those_of(psycopg.Cursor)
    note_those_of(DirectCursor)
    monkeypatch.setattr(DatabaseWrapper, "set_for_transaction", beginning)
    return ledger


@pytest.fixture
def cost_of_a_turn(carol, scripted_llm, ledger):
    """Ask, and count until nothing of the turn runs any more."""

    async def cost(tab: Any, question: str = "Any rooms?") -> tuple[int, int]:
        scripted_llm.will_say("One room.")
        ledger.clear()
        await tab.says(question)
        await tab.next("turn.completed")
        await comes_true(lambda: is_left_alone(carol))
        return len(ledger.statements), ledger.transactions

    return cost


async def test_a_turn_asks_little_and_no_more_with_the_years(carol, open_tab, cost_of_a_turn, ledger):
    tab = await open_tab(carol)
    await cost_of_a_turn(tab)  # what is kept for a while is read once

    early = await cost_of_a_turn(tab)
    for _ in range(3):
        await cost_of_a_turn(tab)
    others = [await open_tab(carol) for _ in range(3)]
    late = await cost_of_a_turn(tab)

    assert early == late, ledger.statements
    statements, transactions = late
    assert statements <= MOST_STATEMENTS, "\n".join(ledger.statements)
    assert transactions == 2, "the question is taken in, the answer is stored"
    for other in others:
        await other.next("turn.completed")


async def test_model_routes_are_read_again_once_they_change(
    carol, scripted_llm, open_tab, cost_of_a_turn, ledger, off_loop
):
    def of_routes() -> list[str]:
        return [statement for statement in ledger.statements if statement.startswith('SELECT "llm_route"')]

    def change(**fields: Any) -> None:
        with carol.business.scope():
            assert Route.objects.filter(is_default=True).update(**fields) == 1

    tab = await open_tab(carol)
    await cost_of_a_turn(tab)
    await cost_of_a_turn(tab)
    assert not of_routes()

    for model in ("larger", "smaller"):
        await off_loop(change, chat_model=model)
        await cost_of_a_turn(tab)

        assert len(of_routes()) == 1
        assert scripted_llm.chat_requests[-1].body["model"] == model


@pytest.mark.parametrize("has_documents", [False, True])
async def test_a_question_that_waits_is_taken_up_as_the_answer_before_it_is_stored(
    carol, scripted_llm, open_tab, ledger, off_loop, has_documents
):
    if has_documents:
        await off_loop(teach, carol, scripted_llm)
    tab = await open_tab(carol)
    questions = ("What is breakfast?", "And when?", "And where?")
    scripted_llm.will_say("Eggs.", chunks=5, delay_s=0.1, times=3)
    ledger.clear()

    for question in questions:
        await tab.says(question)
    for _ in questions:
        assert (await tab.next("turn.completed"))["text"] == "Eggs."
    await comes_true(lambda: is_left_alone(carol))

    most = 3 if has_documents else 2
    assert ledger.transactions <= most * len(questions)
    assert len(ledger.statements) <= MOST_STATEMENTS * len(questions), "\n".join(ledger.statements)
    said = scripted_llm.chat_requests[-1].messages
    assert [one["content"] for one in said if one["role"] == "assistant"][-2:] == ["Eggs.", "Eggs."]


async def test_a_turn_that_fails_costs_no_more(carol, scripted_llm, open_tab, ledger, off_loop):
    await off_loop(teach, carol, scripted_llm)
    tab = await open_tab(carol)
    scripted_llm.will_fail(400)
    ledger.clear()

    await tab.says("What is breakfast?")
    await tab.next("turn.failed")
    await comes_true(lambda: is_left_alone(carol))

    assert ledger.transactions <= MOST_TRANSACTIONS
    assert len(ledger.statements) <= MOST_STATEMENTS, "\n".join(ledger.statements)


async def test_documents_are_looked_up_with_as_few_statements(
    carol, scripted_llm, open_tab, cost_of_a_turn, ledger, off_loop
):
    """While an endpoint embeds the question no connection is held, so that looking up is a transaction."""
    await off_loop(teach, carol, scripted_llm)
    tab = await open_tab(carol)
    await cost_of_a_turn(tab)

    statements, transactions = await cost_of_a_turn(tab)

    assert statements <= MOST_STATEMENTS, "\n".join(ledger.statements)
    assert transactions <= MOST_TRANSACTIONS


async def test_a_question_is_looked_up_as_it_is_taken_in(
    carol, scripted_llm, open_tab, cost_of_a_turn, ledger, off_loop
):
    """The bundled model embeds it before, also the first one of a conversation and those that nobody asked yet."""
    await off_loop(teach, carol, scripted_llm, embedding_model="")
    tab = await open_tab(carol)

    for question in ("What is breakfast?", "What does a room with a view of the sea cost?"):
        statements, transactions = await cost_of_a_turn(tab, question)

        assert any("knowledge_document" in statement for statement in ledger.statements)
        assert transactions <= MOST_TRANSACTIONS
    assert statements <= MOST_STATEMENTS, "\n".join(ledger.statements)
