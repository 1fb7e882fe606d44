"""The very messages that the model would get, and why each part is there."""

from typing import Any

import pytest
from django.db import connection
from django.utils import translation

from llm.tokens import count_tokens
from personas import history
from personas.context import EndUser, Said
from personas.history import SoFar
from tenants.errors import NotFound
from tests.personas.conftest import draft, wrong_fields

PATH = "/api/v1/personas/innkeeper/prompt/"


@pytest.fixture
def well_read(acme: Any, open_base: Any, shelve: Any) -> dict[str, Any]:
    """An innkeeper who reads the rules of the house, in two languages."""
    base = open_base(acme, "house-rules")
    shelve(base, "House rules", "Breakfast is served from seven to nine in the hall.", "Dogs sleep in the barn.")
    shelve(base, "店规", "退房时间是中午十二点，晚退每小时加收二十元。")
    return draft(acme, settings={"instructions": "Serve {{guest}}.", "knowledge_bases": ["house-rules"]})


@pytest.mark.parametrize(
    ("text", "passage"),
    [("When can I have breakfast?", "Breakfast is served"), ("几点之前要退房？", "退房时间是中午十二点")],
)
def test_the_prompt_shows_messages_sections_and_passages(acme: Any, well_read: Any, text: str, passage: str) -> None:
    response = acme.api.post(PATH, {"text": text, "variables": {"guest": "Carol"}})
    assert response.status_code == 200, response.content
    prompt = response.json()

    first, *_, last = prompt["messages"]
    assert first["role"] == "system"
    assert "Serve Carol." in first["content"]
    assert last["role"] == "user"
    assert last["content"].endswith(text)
    best = prompt["sources"][0]
    assert best["n"] == 1
    assert passage in best["text"]
    assert f'<passage n="1" from="{best["title"]}">\n{best["text"]}\n</passage>' in last["content"]

    sections = {section["name"]: section for section in prompt["sections"]}
    assert list(sections) == [
        "rules",
        "grounding",
        "persona",
        "history",
        "knowledge",
        "now",
        "question",
    ]
    assert sections["persona"]["kept_tokens"] == sections["persona"]["tokens"] > 0
    assert sections["knowledge"]["why"] == f"{len(prompt['sources'])} passages found by the search"
    assert not any(section["dropped"] or section["truncated"] for section in sections.values())
    assert prompt["input_tokens"] == sum(count_tokens(m["content"]) + 4 for m in prompt["messages"])
    assert prompt["trace"]["search"]["query"] == text
    assert prompt["trace"]["unknown_variables"] == []


def test_why_a_section_is_there_is_told_in_the_callers_language(acme: Any, well_read: Any) -> None:
    response = acme.api.post(PATH, {"text": "When can I have breakfast?"}, **{"Accept-Language": "zh-hans"})

    why = {section["name"]: section["why"] for section in response.json()["sections"]}
    assert why["rules"] == "平台规则，始终保留"
    assert why["knowledge"] == f"检索到 {len(response.json()['sources'])} 个段落"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_tool_that_calls_a_person_is_counted(acme: Any, innkeeper: Any, language: str) -> None:
    def prompt_with(**handoff: Any) -> Any:
        settings = {"language": language, "handoff": {"enabled": True, **handoff}}
        assert acme.api.patch("/api/v1/personas/innkeeper/", {"settings": settings}).status_code == 200
        return acme.api.post(PATH, {"text": "Hi"}).json()

    without, with_tool = prompt_with(), prompt_with(by_persona=True, by_tool=True)

    assert with_tool["messages"] == without["messages"]
    tool, *others = with_tool["sections"]
    assert others == without["sections"]
    assert (tool["name"], tool["role"], tool["why"]) == ("tools", "system", "What the model may call")
    assert with_tool["input_tokens"] - without["input_tokens"] == tool["kept_tokens"] == tool["tokens"]
    assert 60 < tool["tokens"] < 150


def test_the_prompt_is_the_drafts_not_the_published_versions(acme: Any, innkeeper: Any) -> None:
    acme.api.post("/api/v1/personas/innkeeper/publish/")
    acme.api.patch("/api/v1/personas/innkeeper/", {"settings": {"instructions": "You keep the mill."}})
    prompt = acme.api.post(PATH, {"text": "Hi"}).json()
    assert "You keep the mill." in prompt["messages"][0]["content"]
    assert prompt["trace"]["persona_version"] is None


def test_a_conversation_brings_its_history(acme: Any, innkeeper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = "019a0000-0000-7000-8000-000000000001"

    def keeper(persona_id: Any, conversation_id: Any) -> SoFar:
        if (str(persona_id), str(conversation_id)) != (innkeeper["id"], known):
            raise NotFound
        return SoFar((Said("user", "Hello"), Said("bot", "Come in.")), "They met.", EndUser("Carol", "en"))

    monkeypatch.setattr(history, "_providers", [keeper])

    prompt = acme.api.post(PATH, {"text": "Any rooms?", "conversation_id": known}).json()
    assert [message["content"] for message in prompt["messages"][1:3]] == ["Hello", "Come in."]
    assert "They met." in prompt["messages"][3]["content"]
    assert "Carol" in prompt["messages"][3]["content"]

    other = "019a0000-0000-7000-8000-000000000002"
    assert acme.api.post(PATH, {"text": "Any rooms?", "conversation_id": other}).status_code == 404


def test_no_transaction_is_open_while_the_question_is_embedded(
    acme: Any, well_read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from personas import recall

    embed, seen = recall.embed_in_worker, []

    def watched(*arguments: Any) -> Any:
        seen.append(connection.in_atomic_block)
        return embed(*arguments)

    monkeypatch.setattr(recall, "embed_in_worker", watched)
    assert acme.api.post(PATH, {"text": "Breakfast?"}).status_code == 200
    assert seen == [False]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": "a\x00"}, "text"),
        ({"text": "a\ud800"}, "text"),
        ({"text": "x" * 20_001}, "text"),
        ({"text": "Hi", "variables": []}, "variables"),
        ({"text": "Hi", "variables": {"a b": 1}}, "variables.a b"),
        ({"text": "Hi", "conversation_id": "x"}, "conversation_id"),
        ({"text": "Hi", "stream": True}, "stream"),
    ],
)
def test_wrong_questions_are_named(acme: Any, innkeeper: Any, body: Any, field: str) -> None:
    assert set(wrong_fields(acme.api.post(PATH, body))) == {field}


def test_a_question_that_fits_no_prompt_is_refused(acme: Any, innkeeper: Any) -> None:
    refused = acme.api.post(PATH, {"text": "问" * 9000})
    assert refused.status_code == 422
    assert "too long" in refused.json()["detail"]


def test_mallory_cannot_search_acmes_documents_through_her_persona(globex: Any, well_read: Any) -> None:
    draft(globex, settings={"instructions": "Spy."})
    prompt = globex.api.post(PATH, {"text": "When can I have breakfast?"}).json()
    assert prompt["sources"] == []
    with translation.override("en"):
        assert "seven" not in str(prompt)
