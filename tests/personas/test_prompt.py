"""The prompt compiler: never over budget, stable first, nothing cut in silence."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.tokens import count_tokens
from personas.context import Said, Source
from personas.errors import PromptTooLong
from personas.prompt import (
    CONTEXT_CLOSES,
    CONTEXT_OPENS,
    MESSAGE_TOKENS,
    CompiledPrompt,
    Part,
    Section,
    compile_prompt,
    cut_to_tokens,
)

SOMEWHERE = UUID(int=1)
texts = st.text(alphabet="ab .!\n茶，。", max_size=300)


def section(name: str, text: str = "", **fields: object) -> Section:
    options: dict[str, object] = {"priority": 50, "budget_tokens": 500, "why": "test"}
    return Section(name=name, text=text, **(options | fields))  # type: ignore[arg-type]


def passage(n: int, text: str) -> Part:
    return Part(text, Source(n=n, chunk_id=SOMEWHERE, document_id=SOMEWHERE, title="Rules", text=text, score=1.0))


def said(*lines: str) -> list[Said]:
    return [Said("bot" if number % 2 else "user", line) for number, line in enumerate(lines)]


def compiled(
    *sections: Section,
    history: list[Said] | None = None,
    question: str = "Any rooms?",
    budget_tokens: int = 8000,
) -> CompiledPrompt:
    return compile_prompt(sections, history=history or [], question=question, budget_tokens=budget_tokens)


def tokens_of(prompt: CompiledPrompt) -> int:
    return sum(count_tokens(message.content) + MESSAGE_TOKENS for message in prompt.messages)


def report(prompt: CompiledPrompt, name: str) -> tuple[bool, bool]:
    [found] = [each for each in prompt.sections if each.name == name]
    return found.is_dropped, found.is_truncated


def test_stable_sections_then_history_then_what_changes_then_the_question() -> None:
    prompt = compiled(
        section("rules", "Be kind."),
        section("now", "It is noon.", stable=False),
        section("voice", "Gruff."),
        history=said("Hello", "Come in."),
    )
    assert [(message.role, message.content) for message in prompt.messages] == [
        ("system", "Be kind.\n\nGruff."),
        ("user", "Hello"),
        ("assistant", "Come in."),
        ("user", "<context>\nIt is noon.\n</context>\n\nAny rooms?"),
    ]
    assert [each.name for each in prompt.sections] == ["rules", "voice", "history", "now", "question"]
    assert prompt.input_tokens == tokens_of(prompt)


def test_without_anything_else_the_question_stands_alone() -> None:
    [message] = compiled(question="有房间吗？").messages
    assert (message.role, message.content) == ("user", "有房间吗？")


def test_the_prefix_is_the_same_byte_for_byte_whatever_changes() -> None:
    stable = [
        section("rules", "Be kind. " * 60),
        section("examples", "Look:", parts=(Part("a" * 700), Part("b" * 700))),
    ]
    knowledge = section("knowledge", "Found:", stable=False, parts=(passage(1, "茶" * 300),), priority=70)
    first = compiled(*stable, question="Hi", budget_tokens=1500)
    later = compiled(*stable, knowledge, history=said(*["word " * 40] * 20), question="And? " * 40, budget_tokens=1500)
    assert first.messages[0] == later.messages[0]
    assert "a" * 700 in first.messages[0].content


def test_lower_priorities_give_way_first() -> None:
    sections = [
        section("high", "高" * 100, priority=90, stable=False),
        section("low", "低" * 100, priority=10, stable=False),
        section("middle", "中" * 100, priority=80, stable=False),
    ]
    prompt = compiled(*sections, budget_tokens=222)
    assert [report(prompt, name) for name in ("high", "middle", "low")] == [
        (False, False),
        (False, False),
        (True, False),
    ]
    assert prompt.messages[-1].content.index("高") < prompt.messages[-1].content.index("中")  # as given


def test_a_text_is_cut_at_the_end_of_a_sentence_and_says_so() -> None:
    prompt = compiled(section("persona", "你守着渡口的客栈。" * 20, budget_tokens=60))
    assert prompt.messages[0].content == "你守着渡口的客栈。" * 6 + " …"
    assert report(prompt, "persona") == (False, True)


def test_a_passage_is_kept_whole_or_left_out_with_its_number() -> None:
    parts = (passage(1, "一" * 100), passage(2, "二" * 500), passage(3, "三" * 100))
    prompt = compiled(
        section("knowledge", "<passages>", stable=False, parts=parts, closing="</passages>", budget_tokens=250)
    )
    content = prompt.messages[-1].content
    assert [source.n for source in prompt.sources] == [1, 3]
    assert "一" * 100 in content
    assert "二" not in content
    assert content.index("三") < content.index("</passages>")


def test_parts_without_room_leave_no_empty_shell() -> None:
    prompt = compiled(
        section("knowledge", "<passages>", stable=False, parts=(passage(1, "一" * 100),), budget_tokens=50)
    )
    assert prompt.messages[-1].content == "Any rooms?"
    assert prompt.sources == ()
    assert report(prompt, "knowledge") == (True, False)


def test_history_goes_from_its_oldest_end_and_begins_with_the_user() -> None:
    lines = [f"{number} " + "x" * 70 for number in range(10)]
    prompt = compiled(history=said(*lines), budget_tokens=80)
    assert [message.role for message in prompt.messages] == ["user", "assistant", "user"]
    assert prompt.messages[0].content.startswith("8 ")
    assert report(prompt, "history") == (False, True)


def test_neighbours_of_one_side_become_one_message() -> None:
    history = [
        Said("user", "Hello?"),
        Said("user", "Anybody?"),
        Said("bot", "Yes."),
        Said("human", "I am Alice."),
    ]
    prompt = compiled(history=history)
    assert [(message.role, message.content) for message in prompt.messages] == [
        ("user", "Hello?\n\nAnybody?"),
        ("assistant", "Yes.\n\nI am Alice."),
        ("user", "Any rooms?"),
    ]


def test_what_cannot_fit_is_refused_not_cut() -> None:
    required = section("rules", "法" * 100, required=True)
    assert "法" * 100 in compiled(required, question="问" * 50, budget_tokens=200).messages[0].content
    with pytest.raises(PromptTooLong):
        compiled(required, question="问" * 100, budget_tokens=200)


@given(
    st.lists(
        st.builds(
            Section,
            name=st.uuids().map(str),
            text=texts,
            priority=st.integers(0, 100),
            budget_tokens=st.integers(0, 200),
            why=st.just(""),
            stable=st.booleans(),
            required=st.booleans(),
            parts=st.lists(texts.map(Part), max_size=3).map(tuple),
            closing=st.sampled_from(["", "</end>"]),
        ),
        max_size=6,
    ),
    st.lists(st.builds(Said, role=st.sampled_from(["user", "bot", "human"]), text=texts), max_size=6),
    texts,
    st.integers(20, 600),
)
def test_the_budget_holds_for_any_sections(
    sections: list[Section], history: list[Said], question: str, budget_tokens: int
) -> None:
    try:
        prompt = compiled(*sections, history=history, question=question, budget_tokens=budget_tokens)
    except PromptTooLong:
        return
    assert tokens_of(prompt) == prompt.input_tokens <= budget_tokens
    assert prompt.messages[-1].content.endswith(question)
    assert [message.role for message in prompt.messages if message.role == "system"] in ([], ["system"])
    again = compiled(*sections, history=history, question=question, budget_tokens=budget_tokens)
    assert again == prompt


@given(texts, st.integers(1, 100))
def test_a_cut_text_is_a_beginning_within_its_limit(text: str, limit: int) -> None:
    beginning = cut_to_tokens(text, limit)
    assert count_tokens(beginning) <= limit
    assert text == beginning or text.startswith(beginning.removesuffix(" …"))


@given(st.lists(st.sampled_from(["required", "optional"]), min_size=1, max_size=5), st.integers(150, 400))
def test_required_sections_are_always_there(kinds: list[str], budget_tokens: int) -> None:
    sections = [
        section(f"{kind}{number}", f"«{number}»" + "字" * 30, required=kind == "required", priority=number)
        for number, kind in enumerate(kinds)
    ]
    try:
        system = "".join(m.content for m in compiled(*sections, budget_tokens=budget_tokens).messages)
    except PromptTooLong:
        return
    for each in sections:
        assert not each.required or each.text in system


def test_the_context_has_one_beginning_and_one_end() -> None:
    prompt = compiled(section("a", "A", stable=False), section("b", "B", stable=False))
    content = prompt.messages[-1].content
    assert (content.count(CONTEXT_OPENS), content.count(CONTEXT_CLOSES)) == (1, 1)
