"""A stage for hostile SQL: Acme's dataset, with what nobody may see and what nobody may touch around it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from analytics.asker import Asker
from analytics.catalogue import Catalogue
from analytics.catalogues import catalogue_of
from analytics.models import Dataset, SqlRun
from analytics.running import DEFAULT_LIMITS, Result, RunLimits, run_sql
from analytics.running.running import run_in
from analytics.running.sessions import Session, session_of
from tenants.roles import OWNER
from tests.analytics.conftest import Tables, fill_table, make_dataset
from tests.conftest import Business
from tests.plugin import services

# In every row that is not Acme's, or that is hidden from those who ask.
CANARY = "CANARY-4711"
# What a statement leaves behind that wrote to the disk.
EFFECT = Path("/tmp/troupe-gate-effect")

BOOKS: Tables = {
    "customers": (
        [("id", "integer"), ("name", "text"), ("city", "text"), ("email", "text"), ("joined_on", "date")],
        [
            (1, "林晓", "杭州", "lin@example.com", "2024-03-01"),
            (2, "Ada Brown", "London", "ada@example.org", "2024-07-15"),
            (3, "陈立", "成都", None, "2025-01-20"),
        ],
    ),
    "products": (
        [("id", "integer"), ("name", "text"), ("category", "text"), ("price", "numeric(10,2)")],
        [(1, "龙井茶", "tea", "88.00"), (2, "茶杯", "ware", "39.50"), (3, "Earl Grey", "tea", "18.00")],
    ),
    "employees": (
        [("id", "integer"), ("name", "text"), ("manager_id", "integer"), ("salary", "numeric")],
        [(1, "Alice", None, "9000"), (2, "Bob", 1, "6000"), (3, "王芳", 1, "6500"), (4, "Dan", 2, "4000")],
    ),
    "orders": (
        [
            ("id", "integer"), ("customer_id", "integer"), ("ordered_on", "date"), ("created_at", "timestamptz"),
            ("product_id", "integer"), ("quantity", "integer"), ("amount", "numeric(10,2)"), ("status", "text"),
            ("note", "text"), ("tags", "text[]"), ("details", "jsonb"),
        ],
        [
            (1, 1, "2025-01-05", "2025-01-05 08:00+08", 1, 2, "176.00", "paid", None, "{gift,tea}",
             '{"channel": "web", "rating": 5, "shipping": {"city": "杭州"}, "渠道.来源": "微信"}'),
            (2, 1, "2025-02-11", "2025-02-11 20:30+08", 2, 1, "39.50", "open", "gift", "{}", '{"channel": "shop"}'),
            (3, 2, "2025-02-14", "2025-02-14 09:15+00", 3, 3, "54.00", "paid", None, "{tea}", '{"a.b": 1}'),
            (4, 3, "2025-03-02", "2025-03-02 23:59+08", 1, 1, "88.00", "paid", "加急", None, None),
            (5, 2, "2025-03-09", "2025-03-09 12:00+00", 2, 1, "120.00", "shipped", None, "{gift}", '{"rating": 3}'),
            (6, 3, "2025-03-30", "2025-03-30 06:45+08", 2, 4, "158.00", "paid", None, "{}", "{}"),
        ],
    ),
    "订单": (
        [
            ("订单号", "integer"), ("城市", "text"), ("下单日期", "date"), ("金额", "numeric(12,2)"), ("状态", "text"),
            ("单价(元)", "numeric(10,2)"), ("数量", "integer"),
        ],
        [
            (1, "杭州", "2025-01-03", "120.00", "已完成", "60.00", 2),
            (2, "上海", "2025-02-10", "80.50", "已完成", "80.50", 1),
            (3, "杭州", "2025-02-21", "300.00", "已取消", "100.00", 3),
            (4, "北京", "2025-03-05", "45.00", "已完成", "15.00", 3),
        ],
    ),
}  # fmt: skip
VAULT: Tables = {
    "orders": ([("id", "integer"), ("note", "text")], [(1, CANARY)]),
    "vault": ([("secret", "text")], [(CANARY,)]),
}


@dataclass(frozen=True)
class Stage:
    """Acme's books, Globex' vault beside them, and a look at the whole server from above."""

    acme: Business
    books: Dataset
    vault: Dataset
    catalogue: Catalogue
    above: psycopg.Connection[Any]

    @property
    def alice(self) -> Asker:
        return Asker(self.acme.id)

    def run(self, sql: str, limits: RunLimits = DEFAULT_LIMITS) -> Result:
        """As everybody runs SQL: a session of its own."""
        return run_sql(self.books, sql, origin=SqlRun.Origin.WRITTEN, asker=self.alice, limits=limits)

    def run_in(self, session: Session, sql: str, limits: RunLimits = DEFAULT_LIMITS) -> Result:
        """In a session that others were in before."""
        return run_in(session, sql, self.catalogue, limits)

    def session(self) -> Any:
        return session_of(self.books)

    def effects(self) -> dict[str, Any]:
        """Everything on the server that a statement could have changed."""
        return {name: self.above.execute(query).fetchall() for name, query in _EFFECTS.items()} | {
            "files": EFFECT.exists()
        }


_EFFECTS = {
    "tables": "SELECT relkind, count(*) FROM pg_class WHERE relpersistence <> 't' GROUP BY 1 ORDER BY 1",
    "temporary": "SELECT count(*) FROM pg_class WHERE relpersistence = 't'",
    "schemas": "SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'",
    "functions": "SELECT count(*) FROM pg_proc",
    "roles": "SELECT rolname, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles ORDER BY 1",
    "settings of roles": "SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting ORDER BY 1, 2",
    "large objects": "SELECT count(*) FROM pg_largeobject_metadata",
    "locks": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
    "prepared": "SELECT count(*) FROM pg_prepared_xacts",
    "slots": "SELECT count(*) FROM pg_replication_slots",
    "extensions": "SELECT extname FROM pg_extension ORDER BY 1",
    "rows": "SELECT count(*), sum(amount), string_agg(note, ',' ORDER BY id) FROM {acme}.orders",
    "rights": "SELECT relname, relacl::text FROM pg_class WHERE relname IN ('orders', 'vault') ORDER BY oid",
    "sequence": "SELECT last_value, is_called FROM {acme}.seq",
}


@pytest.fixture(scope="session")
def stage(open_business: Callable[..., Business]) -> Iterator[Stage]:
    acme, globex = open_business("Acme"), open_business("Globex")
    books, vault = make_dataset(acme, BOOKS, name="Books"), make_dataset(globex, VAULT, name="Vault")
    with acme.scope():
        fill_table(books, "payroll", [("name", "text"), ("salary", "text")], [("Alice", CANARY)])
        books.tables.create(name="payroll", is_hidden=True)
        catalogue = catalogue_of(books)
    with psycopg.connect(services.superuser_url, dbname="troupe", autocommit=True) as above:
        sequence = Identifier(books.schema_name, "seq")
        above.execute(SQL("CREATE SEQUENCE {}").format(sequence))
        # Whoever makes a backup reads everything that is in the schema.
        above.execute(SQL("ALTER SEQUENCE {} OWNER TO {}").format(sequence, Identifier(OWNER)))
        for name, query in _EFFECTS.items():
            _EFFECTS[name] = query.replace("{acme}", books.schema_name)
        yield Stage(acme, books, vault, catalogue, above)
