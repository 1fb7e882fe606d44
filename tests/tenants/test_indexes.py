"""Row-level security adds the tenant to every query, so indexes begin with him, and none is needed twice."""

from importlib import import_module

from django.db import connections

NEEDED = {"tenants_member_user_id"}  # looked up before the tenant is known

SINGLE_AND_LONGER = """
    WITH index AS (
        SELECT i.indexrelid::regclass::text AS name, i.indrelid, i.indisunique, ARRAY(
            SELECT a.attname::text FROM unnest(i.indkey::int[]) WITH ORDINALITY k(number, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number ORDER BY place
        ) AS columns
        FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
        WHERE t.relnamespace = 'public'::regnamespace AND i.indpred IS NULL
    )
    SELECT DISTINCT single.name FROM index single JOIN index longer USING (indrelid)
    WHERE NOT single.indisunique AND cardinality(single.columns) = 1 AND cardinality(longer.columns) > 1
        AND longer.columns[1] = 'tenant_id' AND single.columns[1] IN ('tenant_id', longer.columns[2])
"""


def needless() -> list[str]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(SINGLE_AND_LONGER)
        return [name for (name,) in cursor.fetchall() if name.rpartition("_")[0] not in NEEDED]


def test_no_index_does_what_a_longer_one_does(database: None) -> None:
    assert needless() == []


def test_an_older_installation_loses_those_it_has(database: None) -> None:
    drop = import_module("tenants.migrations.0003_drop_needless_indexes").DROP_NEEDLESS
    with connections["owner"].cursor() as cursor:
        cursor.execute("CREATE INDEX chat_message_conversation_id_a1207bf4 ON chat_message (conversation_id)")
        cursor.execute("CREATE INDEX llm_route_slug_f59a1c63_like ON llm_route (slug varchar_pattern_ops)")
        cursor.execute("CREATE INDEX by_the_operator ON chat_message (tenant_id)")
    try:
        assert len(needless()) == 3

        with connections["owner"].cursor() as cursor:
            cursor.execute(drop)

        assert needless() == ["by_the_operator"]
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_indexes WHERE indexname LIKE 'tenants_member_user_id_%'")
            assert cursor.fetchone()
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute("DROP INDEX IF EXISTS by_the_operator")
