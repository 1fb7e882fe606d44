from django.db import migrations

# What older versions made: indexes of one column, each of which begins another index of its table behind the tenant,
# whom row-level security adds to every query. A row of a conversation carried a dozen of them. `user_id` of a
# member is looked up before the tenant is known.
DROP_NEEDLESS = r"""
DO $$
DECLARE needless record;
BEGIN
    FOR needless IN
        WITH index AS (
            SELECT i.indexrelid::regclass AS name, t.relname AS tab, i.indrelid, i.indisunique, ARRAY(
                SELECT a.attname::text FROM unnest(i.indkey::int[]) WITH ORDINALITY k(number, place)
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number ORDER BY place
            ) AS columns
            FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
            WHERE t.relnamespace = 'public'::regnamespace AND i.indpred IS NULL
        )
        SELECT DISTINCT single.name FROM index single JOIN index longer USING (indrelid)
        WHERE NOT single.indisunique AND cardinality(single.columns) = 1 AND single.name <> longer.name
            AND single.name::text ~ ('^' || single.tab || '_' || single.columns[1] || '_[0-9a-f]{8}(_like)?$')
            AND longer.columns[1] = 'tenant_id' AND single.columns[1] IN ('tenant_id', longer.columns[2])
            AND (single.tab, single.columns[1]) <> ('tenants_member', 'user_id')
            AND cardinality(longer.columns) > 1
    LOOP
        EXECUTE format('DROP INDEX %s', needless.name);
    END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_rate_limits")]

    operations = [migrations.RunSQL(DROP_NEEDLESS, migrations.RunSQL.noop)]
