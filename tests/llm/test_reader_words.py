"""What a question asks about, in both languages, and which words mean the same."""

import pytest

from llm.reader.expected import Expected, expected, holds
from llm.reader.quoting import quotables
from llm.reader.spelling import fold, is_chinese
from llm.reader.words import bag, spellings, units


def test_a_question_is_cut_into_what_it_asks_about() -> None:
    assert [unit.text for unit in units("Do you ship the parcel to Japan?")] == ["ship", "parcel", "japan"]
    assert [unit.text for unit in units("请问包裹可以寄到日本吗？")] == ["包裹", "可以", "寄", "日本"]


def test_a_name_of_several_words_weighs_as_one_thing() -> None:
    _, *name = units("How much is the Misty Peak Green?")

    assert [unit.text for unit in name] == ["misti", "peak", "green"]
    assert sum(unit.weight for unit in name) == pytest.approx(1.5)


def test_an_unknown_chinese_name_is_kept_in_pairs() -> None:
    assert [unit.text for unit in units("雾顶绿呢")] == ["雾顶", "顶绿"]


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("How much is the shipping fee?", "不满 99 元收运费 8 元。"),
        ("运费多少钱？", "Shipping costs 8 yuan."),
        ("礼拜天开门吗？", "We are closed on Sundays."),
        ("忘了口令怎么办", "如果忘记密码，请重新设置。"),
    ],
)
def test_concepts_bridge_languages_and_paraphrase(question: str, passage: str) -> None:
    asked = [unit for unit in units(question) if not unit.is_weak]

    assert any(unit.concepts & bag(passage).concepts for unit in asked)


def test_traditional_characters_and_full_width_letters_are_the_same_words() -> None:
    assert fold("退貨運費 ＡＢＣ") == "退货运费 abc"
    assert units("退貨要運費嗎") == units("退货要运费吗")


def test_the_search_is_told_other_words_for_the_same_things() -> None:
    others = dict(spellings("退款几天到账？"))

    assert "refund" in others["退款"]
    assert spellings("你好吗") == []


@pytest.mark.parametrize(
    ("question", "form", "answer", "other"),
    [
        ("how much is it?", Expected.MONEY, "it costs 88 yuan", "it is made of clay"),
        ("多少钱一罐？", Expected.MONEY, "每罐 88 元", "产自福建"),
        ("how long does it take?", Expected.DURATION, "within two days", "by courier"),
        ("多久能到？", Expected.DURATION, "3 到 5 个工作日", "走陆运"),
        ("when do you open?", Expected.MOMENT, "from 10:00 to 20:00", "at the canal"),
        ("几点开门？", Expected.MOMENT, "上午 10 点开门", "在运河边"),
        ("水温多少度？", Expected.TEMPERATURE, "80 °c", "用软水"),
        ("打几折？", Expected.SHARE, "享六折", "不打折扣"),
        ("how many people?", Expected.NUMBER, "at most eight people", "everybody"),
        ("who are you?", Expected.ANYTHING, "we are two sisters", ""),
    ],
)
def test_the_form_of_the_answer_is_known(question: str, form: Expected, answer: str, other: str) -> None:
    assert expected(question) is form
    assert holds(form, answer)
    assert holds(form, other) is (form is Expected.ANYTHING)


def test_a_passage_is_cut_into_sentences_and_rows() -> None:
    assert quotables("满 99 元包邮。不满收 8 元！\n- Ask Mr. Wen. It costs 1.5 yuan.") == (
        "满 99 元包邮。",
        "不满收 8 元！",
        "Ask Mr. Wen.",
        "It costs 1.5 yuan.",
    )
    row = "Product: Stone Gate; Price: 198. Low stock; Notes: dark."
    assert quotables(row) == (row,)


def test_chinese_with_a_few_latin_names_is_still_chinese() -> None:
    assert is_chinese("我的 VPN 连不上")
    assert not is_chinese("What does 雾顶绿 mean in English?")
