"""Each layer of the gate carries weight: without it something passes, or only one other stands between."""

import pytest

from analytics.gate import allowed, checking, lexing
from tests.analytics.gate.conftest import verdict

# What only this layer refuses: taken out, the statement passes.
ALONE = {
    "check_tokens": "SELECT user",
    "check_nodes": "SELECT * FROM ONLY orders",
    "resolve": "SELECT * FROM pg_catalog.pg_authid",
    "bound": "SELECT repeat('x', 1000000000)",
}
# What two layers refuse that know nothing of each other. Each holds alone; without both it passes.
IN_PAIRS = {
    ("check_functions", "check_written"): "SELECT pg_sleep(1)",
    ("check_types", "check_written"): "SELECT 'x'::bytea",
}


def without(monkeypatch, *layers):
    """Take layers out of the gate."""
    for layer in layers:
        nothing = (lambda tree, *_: ()) if layer == "resolve" else (lambda tree, *_: tree)
        monkeypatch.setattr(checking, layer, nothing)


@pytest.mark.parametrize(("layer", "attack"), ALONE.items())
def test_without_this_layer_an_attack_passes(layer, attack, monkeypatch):
    assert verdict(attack) != "ok"

    without(monkeypatch, layer)

    assert verdict(attack) == "ok"


@pytest.mark.parametrize(("pair", "attack"), IN_PAIRS.items())
def test_two_layers_hold_alone_and_nothing_holds_without_both(pair, attack, monkeypatch):
    first, second = pair
    for one in pair:
        with monkeypatch.context() as patch:
            without(patch, one)
            assert verdict(attack) != "ok", f"without {one}"

    without(monkeypatch, first, second)

    assert verdict(attack) == "ok"


@pytest.mark.parametrize(
    ("name", "limit", "attack"),
    [
        ("LONGEST_BYTES", 10**6, "SELECT '" + "x" * 17_000 + "'"),
        ("MOST_TOKENS", 10**6, "SELECT 1 IN (1" + ",1" * 1000 + ")"),
    ],
)
def test_without_this_limit_a_bomb_is_read(name, limit, attack, monkeypatch):
    assert verdict(attack) == "too_long"

    monkeypatch.setattr(lexing, name, limit)

    assert verdict(attack) == "ok"


def test_without_the_limit_on_nesting_the_parser_goes_to_the_bottom(monkeypatch):
    deep = "SELECT " + "(" * 300 + "1" + ")" * 300
    parsed = []
    monkeypatch.setattr(checking, "parse", lambda text: parsed.append(text) or lexing.refuse("too_deep"))
    assert verdict(deep) == "too_deep"
    assert not parsed

    monkeypatch.setattr(lexing, "DEEPEST_NESTING", 10**6)

    assert verdict(deep) == "too_deep"
    assert parsed


# --- A writer that errs ---------------------------------------------------------------------------------------
@pytest.fixture
def erring(monkeypatch):
    """Make the gate write something else than it checked."""

    def err(found, put):
        write = checking.write
        monkeypatch.setattr(checking, "write", lambda tree: write(tree).replace(found, put))

    return err


@pytest.mark.parametrize(
    ("sql", "found", "put"),
    [
        ("SELECT id FROM orders", '"id"', "pg_sleep(9)"),
        ("SELECT id FROM orders", '"id"', '"pg_sleep"(9)'),
        ("SELECT id FROM orders", '"id"', '("orders")."pg_sleep"'),
        ("SELECT id FROM orders", '"id"', "1; SELECT 2"),
        ("SELECT id FROM orders", '"id"', "current_user"),
        ("SELECT id FROM orders", '"id"', "'pg_class'::regclass"),
        ("SELECT id FROM orders", '"id"', "$$x$$"),
        ("SELECT id FROM orders", '"id"', "1 OPERATOR(public.+) 2"),
    ],
)
def test_what_was_written_is_read_with_postgresqls_own_rules(sql, found, put, erring, monkeypatch):
    without(monkeypatch, "check_same")
    erring(found, put)

    assert verdict(sql) != "ok"
    without(monkeypatch, "check_written")
    if put != "$$x$$":
        assert verdict(sql) == "ok"


@pytest.mark.parametrize(
    ("sql", "found", "put"),
    [
        ("SELECT details -> 'a' ->> 'b' FROM orders", "-> 'a'", "->> 'a'"),  # as the parser's own writer had it
        ("SELECT id FROM orders WHERE id = 1", " WHERE \"id\" = 1", ""),
        ("SELECT id FROM orders LIMIT 1", '"orders"', '"payroll"'),
        ("SELECT a.id FROM orders a", '"acme"."orders"', '"globex"."vault"'),
        ("SELECT sum(id) FROM orders", "sum(", "max("),
    ],
)  # fmt: skip
def test_what_was_written_must_mean_what_was_checked(sql, found, put, erring, monkeypatch):
    erring(found, put)
    assert verdict(sql) == "rewritten"

    without(monkeypatch, "check_same")

    assert verdict(sql) == "ok"


# --- The lists ------------------------------------------------------------------------------------------------
DANGEROUS = {
    "set_config", "current_setting", "pg_sleep", "pg_read_file", "pg_ls_dir", "pg_stat_file", "lo_import", "lo_export",
    "lo_get", "dblink", "query_to_xml", "table_to_xml", "ts_stat", "ts_rewrite", "xpath", "pg_advisory_lock",
    "pg_terminate_backend", "pg_cancel_backend", "pg_notify", "pg_reload_conf", "nextval", "setval", "currval",
    "txid_current", "pg_get_viewdef", "pg_relation_size", "to_regclass", "has_table_privilege", "version",
    "current_database", "pg_backend_pid", "inet_server_addr", "json_populate_record", "jsonb_populate_record",
    "setseed", "array_fill", "pg_typeof", "pg_column_size", "obj_description", "format_type", "current_query",
}  # fmt: skip
WORDS_OF_EFFECT = {
    "insert", "update", "delete", "into", "create", "drop", "alter", "grant", "copy", "do", "call", "set", "reset",
    "execute", "prepare", "listen", "notify", "lock", "share", "tablesample", "regclass", "regproc", "oid", "name",
    "xml", "user", "current_user", "session_user", "current_schema", "current_catalog", "uescape", "variadic",
}  # fmt: skip


def test_nothing_dangerous_is_on_a_list():
    assert not allowed.FUNCTIONS & DANGEROUS
    assert not allowed.WRITTEN_WORDS & (DANGEROUS | WORDS_OF_EFFECT)
    assert not [name for name in allowed.FUNCTIONS if name.startswith(("pg_", "lo_", "dblink", "has_", "to_reg"))]
