"""Statements that nobody wrote: benign ones with something hostile put in somewhere, and soups of tokens."""

import random
import re

import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from analytics.errors import SqlRejected
from analytics.gate import check
from tests.analytics.gate.conftest import BOOKS, verdict
from tests.analytics.gate.corpus import BENIGN, HOSTILE

# Each is refused wherever an expression may stand.
POISON = (
    "pg_sleep(1)", "set_config('a.b', 'c', false)", "pg_read_file('/etc/passwd')", "'pg_class'::regclass",
    "(SELECT max(rolname) FROM pg_catalog.pg_roles)", "(SELECT max(secret) FROM globex.vault)", "current_user",
    "lo_get(1)", "query_to_xml('SELECT 1', true, true, '')", "nextval('seq')", "('/'::text).pg_ls_dir", "ctid",
    "pg_catalog.pg_backend_pid()", "EXISTS (SELECT 1 FROM vault)", "repeat('x', 999999999)", "NULL::globex.vault",
)  # fmt: skip
TREES = [
    tree
    for statement in BENIGN
    if (tree := sqlglot.parse_one(statement.of("acme"), dialect="postgres", error_level=sqlglot.ErrorLevel.IGNORE))
]
# What these are depends on what stands around them.
SHAPES = {
    "shapes of other dialects", "quoting", "comments that hide", "names of CTEs", "instructions instead of SQL",
}  # fmt: skip
# Whatever the gate may be shown, it writes nothing with any of these in it.
NEVER = re.compile(
    r"pg_(?!catalog)|\blo_|set_config|regclass|nextval|globex|vault|\bctid\b|current_user|query_to_xml|;|\$|--|/\*",
    re.I,
)


def test_poison_is_found_wherever_it_is_put():
    """Every place of every benign statement where an expression stands is tried once, with poison in turn."""
    chance, tried = random.Random(7), 0
    for tree in TREES:
        places = sum(1 for _ in _expressions(tree))
        for place in chance.sample(range(places), min(places, 2)):
            poisoned = tree.copy()
            node = list(_expressions(poisoned))[place]
            node.replace(sqlglot.parse_one(POISON[tried % len(POISON)], dialect="postgres"))
            sql = poisoned.sql(dialect="postgres")
            if verdict(sql) == "ok":
                assert not NEVER.search(_without_strings(check(sql, BOOKS).sql)), sql
                assert not re.search(NEVER, sql) or "'" in sql, sql
            tried += 1
    assert tried > 250


def test_a_hostile_statement_is_hostile_inside_a_benign_one():
    for statement in HOSTILE:
        text = statement.of("acme", "globex").rstrip("; ")
        if statement.kind in SHAPES or not text:
            continue
        for frame in ("SELECT * FROM ({}\n) x", "WITH x AS ({}\n) SELECT * FROM x", "SELECT 1 WHERE EXISTS ({}\n)"):
            assert verdict(frame.format(text)) != "ok", (frame, statement)


KEY_WORDS = """SELECT FROM WHERE WITH RECURSIVE AS JOIN LATERAL ON USING UNION ALL EXCEPT VALUES TABLE ONLY INTO FOR
UPDATE CASE WHEN THEN ELSE END CAST NULL TRUE OVER PARTITION BY ORDER GROUP HAVING LIMIT DELETE INSERT DROP OPERATOR
TABLESAMPLE ROWS ROW ARRAY EXISTS IN ANY NOT AND OR IS"""
NAMES = """orders customers o c id name amount pg_class pg_sleep pg_catalog globex vault acme lower count sum
set_config lo_get int text regclass interval date generate_series unnest ctid current_user 订单 金额"""
SIGNS = """( ) ( ) , , . * + - / % || :: = < > -> ->> [ ] ; ' " -- /* */ $$ $1 ? @ # ~ ! ^ & | '1' 'a' 'pg_class' 1 2.5
1e9 U&'a' E'\\n'"""
WORDS = st.sampled_from(f"{KEY_WORDS} {NAMES} {SIGNS}".split())


@settings(max_examples=150)
@given(st.lists(WORDS, min_size=1, max_size=25))
def test_no_soup_of_tokens_gets_the_better_of_it(words):
    _judge("SELECT " + " ".join(words))


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_no_text_whatever_gets_the_better_of_it(text):
    _judge(text)
    _judge(f"SELECT '{text}' FROM orders")
    _judge(f'SELECT "{text}" FROM orders')


@settings(max_examples=60)
@given(st.sampled_from(BENIGN), st.data())
def test_a_benign_statement_with_a_piece_cut_out_or_doubled(statement, data):
    text = statement.of("acme")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 12, len(text))))
    _judge(text[:start] + text[end:])
    _judge(text[:end] + text[start:])


def _judge(sql: str) -> str:
    """Refused by rule, or written without anything that may never be written, and the same again the second time."""
    try:
        written = check(sql, BOOKS).sql
    except SqlRejected as rejected:
        return str(rejected.detail)
    assert not NEVER.search(_without_strings(written)), sql
    assert check(written, BOOKS).sql == written
    return written


def _without_strings(sql: str) -> str:
    return re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"(?!\s*[.(])", "", sql)


def _expressions(tree):
    return (
        node
        for node in tree.walk()
        if isinstance(node, exp.Column | exp.Literal | exp.Func | exp.Binary)
        and isinstance(node.parent, exp.Expr)
        and not isinstance(node.parent, exp.Interval | exp.DataTypeParam | exp.Dot | exp.Case)
    )
