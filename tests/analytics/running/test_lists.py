"""The lists of the gate against what PostgreSQL itself says of its functions."""

from analytics.gate import allowed
from analytics.gate.allowed import COLUMNS_OF_FUNCTIONS, FUNCTIONS

# Grammar, not functions of the catalogue.
GRAMMAR = {
    "coalesce", "nullif", "greatest", "least", "row", "grouping", "current_timestamp", "current_time", "localtime",
    "localtimestamp", "trim",
}  # fmt: skip
# The clock and chance: all else on the list depends on its arguments (and the time zone) alone.
VOLATILE = {"random", "random_normal", "clock_timestamp"}


def test_all_are_postgresqls_own_and_none_does_anything(stage):
    rows = stage.above.execute(
        "SELECT proname, provolatile, proparallel, prosecdef, prokind FROM pg_proc "
        "WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY(%s)",
        [sorted(FUNCTIONS)],
    ).fetchall()

    assert {row[0] for row in rows} >= FUNCTIONS - GRAMMAR
    assert {row[0] for row in rows if row[1] == "v"} <= VOLATILE
    assert {row[0] for row in rows if row[2] == "u"} == set()
    assert {row[0] for row in rows if row[3] or row[4] == "p"} == set()


def test_none_takes_the_name_of_a_table_function_schema_or_role(stage):
    rows = stage.above.execute(
        "SELECT DISTINCT proname, format_type(argument, NULL) FROM pg_proc, unnest(proargtypes) AS argument "
        "WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY(%s)",
        [sorted(FUNCTIONS)],
    ).fetchall()

    taken = {kind for _name, kind in rows}
    assert not {kind for kind in taken if kind.startswith("reg") or kind in {"refcursor", "cstring", "xml", "internal"}}


def test_columns_that_functions_name_themselves_are_known(stage):
    """Else an alias would be taken for their column, and `alias.name` for no call of a function."""
    rows = stage.above.execute(
        "SELECT proname, proargnames, proargmodes::text[] FROM pg_proc "
        "WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY(%s) AND proargmodes IS NOT NULL",
        [sorted(FUNCTIONS)],
    ).fetchall()
    named: dict[str, frozenset[str]] = {}
    for name, arguments, modes in rows:
        outs = {argument for argument, mode in zip(arguments or (), modes, strict=False) if mode in "ot"}
        if outs and name != "unnest":  # of a tsvector, whose rows no function takes
            named[name] = frozenset(outs)

    assert named == COLUMNS_OF_FUNCTIONS


def test_every_plain_type_can_be_read_and_written(stage):
    for kind in ("numeric(10,2)", "timestamptz", "daterange", "text[]", "jsonb", "interval", "money", "uuid"):
        result = stage.run(f"SELECT NULL::{kind} AS x")
        assert result.rows == [(None,)]
    assert allowed.TYPES
