"""Every tenant may ask about its own conversations, and about nobody else's."""

import re
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connections

from analytics.asker import Asker
from analytics.catalogues import catalogue_of
from analytics.datasets.conversations import conversations_of
from analytics.datasets.first_questions import FIRST_QUESTIONS
from analytics.datasets.upkeep import drop_all_views, make_all_views
from analytics.datasets.views import VIEWS
from analytics.models import Dataset
from analytics.running import run_sql
from chat.models import Conversation, EndUser, Turn
from knowledge.collecting import add_text, create_base
from llm.models import ModelCall
from personas.publishing import create_persona
from tests.analytics.datasets.test_schemas import as_role, refused
from tests.conftest import Business


def furnish(business: Business, name: str) -> None:
    """A conversation with a rated answer, its cost, a test chat, and a document."""
    with business.scope():
        persona = create_persona(
            tenant_id=business.id, slug=f"keeper-{uuid4().hex[:8]}", name=name, kind="companion", settings={}
        )
        carol = EndUser.objects.create(external_id="carol", name="Carol Winter")
        for is_test in (False, True):
            thread = Conversation.objects.create(persona=persona, end_user=carol, is_test=is_test, message_count=2)
            asked = thread.messages.create(seq=1, role="user", text=f"{name}?")
            said = thread.messages.create(
                seq=2, role="bot", text=f"{name}.", feedback=-1, feedback_comment="Slow", citations=[{}, {}]
            )
            thread.messages.create(seq=3, role="bot", text="Once said", replaced_at="2026-01-01T00:00Z")
            Turn.objects.create(conversation=thread, question=asked, answer=said, status="completed", cost="0.25")
        ModelCall.objects.create(
            operation="chat", route="r", model="m", outcome="ok", persona_id=persona.pk, cost="0.5", end_user="carol"
        )
        add_text(base=create_base(name=name, slug="", language=""), title=f"About {name}", text="Hello there.")


def dataset_of(business: Business) -> Dataset:
    with business.scope():
        return conversations_of(business.id)


def rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    return list(connection.execute(sql).fetchall())


def test_a_tenant_asks_about_its_own_conversations(acme: Business, globex: Business):
    furnish(acme, "阿悟")
    furnish(globex, "Gil")

    with as_role(dataset_of(acme)) as connection:
        assert rows(connection, "SELECT persona, end_user, state, message_count FROM conversations") == [
            ("阿悟", "carol", "bot", 2)
        ]
        assert rows(connection, "SELECT role, text, citation_count FROM messages ORDER BY created_at") == [
            ("user", "阿悟?", 0),
            ("bot", "阿悟.", 2),
        ]
        assert rows(connection, "SELECT persona, rating, comment FROM feedback") == [("阿悟", -1, "Slow")]
        assert rows(connection, "SELECT status, cost::text FROM turns") == [("completed", "0.25000000")]
        assert rows(connection, "SELECT persona, sum(cost)::text FROM costs GROUP BY 1") == [("阿悟", "0.500000000")]
        assert rows(connection, "SELECT knowledge_base, title FROM documents") == [("阿悟", "About 阿悟")]


def test_no_setting_shows_another_tenants_rows(acme: Business, globex: Business):
    furnish(globex, "Gil")

    with as_role(dataset_of(acme)) as connection:
        for statement in (
            f"SET app.tenant = '{globex.id}'",
            "SET search_path = public, pg_catalog",
        ):
            connection.execute(statement)
        for view in VIEWS:
            name = f"{dataset_of(acme).schema_name}.{view.found.name}"
            assert rows(connection, f"SELECT * FROM {name}") == [], name
        for sql in (
            f"SELECT set_config('app.tenant', '{globex.id}', false)",
            "SELECT * FROM public.chat_message",
            f"SET row_security = off; SELECT * FROM {dataset_of(acme).schema_name}.messages",
            "SET ROLE troupe_views",
            "SET ROLE troupe_app",
            f"SELECT * FROM {dataset_of(globex).schema_name}.messages",
        ):
            assert re.search("permission denied|row-level security", refused(connection, sql)), sql


def test_a_leaky_function_sees_no_row_before_the_barrier(acme: Business, globex: Business):
    """Without it PostgreSQL would try a cheap condition of the asker's on everybody's rows first."""
    furnish(globex, "Gil")

    with as_role(dataset_of(acme)) as connection:
        assert rows(connection, "SELECT 1 FROM messages WHERE 1 / (length(text) - length('Gil?')) > 0") == []


def test_the_views_owner_may_read_what_they_show_and_no_secrets():
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT rolcanlogin, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = 'troupe_views'")
        assert cursor.fetchone() == (False, False, False)
        cursor.execute(
            """SELECT DISTINCT table_name FROM information_schema.role_column_grants
               WHERE grantee = 'troupe_views' AND table_schema = 'public'
               AND (column_name ~ 'secret|key|digest|embedding|trace|password|settings|variables'
                    OR privilege_type <> 'SELECT')"""
        )
        assert cursor.fetchall() == []


def test_it_is_made_once_and_says_what_everything_means(acme: Business):
    first, second = dataset_of(acme), dataset_of(acme)

    assert first.pk == second.pk
    with acme.scope():
        catalogue = catalogue_of(first)
    assert [table.name for table in catalogue.tables] == [view.found.name for view in VIEWS]
    assert all(column.label and column.synonyms for table in catalogue.tables for column in table.columns)
    assert len(catalogue.joins) == 5
    with as_role(first) as connection:
        described = {(view.found.name, column.name): column.type for view in VIEWS for column in view.found.columns}
        found = rows(
            connection,
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            f"WHERE table_schema = '{first.schema_name}'",
        )
    assert {(table, column): kind for table, column, kind in found} == described


def test_its_first_questions_are_answered_in_both_languages(acme: Business):
    furnish(acme, "阿悟")
    dataset = dataset_of(acme)
    with acme.scope():
        pairs = list(dataset.pairs.approved())

    assert {pair.language for pair in pairs} == {"en", "zh"}
    assert len(pairs) == 2 * len(FIRST_QUESTIONS)
    for sql in {pair.sql for pair in pairs if "failed" not in pair.sql}:
        assert run_sql(dataset, sql, origin="pair", asker=Asker(acme.id)).rows, sql


def test_views_make_way_for_a_change_of_the_tables_and_come_back(acme: Business):
    furnish(acme, "阿悟")
    dataset = dataset_of(acme)

    drop_all_views()
    with as_role(dataset) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM messages")
    make_all_views()

    with as_role(dataset) as connection:
        assert rows(connection, "SELECT count(*) FROM messages") == [(2,)]
