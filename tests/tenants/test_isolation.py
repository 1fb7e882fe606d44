"""Every table and constraint is walked, so that a new model cannot forget its walls."""

from typing import Any

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, connections, models

from tenants.base import TenantForeignKey
from tenants.grants import GLOBAL_TABLES, UNUSED_TABLES

MODELS = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
TENANT_MODELS = [
    model for model in MODELS if model._meta.db_table not in GLOBAL_TABLES | dict.fromkeys(UNUSED_TABLES, "")
]


def rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def table_of(model: type[models.Model]) -> str:
    return model._meta.db_table


@pytest.mark.parametrize("model", TENANT_MODELS, ids=table_of)
def test_row_security_is_on_and_forced(model: type[models.Model]) -> None:
    found = rows(
        "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", model._meta.db_table
    )
    assert found == [(True, True)]


@pytest.mark.parametrize("model", TENANT_MODELS, ids=table_of)
def test_the_app_reads_and_writes_its_tenants_rows_only(model: type[models.Model]) -> None:
    policies = rows(
        "SELECT qual, with_check FROM pg_policies WHERE tablename = %s AND 'troupe_app' = ANY (roles) AND cmd = 'ALL'",
        model._meta.db_table,
    )
    assert len(policies) == 1
    for condition in policies[0]:
        assert "NULLIF(current_setting('app.tenant'::text, true), ''::text)" in condition


@pytest.mark.parametrize("model", TENANT_MODELS, ids=table_of)
def test_every_reference_names_the_tenant_too(model: type[models.Model]) -> None:
    definitions = [
        definition
        for (definition,) in rows(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass",
            model._meta.db_table,
        )
    ]
    for field in model._meta.local_fields:
        if isinstance(field, TenantForeignKey):
            parent = field.related_model._meta.db_table
            wanted = f"FOREIGN KEY (tenant_id, {field.column}) REFERENCES {parent}(tenant_id, id)"
            assert any(definition.startswith(wanted) for definition in definitions), wanted
        elif isinstance(field, models.ForeignKey) and field.related_model in TENANT_MODELS and field.name != "tenant":
            pytest.fail(f"{model.__name__}.{field.name} must be a TenantForeignKey")
    if model._meta.db_table != "tenants_tenant":
        assert any("REFERENCES tenants_tenant(id) ON DELETE CASCADE" in definition for definition in definitions)


def test_no_table_is_open_that_is_not_named() -> None:
    open_tables = {
        table
        for (table,) in rows(
            """SELECT DISTINCT table_name FROM information_schema.role_table_grants
               WHERE grantee IN ('troupe_app', 'PUBLIC') AND table_schema = 'public'"""
        )
    }
    isolated = {model._meta.db_table for model in TENANT_MODELS}
    assert open_tables - isolated <= set(GLOBAL_TABLES)


def test_the_app_owns_nothing_and_is_nobody_special() -> None:
    owned = "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) IN ('troupe_app', 'troupe_system')"
    assert rows(owned) == [(0,)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == ("troupe_app", False, False)


def test_views_and_functions_are_no_way_round() -> None:
    """A view runs with its owner's rights; a SECURITY DEFINER function must look at the setting itself."""
    assert rows("SELECT count(*) FROM pg_views WHERE schemaname = 'public'") == [(0,)]
    for name, source in rows(
        """SELECT proname, prosrc FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace
           WHERE prosecdef AND n.nspname = 'public'"""
    ):
        assert "current_setting('app.tenant'" in source, name


def test_partitions_are_reached_through_their_parent_only(acme: Any) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), acme.scope(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM knowledge_chunk_p00")


def test_no_migration_is_missing() -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
