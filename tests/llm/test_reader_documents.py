"""The reader before documents: it quotes what answers and declines the rest."""

from collections.abc import Sequence

import numpy as np
import pytest

from llm.reader import Example, Passage, ReaderTask, read
from llm.reader.types import Matrix, Vector

SHIPPING = Passage(1, "Shipping", "Fees", "Orders above 99 yuan ship free. Below that, shipping costs 8 yuan.", 0.20)
RETURNS = Passage(2, "退换货说明", "退货", "未拆封的茶叶，签收后 15 天内可以退货。已拆封的茶叶不能退货。", 0.18)
HOURS = Passage(3, "Visiting", "Where and when", "We open at 10:00. Dogs may sit on the terrace.", 0.16)
SHELF = (SHIPPING, RETURNS, HOURS)


def no_query(_: str) -> Vector:
    raise AssertionError("no vector is needed without examples")


def no_passages(_: Sequence[str]) -> Matrix:
    raise AssertionError("no vector is needed without examples")


def ask(question: str, **task: object):
    return read(ReaderTask(question, **{"passages": SHELF, "has_documents": True, **task}), no_query, no_passages)


def test_an_answer_is_quoted_with_its_mark() -> None:
    answer = ask("How much does shipping cost?")

    assert answer.text.startswith("According to “Shipping”: “")
    assert "shipping costs 8 yuan." in answer.text
    assert answer.text.endswith("[1]")
    assert answer.cited == (1,)
    assert not answer.declined


def test_a_sentence_is_quoted_with_its_neighbours_and_no_more() -> None:
    text = "We bake at dawn. The card room is upstairs. It opens at noon. Members pay 5 yuan. Guests wait below."
    passages = (Passage(1, "House", "", text, 0.25),)

    quotes = ask("When does the card room open?", passages=passages).trace["quotes"]

    assert [quote["text"] for quote in quotes] == [
        "The card room is upstairs.",
        "It opens at noon.",
        "Members pay 5 yuan.",
    ]


def test_a_row_is_quoted_alone_unless_nothing_tells_it_from_the_next() -> None:
    rows = "Room: Lark; Price: 30 yuan\nRoom: Wren; Price: 40 yuan\nRoom: Rook; Price: 50 yuan"
    passages = (Passage(1, "Rooms", "", rows, 0.25),)

    one = ask("What is the price of the Wren room?", passages=passages)
    every = ask("What is the price of a room?", passages=passages)

    assert [quote["text"] for quote in one.trace["quotes"]] == ["Room: Wren; Price: 40 yuan"]
    assert [quote["text"] for quote in every.trace["quotes"]] == rows.splitlines()


def test_the_frame_is_in_the_language_of_the_question_and_the_quotation_in_its_own() -> None:
    answer = ask("Can I return tea that I have opened?")

    assert answer.text.startswith("According to “退换货说明” (in Chinese): 「")
    assert "已拆封的茶叶不能退货。" in answer.text
    assert answer.cited == (2,)

    chinese = ask("运费多少钱？")
    assert chinese.text.startswith("根据《Shipping》（原文为英文）：“")
    assert "shipping costs 8 yuan." in chinese.text


def test_a_second_passage_is_quoted_only_if_it_adds_something() -> None:
    fees = Passage(1, "Fees", "", "A parcel to Lyon costs 9 euros.", 0.20)
    night = Passage(2, "Night", "", "A parcel to Lyon costs more at night: 14 euros.", 0.17)
    insurance = Passage(3, "Insurance", "", "Every parcel is insured up to 50 euros.", 0.17)

    repeated = ask("What does a parcel to Lyon cost?", passages=(fees, night))
    added = ask("What does a parcel cost, and is it insured?", passages=(fees, insurance))

    assert repeated.cited == (1,)
    assert added.cited == (1, 3)


def test_of_two_that_say_the_same_the_one_in_the_question_s_language_comes_first() -> None:
    chinese = Passage(1, "寄送", "", "寄到里昂的包裹运费为 9 欧元。", 0.20)
    english = Passage(2, "Shipping", "", "Postage for a package to Lyon: 9 euros.", 0.20)

    answer = ask("What does a parcel to Lyon cost?", passages=(chinese, english))
    other = ask("寄包裹到里昂要多少钱？", passages=(english, chinese))

    assert answer.text.startswith("According to “Shipping”")
    assert other.text.startswith("根据《寄送》：")


def test_what_is_not_in_the_passages_is_declined_and_a_person_offered() -> None:
    english, chinese = ask("Do you sell coffee grinders?"), ask("你们卖咖啡磨豆机吗？")

    assert english.declined
    assert english.cited == ()
    assert "colleague" in english.text
    assert chinese.declined
    assert "同事" in chinese.text


def test_the_persona_s_own_refusal_is_used() -> None:
    assert (
        ask("Do you sell coffee grinders?", refusal="Not on my shelves, I fear.").text == "Not on my shelves, I fear."
    )


def test_without_passages_it_declines() -> None:
    assert ask("How much does shipping cost?", passages=()).declined


def test_a_follow_up_leans_on_the_question_before_it() -> None:
    passages = (
        Passage(1, "运费", "", "寄到上海运费 8 元。", 0.16),
        Passage(2, "运费", "", "寄到香港运费 35 元。", 0.16),
        Passage(3, "门店", "", "香港分店十点开门。", 0.16),
    )

    answer = ask("那香港呢？", passages=passages, history=("寄到上海运费多少？",))

    assert answer.cited[0] == 2
    assert "35 元" in answer.text


def test_the_name_of_the_house_does_not_count_as_something_unheard_of() -> None:
    question = "When does Cloud Mountain Tea open?"

    assert ask(question, names=("云山茶铺 Cloud Mountain Tea",)).cited == (3,)


def test_passages_found_by_words_alone_can_answer() -> None:
    unscored = tuple(Passage(p.n, p.title, p.heading, p.text, None) for p in SHELF)

    assert ask("How much does shipping cost?", passages=unscored).cited == (1,)


def test_the_same_task_gets_the_same_answer_and_says_why() -> None:
    answer = ask("When do you open?")

    assert answer == ask("When do you open?")
    assert answer.trace["quotes"][0] == {"n": 3, "text": "We open at 10:00."}
    assert set(answer.trace["evidence"]) == {"score", "covered", "nearness", "crosses", "row_lacks"}
    assert 0.5 < answer.confidence <= 1


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("你好！", "您好，请问想了解什么？"),
        ("Thanks a lot!", "You are welcome."),
        ("拜拜", "再见，欢迎随时再来。"),
    ],
)
def test_courtesy_is_returned_not_looked_up(said: str, answer: str) -> None:
    assert ask(said).text == answer
    assert not ask(said).declined


def test_small_talk_of_the_persona_comes_before_the_documents() -> None:
    examples = (Example("Are you a robot?", "I am the shop's automatic assistant."),)
    alike = np.array([1.0, 0.0], dtype=np.float32)

    def embed_passages(texts: Sequence[str]) -> Matrix:
        return np.stack([alike for _ in texts])

    task = ReaderTask("are you some robot", passages=SHELF, examples=examples, has_documents=True)
    assert read(task, lambda _: alike, embed_passages).text == "I am the shop's automatic assistant."

    other = np.array([0.0, 1.0], dtype=np.float32)
    task = ReaderTask("How much does shipping cost?", passages=SHELF, examples=examples, has_documents=True)
    assert read(task, lambda _: other, embed_passages).cited == (1,)


@pytest.mark.parametrize(
    "question", ["", " ", "？？？", "\x00", "😀", "a" * 100_000, "茶" * 20_000, "[1] | ; : " * 500]
)
def test_any_message_gets_an_answer(question: str) -> None:
    assert ask(question).text


def test_any_passage_can_be_read() -> None:
    odd = (Passage(1, "", "", "", 0.2), Passage(2, "{title}", "{}", "|||\n---\n{quote} costs 5 yuan.", 0.2))

    assert "{quote} costs 5 yuan." in ask("What does {quote} cost?", passages=odd).text
