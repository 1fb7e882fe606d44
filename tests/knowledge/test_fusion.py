"""Two sides of a search become one order, and neither may drown the other."""

import pytest

from knowledge.fusion import CountedChunk, WordStatistics, estimate_cosine_per_coverage, fuse, score_words
from knowledge.words import Word, index_words, query_words

SHELF = {
    "kettle": "The kettle TG-200 boils a litre of water in three minutes.",
    "returns": "You may return any kettle within thirty days for a full refund.",
    "保修": "TG-300 电水壶保修两年，从购买之日算起。",
    "opening": "The shop is open from nine to six, except on Sundays.",
}


def count(passages: dict[str, str]) -> tuple[list[CountedChunk[str]], WordStatistics]:
    texts = {key: [word.text for word in index_words(text)] for key, text in passages.items()}
    chunks = [CountedChunk(key, {w: words.count(w) for w in words}, len(words)) for key, words in texts.items()]
    frequencies = {w: sum(w in words for words in texts.values()) for words in texts.values() for w in words}
    average = sum(map(len, texts.values())) / len(texts)
    return chunks, WordStatistics(chunks=len(chunks), average_length=average, frequencies=frequencies)


def coverages(question: str, passages: dict[str, str] = SHELF) -> dict[str, float]:
    return score_words(query_words(question), *count(passages))


def test_the_passage_with_the_rarest_words_covers_most():
    found = coverages("How long may I return the kettle?")

    assert max(found, key=found.__getitem__) == "returns"
    assert set(found) == {"returns", "kettle"}


def test_a_whole_model_code_beats_half_of_it():
    found = coverages("tg300 电水壶")

    assert max(found, key=found.__getitem__) == "保修"
    assert found["保修"] > 2 * found["kettle"]


def test_coverage_says_how_much_of_the_question_was_found():
    assert coverages("opening kettle in the volcano")["kettle"] < 0.5
    assert coverages("Sunday shop")["opening"] > coverages("Sunday shop volcano")["opening"]
    assert coverages("volcano") == {}
    assert coverages("what is it?") == {}


def test_parts_of_a_long_word_do_not_count_as_much_as_another_word():
    passages = {"parts": "蒸汽机 蒸汽机 蒸汽机", "both": "玩具 蒸汽机", "other": "完全无关"}

    found = coverages("玩具蒸汽机", passages)

    assert found["both"] > found["parts"]


def test_a_question_in_another_language_is_decided_by_the_vectors():
    similarities = {"returns": 0.88, "kettle": 0.86, "opening": 0.84}
    coverages = {"opening": 0.03}

    fused = fuse(similarities, coverages, cosine_per_coverage=0.18)

    assert [result.key for result in fused] == ["returns", "kettle", "opening"]
    assert fused[2].keyword_rank == 1
    assert fused[0].keyword_rank is None


def test_a_code_that_only_the_words_found_can_win():
    similarities = {"a": 0.85, "b": 0.84, "c": 0.83}

    fused = fuse(similarities, {"code": 0.6}, cosine_per_coverage=0.18)

    assert fused[0].key == "code"
    assert fused[0].score == pytest.approx(0.83 + 0.6 * 0.18)
    assert (fused[0].vector_rank, fused[0].keyword_rank, fused[0].similarity) == (None, 1, None)


def test_one_side_alone_keeps_its_order():
    assert [r.key for r in fuse({}, {"a": 0.2, "b": 0.4})] == ["b", "a"]
    assert [r.key for r in fuse({"a": 0.2, "b": 0.4}, {})] == ["b", "a"]
    assert fuse({}, {}) == []


def test_an_unmeasured_model_is_judged_by_its_own_spread():
    narrow = [0.80 + 0.001 * n for n in range(50)]
    wide = [0.10 + 0.010 * n for n in range(50)]

    assert estimate_cosine_per_coverage(wide) == pytest.approx(10 * estimate_cosine_per_coverage(narrow))
    assert estimate_cosine_per_coverage([0.5]) > 0


def test_a_question_word_repeated_in_the_statistics_never_scores_below_zero():
    everywhere = WordStatistics(chunks=2, average_length=3, frequencies={"tea": 5})

    assert score_words([Word("tea", 1)], [CountedChunk("a", {"tea": 1}, 3)], everywhere)["a"] > 0
