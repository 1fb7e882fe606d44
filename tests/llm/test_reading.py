"""The reader behind the door: what it says is its engine's matter, how it streams is told here."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm.door import stream_chat
from llm.errors import NoModelConnected
from llm.reader import Example, Passage, ReaderTask
from llm.reading import pieces
from llm.types import ChatMessage, ChatRequest, Finished, RouteConfig, TextDelta

READER = RouteConfig(slug="reader", provider="reader")
RETURNS = Passage(
    1,
    "Shipping and returns",
    "",
    "You may return unopened tea within 30 days. We refund within 5 days.",
    0.91,
)
退货 = Passage(1, "配送与退货", "", "未开封的茶叶可在三十天内退货。我们在五天内退款。", 0.91)


def asking(question: str, **task: object) -> ChatRequest:
    return ChatRequest([ChatMessage("user", question)], reader=ReaderTask(question, **task))


async def answer(request: ChatRequest) -> tuple[str, list[str], Finished]:
    *deltas, end = [item async for item in stream_chat(READER, request)]
    assert all(isinstance(delta, TextDelta) and delta.text for delta in deltas)
    assert isinstance(end, Finished)
    texts = [delta.text for delta in deltas]
    return "".join(texts), texts, end


@pytest.mark.parametrize(
    ("question", "passage", "quoted"),
    [
        (
            "Within how many days may I return unopened tea?",
            RETURNS,
            "You may return unopened tea within 30 days.",
        ),
        ("未开封的茶叶几天内可以退货？", 退货, "未开封的茶叶可在三十天内退货。"),
    ],
    ids=["en", "zh"],
)
async def test_it_quotes_word_by_word_and_names_the_passage(question, passage, quoted):
    text, deltas, end = await answer(asking(question, passages=[passage], has_documents=True))

    assert quoted in text
    assert len(deltas) > 5
    assert (end.finish_reason, end.cited, end.declined) == ("stop", (1,), False)
    assert end.usage.is_estimate
    assert end.usage.output_tokens > 0


async def test_it_declines_in_the_personas_own_words():
    request = asking("Who won the football match?", refusal="That I cannot say.", has_documents=True)

    text, _, end = await answer(request)

    assert (text, end.cited, end.declined) == ("That I cannot say.", (), True)


async def test_a_companion_says_what_its_author_wrote():
    examples = [
        Example("Hello there", "Hello, dear. Tea?"),
        Example("I cannot sleep at night", "Count the stars with me."),
        Example("My boss shouted at me again", "That was not fair of her."),
        Example("What is your favourite book?", "The one you are writing."),
    ]

    text, _, end = await answer(asking("I lay awake all night again", examples=examples))

    assert text == "Count the stars with me."
    assert (end.cited, end.trace["reason"]) == ((), "example")


async def test_the_same_question_gets_the_same_answer_also_side_by_side():
    request = asking("May I return unopened tea?", passages=[RETURNS], has_documents=True)

    answers = await asyncio.gather(*(answer(request) for _ in range(10)))

    assert len({text for text, _, _ in answers}) == 1


async def test_what_only_a_model_can_do_is_refused_with_a_hint():
    with pytest.raises(NoModelConnected) as caught:
        await answer(ChatRequest([ChatMessage("user", "Summarise this.")]))

    assert (caught.value.code, caught.value.retryable) == ("provider_unavailable", False)
    assert "OPENAI_BASE_URL" in str(caught.value.detail)


@settings(deadline=None)  # a busy machine is no fault
@given(st.text(alphabet="ab 1[]\n\t茶叶。，！あ한🏮-", max_size=40))
def test_words_joined_are_the_text(text: str):
    assert "".join(pieces(text)) == text
    assert all(pieces(text))
