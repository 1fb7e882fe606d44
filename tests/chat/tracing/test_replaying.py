"""The same question today: beside the conversation, paid, within the budget."""

import pytest

from chat.models import Replay
from chat.tracing.comparing import compare, stored_answer
from chat.tracing.replaying import TurnNotOver, start_replay
from llm.models import ModelCall
from tests.chat.tracing.conftest import messages_of, turn_of
from tests.chat.tracing.test_claims_in_chat import _connect as connect
from tests.knowledge.conftest import work_off


def replayed(business, turn) -> Replay:
    with business.scope():
        replay = start_replay(turn, by="Edda")
        assert start_replay(turn) == replay  # one at a time
    work_off(business)
    with business.scope():
        replay.refresh_from_db()
    return replay


def test_a_replay_answers_under_todays_settings_and_leaves_the_conversation_alone(ask, shop, scripted_llm):
    first = ask("How long may I return unopened tea?")
    before = [message.pk for message in messages_of(shop.business, first)]
    turn = turn_of(shop.business, first)
    connect(shop, scripted_llm)
    scripted_llm.will_say("Within 30 days of delivery, if it is unopened [1].")

    replay = replayed(shop.business, turn)

    assert (replay.status, replay.created_by) == ("done", "Edda")
    assert replay.result["text"] == "Within 30 days of delivery, if it is unopened [1]."
    assert replay.result["trace"]["model"] == "fake"
    assert [claim["supported"] for claim in replay.result["claims"]] == [True]
    assert [message.pk for message in messages_of(shop.business, first)] == before
    with shop.business.scope():
        call = ModelCall.objects.filter(route="main").get()
    assert (call.persona_id, str(call.conversation_id)) == (shop.persona.pk, first["conversation_id"])
    comparison = compare(stored_answer(turn), replay.result)
    assert "".join(part.text for part in comparison.text if part.kind != "after") == first["text"]
    assert "".join(part.text for part in comparison.text if part.kind != "before") == replay.result["text"]
    assert {fact.name: fact.after for fact in comparison.facts if fact.is_changed}["model"] == "fake"


def test_a_person_called_by_the_tool_is_the_same_again(ask, shop, scripted_llm):
    connect(shop, scripted_llm)
    scripted_llm.will_call("hand_over", {"reason": "a ring"}, times=2)
    shop.edits(handoff={"enabled": True, "by_persona": True, "by_tool": True})
    shop.business.api.post("/api/v1/personas/mei/publish/")
    turn = turn_of(shop.business, ask("My ring fell into the tea."))

    replay = replayed(shop.business, turn)

    before = stored_answer(turn)
    assert replay.result["text"] == before["text"] == "I have asked a colleague to join us; please wait a moment."
    assert replay.result["finish_reason"] == turn.answer.finish_reason == "stop"
    assert replay.result["claims"] == before["claims"] == []


def test_the_reader_says_the_same_again(ask, shop):
    first = ask("满多少包邮？")
    turn = turn_of(shop.business, first)

    comparison = compare(stored_answer(turn), replayed(shop.business, turn).result)

    assert comparison.is_same_text
    assert {source.kind for source in comparison.sources} == {"kept"}


def test_sources_that_came_and_went_are_named(ask, shop):
    turn = turn_of(shop.business, ask("How long may I return unopened tea?"))
    before = stored_answer(turn)
    other = {**before["citations"][0], "chunk_id": "another", "title": "New terms"}

    sources = compare(before, {**before, "citations": [other]}).sources

    assert [(source.title, source.kind) for source in sources] == [("Terms", "lost"), ("New terms", "gained")]


def test_a_model_that_fails_is_told_and_costs_nothing_more(ask, shop, scripted_llm):
    turn = turn_of(shop.business, ask("How long may I return unopened tea?"))
    connect(shop, scripted_llm)
    scripted_llm.will_fail(401)

    replay = replayed(shop.business, turn)

    assert (replay.status, replay.error_code) == ("failed", "provider_unavailable")
    assert replay.finished_at is not None


def test_a_spent_budget_stops_a_replay(ask, shop, scripted_llm, monkeypatch):
    from chat import preparing
    from llm.budgets import BudgetExhausted

    turn = turn_of(shop.business, ask("How long may I return unopened tea?"))

    def refuse(*_: object) -> None:
        raise BudgetExhausted

    monkeypatch.setattr(preparing, "spending_of", refuse)

    assert replayed(shop.business, turn).error_code == "budget_exhausted"


def test_an_answer_that_is_being_written_cannot_be_tried(ask, shop):
    turn = turn_of(shop.business, ask("How long may I return unopened tea?"))
    turn.status = "running"

    with shop.business.scope(), pytest.raises(TurnNotOver):
        start_replay(turn)
