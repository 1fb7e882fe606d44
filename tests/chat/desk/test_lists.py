"""Which conversations an agent's lists show, in which order, and what is known of each."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Conversation, EndUser, Message
from personas.publishing import create_persona
from tenants.models import Member
from tests.admin.conftest import Worker
from tests.chat.desk.conftest import read
from tests.conftest import Business

State = Conversation.State


class Shop:
    """Acme's conversations, each made in one line."""

    def __init__(self, business: Business) -> None:
        self.business = business
        with business.scope():
            self.persona = create_persona(tenant_id=business.id, slug="mei", name="Mei", kind="companion", settings={})

    def talk(self, visitor: str, *said: str, state: str = State.BOT, minutes_ago: int = 0, **fields: Any) -> str:
        at = timezone.now() - timedelta(minutes=minutes_ago)
        with self.business.scope():
            end_user, _ = EndUser.objects.get_or_create(external_id=visitor, defaults={"name": visitor.title()})
            if state == State.REQUESTED:
                fields.setdefault("requested_at", at)
            if state == State.CLOSED:
                fields.setdefault("closed_at", at)
            fields |= {"last_message_at": at, "message_count": len(said)}
            talk = Conversation.objects.create(persona=self.persona, end_user=end_user, state=state, **fields)
            for number, text in enumerate(said):
                role, _, words = text.rpartition("|")
                self.say(talk, words, role or "user", number + 1)
        return str(talk.pk)

    def say(self, talk: Conversation, text: str, role: str, seq: int) -> None:
        Message.objects.create(conversation=talk, seq=seq, role=role, text=text, author="Mei" if role == "bot" else "")


@pytest.fixture
def shop(acme: Business) -> Shop:
    return Shop(acme)


def place_of(worker: Worker, business: Business) -> Any:
    with business.scope():
        return Member.objects.get(user=worker.user)


def ids(worker: Worker, **query: Any) -> list[str]:
    answer = read(worker, "conversations/", **query)
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_who_waits_longest_comes_first(shop: Shop, arno: Worker) -> None:
    second = shop.talk("dave", "Hello?", state=State.REQUESTED, minutes_ago=2)
    first = shop.talk("carol", "Help!", state=State.REQUESTED, minutes_ago=9)
    shop.talk("erin", "Hi")

    assert ids(arno, view="waiting") == [first, second]


def test_each_view_has_its_own(shop: Shop, acme: Business, arno: Worker, bo: Worker) -> None:
    me, colleague = place_of(arno, acme), place_of(bo, acme)
    mine = shop.talk("carol", "Hi", state=State.HUMAN, agent=me, agent_name="arno", minutes_ago=3)
    his = shop.talk("dave", "Hi", state=State.HUMAN, agent=colleague, agent_name="bo", minutes_ago=2)
    bot = shop.talk("erin", "Hi", minutes_ago=1)
    over = shop.talk("frank", "Bye", state=State.CLOSED)
    shop.talk("tester", "Test", is_test=True)
    shop.talk("silent")  # somebody who opened the page and said nothing

    assert ids(arno, view="mine") == [mine]
    assert ids(bo, view="mine") == [his]
    assert bot in ids(arno, view="open")
    assert mine in ids(arno, view="open")
    assert his in ids(arno, view="open")
    assert over not in ids(arno, view="open")
    assert ids(arno, view="closed") == [over]


def test_a_row_says_who_what_and_since_when(shop: Shop, acme: Business, arno: Worker) -> None:
    me = place_of(arno, acme)
    talk = shop.talk(
        "carol", "你好", "bot|欢迎！", "note|rude", state=State.HUMAN, agent=me, agent_name="arno", unread_by_agent=2
    )

    (row,) = read(arno, "conversations/", view="mine").json()["results"]

    assert row["id"] == talk
    assert row["visitor"] == {"id": "carol", "name": "Carol", "locale": ""}
    assert row["agent"] == {"id": str(me.pk), "name": "arno"}
    assert row["unread"] == 2
    assert row["last"] == {"role": "bot", "author": "Mei", "text": "欢迎！"}, "a note is not the last word"


@pytest.mark.parametrize("sought", ["carol", "绿茶", "GREEN"])
def test_names_and_messages_are_searched(shop: Shop, arno: Worker, sought: str) -> None:
    found = shop.talk("carol", "green 绿茶怎么保存？")
    shop.talk("dave", "black 红茶")

    assert ids(arno, view="open", q=sought) == [found]


def test_a_search_takes_percent_signs_as_they_are(shop: Shop, arno: Worker) -> None:
    found = shop.talk("carol", "50% off?")
    shop.talk("dave", "50 cups")

    assert ids(arno, view="open", q="50%") == [found]
    assert read(arno, "conversations/", view="open", q="\x00").status_code == 200


def test_the_list_is_paged_and_costs_the_same_for_many(shop: Shop, arno: Worker) -> None:
    shop.talk("carol", "Hi")
    ids(arno, view="open")
    few = cost(arno)
    for number in range(30):
        shop.talk(f"visitor-{number}", "Hi", "bot|Hello!", minutes_ago=number)
    many = cost(arno)

    assert many == few
    page = read(arno, "conversations/", view="open").json()
    assert len(page["results"]) == 25
    rest = arno.client.get(page["next"]).json()
    assert len(rest["results"]) == 6
    assert not {row["id"] for row in rest["results"]} & {row["id"] for row in page["results"]}


def cost(worker: Worker, path: str = "conversations/") -> int:
    with CaptureQueriesContext(connection) as queries:
        assert read(worker, path).status_code == 200
    return len(queries)


def test_a_long_conversation_costs_what_a_short_one_does(shop: Shop, arno: Worker) -> None:
    short = shop.talk("carol", "Hi", "bot|Hello!")
    few = cost(arno, f"conversations/{short}/")
    long = shop.talk("carol", *["Hi", "bot|Hello!", "note|Again"] * 20)
    for _ in range(3):
        shop.talk("carol", "Hi")

    assert cost(arno, f"conversations/{long}/") == few


def test_one_conversation_brings_notes_hands_and_what_came_before(shop: Shop, arno: Worker) -> None:
    earlier = shop.talk("carol", "An old question", state=State.CLOSED, minutes_ago=60)
    talk = shop.talk("carol", "Hi", "bot|Hello!", "note|VIP", handoff_reason="Wants a refund")
    shop.talk("dave", "Hi")

    whole = read(arno, f"conversations/{talk}/").json()

    assert [message["role"] for message in whole["messages"]] == ["user", "bot", "note"]
    assert whole["reason"] == "Wants a refund"
    assert [row["id"] for row in whole["earlier"]] == [earlier]
    assert whole["has_earlier"] is False


def test_long_conversations_come_in_pieces(shop: Shop, arno: Worker) -> None:
    talk = shop.talk("carol", *[f"line {number}" for number in range(1, 151)])

    whole = read(arno, f"conversations/{talk}/").json()
    seqs = [message["seq"] for message in whole["messages"]]
    assert seqs == list(range(91, 151))
    assert whole["has_earlier"]
    page = read(arno, f"conversations/{talk}/messages/", before=91).json()
    assert [message["seq"] for message in page["results"]] == list(range(31, 91))
    assert page["has_earlier"]
    page = read(arno, f"conversations/{talk}/messages/", before=31).json()
    assert [message["seq"] for message in page["results"]] == list(range(1, 31))
    assert not page["has_earlier"]
    assert read(arno, f"conversations/{talk}/messages/", before="x").status_code == 422
