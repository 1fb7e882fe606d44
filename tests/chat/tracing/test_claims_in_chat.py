"""An answer carries what its sources bear out of it, in every place where the answer is."""

import pytest

from tests.chat.tracing.conftest import messages_of


def test_a_quotation_is_borne_out_in_every_place(ask, shop):
    completed = ask("How long may I return unopened tea?")

    text, claims = completed["text"], completed["claims"]
    assert claims
    assert all(claim["supported"] for claim in claims)
    cited = {citation["n"] for citation in completed["citations"]}
    assert {n for claim in claims for n in claim["sources"]} <= cited
    assert "30 days" in "".join(text[claim["start"] : claim["end"]] for claim in claims)
    listed = shop.business.api.get(f"/api/v1/conversations/{completed['conversation_id']}/messages/").json()["results"]
    assert listed[-1]["claims"] == claims
    assert listed[-1]["suggestions"] == completed["suggestions"]
    assert listed[0]["claims"] == []  # Carol's own words
    assert messages_of(shop.business, completed)[-1].claims == claims


def test_a_chinese_question_is_told_in_code_points(ask):
    completed = ask("未开封的茶叶多久可以退货？")

    said = [completed["text"][claim["start"] : claim["end"]] for claim in completed["claims"]]
    assert any("30天" in part for part in said)
    assert all(claim["supported"] for claim in completed["claims"])


def test_what_a_model_adds_is_marked_and_its_own_marks_are_respected(ask, shop, scripted_llm):
    _connect(shop, scripted_llm)
    scripted_llm.will_say(
        "Hello! You can return unopened tea within 30 days of delivery [1]. Returns are possible for 60 days. "
        "We also sell teapots made of silver. Shall I send you a label?"
    )

    completed = ask("Can I return tea?")

    said = {completed["text"][claim["start"] : claim["end"]]: claim for claim in completed["claims"]}
    verdicts = {text: claim["supported"] for text, claim in said.items()}
    assert verdicts == {
        "You can return unopened tea within 30 days of delivery [1].": True,
        "Returns are possible for 60 days.": False,
        "We also sell teapots made of silver.": False,
    }
    assert next(iter(said.values()))["sources"] == [1]


def test_what_to_ask_next_comes_from_the_documents_and_is_not_what_was_asked(ask):
    first = ask("How long may I return unopened tea?")["suggestions"]
    assert 0 < len(first) <= 3
    assert not any("Returns" in text for text in first)

    second = ask(first[0])["suggestions"]

    assert first[0] not in second


def test_the_asker_is_suggested_to_in_his_language(ask):
    suggestions = ask("满多少包邮？")["suggestions"]

    assert suggestions
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in text) for text in suggestions)


@pytest.mark.parametrize("setting", [True, False])
def test_suggestions_can_be_switched_off(ask, shop, setting):
    from personas.publishing import publish

    shop.edits(follow_ups=setting)
    with shop.business.scope():
        publish(shop.persona)

    assert bool(ask("How long may I return unopened tea?")["suggestions"]) is setting


def test_what_troupe_says_itself_is_no_claim(ask, shop):
    from personas.publishing import publish

    shop.edits(handoff={"enabled": True})
    with shop.business.scope():
        publish(shop.persona)

    completed = ask("我要转人工")

    assert completed["text"] == "已为您转接人工客服，请稍候。"
    assert completed["claims"] == []


def test_a_refusal_claims_nothing(ask):
    completed = ask("Who won the chess championship in 1972?")

    assert completed["claims"] == []


def _connect(shop, fake) -> None:
    from llm.models import Route

    with shop.business.scope():
        route = Route(slug="main", name="Main", base_url=fake.base_url, chat_model="fake", is_default=True)
        route.api_key = "sk-test"
        route.save()
