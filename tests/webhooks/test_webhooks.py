"""What happens at Acme is told to Acme's server, signed, in order, again if need be, and to nobody else."""

import json
import threading
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks import WebhookVerificationError
from werkzeug import Response

from jobs.models import Job
from knowledge import tasks
from knowledge.parsing.errors import DocumentEmpty
from tenants.models import AuditEntry, StoredAnswer
from tests.knowledge.conftest import work_off
from tests.webhooks.conftest import hook_at, tell, wait
from webhooks import sending
from webhooks.emitting import emit, forget
from webhooks.models import MAX_ATTEMPTS, WAITS, Delivery, Endpoint
from webhooks.ticking import KEPT_FOR, prune

DOCUMENT = "0198f000-0000-7000-8000-000000000001"


def happens(business, event_type="document.ready", **data):
    with business.scope():
        return emit(business.id, event_type, {"document_id": DOCUMENT, **data})


def test_an_event_arrives_signed_as_the_standard_has_it(acme, receiver):
    hook = hook_at(acme, receiver.url, event_types=["document.ready"])
    happens(acme, title="入住须知")

    tell(acme)

    told = receiver.verified(hook.secret)
    (delivery,) = hook.log
    assert told == {
        "type": "document.ready",
        "timestamp": delivery["occurred_at"].replace("Z", "+00:00"),
        "data": {"document_id": DOCUMENT, "title": "入住须知"},
    }
    headers = receiver.requests[0].headers
    assert headers["webhook-id"] == delivery["event_id"]
    assert headers["content-type"] == "application/json"
    assert (delivery["status"], delivery["response_status"], delivery["attempt_count"]) == ("delivered", 204, 1)


def test_the_wrong_secret_and_a_changed_body_are_noticed(acme, receiver):
    hook = hook_at(acme, receiver.url)
    other = hook_at(acme, "https://acme.example/")
    happens(acme)
    tell(acme)

    with pytest.raises(WebhookVerificationError):
        receiver.verified(other.secret)
    receiver.bodies[-1] = receiver.bodies[-1].replace(b"ready", b"gone!")
    with pytest.raises(WebhookVerificationError):
        receiver.verified(hook.secret)


def test_only_what_is_listened_to_is_told(acme, receiver):
    hook_at(acme, receiver.url, event_types=["document.failed", "conversation.closed"])

    assert happens(acme) == 0
    assert happens(acme, "document.failed") == 1
    tell(acme)

    assert [event["type"] for event in receiver.events] == ["document.failed"]


def test_events_arrive_in_their_order(acme, receiver):
    hook_at(acme, receiver.url)
    for number in range(12):
        happens(acme, number=number)

    assert tell(acme) == 1

    assert [event["data"]["number"] for event in receiver.events] == list(range(12))
    assert tell(acme) == 0


def test_a_change_that_is_undone_is_not_told(acme, receiver):
    hook_at(acme, receiver.url)
    with pytest.raises(ZeroDivisionError), acme.scope():
        emit(acme.id, "document.ready", {})
        raise ZeroDivisionError

    tell(acme)

    assert receiver.events == []


def test_another_tenant_hears_nothing_and_reaches_nothing(acme, globex, receiver):
    hook = hook_at(acme, receiver.url)
    happens(acme)
    happens(globex)
    tell(globex)

    assert receiver.events == []
    tell(acme)
    assert len(receiver.events) == 1
    assert globex.api.get(hook.path).status_code == 404
    assert globex.api.post(f"{hook.path}rotate/").status_code == 404
    assert globex.api.get("/api/v1/webhooks/").json()["results"] == []


# --- Again --------------------------------------------------------------------------------------------------
def test_what_fails_is_tried_again_under_its_own_id_and_holds_nothing_up(acme, receiver):
    hook = hook_at(acme, receiver.url)
    receiver.answer = lambda count: Response("try later", status=500 if count == 1 else 200)
    happens(acme, number=1)
    happens(acme, number=2)
    tell(acme)

    second, first = hook.log
    assert (first["status"], second["status"]) == ("pending", "delivered")
    assert first["attempts"][0]["status"] == 500
    assert first["attempts"][0]["body"] == "try later"
    assert hook.shown["failing_since"] is None  # the second one got through
    wait(acme)
    tell(acme)

    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert [event["data"]["number"] for event in receiver.events] == [1, 2, 1]
    assert ids[0] == ids[2] != ids[1]
    assert [receiver.verified(hook.secret, number)["type"] for number in range(3)] == ["document.ready"] * 3


def test_after_all_tries_it_is_given_up_and_can_be_sent_again(acme, receiver):
    hook = hook_at(acme, receiver.url)
    receiver.answer = lambda count: Response("no", status=400)
    happens(acme)
    waits = []
    for _ in range(MAX_ATTEMPTS):
        tell(acme)
        with acme.scope():
            due = Delivery.objects.get().next_try_at
        waits.append(due and due - timezone.now())
        wait(acme, span=timedelta())
    tell(acme)

    assert len(receiver.events) == MAX_ATTEMPTS == 10
    assert waits.pop() is None
    for waited, least in zip(waits, WAITS, strict=True):
        assert least * 0.9 < waited < least * 1.1 + timedelta(seconds=1)
    (delivery,) = hook.log
    assert (delivery["status"], delivery["next_try_at"], len(delivery["attempts"])) == ("dead", None, 10)

    receiver.answer = lambda count: Response("yes")
    answer = acme.api.post(f"{hook.path}deliveries/{delivery['id']}/resend/")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    tell(acme)
    assert hook.log[0]["status"] == "delivered"
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


def test_an_overloaded_receiver_says_when_to_come_back(acme, receiver):
    hook = hook_at(acme, receiver.url)
    receiver.answer = lambda count: Response("", status=429, headers={"Retry-After": "3600"})
    happens(acme)
    tell(acme)

    with acme.scope():
        assert Delivery.objects.get().next_try_at > timezone.now() + timedelta(minutes=59)
    assert hook.log[0]["status"] == "pending"


def test_all_that_failed_since_then_is_sent_again(acme, receiver):
    hook = hook_at(acme, receiver.url)
    receiver.answer = lambda count: Response("", status=410 if count < 3 else 200)
    for number in range(2):
        acme.api.patch(hook.path, {"enabled": True})
        happens(acme, number=number)
        tell(acme)
    acme.api.patch(hook.path, {"enabled": True})
    happens(acme, number=2)
    tell(acme)
    with acme.scope():
        old = Delivery.objects.order_by("event_id").first()
        Delivery.objects.filter(pk=old.pk).update(occurred_at=timezone.now() - timedelta(hours=2))

    since = (timezone.now() - timedelta(hours=1)).isoformat()
    answer = acme.api.post(f"{hook.path}resend/", {"since": since})
    tell(acme)

    assert answer.json() == {"count": 1}
    assert [event["data"]["number"] for event in receiver.events] == [0, 1, 2, 1]
    assert [delivery["status"] for delivery in hook.log] == ["delivered", "delivered", "dead"]


def test_an_endpoint_that_fails_for_days_is_switched_off_and_its_owner_can_see_it(acme, receiver):
    hook = hook_at(acme, receiver.url)
    receiver.answer = lambda count: Response("", status=503)
    happens(acme)
    tell(acme)
    assert hook.shown["failing_since"] is not None
    wait(acme, span=timedelta(days=6))
    tell(acme)

    assert (hook.shown["enabled"], hook.shown["disabled_reason"]) == (False, "failing")
    with acme.scope():
        assert AuditEntry.objects.get(action="webhook.disabled").object_id == hook.id
    assert happens(acme) == 0
    assert acme.api.post(f"{hook.path}test/").status_code == 409
    # What waits is kept, and goes out once somebody has mended it.
    receiver.answer = lambda count: Response("")
    assert tell(acme) == 0
    assert acme.api.patch(hook.path, {"enabled": True}).json()["failing_since"] is None
    tell(acme)
    assert hook.log[0]["status"] == "delivered"


def test_gone_is_gone(acme, receiver):
    hook = hook_at(acme, receiver.url)
    receiver.answer = lambda count: Response("", status=410)
    happens(acme)
    tell(acme)

    assert (hook.shown["enabled"], hook.shown["disabled_reason"]) == (False, "gone")
    assert hook.log[0]["status"] == "dead"


# --- Receivers in trouble, and those that are some ----------------------------------------------------------
def test_a_receiver_that_hangs_is_left_alone_for_a_while(acme, receiver, monkeypatch):
    monkeypatch.setattr(sending, "TIMEOUT_S", 0.3)
    hook = hook_at(acme, receiver.url)
    going_on = threading.Event()
    receiver.answer = lambda count: Response(str(going_on.wait(10)))
    for number in range(3):
        happens(acme, number=number)
    tell(acme)
    going_on.set()

    assert len(receiver.events) == 1  # the others wait until it may be well again
    assert [delivery["attempt_count"] for delivery in hook.log] == [0, 0, 1]
    assert hook.log[-1]["attempts"][0]["error"] == "timeout"
    assert hook.log[-1]["attempts"][0]["status"] is None


def test_of_a_long_answer_the_beginning_is_kept(acme, receiver):
    hook = hook_at(acme, receiver.url)
    receiver.answer = lambda count: Response(b"\x00\xff" + b"x" * 10_000_000)
    happens(acme)
    tell(acme)

    (attempt,) = hook.log[0]["attempts"]
    assert attempt["status"] == 200
    assert 900 < len(attempt["body"]) <= 1_000
    assert "\x00" not in attempt["body"]


def test_a_redirect_is_not_followed(acme, receiver):
    hook = hook_at(acme, receiver.url)
    receiver.answer = lambda count: Response("", status=307, headers={"Location": receiver.url})
    happens(acme)
    tell(acme)

    assert len(receiver.events) == 1
    assert hook.log[0]["response_status"] == 307
    assert hook.log[0]["status"] == "pending"


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1"])
def test_a_name_that_leads_into_the_operators_network_is_not_called(acme, httpserver, host):
    hook = hook_at(acme, f"http://{host}:{httpserver.port}/events")
    happens(acme)
    tell(acme)

    assert httpserver.log == []
    assert hook.log[0]["attempts"][0]["error"] in ("forbidden", "unreachable")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "https://10.1.2.3/", "http://[::1]/", "http://169.254.169.254/latest/", "ftp://acme.example/",
        "https://alice:pass@acme.example/", "https://acme.example/#part", "/events", "https://", "https://acme.example:0/",
        "https://acme .example/", "https://acme.example:99999/", "https://" + "a" * 500, "", 7, None, ["https://x.example/"],
    ],
)  # fmt: skip
def test_addresses_that_cannot_be_called_are_refused(acme, url):
    answer = acme.api.post("/api/v1/webhooks/", {"url": url})

    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"][0]["field"] == "url"
    assert acme.api.get("/api/v1/webhooks/").json()["results"] == []


# --- Secrets ------------------------------------------------------------------------------------------------
def test_while_a_secret_is_rotated_both_are_good(acme, receiver):
    hook = hook_at(acme, receiver.url)
    new = acme.api.post(f"{hook.path}rotate/").json()["secret"]
    happens(acme)
    tell(acme)

    assert new != hook.secret
    assert receiver.verified(hook.secret) == receiver.verified(new)
    assert len(receiver.requests[0].headers["webhook-signature"].split(" ")) == 2


def test_a_day_later_the_former_one_is_none_any_more(acme, receiver):
    hook = hook_at(acme, receiver.url)
    new = acme.api.post(f"{hook.path}rotate/").json()["secret"]
    with acme.scope():
        Endpoint.objects.update(former_secret_until=timezone.now() - timedelta(seconds=1))
    happens(acme)
    tell(acme)

    assert receiver.verified(new)
    with pytest.raises(WebhookVerificationError):
        receiver.verified(hook.secret)


def test_a_secret_is_shown_once_and_lies_sealed(acme):
    hook = hook_at(acme, "https://acme.example/events")

    assert hook.secret.startswith("whsec_")
    assert hook.secret not in json.dumps([hook.shown, acme.api.get("/api/v1/webhooks/").json()])
    with acme.scope():
        row = Endpoint.objects.get()
        assert hook.secret.encode() not in bytes(row.sealed_secret)
        assert row.secret == hook.secret


def test_a_call_sent_again_shows_the_first_secret_and_no_row_does(acme, settings):
    """What an Idempotency-Key got is kept for a day, and is as secret as what it tells."""
    body = {"url": "https://acme.example/events", "description": "订单"}
    first, again = (acme.api.post("/api/v1/webhooks/", body, **{"Idempotency-Key": "order-7"}) for _ in range(2))

    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    with acme.scope():
        (stored,) = StoredAnswer.objects.all()
    assert first.json()["secret"].encode() not in bytes(stored.body)
    assert b"acme.example" not in bytes(stored.body)
    settings.SECRET_KEY = "another one, which is long enough to be one"
    lost = acme.api.post("/api/v1/webhooks/", body, **{"Idempotency-Key": "order-7"})
    assert (lost.status_code, lost.json()["code"]) == (409, "conflict")


# --- The rest -----------------------------------------------------------------------------------------------
def test_a_test_event_goes_out_whatever_is_listened_to(acme, receiver):
    hook = hook_at(acme, receiver.url, event_types=["conversation.closed"])

    answer = acme.api.post(f"{hook.path}test/")
    tell(acme)

    assert (answer.status_code, answer.json()["type"]) == (202, "webhook.test")
    assert receiver.verified(hook.secret)["data"] == {"webhook_id": hook.id}


def test_a_webhook_is_changed_and_deleted_with_its_log(acme, receiver):
    hook = hook_at(acme, receiver.url)
    happens(acme)
    changed = acme.api.patch(hook.path, {"event_types": ["message.feedback"], "description": "评价"}).json()

    assert (changed["event_types"], changed["description"], changed["url"]) == (
        ["message.feedback"],
        "评价",
        receiver.url,
    )
    assert acme.api.patch(hook.path, {"event_types": ["message.eaten"]}).status_code == 422
    assert acme.api.delete(hook.path).status_code == 204
    tell(acme)
    assert receiver.events == []
    with acme.scope():
        assert not Delivery.objects.exists()


def test_what_is_erased_is_told_to_nobody_any_more(acme, receiver):
    hook_at(acme, receiver.url)
    happens(acme)
    with acme.scope():
        forget(acme.id, DOCUMENT)
    tell(acme)

    assert receiver.events == []


def test_the_log_ends_after_a_month(acme, receiver):
    hook = hook_at(acme, receiver.url)
    happens(acme, number=1)
    happens(acme, number=2)
    with acme.scope():
        old = Delivery.objects.order_by("event_id").first()
        Delivery.objects.filter(pk=old.pk).update(occurred_at=timezone.now() - KEPT_FOR - timedelta(minutes=1))

    prune()

    assert [delivery["data"]["number"] for delivery in hook.log] == [2]


def test_webhooks_are_for_keys_that_manage(open_business):
    reader = open_business("Acme", scopes=("chat", "knowledge"))
    assert reader.api.get("/api/v1/webhooks/").status_code == 403


# --- What is told -------------------------------------------------------------------------------------------
def test_a_document_that_is_ready_or_cannot_be_read_is_told_of(acme, receiver):
    hook = hook_at(acme, receiver.url, event_types=["document.ready", "document.failed"])
    base = acme.api.post("/api/v1/knowledge-bases/", {"name": "Handbook"}).json()["id"]
    url = f"/api/v1/knowledge-bases/{base}/documents/"
    good = acme.api.post(url, {"title": "Rooms", "text": "One room is left.", "metadata": {"sku": "7"}}).json()
    bad = acme.api.post(url, {"title": "Nothing", "text": "Nothing."}).json()
    with acme.scope():
        job = Job.objects.get(subject_id=bad["id"])
        tasks.say_why(job, DocumentEmpty())
        job.delete()
    work_off(acme)
    tell(acme)

    failed, ready = (receiver.verified(hook.secret, number) for number in range(2))
    about = {"knowledge_base_id": base, "metadata": {}}
    assert (failed["type"], ready["type"]) == ("document.failed", "document.ready")
    assert failed["data"]["document_id"] == bad["id"]
    assert failed["data"]["error"]["code"] == "document_empty"
    assert ready["data"] == {
        **about, "metadata": {"sku": "7"}, "document_id": good["id"], "title": "Rooms", "chunk_count": 1,
    }  # fmt: skip

    assert acme.api.delete(f"/api/v1/documents/{good['id']}/").status_code == 204
    assert [delivery["data"]["document_id"] for delivery in hook.log] == [bad["id"]]
    assert acme.api.delete(f"/api/v1/knowledge-bases/{base}/").status_code == 204
    assert hook.log == []
