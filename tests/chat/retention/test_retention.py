"""Carol wants to be forgotten, and Acme wants to be able to show that she was."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from analytics.models import Question
from chat.log import append_blocking, stream_key
from chat.models import ContactRequest, Conversation, EndUser, Erasure, Message, RetentionPolicy, Turn
from chat.retention import expiring
from chat.retention.erasing import SomethingLeft, erase_person
from chat.retention.holdings import Subject, count, holdings
from jobs.models import Job
from llm.models import ModelCall, Route
from personas.models import Memory
from tenants.models import StoredAnswer
from tests.analytics.conftest import SHOP, make_dataset
from tests.chat.conftest import Visitor, open_inn, welcome
from tests.conftest import Business
from tests.knowledge.conftest import work_off
from webhooks.emitting import emit
from webhooks.endpoints import create_endpoint

ERASURES = "/api/v1/erasures/"
SAID = "My sister Ann lives in Leeds. 我住在杭州。"


@pytest.fixture
def inn(acme: Business) -> Any:
    return open_inn(acme, None)


def talk(business: Business, external_id: str, *, idle_days: int = 0) -> Visitor:
    """A visitor who said something, and everything that came of it."""
    visitor = welcome(business, external_id)
    with business.scope():
        conversation = Conversation.objects.get(pk=visitor.conversation_id)
        asked = conversation.messages.create(seq=1, role="user", text=SAID)
        said = conversation.messages.create(seq=2, role="bot", text="Leeds!", finish_reason="stop", feedback=1)
        conversation.messages.create(seq=3, role="note", text="A regular.")
        Turn.objects.create(
            conversation=conversation, question=asked, answer=said, status="completed", trace={"sections": [SAID]},
            finished_at=timezone.now() - timedelta(days=idle_days),
        )  # fmt: skip
        conversation.contact_requests.create(name="Carol", contact="carol@example.com")
        conversation.handoffs.create(seq=4, state="requested", by="visitor", detail=SAID)
        Memory.objects.create(store=conversation.pk, holder="innkeeper", seq=1, kind="said", text=SAID)
        ModelCall.objects.create(
            operation="chat",
            route="main",
            model="any",
            end_user=external_id,
            cost="0.25",
            conversation_id=conversation.pk,
        )
        emit(business.id, "conversation.closed", {"conversation_id": str(conversation.pk), "text": SAID})
        Conversation.objects.filter(pk=conversation.pk).update(
            message_count=2, last_message_at=timezone.now() - timedelta(days=idle_days)
        )
    append_blocking(stream_key(business.id, conversation.pk), [], 0)
    return visitor


def listen(business: Business) -> None:
    with business.scope():
        create_endpoint(url="https://acme.example/events", event_types=["conversation.closed"])


def of(business: Business, external_id: str) -> Subject:
    with business.scope():
        end_user = EndUser.objects.get(external_id=external_id)
        ids = list(Conversation.objects.filter(end_user=end_user).values_list("pk", flat=True))
    return Subject(business.id, ids, end_user.pk, external_id)


def counted(business: Business, subject: Subject) -> dict[str, int]:
    with business.scope():
        return count(subject)


def test_carol_is_erased_and_a_signed_receipt_says_that_nothing_is_left(acme, inn):
    listen(acme)
    carol, dave = talk(acme, "carol"), talk(acme, "dave")
    talk(acme, "carol")
    dataset = make_dataset(acme, SHOP)
    subject, daves = of(acme, "carol"), of(acme, "dave")
    with acme.scope():
        Question.objects.create(dataset=dataset, question=SAID, end_user_id=subject.end_user_id)
        StoredAnswer.objects.create(key="k", request_digest="d", body=f'{{"id": "{carol.conversation_id}"}}'.encode())
    found, others = counted(acme, subject), counted(acme, daves)
    # Redis knows only of conversations in which something was streamed.
    assert {name for name, number in found.items() if not number} <= {"replays", "event_streams", "game_sessions"}

    asked = acme.api.post(ERASURES, {"end_user": "carol"})
    assert asked.status_code == 202, asked.content
    assert asked.json()["status"] == "queued"
    assert asked.json()["queue"]["position"] == 1
    work_off(acme)

    told = acme.api.get(f"{ERASURES}{asked.json()['id']}/").json()
    assert (told["status"], told["error"]) == ("done", None)
    assert told["progress"] == {"done": 2, "total": 2}
    receipt = told["receipt"]
    assert receipt["found"] == found
    assert receipt["total_left"] == 0
    assert receipt["left"].keys() == {holding.name for holding in holdings()}
    assert receipt["is_genuine"]
    assert not any(counted(acme, subject).values())
    assert counted(acme, daves) == others, "Dave stays"
    assert acme.api.get(f"/api/v1/conversations/{dave.conversation_id}/").status_code == 200
    with acme.scope():
        assert sum(call.cost for call in ModelCall.objects.all()) == 0.75, "what it cost stays in the books"
        assert "carol" not in str(list(Erasure.objects.values())) + str(list(Job.objects.values()))
        Erasure.objects.update(left={**receipt["left"], "messages": 0, "more": 0})
    assert not acme.api.get(f"{ERASURES}{told['id']}/").json()["receipt"]["is_genuine"]


def test_the_receipt_is_found_by_who_knows_whose_it_is(acme, inn):
    talk(acme, "carol")
    asked = acme.api.post(ERASURES, {"end_user": "carol"}).json()
    work_off(acme)

    assert [each["id"] for each in acme.api.get(ERASURES, end_user="carol").json()["results"]] == [asked["id"]]
    assert acme.api.get(ERASURES, end_user="dave").json()["results"] == []


def test_asking_twice_is_one_erasure_and_asking_for_nobody_is_not_found(acme, inn):
    talk(acme, "carol")

    first, second = (acme.api.post(ERASURES, {"end_user": "carol"}).json()["id"] for _ in range(2))

    assert first == second
    assert acme.api.post(ERASURES, {"end_user": "nobody"}).status_code == 404
    assert acme.api.post(ERASURES, {}).status_code == 422
    work_off(acme)
    assert acme.api.post(ERASURES, {"end_user": "carol"}).status_code == 404


def test_what_cannot_be_erased_is_not_signed_and_is_tried_again(acme, inn, monkeypatch):
    talk(acme, "carol")
    asked = acme.api.post(ERASURES, {"end_user": "carol"}).json()
    with monkeypatch.context() as stubborn:
        stubborn.setattr("chat.retention.erasing.count", lambda subject: {"messages": 1})
        work_off(acme)

    failed = acme.api.get(f"{ERASURES}{asked['id']}/").json()
    assert (failed["status"], failed["error"]["code"]) == ("failed", SomethingLeft.code)
    assert failed["receipt"] is None
    again = acme.api.post(f"{ERASURES}{asked['id']}/retry/")
    assert (again.status_code, again.json()["status"]) == (202, "queued")
    work_off(acme)
    assert acme.api.get(f"{ERASURES}{asked['id']}/").json()["receipt"]["total_left"] == 0
    assert acme.api.post(f"{ERASURES}{asked['id']}/retry/").status_code == 409


def test_carol_gets_everything_of_hers_and_nothing_of_the_staff(acme, inn):
    talk(acme, "carol")
    talk(acme, "dave")

    answer = acme.api.get("/api/v1/end-users/export/", end_user="carol")

    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    kept = answer.json()
    assert [row["text"] for row in kept["messages"]] == [SAID, "Leeds!"]
    assert [row["text"] for row in kept["memories"]] == [SAID]
    assert kept["contact_requests"][0]["contact"] == "carol@example.com"
    assert kept["end_users"][0]["external_id"] == "carol"
    assert "A regular." not in answer.content.decode()
    assert "dave" not in answer.content.decode()
    assert acme.api.get("/api/v1/end-users/export/", end_user="eve").status_code == 404


def test_a_visitor_has_himself_erased_by_his_session_alone(acme, inn, client):
    carol, dave = talk(acme, "carol"), talk(acme, "dave")

    def erase(visitor: Visitor, token: str) -> Any:
        path = f"/api/v1/public/{inn.publishable_key}/conversations/{visitor.conversation_id}/erasure/"
        return client.post(path, headers={"Authorization": f"Bearer {token}"})

    assert erase(dave, carol.token).status_code == 404
    assert erase(carol, "st_nonsense").status_code == 401
    assert erase(carol, carol.token).status_code == 202
    work_off(acme)
    with acme.scope():
        assert list(EndUser.objects.values_list("external_id", flat=True)) == ["dave"]
        assert Erasure.objects.get().origin == "visitor"


def test_mallory_erases_and_exports_nobody(acme, globex, inn):
    talk(acme, "carol")
    receipt = acme.api.post(ERASURES, {"end_user": "carol"}).json()["id"]

    assert globex.api.post(ERASURES, {"end_user": "carol"}).status_code == 404
    assert globex.api.get("/api/v1/end-users/export/", end_user="carol").status_code == 404
    assert globex.api.get(f"{ERASURES}{receipt}/").status_code == 404
    assert globex.api.get(ERASURES).json()["results"] == []
    assert globex.api.patch("/api/v1/retention/", {"conversations_days": 1}).status_code == 200
    assert acme.api.get("/api/v1/retention/").json() == {"conversations_days": None, "traces_days": None}


# --- The policy ---------------------------------------------------------------------------------------------
def keep(business: Business, **days: Any) -> None:
    """Set the policy, and let the clock look at it."""
    answer = business.api.patch("/api/v1/retention/", days)
    assert answer.status_code == 200, answer.content
    expiring.look_at_policies()
    work_off(business)


def ids(model: Any, business: Business) -> set[UUID]:
    with business.scope():
        return set(model.objects.values_list("pk", flat=True))


def test_what_was_kept_long_enough_goes_with_a_receipt(acme, globex, inn):
    open_inn(globex, None)
    old, new, neighbours = (
        talk(acme, "carol", idle_days=40),
        talk(acme, "dave", idle_days=20),
        talk(globex, "eve", idle_days=90),
    )

    keep(acme, conversations_days=30)

    assert ids(Conversation, acme) == {UUID(new.conversation_id)}
    assert ids(Conversation, globex) == {UUID(neighbours.conversation_id)}
    (receipt,) = acme.api.get(ERASURES).json()["results"]
    assert (receipt["origin"], receipt["status"]) == ("policy", "done")
    assert receipt["receipt"]["found"]["messages"] == 2
    assert receipt["receipt"]["total_left"] == 0
    assert old.conversation_id not in str(acme.api.get("/api/v1/conversations/").json())
    assert ids(EndUser, acme), "the person may come back"


def test_a_crowd_of_old_conversations_goes_piece_by_piece(acme, inn, monkeypatch):
    monkeypatch.setattr(expiring, "CONVERSATIONS_AT_ONCE", 2)
    for number in range(5):
        talk(acme, f"visitor-{number}", idle_days=3)

    keep(acme, conversations_days=1)

    assert not ids(Conversation, acme)
    with acme.scope():
        assert sorted(len(each.conversation_ids) for each in Erasure.objects.all()) == [1, 2, 2]


def test_traces_go_before_what_was_said(acme, inn):
    talk(acme, "carol", idle_days=10)
    talk(acme, "dave", idle_days=1)

    keep(acme, traces_days=7)

    with acme.scope():
        assert sorted(bool(turn.trace) for turn in Turn.objects.all()) == [False, True]
        assert Message.objects.filter(text=SAID).count() == 2
        assert ContactRequest.objects.count() == 2


def test_the_clock_looks_once_a_day_and_a_change_at_once(acme, inn):
    keep(acme, conversations_days=30)
    with acme.scope():
        looked_at = RetentionPolicy.objects.get().looked_at

    expiring.look_at_policies()

    with acme.scope():
        assert RetentionPolicy.objects.get().looked_at == looked_at
    keep(acme, conversations_days=None)
    with acme.scope():
        assert RetentionPolicy.objects.get().looked_at > looked_at
    assert acme.api.patch("/api/v1/retention/", {"conversations_days": 0}).status_code == 422


async def test_an_answer_that_is_being_given_is_erased_too(acme, carol, scripted_llm, open_tab, off_loop):
    """The turn is stopped, and what it says afterwards is stored nowhere."""
    scripted_llm.will_stall(after="My dear")
    tab = await open_tab(carol)
    await tab.says(SAID)
    await tab.next("turn.delta")
    subject = await off_loop(of, acme, "carol")
    with_stream = await off_loop(counted, acme, subject)

    def erase() -> None:
        with acme.scope():
            erase_person(EndUser.objects.get(external_id="carol"), Erasure.Origin.TENANT)
        work_off(acme)

    await off_loop(erase)

    assert with_stream["turns"] == 1
    with_nothing = await off_loop(counted, acme, subject)
    assert not any(with_nothing.values()), with_nothing
    assert await off_loop(lambda: _routes(acme)) == 1


def _routes(business: Business) -> int:
    with business.scope():
        return Route.objects.count()
