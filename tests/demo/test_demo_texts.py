"""The demo's texts are small, whole and true to what the questions say of them."""

import csv
import importlib.util
import json
from types import ModuleType

import pytest

from tests.demo.pipeline import DEMO, chunks, embedder, holds_quote, persona, plain, questions

BASES = ("cloud-mountain-tea", "harbour-finch")
PERSONAS = ("qing", "finch", "xiaoman")
MOST_TOKENS = 15_000


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_documents", DEMO / "build_documents.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_texts_together_are_embedded_in_seconds() -> None:
    documents = [f"{chunk.title}\n{chunk.heading}\n{chunk.text}" for base in BASES for chunk in chunks(base)]
    personas = [json.dumps(persona(slug), ensure_ascii=False) for slug in PERSONAS]

    assert sum(map(embedder().count_tokens, documents + personas)) <= MOST_TOKENS


@pytest.mark.parametrize("question", [*questions("tune"), *questions("report")], ids=lambda question: question.id)
def test_an_answer_stands_where_the_question_says(question) -> None:
    if question.document is None:
        assert not question.quote
        assert not question.expect
        return
    holding = [chunk for chunk in chunks(question.base) if holds_quote(chunk, question)]
    assert any(all(plain(words) in plain(chunk.text) for words in question.expect) for chunk in holding)


def test_there_are_questions_enough_in_both_languages() -> None:
    for split_name in ("tune", "report"):
        for language in ("zh", "en"):
            asked = [question for question in questions(split_name) if question.lang == language]
            assert len([question for question in asked if question.document]) >= 15
            assert len([question for question in asked if not question.document]) >= 10
    everything = [*questions("tune"), *questions("report")]
    assert len({question.id for question in everything}) == len(everything)
    assert len({question.text for question in everything}) == len(everything)


def test_every_source_is_built_and_nothing_else(builder) -> None:
    sources = {str(path.relative_to(builder.SOURCES)) for path in builder.SOURCES.rglob("*.*")}
    documents = {str(path.relative_to(DEMO / "documents")) for path in (DEMO / "documents").rglob("*.*")}

    assert sources == set(builder.FORMATS)
    assert documents == {name.rsplit(".", 1)[0] + suffix for name, suffix in builder.FORMATS.items()}
    assert set(builder.FORMATS.values()) == {".pdf", ".docx", ".xlsx", ".md"}


def test_the_documents_say_what_their_sources_say(builder) -> None:
    """Editing a source without building again fails here."""
    for name in builder.FORMATS:
        base, stem = name.rsplit(".", 1)[0].split("/")
        built = [chunk for chunk in chunks(base) if chunk.document.split(".")[0] == stem]
        text = plain("".join(chunk.title + chunk.heading + chunk.text for chunk in built))
        for said in sentences_of(builder, name):
            assert plain(said) in text, f"{name}: {said}"


def sentences_of(builder: ModuleType, name: str) -> list[str]:
    source = (builder.SOURCES / name).read_text(encoding="utf-8")
    if name.endswith(".csv"):
        return [cell for row in csv.reader(source.splitlines()) for cell in row[1:] if cell]
    found = []
    for kind, content in builder.blocks(source):
        found += [cell for row in content for cell in row] if kind == "table" else [content]
    return found


def test_the_companion_has_lines_for_both_languages_and_hard_moments() -> None:
    from llm.reader.safety import is_crisis
    from llm.reader.spelling import is_chinese

    examples = persona("xiaoman")["settings"]["examples"]

    assert len(examples) >= 60
    for wants_chinese in (True, False):
        own = [each for each in examples if is_chinese(each["user"]) is wants_chinese]
        assert len(own) >= 30
        assert all(is_chinese(each["say"]) is wants_chinese for each in own)
        assert any(is_crisis(each["user"]) for each in own)


def test_the_demo_names_only_what_is_there() -> None:
    tenants = json.loads((DEMO / "demo.json").read_text(encoding="utf-8"))["tenants"]

    assert {slug for tenant in tenants for slug in tenant["personas"]} == set(PERSONAS)
    for tenant in tenants:
        bases = [base["slug"] for base in tenant["knowledge_bases"]]
        assert all((DEMO / "documents" / base).is_dir() for base in bases)
        for slug in tenant["personas"]:
            assert persona(slug)["slug"] == slug
            assert set(persona(slug)["settings"]["knowledge_bases"]) <= set(bases)
