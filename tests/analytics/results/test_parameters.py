"""A value of a saved question's SQL becomes a parameter, and whatever is given for it stays a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.errors import SqlRejected
from analytics.gate.dialect import parse
from analytics.results.parameters import Parameter, bind, literals_of, with_parameters
from tenants.errors import Invalid

SQL = (
    "SELECT city, sum(amount) FROM orders WHERE product = '龙井茶' AND ordered_on >= date '2025-01-01' AND n > -3 "
    "AND size IN (1, 2) AND at > now() - interval '30 days' GROUP BY 1 LIMIT 10"
)
PRODUCT = Parameter("product", "text", "龙井茶", "商品")
SINCE = Parameter("since", "date", "2025-01-01")
LEAST = Parameter("least", "number", -3)
SIZE = Parameter("size", "choice", 1, choices=(1, 2, 3))


def test_what_may_become_a_parameter_is_named_with_its_column():
    found = {each["value"]: (each["type"], each["column"]) for each in literals_of(SQL)}

    assert found == {
        "龙井茶": ("text", "product"),
        "2025-01-01": ("date", "ordered_on"),
        "-3": ("number", "n"),
        "1": ("number", "size"),
        "2": ("number", "size"),
        "10": ("number", ""),
    }


def test_values_become_names_and_names_values():
    named = with_parameters(SQL, [PRODUCT, SINCE, LEAST, SIZE])

    assert named == (
        'SELECT "city", sum("amount") FROM "orders" WHERE "product" = :product AND "ordered_on" >= '
        'CAST(:since AS DATE) AND "n" > :least AND "size" IN (:size, 2) '
        "AND \"at\" > now() - INTERVAL '30 days' GROUP BY 1 LIMIT 10"
    )
    assert with_parameters(named, [PRODUCT, SINCE, LEAST, SIZE]) == named
    bound = bind(named, [PRODUCT, SINCE, LEAST, SIZE], {"product": "茶杯", "least": "-7.50", "size": 3})
    assert "\"product\" = '茶杯'" in bound
    assert '"n" > (-7.5)' in bound
    assert '"size" IN (3, 2)' in bound
    assert "'2025-01-01'" in bound


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=30))
def test_a_text_is_one_literal_whatever_it_says(text):
    if not text.isprintable():
        return
    sql = bind("SELECT a FROM t WHERE a = :x", [Parameter("x", "text", "")], {"x": text})

    [tree] = parse(sql)
    assert tree.args["where"].this.expression.this == text
    assert tree.args["where"].this.expression.is_string


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (LEAST, "1; DROP TABLE orders"),
        (LEAST, "1e9999"),
        (LEAST, "NaN"),
        (LEAST, True),
        (LEAST, [1]),
        (LEAST, "9" * 100),
        (SINCE, "2025-02-30"),
        (SINCE, "2025-1-1"),
        (SINCE, "'2025-01-01'"),
        (SINCE, 20250101),
        (SIZE, 4),
        (SIZE, "1 OR 1=1"),
        (SIZE, True),
        (PRODUCT, 5),
        (PRODUCT, "a\nb"),
        (PRODUCT, "x" * 1001),
        (PRODUCT, None),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(parameter, value):
    with pytest.raises(Invalid) as refusal:
        bind(f"SELECT :{parameter.name}", [parameter], {parameter.name: value})

    assert refusal.value.errors[0]["field"] == f"parameters.{parameter.name}"


@pytest.mark.parametrize(
    ("sql", "parameters", "field"),
    [
        ("SELECT :nobody", [], "sql"),
        ("SELECT 1", [PRODUCT], "parameters.product"),
        ("SELECT 3", [LEAST], "parameters.least"),
    ],
)
def test_names_and_parameters_must_meet(sql, parameters, field):
    with pytest.raises(Invalid) as refusal:
        with_parameters(sql, parameters)

    assert refusal.value.errors[0]["field"] == field


def test_a_name_that_was_not_declared_is_refused_when_it_is_given():
    with pytest.raises(Invalid):
        bind("SELECT 1", [], {"product": "茶杯"})


@pytest.mark.parametrize(
    "sql", ["", "SELECT 1; SELECT 2", "SELECT " + "(" * 100 + ")" * 100, "SELECT $1", "x" * 20_000]
)
def test_sql_that_cannot_be_read_is_rejected(sql):
    with pytest.raises(SqlRejected):
        literals_of(sql)
