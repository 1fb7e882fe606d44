"""What is said in Acme's chats is told to Acme's server."""

from uuid import uuid4

import pytest

from tests.chat.conftest import open_inn, open_tab, server, welcome  # noqa: F401 - fixtures
from tests.webhooks.conftest import hook_at, tell


@pytest.fixture
def inn(acme, scripted_llm):
    open_inn(acme, scripted_llm)
    return welcome(acme, "carol")


def says(carol, text):
    path = f"/api/v1/conversations/{carol.conversation_id}/turns/"
    answer = carol.business.api.post(path, {"client_id": str(uuid4()), "text": text})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_both_sides_of_a_turn_are_told_and_forgotten_with_the_conversation(acme, inn, receiver, scripted_llm, server):  # noqa: F811
    scripted_llm.will_say("还有一间。")
    hook = hook_at(acme, receiver.url, event_types=["message.created"])
    turn = says(inn, "有房间吗？")
    tell(acme)

    question, answer = (receiver.verified(hook.secret, number)["data"] for number in range(2))
    about = {name: question[name] for name in ("conversation_id", "persona", "end_user", "turn_id")}
    assert about == {
        "conversation_id": inn.conversation_id,
        "persona": "innkeeper",
        "end_user": "carol",
        "turn_id": turn["turn_id"],
    }
    assert (question["role"], question["text"], question["finish_reason"]) == ("user", "有房间吗？", None)
    assert (answer["role"], answer["text"], answer["finish_reason"]) == ("bot", "还有一间。", "stop")
    assert answer["message_id"] == turn["message_id"]
    assert answer["turn_id"] == turn["turn_id"]

    assert len(hook.log) == 2
    assert acme.api.delete(f"/api/v1/conversations/{inn.conversation_id}/").status_code == 204
    assert hook.log == []


def test_changes_of_hands_and_the_end_are_told_to_acmes_server_alone(acme, globex, scripted_llm, receiver):
    open_inn(acme, scripted_llm, handoff={"enabled": True})
    inn = welcome(acme, "carol")
    hook = hook_at(acme, receiver.url, event_types=["conversation.handoff", "conversation.closed"])
    theirs = hook_at(globex, receiver.url)
    path = f"/api/v1/conversations/{inn.conversation_id}/"
    calls = [("handoff", {"reason": "想退货"}), ("takeover", {"agent_name": "Bob"}), ("release", {}), ("close", {})]
    for what, body in calls:
        assert acme.api.post(f"{path}{what}/", body).status_code == 200
    tell(acme)
    tell(globex)

    told = [receiver.verified(hook.secret, number) for number in range(len(receiver.bodies))]
    assert [(event["type"], event["data"].get("state"), event["data"]["by"]) for event in told] == [
        ("conversation.handoff", "requested", "visitor"),
        ("conversation.handoff", "human", "agent"),
        ("conversation.handoff", "bot", "agent"),
        ("conversation.handoff", "closed", "agent"),
        ("conversation.closed", None, "agent"),
    ]
    about = {"conversation_id": inn.conversation_id, "persona": "innkeeper", "end_user": "carol"}
    assert all(event["data"] | about == event["data"] for event in told)
    assert told[0]["data"]["detail"] == "想退货"
    assert told[1]["data"]["agent"] == {"name": "Bob"}
    assert told[2]["data"]["ask_satisfaction"] is True
    assert theirs.log == []


def test_where_nobody_listens_to_messages_none_are_noted(acme, inn, receiver, scripted_llm, server):  # noqa: F811
    scripted_llm.will_say("One room.")
    hook = hook_at(acme, receiver.url, event_types=["message.feedback"])
    says(inn, "Any rooms?")

    assert hook.log == []


async def test_a_rating_is_told(acme, inn, receiver, scripted_llm, open_tab, off_loop):  # noqa: F811
    scripted_llm.will_say("One room.")
    hook = await off_loop(hook_at, acme, receiver.url, event_types=["message.feedback"])
    tab = await open_tab(inn)
    await tab.says("Any rooms?")
    message_id = (await tab.next("turn.completed"))["message_id"]
    await tab.sends("message.feedback", message_id=message_id, rating=-1, comment="贵")
    await tab.sends("ping")
    await tab.next("pong")
    await off_loop(tell, acme)

    told = receiver.verified(hook.secret)
    assert told["type"] == "message.feedback"
    assert (told["data"]["message_id"], told["data"]["rating"], told["data"]["comment"]) == (message_id, -1, "贵")
    assert told["data"]["conversation_id"] == inn.conversation_id
