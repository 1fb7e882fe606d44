"""The dataset that every tenant has: its own conversations, answers, feedback, costs and documents, as views."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

from analytics.datasets.describing import describe_tables
from analytics.datasets.first_questions import FIRST_QUESTIONS
from analytics.datasets.roles import create_role
from analytics.datasets.schemas import as_owner, name_of
from analytics.datasets.views import VIEWS, View
from analytics.models import Approval, Dataset, VerifiedPair
from tenants import roles


def conversations_of(tenant_id: UUID) -> Dataset:
    """The tenant's built-in dataset, made when it is first asked for. In the tenant's scope."""
    found = Dataset.objects.for_tenant(tenant_id).filter(kind=Dataset.Kind.CONVERSATIONS)
    dataset: Dataset | None = found.first()
    if dataset:
        return dataset
    try:
        with transaction.atomic():
            return _make(tenant_id)
    except IntegrityError:  # somebody asked at the same time
        return found.get()  # type: ignore[no-any-return]


def _make(tenant_id: UUID) -> Dataset:
    dataset = Dataset(
        tenant_id=tenant_id,
        name=Dataset.Kind.CONVERSATIONS.value,  # pages say it in the reader's language
        kind=Dataset.Kind.CONVERSATIONS,
        status=Dataset.Status.READY,
    )
    dataset.schema_name = dataset.role_name = name_of(dataset.pk)
    dataset.save()  # first: of two at once, one waits here and then goes away
    with as_owner() as owner:
        dataset.password = create_role(owner, dataset.role_name)
        owner.execute(
            SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(Identifier(dataset.schema_name), Identifier(roles.VIEWS))
        )
        make_views(owner, dataset)
    dataset.save(update_fields=["sealed_password"])
    describe_tables(dataset, [view.found for view in VIEWS])
    _join(dataset)
    _teach(dataset)
    return dataset


def _teach(dataset: Dataset) -> None:
    VerifiedPair.objects.bulk_create(
        VerifiedPair(
            dataset=dataset,
            question=question,
            sql=sql,
            language=language,
            origin=VerifiedPair.Origin.SEED,
            status=Approval.APPROVED,
        )
        for english, chinese, sql in FIRST_QUESTIONS
        for language, question in (("en", english), ("zh", chinese))
    )


def _join(dataset: Dataset) -> None:
    """What belongs together is known here and needs nobody's approval."""
    columns = {
        (table.name, column.name): column
        for table in dataset.tables.prefetch_related("columns")
        for column in table.columns.all()
    }
    conversation, message = columns["conversations", "id"], columns["messages", "id"]
    for table in ("messages", "turns", "feedback", "costs"):
        dataset.joins.create(
            left_column=columns[table, "conversation_id"], right_column=conversation, status="approved"
        )
    dataset.joins.create(left_column=columns["feedback", "message_id"], right_column=message, status="approved")


def make_views(owner: Connection[Any], dataset: Dataset) -> None:
    """Make the views, owned by the role that may read beneath them, and let the dataset's role read them."""
    schema, role = Identifier(dataset.schema_name), Identifier(dataset.role_name)
    owner.execute(SQL("SET LOCAL ROLE {}").format(Identifier(roles.VIEWS)))
    owner.execute(SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))
    for view in VIEWS:
        owner.execute(_create(view, dataset))
        owner.execute(SQL("GRANT SELECT ON {} TO {}").format(Identifier(dataset.schema_name, view.found.name), role))
    owner.execute("RESET ROLE")


def _create(view: View, dataset: Dataset) -> Any:
    tenant = SQL("{}::uuid").format(Literal(str(dataset.tenant_id)))
    return SQL("CREATE VIEW {} ({}) WITH (security_barrier) AS {}").format(
        Identifier(dataset.schema_name, view.found.name),
        SQL(", ").join(Identifier(column.name) for column in view.found.columns),
        SQL(view.select).format(tenant=tenant),
    )
