"""What is said of a result, and that no number in it is wrong."""

import re
from decimal import Decimal

import pytest

from analytics.results import numbers_agree, summarise
from analytics.results.cells import StoredColumn
from tests.analytics.results.made import made_result


def columns(**types):
    return [StoredColumn(name, type_) for name, type_ in types.items()]


BY_CITY = columns(城市="text", 销售额="decimal")
CITY_ROWS = [["上海", 900], ["广州", 500], ["深圳", 300], ["北京", 100]]
BY_MONTH = columns(month="date", sales="decimal")
MONTH_ROWS = [["2025-03-01", 180], ["2025-01-01", 100], ["2025-02-01", 90.5], ["2025-04-01", 150]]

SAID = [
    (
        (BY_CITY, CITY_ROWS),
        "共 4 行。销售额最高的是上海，为 900，最低的是北京，为 100。销售额合计 1,800，其中上海占 50%。",
        "4 rows. 销售额 is highest at 上海 with 900; lowest at 北京 with 100. 销售额 comes to 1,800 in total; "
        "上海 has 50% of it.",
    ),
    (
        (BY_MONTH, MONTH_ROWS),
        "共 4 行。sales 从 2025年1月的 100 到 2025年4月的 150，增加 50（50%），"
        "最高为 2025年3月的 180，最低为 2025年2月的 90.5。",
        "4 rows. sales went from 100 at 2025-01 to 150 at 2025-04; up 50 (50%); the highest is 180 at 2025-03; "
        "the lowest is 90.5 at 2025-02.",
    ),
    ((columns(总额="decimal"), [["33.3333333333333333"]]), "总额为 约 33.33。", "总额 is about 33.33."),
    ((columns(n="integer", paid="boolean"), [[12000, True]]), "n 为 12,000，paid 为 是。", "n is 12,000; paid is yes."),
    ((columns(总额="decimal"), [[None]]), "总额没有值。", "总额 has no value."),
    ((columns(总额="decimal"), []), "没有符合条件的数据。", "No rows match."),
    ((columns(城市="text"), [["北京"], ["上海"]]), "共 2 行。", "2 rows."),
    (
        (columns(城市="text", n="integer"), [["北京", 5], ["上海", 5]]),
        "共 2 行。n 每行都是 5。",
        "2 rows. n is 5 in every row.",
    ),
    (
        (columns(customer_id="integer", 均价="decimal"), [[1, 9.5], [2, 7], [3, None]]),
        "共 3 行，均价有 1 行没有值。均价最高的是 customer_id 1，为 9.5，最低的是 customer_id 2，为 7。",
        "3 rows; 均价 has no value in 1 row. "
        "均价 is highest at customer_id 1 with 9.5; lowest at customer_id 2 with 7.",
    ),
    (
        (columns(n="integer", 城市="text"), [[3, "a"], [9, "a"], [9, "b"]]),
        "共 3 行。n 合计 21，n 最大 9，最小 3。",
        "3 rows. n comes to 21 in total; n at its largest is 9, at its smallest 3.",
    ),
    (
        (columns(城市="text", n="integer"), [["北京", 9], ["上海", 9], ["广州", -1]]),
        "共 3 行。n 最高的是北京等，为 9，最低的是广州，为 -1。n 合计 17。",
        "3 rows. n is highest at 北京 and others with 9; lowest at 广州 with -1. n comes to 17 in total.",
    ),
]


@pytest.mark.parametrize(("result", "chinese", "english"), SAID, ids=lambda each: str(each)[:30])
def test_a_result_is_summed_up_in_plain_sentences(result, chinese, english):
    assert summarise("", *result, truncated=False, language="zh") == chinese
    assert summarise("", *result, truncated=False, language="en") == english
    assert numbers_agree(chinese, *result)
    assert numbers_agree(english, *result)


def test_of_what_was_not_read_whole_no_total_is_told():
    zh = summarise("", BY_CITY, CITY_ROWS, truncated=True, language="zh")
    en = summarise("", BY_CITY, CITY_ROWS, truncated=True, language="en")

    assert zh == "只取了前 4 行，后面还有。销售额最高的是上海，为 900，最低的是北京，为 100。"
    assert en.startswith("Only the first 4 rows were read, there are more. ")
    assert numbers_agree(zh, BY_CITY, CITY_ROWS, truncated=True)
    assert numbers_agree(en, BY_CITY, CITY_ROWS, truncated=True)
    assert not numbers_agree("销售额合计 1,800。", BY_CITY, CITY_ROWS, truncated=True)


def test_the_measure_that_the_question_names_is_told():
    two = columns(城市="text", 订单数="integer", 销售额="decimal")

    said = summarise("哪个城市的销售额最高？", two, [["北京", 1, 50], ["上海", 2, 70]], truncated=False, language="zh")

    assert "销售额最高的是上海，为 70" in said
    assert "订单数" not in said


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_numbers_of_two_hundred_results_are_right(language):
    """Said by arithmetic of its own: what stands behind each phrase, and nothing else with a digit in it."""
    for seed in range(200):
        cols, rows = made_result(seed)
        said = summarise("", cols, rows, truncated=False, language=language)
        assert numbers_agree(said, cols, rows), (seed, said)
        told_of = (n for n, c in enumerate(cols) if c.type == "decimal" and any(row[n] is not None for row in rows))
        position = next(told_of, None)
        if len(rows) == 1 or position is None:
            continue
        numbers = [Decimal(str(row[position])) for row in rows if row[position] is not None]
        assert f"{len(rows)} {'行' if language == 'zh' else 'row'}" in said
        for told in {max(numbers), min(numbers)}:
            assert re.search(rf"(?<![\d.,]){re.escape(f'{told.normalize():,f}')}(?!\d|[.,]\d)", said), (seed, said)
        if found := re.search(r"合计 (\S+?)[，。]|comes to (\S+) in total", said):
            assert Decimal((found[1] or found[2]).replace(",", "")) == sum(numbers), (seed, said)


def wrong_ones(text):
    """The text with one digit of one number changed, each digit once, but for the names of rows and columns."""
    names = r"iPhone 15|Q1 Promo|2024年收入|customer_id \d+|\d{4}年\d+月(?:\d+日)?|\d{4}-\d\d(?:-\d\d)?"
    held = [range(*match.span()) for match in re.finditer(names, text)]
    for i, letter in enumerate(text):
        if letter.isdigit() and not any(i in span for span in held):
            yield text[:i] + str((int(letter) + (1, 4, 9)[i % 3]) % 10) + text[i + 1 :]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_wrong_digit_is_refused_always(language):
    for seed in range(60):
        cols, rows = made_result(seed)
        said = summarise("", cols, rows, truncated=False, language=language)
        for wrong in wrong_ones(said):
            assert not numbers_agree(wrong, cols, rows), (seed, said, wrong)


RIGHT = [
    "上海的销售额最高，为 900，占 50%。",
    "销售额最高的是上海（900），最低的是北京（100）。",
    "四个城市合计 1800。",
    "共 4 个城市，销售额合计 0.18万。",
    "上海占五成。",
    "上海占百分之五十，为 900。",
    "上海比广州多 400。",
    "平均销售额为 450。",
    "上海排第一，为九百。",
    "Shanghai aside, 上海 leads with 900, which is 50% of the total.",
    "900 in 上海, 500 in 广州 and 100 in 北京.",
    "The total is 1,800; the average is 450.",
    "上海 had 0.9 thousand.",
    "上海比较高，北京比较低。",
]
WRONG = [
    "上海的销售额最高，为 800。",
    "上海的销售额最高，为 500。",  # that of another row
    "最高为 500。",
    "销售额合计 1,900。",
    "共 5 个城市。",
    "共 900 行。",
    "上海占 40%。",
    "上海占四成。",
    "上海占五成半。",
    "上海是北京的九倍。",
    "上海超过 900。",
    "上海比广州多 300。",
    "平均销售额为 451。",
    "约 900。",  # of what?
    "2024 年上海为 900。",
    "Sales in 上海 doubled.",
    "上海 has half of the total.",
    "上海 has at most 900.",
    "上海 comes second.",
    "500 in 上海 and 900 in 广州.",
    "上海 had 900K.",
    "上海为八百。",
    "上海为 900 至 1000。",
]


@pytest.mark.parametrize("text", RIGHT)
def test_a_models_text_may_say_what_is_in_the_rows(text):
    assert numbers_agree(text, BY_CITY, CITY_ROWS)


@pytest.mark.parametrize("text", WRONG)
def test_a_models_text_that_says_anything_else_is_refused(text):
    assert not numbers_agree(text, BY_CITY, CITY_ROWS)


@pytest.mark.parametrize(
    ("text", "agrees"),
    [
        ("从1月的 100 增加到4月的 150，增长 50%。", True),
        ("3月最高，为 180。", True),
        ("Sales rose from 100 in January 2025 to 150 in April 2025, up 50%.", True),
        ("Sales fell by 50.", False),
        ("Sales rose by 50, or 50%.", True),
        ("3月比2月增加 89.5。", True),
        ("3月比2月增加 98.9%。", True),
        ("3月比2月增加 89.9%。", False),
        ("5月最高，为 180。", False),
        ("从1月的 150 增加到4月的 150。", False),
    ],
)
def test_of_times_also_what_has_changed_is_checked(text, agrees):
    assert numbers_agree(text, BY_MONTH, MONTH_ROWS) is agrees


def test_a_text_that_is_long_or_has_no_numbers():
    assert numbers_agree("上海领先。", BY_CITY, CITY_ROWS)
    assert numbers_agree("", BY_CITY, [])
    assert not numbers_agree("上海领先。" * 500, BY_CITY, CITY_ROWS)
