"""What a statement does is told in plain words, made from the statement itself."""

import pytest

from analytics.asking.explaining import MAX_CHARACTERS, explain
from analytics.catalogue import Catalogue, Column, Table

CATALOGUE = Catalogue(
    "ds",
    (
        Table(
            "orders",
            (
                Column("id", "integer"),
                Column("region", "text", "地区"),
                Column("amount", "numeric(10,2)", "金额"),
                Column("ordered_on", "date", "下单日期"),
                Column("customer_id", "integer", "客户号"),
            ),
            "订单",
        ),
        Table("customers", (Column("id", "integer", "客户号"), Column("name", "text", "姓名")), "客户"),
    ),
)

TOLD = [
    (
        "SELECT region, sum(amount) AS 合计 FROM ds.orders WHERE region IN ('华东','华北')"
        " AND ordered_on >= '2024-01-01' GROUP BY region ORDER BY 合计 DESC LIMIT 10",
        "从“订单”中，只看地区是“华东”、“华北”之一且下单日期不早于“2024-01-01”的记录，按地区分组，列出金额合计，"
        "按金额合计从大到小排序，只取前 10 行。",
        "From «订单»; only rows where 地区 is one of «华东», «华北» and 下单日期 is from «2024-01-01» on; "
        "for each 地区; shows the sum of 金额; sorted by the sum of 金额, largest first; only the first 10.",
    ),
    (
        "SELECT c.name, count(*) FROM orders o LEFT JOIN customers c ON o.customer_id = c.id"
        " WHERE c.name ILIKE '%张%' AND NOT o.region IS NULL GROUP BY 1 HAVING count(*) > 3",
        "从“订单”、“客户”（按客户号对应，没有对应的也保留）中，只看姓名包含“张”且地区不为空的记录，按姓名分组，列出记录数，"
        "只保留记录数大于3的组。",
        "From «订单», «客户» matched on 客户号 where there is a match; only rows where 姓名 contains «张» and 地区 is "
        "not empty; for each 姓名; shows the number of rows; keeps groups where the number of rows is more than 3.",
    ),
    (
        "WITH m AS (SELECT date_trunc('month', ordered_on) AS month, avg(amount) AS mean FROM orders GROUP BY 1)"
        " SELECT month, mean FROM m WHERE mean > 10",
        "先算“m”：从“订单”中，按下单日期的月份分组，列出平均金额。再：从“m”中，只看mean大于10的记录，列出month、mean。",
        "First «m»: From «订单»; for each the month of 下单日期; shows the average of 金额. "
        "Then: From «m»; only rows where mean is more than 10; shows month, mean.",
    ),
    (
        "SELECT DISTINCT region FROM orders UNION SELECT name FROM customers",
        "从“订单”中，列出不重复的地区；再加上：从“客户”中，列出姓名。",
        "From «订单»; shows each different 地区 once; together with: From «客户»; shows 姓名.",
    ),
    (
        "SELECT count(DISTINCT customer_id) FILTER (WHERE amount > 5) FROM ds.orders"
        " WHERE extract(year FROM ordered_on) = 2024 AND amount BETWEEN 1 AND 2",
        "从“订单”中，只看下单日期的年份为2024且金额在1到2之间的记录，列出不同客户号的个数（只计金额大于5的）。",
        "From «订单»; only rows where the year of 下单日期 is 2024 and 金额 is between 1 and 2; shows the number of "
        "different 客户号 where 金额 is more than 5.",
    ),
    (
        "SELECT name FROM customers WHERE id IN (SELECT customer_id FROM ds.orders)",
        "从“客户”中，只看客户号是子查询（从“订单”中，列出客户号）之一的记录，列出姓名。",
        "From «客户»; only rows where 客户号 is one of an inner query (From «订单»; shows 客户号); shows 姓名.",
    ),
]


@pytest.mark.parametrize(("sql", "chinese", "english"), TOLD)
def test_it_is_told_in_both_languages(sql: str, chinese: str, english: str) -> None:
    assert explain(sql, CATALOGUE, "zh") == chinese
    assert explain(sql, CATALOGUE, "en") == english


def test_what_has_no_words_is_shown_as_sql_without_the_schema() -> None:
    told = explain("SELECT CASE WHEN amount > 1 THEN 1 ELSE 0 END FROM ds_17.orders", CATALOGUE, "en")
    assert told == "From «订单»; shows CASE WHEN amount > 1 THEN 1 ELSE 0 END."
    assert "ds_17" not in explain("SELECT (SELECT 1 FROM ds_17.orders) + 2, x[1] FROM ds_17.orders", CATALOGUE, "zh")


def test_a_long_one_is_cut_and_a_broken_one_is_not_told() -> None:
    long = explain(f"SELECT {', '.join(f'amount + {n}' for n in range(500))} FROM orders", CATALOGUE, "en")
    assert len(long) == MAX_CHARACTERS
    assert explain("SELECT ((", CATALOGUE, "en") == ""
    assert explain("DELETE FROM orders", CATALOGUE, "zh") == ""
