"""Alice's desk: she asks about her shop by the API, and the worker answers, with a scripted model or with none."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from analytics.asker import Asker
from analytics.models import Approval, Dataset, Question, VerifiedPair
from tests.analytics.conftest import SHOP, make_dataset
from tests.conftest import Business
from tests.fakes.openai_server import RecordedRequest
from tests.knowledge.conftest import work_off

QUESTIONS = "/api/v1/analytics/questions/"


@dataclass(frozen=True)
class Desk:
    """One dataset of a business, asked as its server would."""

    business: Business
    dataset: Dataset

    def post(self, question: Any, **fields: Any) -> Any:
        """Ask; the answer of the API as it is. Nobody works on it yet."""
        return self.business.api.post(QUESTIONS, {"dataset": str(self.dataset.pk), "question": question, **fields})

    def put(self, question: str, **fields: Any) -> dict[str, Any]:
        response = self.post(question, **fields)
        assert response.status_code == 202, response.content
        return dict(response.json())

    def ask(self, question: str, **fields: Any) -> dict[str, Any]:
        """Ask and have it answered; the question as it then is."""
        asked = self.put(question, **fields)
        work_off(self.business)
        return self.get(asked["id"])

    def get(self, question_id: str) -> dict[str, Any]:
        response = self.business.api.get(f"{QUESTIONS}{question_id}/")
        assert response.status_code == 200, response.content
        return dict(response.json())

    def call(self, question_id: str, what: str, body: Any = None) -> Any:
        return self.business.api.post(f"{QUESTIONS}{question_id}/{what}/", body)

    def clarify(self, question_id: str, choice: str) -> dict[str, Any]:
        response = self.call(question_id, "clarify", {"choice": choice})
        assert response.status_code == 202, response.content
        work_off(self.business)
        return self.get(question_id)

    def row(self, question_id: str) -> Question:
        with self.business.scope():
            found: Question = Question.objects.get(pk=UUID(question_id))
            return found

    def teach(self, question: str, sql: str, **fields: Any) -> None:
        """A verified pair."""
        with self.business.scope():
            VerifiedPair.objects.create(
                dataset=self.dataset,
                question=question,
                sql=sql,
                origin=VerifiedPair.Origin.MEMBER,
                status=Approval.APPROVED,
                **fields,
            )

    @property
    def asker(self) -> Asker:
        return Asker(self.business.id)


@pytest.fixture
def open_desk() -> Callable[..., Desk]:
    def open_one(business: Business, tables: Any = SHOP, **fields: Any) -> Desk:
        return Desk(business, make_dataset(business, tables, **fields))

    return open_one


@pytest.fixture
def desk(acme: Business, open_desk: Callable[..., Desk]) -> Desk:
    """Acme's shop."""
    return open_desk(acme)


def sql_reply(sql: str, explanation: str = "") -> str:
    """What a model says that writes this."""
    return json.dumps({"sql": sql, "explanation": explanation, "cannot_answer": ""}, ensure_ascii=False)


def told(request: RecordedRequest) -> dict[str, Any]:
    """The data that a model was shown."""
    return dict(json.loads(request.messages[1]["content"]))
