"""The migration operation that lets the views' owner read what the views show."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.migrations.operations.base import Operation

from tenants.roles import VIEWS


class OpenToViews(Operation):
    """Let `troupe_views` read these columns of these tables, of all tenants: each view names one.

    Nobody logs in as that role, and a dataset's role reads its views and nothing beneath them. Safe to run again.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        self.columns = dict(columns)

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Models look the same."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        # `bootstrap_db` makes it too; where that was run before there were views, the owner can.
        schema_editor.execute(f"""DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{VIEWS}') THEN CREATE ROLE {VIEWS} NOLOGIN; END IF;
        END $$""")
        schema_editor.execute(f"GRANT USAGE ON SCHEMA public TO {VIEWS}")
        for table, columns in self.columns.items():
            schema_editor.execute(f'GRANT SELECT ({", ".join(columns)}) ON "{table}" TO {VIEWS}')
            schema_editor.execute(f'DROP POLICY IF EXISTS views_read ON "{table}"')
            schema_editor.execute(f'CREATE POLICY views_read ON "{table}" FOR SELECT TO {VIEWS} USING (true)')

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for table in self.columns:
            schema_editor.execute(f'REVOKE ALL ON "{table}" FROM {VIEWS}')
            schema_editor.execute(f'DROP POLICY IF EXISTS views_read ON "{table}"')

    def describe(self) -> str:
        return f"Open {', '.join(self.columns)} to views"
