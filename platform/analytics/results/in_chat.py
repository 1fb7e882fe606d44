"""A dataset as a tool of a persona: a question about it is asked like any other, in the rights of who asks."""

import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.urls import reverse

from analytics.asker import Asker
from analytics.asking.posting import ask
from analytics.asking.progress import follow
from analytics.asking.stopping import stop_question
from analytics.catalogues import catalogue_of
from analytics.meaning import has_pair_for, said_values
from analytics.meaning.linking import link_by
from analytics.models import Dataset, Question
from analytics.results.cells import columns_from
from analytics.results.formats import shown_number, shown_value
from analytics.results.shapes import shape_of
from llm.routes import resolve_route
from personas.access import as_uuid
from personas.lookups import Asking, LookedUp
from tenants.models import Member
from tenants.scope import off_loop, tenant_scope

TOOL = "dataset"
SHOWN_ROWS = 20
# Longer messages are told, not asked.
LONGEST_QUESTION = 500


class DatasetLookup:
    def known(self, tenant_id: UUID, ids: Sequence[str]) -> set[str]:
        keys = {key: each for each in ids if (key := as_uuid(each))}
        there = Dataset.objects.for_tenant(tenant_id).filter(pk__in=keys).values_list("pk", flat=True)
        return {keys[key] for key in there}

    def offered(self, tenant_id: UUID) -> list[tuple[str, str]]:
        datasets = Dataset.objects.for_tenant(tenant_id).order_by("name", "id")
        return [(str(pk), name) for pk, name in datasets.values_list("pk", "name")]

    async def look_up(self, ids: Sequence[str], asking: Asking) -> list[LookedUp]:
        """The result of the first dataset that the question is about, if there is one in time."""
        given_up = threading.Event()
        try:
            for each in ids:
                question_id = await off_loop(_ask, each, asking, given_up)
                if question_id is not None:
                    return await _answer(asking, question_id)
        finally:
            given_up.set()
        return []


def _ask(dataset_id: str, asking: Asking, given_up: threading.Event) -> UUID | None:
    """Ask the dataset, if the message is about it; None if not, for who may not ask, or where nobody waits any more."""
    if len(asking.question) > LONGEST_QUESTION:
        return None
    with tenant_scope(asking.tenant_id):
        dataset = Dataset.objects.for_tenant(asking.tenant_id).filter(pk=as_uuid(dataset_id)).first()
        if dataset is None or dataset.status != Dataset.Status.READY or not _may_ask(asking):
            return None
    if not _is_about(dataset, asking.question) or given_up.is_set():
        return None
    behalf = asking.on_behalf
    asker = Asker(asking.tenant_id, behalf.member_id, behalf.key_id, language=asking.language)
    with tenant_scope(asking.tenant_id):
        question_id = ask(tenant=asking.tenant_id, dataset=dataset, question=asking.question, asker=asker).pk
    if given_up.is_set():  # while it was stored
        _stop(asking.tenant_id, question_id)
        return None
    return question_id


def _may_ask(asking: Asking) -> bool:
    """A key was checked with its request; a member may have left since he opened the chat."""
    member_id = asking.on_behalf.member_id
    return member_id is None or Member.objects.for_tenant(asking.tenant_id).filter(pk=member_id).exists()


def _is_about(dataset: Dataset, question: str) -> bool:
    """Whether it names columns or values of the data, or is like a question that was verified."""
    with tenant_scope(dataset.tenant_id):
        catalogue = catalogue_of(dataset)
        route = resolve_route(dataset.tenant_id)
    if route.is_reader:  # only verified questions are answered without a model
        return has_pair_for(dataset, catalogue, question)
    linked = link_by(catalogue, question, values=said_values(dataset, catalogue, question))
    return bool(linked.columns or linked.values)


async def _answer(asking: Asking, question_id: UUID) -> list[LookedUp]:
    """What came of it; stopped if nobody waits for it any more."""
    try:
        async for _event in follow(asking.tenant_id, question_id, 0):
            pass
    except BaseException:
        await off_loop(_stop, asking.tenant_id, question_id)
        raise
    return await off_loop(_found, asking.tenant_id, question_id)


def _stop(tenant_id: UUID, question_id: UUID) -> None:
    with tenant_scope(tenant_id):
        if question := Question.objects.for_tenant(tenant_id).open().filter(pk=question_id).first():
            stop_question(question)


def _found(tenant_id: UUID, question_id: UUID) -> list[LookedUp]:
    with tenant_scope(tenant_id):
        questions = Question.objects.for_tenant(tenant_id).filter(pk=question_id, status=Question.Status.READY)
        question = questions.select_related("dataset").first()
    if question is None:
        return []
    return [
        LookedUp(
            chunk_id=question.pk,
            document_id=question.dataset_id,
            title=question.dataset.name,
            heading=question.question,
            text=f"{question.summary}\n\n{_table(question)}",
            answer=question.summary,
            url=reverse("ask-question", args=[question.pk]),
        )
    ]


def _table(question: Question) -> str:
    """Its first rows as lines of cells."""
    rows = question.rows[:SHOWN_ROWS]
    shape = shape_of(columns_from(question.columns), rows)
    lines = [[field.name for field in shape.fields]]
    lines += [
        [_cell(field, field.values[row], question.language) for field in shape.fields] for row in range(len(rows))
    ]
    return "\n".join(" | ".join(" ".join(cell.split()) for cell in line) for line in lines)


def _cell(field: Any, value: Any, language: str) -> str:
    return shown_number(value) if field.role == "number" and value is not None else shown_value(field, value, language)
