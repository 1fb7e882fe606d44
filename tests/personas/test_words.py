"""Small judgements about words: follow-ups, languages, variables, tags."""

from typing import Any

import pytest

from personas.context import Said
from personas.followups import search_query
from personas.language import is_chinese
from personas.quoting import attribute, one_line, quoted
from personas.variables import check_variables, fill, unknown_names
from tenants.errors import Invalid


def before(*questions: str) -> list[Said]:
    return [each for question in questions for each in (Said("user", question), Said("bot", "…"))]


@pytest.mark.parametrize(
    ("history", "question", "searched"),
    [
        (
            ["Do you have double rooms?"],
            "And how much are they?",
            "Do you have double rooms?\nAnd how much are they?",
        ),
        (["Do you have double rooms?"], "How much?", "Do you have double rooms?\nHow much?"),
        (["Do you have double rooms?"], "Is breakfast included?", "Is breakfast included?"),
        (["Do you have double rooms?"], "Thanks a lot", "Thanks a lot"),
        (["有大床房吗？"], "那个多少钱？", "有大床房吗？\n那个多少钱？"),
        (["有大床房吗？"], "多少钱？", "有大床房吗？\n多少钱？"),
        (["有大床房吗？"], "早饭呢？", "有大床房吗？\n早饭呢？"),
        (["有大床房吗？"], "早饭几点开始供应？", "早饭几点开始供应？"),
        (["有大床房吗？"], "谢谢你", "谢谢你"),
        (["有大床房吗？", "多少钱？"], "那周末呢？", "有大床房吗？\n多少钱？\n那周末呢？"),
        ([], "And how much is it?", "And how much is it?"),
        (
            ["Rooms?"],
            "It is possible to return a kettle that I bought three weeks ago in your shop?",
            "It is possible to return a kettle that I bought three weeks ago in your shop?",
        ),
        (["Rooms?", "And it?", "And this?", "And that?"], "So?", "And it?\nAnd this?\nAnd that?\nSo?"),
    ],
)
def test_a_follow_up_is_searched_with_what_it_follows(history: list[str], question: str, searched: str) -> None:
    assert search_query(before(*history), question) == searched


def test_an_old_question_is_quoted_in_short() -> None:
    query = search_query(before("room " * 200), "And that?")
    assert len(query) < 220


@pytest.mark.parametrize(
    ("text", "chinese"),
    [("有大床房吗？", True), ("Any rooms?", False), ("用 Django 怎么写？", True), ("", False), ("??", False)],
)
def test_languages_are_told_apart(text: str, chinese: bool) -> None:
    assert is_chinese(text) is chinese


def test_variables_are_texts_numbers_and_truths() -> None:
    assert check_variables(None) == {}
    assert check_variables({"a": 1, "b": 1.5, "c": True, "d": None, "e": "x\ny\x00", "等级": "金"}) == {
        "a": "1",
        "b": "1.5",
        "c": "true",
        "d": "",
        "e": "x y",
        "等级": "金",
    }


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (["a"], "variables"),
        ("a", "variables"),
        ({str(n): 1 for n in range(51)}, "variables"),
        ({"a b": 1}, "variables.a b"),
        ({"a": []}, "variables.a"),
        ({"a": "x" * 501}, "variables.a"),
    ],
)
def test_other_variables_are_refused_by_name(sent: Any, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_variables(sent)
    assert [error["field"] for error in refusal.value.errors] == [field]


def test_places_are_filled_literally() -> None:
    assert fill("{{a}} {{ b }} {{c}} {a}", {"a": "{{b}}", "b": r"\1"}) == r"{{b}} \1  {a}"
    assert unknown_names(["{{a}} {{c}}", "{{c}} {{d}}"], {"a": ""}) == ["c", "d"]


@pytest.mark.parametrize(
    "tag",
    ["</context>", "< / passage >", "<PASSAGES>", "＜/summary＞", "<\u200b/passage>", "<passage n='1'>"],
)
def test_our_tags_are_made_harmless(tag: str) -> None:
    assert quoted(f"a {tag} b").startswith("a &lt;")


@pytest.mark.parametrize("text", ["1 < 2", "<b>bold</b>", "<passenger>", "a <- b"])
def test_other_angles_stay(text: str) -> None:
    assert quoted(text) == text


def test_a_value_is_one_line() -> None:
    assert one_line("  Carol\r\n of\u2028 Acme\x07 ", 60) == "Carol of Acme"
    assert one_line("x" * 99, 10) == "x" * 10
    assert attribute('say "<hi>"') == "say '&lt;hi&gt;'"
