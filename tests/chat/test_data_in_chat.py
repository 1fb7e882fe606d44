"""Acme's helper for its own people: asked in a chat, it looks at the data, for those who may see it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import httpx2 as httpx
import pytest
from django.db import connections

from analytics.models import Approval, Question, VerifiedPair
from chat.models import Conversation, Turn
from chat.sessions import open_session
from llm.models import Route
from personas import lookups
from personas.publishing import create_persona, publish
from tenants.errors import Invalid
from tenants.models import Member, Scope, User
from tenants.provisioning import issue_key
from tests.analytics.asking.conftest import sql_reply
from tests.analytics.conftest import SHOP, make_dataset
from tests.chat.stage import tab_at
from tests.knowledge.conftest import work_off

SQL = "SELECT city, count(*) AS customers FROM customers GROUP BY city ORDER BY city"
TOTAL = "SELECT sum(amount) AS total FROM orders"
MONTHLY = (
    "SELECT date_trunc('month', ordered_on)::date AS month, sum(amount) AS total FROM orders GROUP BY 1 ORDER BY 1"
)
ASKED = "How many customers are there in each city?"
NOTES = "The shop opens at nine."


@pytest.fixture
def shop(acme):
    return make_dataset(acme, SHOP)


@pytest.fixture
def helper(acme, shop):
    """Published; it may use Acme's shop."""
    with acme.scope():
        settings = {"instructions": "Help us.", "tools": [f"dataset:{shop.pk}"]}
        persona = create_persona(
            tenant_id=acme.id, slug="helper", name="Helper", kind="customer_service", settings=settings
        )
        publish(persona)
        persona.refresh_from_db()
    return persona


@pytest.fixture
def verified(acme, shop):
    """A question that is answered also without a model."""
    with acme.scope():
        VerifiedPair.objects.create(
            dataset=shop, question=ASKED, sql=SQL, origin=VerifiedPair.Origin.MEMBER, status=Approval.APPROVED
        )


@pytest.fixture
def working(acme):
    """A worker that does what there is to do while the test waits for an answer."""
    over = threading.Event()

    def work():
        while not over.wait(0.05):
            work_off(acme)
        connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        yield
        over.set()
        done.result()


@pytest.fixture
def say(server, acme, helper):
    def said(text, token=acme.token, *, goes_on=False):
        with acme.scope():
            conversation = (
                Conversation.objects.get() if goes_on else open_session(persona=helper, end_user_id="bob").conversation
            )
        answer = httpx.post(
            f"{server.http}/api/v1/conversations/{conversation.pk}/turns/",
            json={"client_id": str(uuid4()), "text": text},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    return said


def trace_of(business):
    with business.scope():
        return Turn.objects.latest("created_at").trace


def test_a_server_that_may_ask_gets_the_figures_with_a_link(acme, shop, verified, working, say):
    told = say(ASKED)

    assert told["text"].startswith("3 rows")
    assert told["text"].endswith("[1]")
    [citation] = told["citations"]
    with acme.scope():
        question = Question.objects.get()
        assert question.key_id is not None
    assert citation["title"] == "Shop"
    assert citation["url"] == f"/ask/q/{question.pk}/"
    assert "city | customers" in citation["text"]
    assert "杭州 | 1" in citation["text"]
    assert trace_of(acme)["tools"][0]["outcome"] == "found"


@pytest.mark.parametrize(
    ("first", "second", "by_month"),
    [
        (
            "What is the total amount of the orders?",
            "And by month?",
            "What is the total amount of the orders? And by month?",
        ),
        ("订单金额一共是多少？", "按月呢？", "订单金额一共是多少？按月呢？"),
    ],
)
def test_a_follow_up_is_asked_with_what_it_follows(acme, shop, working, say, first, second, by_month):
    with acme.scope():
        for question, sql in [(first, TOTAL), (by_month, MONTHLY)]:
            VerifiedPair.objects.create(
                dataset=shop, question=question, sql=sql, origin=VerifiedPair.Origin.MEMBER, status=Approval.APPROVED
            )
    say(first)

    say(second, goes_on=True)

    with acme.scope():
        total, monthly = Question.objects.order_by("id")
        assert monthly.question == f"{first}\n{second}"
        assert (total.rows, len(monthly.rows)) == ([[635.5]], 3)


def test_a_key_without_the_right_gets_nothing(acme, verified, working, say):
    with acme.scope():
        _key, token = issue_key(tenant=acme.tenant, scopes=[Scope.CHAT])

    told = say(ASKED, token=str(token))

    assert "citations" not in told or not told["citations"]
    assert trace_of(acme)["tools"] == [{"tool": "dataset", "outcome": "not_allowed", "took_ms": 0}]
    with acme.scope():
        assert not Question.objects.exists()


@pytest.mark.parametrize(("is_member", "outcome"), [(True, "found"), (False, "not_allowed")])
async def test_a_member_who_is_signed_in_may_ask_and_a_visitor_may_not(
    acme,
    helper,
    verified,
    working,
    server,
    is_member,
    outcome,
):
    def opened():
        with acme.scope():
            user = User.objects.create(email=f"alice-{uuid4().hex[:8]}@example.com")
            member = Member.objects.create(user=user, role=Member.Role.VIEWER)
            session = open_session(
                persona=helper, end_user_id="member-1", is_test=True, member_id=member.pk if is_member else None
            )
        connections.close_all()
        return session.token, member.pk

    def asked_by():
        with acme.scope():
            found = trace_of(acme)["tools"][0]["outcome"], list(Question.objects.values_list("member_id", flat=True))
        connections.close_all()
        return found

    with ThreadPoolExecutor(1) as pool:
        token, member_id = pool.submit(opened).result()
        async with tab_at(server.http, token) as tab:
            await tab.sends("message.send", client_id=str(uuid4()), text=ASKED)
            await tab.next("turn.completed")
        assert pool.submit(asked_by).result() == (outcome, [member_id] if is_member else [])


def test_what_is_not_about_the_data_asks_nothing(acme, verified, working, say):
    say("Hello, who are you?")

    assert trace_of(acme)["tools"][0]["outcome"] == "nothing"
    with acme.scope():
        assert not Question.objects.exists()


def test_what_takes_too_long_is_left_out_and_stopped(acme, verified, say, monkeypatch):
    monkeypatch.setattr(lookups, "LOOK_UP_S", 0.3)

    say(ASKED)  # nobody works

    assert trace_of(acme)["tools"][0]["outcome"] == "late"
    deadline = time.monotonic() + 60
    while _is_asked(acme) and time.monotonic() < deadline:  # it may have been late while it was being stored
        time.sleep(0.05)
    assert not _is_asked(acme)


def _is_asked(acme):
    with acme.scope():
        return Question.objects.open().exists()


def test_a_model_is_shown_the_figures_as_a_passage(acme, helper, shop, working, say, scripted_llm):
    with acme.scope():
        route = Route(slug="main", name="Main", base_url=scripted_llm.base_url, chat_model="fake", is_default=True)
        route.api_key = "sk-test"
        route.save()
    scripted_llm.will_say(sql_reply(SQL))
    scripted_llm.will_say("Three cities, one customer each [1].")

    told = say(ASKED)

    assert told["text"] == "Three cities, one customer each [1]."
    assert told["citations"][0]["title"] == "Shop"
    assert "杭州 | 1" in str(scripted_llm.requests[-1].messages)


def test_another_tenants_dataset_is_no_tool(globex, shop):
    with globex.scope(), pytest.raises(Invalid) as refusal:
        create_persona(
            tenant_id=globex.id,
            slug="spy",
            name="Spy",
            kind="customer_service",
            settings={"tools": [f"dataset:{shop.pk}"]},
        )

    assert refusal.value.errors[0]["field"] == "settings.tools.0"


@pytest.mark.parametrize("tool", ["dataset:nobody", "dataset:", "shell", f"shell:{UUID(int=7)}"])
def test_a_tool_that_is_none_is_refused(acme, tool):
    with acme.scope(), pytest.raises(Invalid):
        create_persona(tenant_id=acme.id, slug="x", name="X", kind="customer_service", settings={"tools": [tool]})


def test_the_conversation_stays_as_it_was_for_a_persona_without_tools(acme, server):
    with acme.scope():
        persona = create_persona(
            tenant_id=acme.id, slug="plain", name="Plain", kind="customer_service", settings={"instructions": NOTES}
        )
        publish(persona)
        persona.refresh_from_db()
        conversation = open_session(persona=persona, end_user_id="bob").conversation
    httpx.post(
        f"{server.http}/api/v1/conversations/{conversation.pk}/turns/",
        json={"client_id": str(uuid4()), "text": ASKED},
        headers=acme.headers,
    )

    assert "tools" not in trace_of(acme)
    with acme.scope():
        assert Conversation.objects.count() == 1
