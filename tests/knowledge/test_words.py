"""What a passage is found by: the same words must come out of a passage and of a question about it."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.words import (
    MAX_POSITION,
    MAX_WORD_CHARACTERS,
    Word,
    fold,
    fold_terms,
    index_words,
    query_words,
    to_tsvector_literal,
    warm_up,
)


def words_of(text: str, *terms: str) -> set[str]:
    return {word.text for word in index_words(text, fold_terms(terms))}


@pytest.mark.parametrize(
    ("passage", "question"),
    [
        ("The kettle TG-200 has a warranty of two years.", "tg200"),
        ("The kettle TG-200 has a warranty of two years.", "200"),
        ("本店的 TG200 电水壶保修两年", "TG-200"),
        ("Write to Support@Acme.example.", "support@acme.example"),
        ("Write to Support@Acme.example.", "acme"),
        ("Shipping costs 1,200 yuan.", "1200"),
        ("价格是１２００元", "1200"),
        ("We returned the parcels.", "return a parcel"),
        ("A café in Zürich", "cafe zurich"),
        ("Don’t use Wi-Fi here", "wifi"),
        ("退貨與運費說明", "退货"),
        ("退货与运费说明", "退貨"),
        ("这款茶叶的保修期很长", "保修"),
        ("Öffnungszeiten: Привет мир", "привет"),
        ("カタログを送る", "カタログ"),
    ],
)
def test_a_passage_is_found_by(passage, question):
    asked = {word.text for word in query_words(question)}

    assert asked & words_of(passage)


def test_words_too_common_are_left_out_in_both_languages():
    assert words_of("What is the price of it?") == {"price"}
    assert words_of("请问它的价格是多少呢？") == {"价格"}
    assert query_words("what is it? 这是什么？") == []


def test_a_version_and_a_decimal_keep_their_dots():
    assert "2.1.3" in words_of("firmware 2.1.3")
    assert words_of("it weighs 3.14.") == {"weigh", "3.14"}


def test_a_question_names_each_word_once():
    texts = [word.text for word in query_words("tea, green tea 茶叶 茶叶")]

    assert texts == ["tea", "green", "茶叶"]


def test_parts_of_one_word_share_its_position():
    assert index_words("蒸汽机 TG-200") == [
        Word("蒸汽机", 1),
        Word("蒸汽", 1),
        Word("汽机", 1),
        Word("tg200", 2),
        Word("tg", 2),
        Word("200", 2),
    ]


def test_a_tenants_own_terms_are_found_whole_and_stay_his_own():
    acmes = ["云雾白毫", "Moon Lantern"]

    assert "云雾白毫" in words_of("我们的雲霧白毫很好", *acmes)
    assert "moon lantern" in words_of("Buy a Moon Lantern today", *acmes)
    assert "云雾白毫" not in words_of("我们的云雾白毫很好")
    assert jieba.dt.initialized is False  # nobody taught the segmenter that every library user shares


def test_the_longest_own_term_wins():
    assert words_of("云雾白毫银针", "云雾", "云雾白毫银针") >= {"云雾白毫银针"}


def test_loading_the_dictionary_writes_and_logs_nothing(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with caplog.at_level(logging.DEBUG):
        warm_up()

    assert list(Path(tmp_path).iterdir()) == []
    assert caplog.records == []


def test_threads_agree_with_each_other():
    texts = [f"Returning parcels number {n} 退货说明第{n}条" for n in range(50)] * 4
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(index_words, texts))

    assert together == [index_words(text) for text in texts]


def test_a_literal_quotes_what_postgresql_would_stumble_over():
    literal = to_tsvector_literal([Word("o'neil", 1), Word("back\\slash", 2), Word("o'neil", 3)])

    assert literal == "'o''neil':1,3 'back\\\\slash':2"


def test_a_literal_stays_within_postgresqls_limits():
    many = [Word("tea", position) for position in range(1, 20_000)]

    positions = to_tsvector_literal(many).partition(":")[2].split(",")

    assert len(positions) == 255
    assert to_tsvector_literal([Word("tea", MAX_POSITION + 5)]) == f"'tea':{MAX_POSITION}"
    assert max(map(len, words_of("x" * 5000 + " " + "9" * 5000))) == MAX_WORD_CHARACTERS


@given(st.text(max_size=300))
def test_no_text_is_too_strange(text):
    words = index_words(text)

    assert words == index_words(fold(text))  # folding twice changes nothing that is searched for
    positions = [word.position for word in words]
    assert positions == sorted(positions)
    assert all(word.text and "\x00" not in word.text for word in words)
