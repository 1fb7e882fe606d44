"""What is done around a migration, so that datasets come through it, and through a restore."""

from django.db import connections
from psycopg.sql import SQL, Identifier

from analytics.datasets.conversations import make_views
from analytics.datasets.describing import describe_tables
from analytics.datasets.roles import create_role, let_in
from analytics.datasets.schemas import as_owner
from analytics.datasets.views import VIEWS
from analytics.models import Dataset
from tenants import roles
from tenants.scope import tenant_scope


def drop_all_views() -> None:
    """Before tables change: PostgreSQL alters no column that a view reads."""
    with as_owner() as owner:
        views = owner.execute("SELECT schemaname, viewname FROM pg_views WHERE viewowner = %s", [roles.VIEWS])
        for place in views.fetchall():
            owner.execute(SQL("DROP VIEW IF EXISTS {} CASCADE").format(Identifier(*place)))


def make_all_views() -> None:
    """Make the views of every tenant that has the dataset and no views, and describe them anew."""
    if not _has_datasets():
        return
    lacking = Dataset.objects.using("owner").raw(
        """SELECT * FROM analytics_dataset
           WHERE kind = 'conversations' AND EXISTS (SELECT FROM pg_namespace WHERE nspname = schema_name)
             AND NOT EXISTS (SELECT FROM pg_views WHERE schemaname = schema_name)"""
    )
    for dataset in lacking:
        with as_owner() as owner:
            make_views(owner, dataset)
        with tenant_scope(dataset.tenant_id):
            describe_tables(Dataset.objects.get(pk=dataset.pk), [view.found for view in VIEWS])


def restore_logins() -> None:
    """Let the roles of all datasets log in: a dump holds what they may read, but neither them nor their passwords."""
    if not _has_datasets():
        return
    with as_owner() as owner:
        shut_out = owner.execute(
            """SELECT d.id, d.role_name, coalesce(r.rolcanlogin, false)
               FROM analytics_dataset d LEFT JOIN pg_roles r ON r.rolname = d.role_name
               WHERE d.role_name <> ''
                 AND (r.oid IS NULL OR NOT r.rolcanlogin
                      OR NOT has_database_privilege(r.oid, current_database(), 'CONNECT'))"""
        ).fetchall()
        for dataset_id, name, has_login in shut_out:
            if has_login:  # of another database of this server, from which this one was copied
                let_in(owner, name)
                continue
            dataset = Dataset.objects.using("owner").get(pk=dataset_id)
            dataset.password = create_role(owner, name)
            dataset.save(using="owner", update_fields=["sealed_password"])


def _has_datasets() -> bool:
    return "analytics_dataset" in connections["owner"].introspection.table_names()
