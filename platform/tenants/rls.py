"""Row-level security as migration operations, so that no table is isolated by hand.

A migration that creates tenant models, or adds a `TenantForeignKey` to one, ends with

    IsolateTenantTables(["conversation", "message"])

which is safe to run again for a table that has it already. `tests/tenants/test_isolation.py` walks every model and
constraint and fails for one that was forgotten.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.models import CreateModel

from tenants.base import TenantForeignKey
from tenants.roles import APP, OWNER, SYSTEM

# NULL outside a scope and after it: the comparison is then NULL too, which shows and takes no row.
CURRENT_TENANT = "nullif(current_setting('app.tenant', true), '')::uuid"

READ_WRITE = "SELECT, INSERT, UPDATE, DELETE"


class IsolateTenantTables(Operation):
    """Isolate the tables of the named models of this app.

    `grants` narrows what the app may do with a table (an audit log takes `"SELECT, INSERT"`). `system` opens a
    table to the relay and sweeper, with the rights named there.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(
        self,
        models: Sequence[str],
        *,
        grants: Mapping[str, str] | None = None,
        system: Mapping[str, str] | None = None,
    ) -> None:
        self.models = list(models)
        self.grants = dict(grants or {})
        self.system = dict(system or {})

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return self.__class__.__name__, [self.models], {"grants": self.grants, "system": self.system}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Models look the same with and without row-level security."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        models = {name: to_state.apps.get_model(app_label, name) for name in self.models}
        statements = [
            statement
            for name, model in models.items()
            for statement in isolation_sql(model, self.grants.get(name, READ_WRITE), self.system.get(name))
        ]
        # After all walls stand: two models may point at each other.
        statements += [statement for model in models.values() for statement in foreign_key_sql(model)]
        for statement in statements:
            schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """The tables go with the migration that made them."""

    def describe(self) -> str:
        return f"Isolate tenants in {', '.join(self.models)}"


class CreatePartitionedModel(CreateModel):
    """A model whose table is hash-partitioned by tenant. Its primary key must begin with the tenant.

    `partitions` is fixed by the first migration that runs (`settings.CHUNK_PARTITIONS`). The app has no rights on
    the partitions themselves, only through the parent, whose policies then apply.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        from django.conf import settings

        model = to_state.apps.get_model(app_label, self.name)
        create, params = schema_editor.table_sql(model)
        schema_editor.execute(f"{create} PARTITION BY HASH (tenant_id)", params or None)
        table, count = model._meta.db_table, settings.CHUNK_PARTITIONS
        for number in range(count):
            schema_editor.execute(
                f'CREATE TABLE "{table}_p{number:02}" PARTITION OF "{table}" '
                f"FOR VALUES WITH (MODULUS {count}, REMAINDER {number})"
            )


def isolation_sql(model: type[models.Model], grants: str, system: str | None) -> list[str]:
    """The statements that isolate one model's table; each may run twice."""
    table = model._meta.db_table
    own_row = "id" if table == "tenants_tenant" else "tenant_id"
    statements = [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        *_policy(table, "tenant_isolation", APP, f"{own_row} = {CURRENT_TENANT}"),
        # Under FORCE the owner would see nothing, and data migrations would silently change nothing.
        *_policy(table, "owner_everything", OWNER, "true"),
        f'GRANT {grants} ON "{table}" TO {APP}',
    ]
    if system:
        statements += [*_policy(table, "system_everything", SYSTEM, "true"), f'GRANT {system} ON "{table}" TO {SYSTEM}']
    if own_row == "tenant_id" and not isinstance(model._meta.pk, models.CompositePrimaryKey):
        # What the composite foreign keys of other tables point at.
        statements.append(_constraint(table, f"{table}_tenant_id_uniq", "UNIQUE (tenant_id, id)"))
    return statements


def foreign_key_sql(model: type[models.Model]) -> list[str]:
    """The constraints that keep a row's references inside its tenant, and let a delete reach down."""
    table = model._meta.db_table
    if table == "tenants_tenant":
        return []
    to_tenant = "FOREIGN KEY (tenant_id) REFERENCES tenants_tenant (id) ON DELETE CASCADE"
    statements = [_constraint(table, f"{table}_tenant_fk", to_tenant)]
    for field in model._meta.local_fields:
        if isinstance(field, TenantForeignKey):
            column, parent = field.column, field.related_model._meta.db_table
            reference = f'FOREIGN KEY (tenant_id, "{column}") REFERENCES "{parent}" (tenant_id, id) {_on_delete(field)}'
            statements.append(_constraint(table, f"{table}_{column}_fk", reference))
    return statements


def _policy(table: str, name: str, role: str, condition: str) -> list[str]:
    return [
        f'DROP POLICY IF EXISTS {name} ON "{table}"',
        f'CREATE POLICY {name} ON "{table}" TO {role} USING ({condition}) WITH CHECK ({condition})',
    ]


def _on_delete(field: TenantForeignKey) -> str:
    """The reference's action. All are checked at the commit: rows may name each other, whole tenants may go."""
    match field.remote_field.on_delete:
        case models.CASCADE:
            action = "ON DELETE CASCADE "
        case models.SET_NULL:
            action = f'ON DELETE SET NULL ("{field.column}") '
        case _:  # PROTECT, RESTRICT
            action = ""
    return f"{action}DEFERRABLE INITIALLY DEFERRED"


def _constraint(table: str, name: str, definition: str) -> str:
    name = name[:63]  # PostgreSQL cuts longer names, silently
    return f"""DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '{name}' AND conrelid = '{table}'::regclass) THEN
            ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition};
        END IF;
    END $$"""
