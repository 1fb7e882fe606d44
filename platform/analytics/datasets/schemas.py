"""The schema of a dataset in our own database, made and dropped together with the role that reads it.

Names come from the dataset's id, never from what a person wrote. All of it is done over the `owner` connection, in a
transaction of its own: when the caller's is undone, what is left is swept away as nobody's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from analytics.datasets.roles import create_role, drop_role, end_sessions
from analytics.models import Dataset

# Of schemas and roles alike; a sweeper looks for it.
PREFIX = "ds_"


def name_of(dataset_id: UUID) -> str:
    """Of the dataset's schema, and of its role."""
    return f"{PREFIX}{dataset_id.hex}"


@contextmanager
def as_owner() -> Iterator[Connection[Any]]:
    """A transaction of the role that owns the schemas, as a psycopg connection."""
    with transaction.atomic(using="owner"):
        django = connections["owner"]
        django.ensure_connection()
        yield django.connection


def make_schema(dataset: Dataset) -> None:
    """Make schema and role of a dataset, and set their names and password on the row, which is not saved.

    Whatever table the owner makes in the schema later, the role may read.
    """
    name = name_of(dataset.pk)
    with as_owner() as owner:
        dataset.password = create_role(owner, name)
        owner.execute(SQL("CREATE SCHEMA {}").format(Identifier(name)))
        owner.execute(SQL("GRANT USAGE ON SCHEMA {} TO {}").format(Identifier(name), Identifier(name)))
        owner.execute(
            SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT SELECT ON TABLES TO {}").format(
                Identifier(name), Identifier(name)
            )
        )
    dataset.schema_name = dataset.role_name = name


def drop_schema(name: str) -> None:
    """Drop a schema with all its tables, and the role of the same name. What is gone already is fine."""
    with as_owner() as owner:
        end_sessions(owner, name)  # they hold locks on the tables
        owner.execute("SET LOCAL lock_timeout = '10s'")
        owner.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(name)))
        drop_role(owner, name)
