"""Whatever comes in over a socket: a clear refusal, nothing stored, and the socket lives."""

import asyncio
import contextlib
import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chat.models import Conversation, Message
from chat.sessions import session_token
from tests.chat.conftest import Visitor, open_inn, welcome
from tests.chat.stage import Tab

NOBODY = str(uuid4())
SURROGATE = "\\ud800"  # as it stands in JSON
RIGHT_TO_LEFT = "\u202egnp.exe\u202c"


async def lives_on(tab: Tab) -> None:
    await tab.sends("ping")
    await tab.next("pong")


async def refusal(tab: Tab, raw: str | bytes) -> dict:
    """Send a frame that is refused; the socket must live on."""
    await tab.socket.send(raw)
    error = await tab.next("error")
    await lives_on(tab)
    return error


def frame(type: str, **fields: object) -> str:
    return json.dumps({"type": type, **fields})


def message(**fields: object) -> str:
    return frame("message.send", **{"client_id": NOBODY, "text": "Hello", **fields})


DEEP = 30_000

BAD_FRAMES = {
    "no JSON object": (
        "frame_invalid",
        [
            "Hello?",
            "",
            '{"type": "ping"',
            "[]",
            "null",
            '"ping"',
            "{}",
            '{"type": ["ping"]}',
            '{"type": "ping", "x": NaN}',
        ],
    ),
    "beyond what JSON libraries bear": (
        "frame_invalid",
        ['{"type":"ping","x":1e999}', "[" * 2 * DEEP, '{"type":"ping","x":' + "[" * DEEP + "]" * DEEP + "}"],
    ),
    "binary": ("frame_invalid", [b'{"type": "ping"}', b"\x00\xff\xfe", b""]),
    "unknown": ("frame_unknown", [frame("message.steal"), frame("_send_json"), frame("")]),
    "too large": (
        "frame_too_large",
        [
            frame("ping", padding="x" * 65_536),
            f'{{"type": "ping", "padding": "{"房" * 22_000}"}}',
            message(text="x" * 100_000),
        ],
    ),
    "no text": (
        "invalid",
        [message(text=text) for text in ("", " \n\t ", "\x00", None, 7, ["Hello"], {"text": "Hello"}, "x" * 8_001)],
    ),
    "no id": ("invalid", [message(client_id=value) for value in (None, "tomorrow", 7, {"a": 1}, "")]),
    "no variables": (
        "invalid",
        [
            message(variables=value)
            for value in (
                [1],
                "room",
                {"room": {"no": 1}},
                {f"v{n}": 1 for n in range(51)},
                {"room": "x" * 2_001},
            )
        ],
    ),
    "nothing to edit": (
        "invalid",
        [
            frame("message.edit", text="Any beds?"),
            *(frame("message.edit", message_id=NOBODY, text=text) for text in ("", None, 7, "x" * 8_001)),
            frame("message.edit", message_id=NOBODY, text="Any beds?", client_id=7),
        ],
    ),
    "a message that never was": ("not_found", [frame("message.edit", message_id=NOBODY, text="Any beds?")]),
    "no turn": ("invalid", [frame("turn.stop"), frame("turn.stop", turn_id=7), frame("turn.regenerate")]),
    "a turn that never was": ("not_found", [frame("turn.regenerate", turn_id=NOBODY)]),
    "no rating": (
        "invalid",
        [
            frame("message.feedback", rating=1),
            *(frame("message.feedback", message_id=NOBODY, rating=value) for value in (None, 2, True, "1", [1])),
            *(frame("message.feedback", message_id=NOBODY, rating=1, comment=value) for value in (5, "x" * 2_001)),
        ],
    ),
    "an answer that never was": ("not_found", [frame("message.feedback", message_id=NOBODY, rating=1)]),
    "no number": (
        "frame_invalid",
        [frame("hello", after=value) for value in (-1, "0", True, 1.5, [], 2**63)],
    ),
}


@pytest.mark.parametrize("kind", BAD_FRAMES)
async def test_a_bad_frame_is_refused_and_the_socket_lives(carol, scripted_llm, open_tab, kind):
    code, frames = BAD_FRAMES[kind]
    tab = await open_tab(carol)

    for raw in frames:
        error = await refusal(tab, raw)
        assert error["code"] == code, raw[:80]
        assert error["detail"]

    assert carol.messages() == []
    assert scripted_llm.chat_requests == []


async def test_what_is_not_taken_is_refused_with_what_is(carol, open_tab):
    error = await refusal(await open_tab(carol), frame("message.forward", message_id=NOBODY))

    assert error["code"] == "frame_unknown"
    assert "message.send, turn.stop, turn.regenerate" in error["detail"]
    assert carol.messages() == []


async def test_a_refused_message_is_named_in_the_refusal(carol, open_tab):
    tab = await open_tab(carol)

    assert (await refusal(tab, message(text="")))["client_id"] == NOBODY
    odd = message(client_id="?", text="").replace("?", SURROGATE * 2)
    assert (await refusal(tab, odd))["code"] == "invalid"


async def test_characters_that_are_none_are_left_out(carol, scripted_llm, open_tab):
    scripted_llm.will_say("Yes.")
    tab = await open_tab(carol)

    raw = message(text="Any?rooms\x00?", variables={"na?me": "C?arol\x00"}).replace("?", SURROGATE)
    await tab.socket.send(raw)
    await tab.next("turn.completed")

    assert carol.messages()[0]["text"] == "Anyrooms"
    await lives_on(tab)


async def test_right_to_left_overrides_are_kept_as_they_are(carol, scripted_llm, open_tab):
    scripted_llm.will_say(f"You sent {RIGHT_TO_LEFT}")
    tab = await open_tab(carol)

    await tab.says(f"What is {RIGHT_TO_LEFT}<b>?</b>")
    completed = await tab.next("turn.completed")

    asked, answered = carol.messages()
    assert asked["text"] == f"What is {RIGHT_TO_LEFT}<b>?</b>"
    assert "<b>" not in asked["html"]
    assert answered["text"] == completed["text"] == f"You sent {RIGHT_TO_LEFT}"


async def test_too_many_frames_are_told_off_and_then_cut_off(carol, open_tab):
    tab = await open_tab(carol)

    with contextlib.suppress(ConnectionClosed):
        for _ in range(400):
            await tab.socket.send('{"type": "ping"}')

    assert await tab.is_closed() == 4429
    refusals = [frame for frame in tab.frames if frame["type"] == "error"]
    assert {frame["code"] for frame in refusals} == {"rate_limited"}
    await lives_on(await open_tab(carol))


async def test_who_types_fast_is_not_cut_off(carol, open_tab):
    tab = await open_tab(carol)

    for _ in range(35):
        await tab.sends("typing")

    await lives_on(tab)


async def test_a_sixth_waiting_message_is_refused(carol, scripted_llm, open_tab):
    scripted_llm.will_stall(after="Well, ")
    scripted_llm.will_say("Yes.", times=5)
    tab = await open_tab(carol)
    await tab.says("0")
    delta = await tab.next("turn.delta")

    for number in range(1, 6):
        await tab.says(str(number))
    one_too_many = await tab.says("6")
    error = await tab.next("error")
    await tab.sends("turn.stop", turn_id=delta["turn_id"])
    answers = [(await tab.next("turn.completed"))["text"] for _ in range(6)]

    assert (error["code"], error["client_id"]) == ("rate_limited", one_too_many)
    assert answers[1:] == ["Yes."] * 5
    asked = [message["text"] for message in carol.messages() if message["role"] == "user"]
    assert asked == ["0", "1", "2", "3", "4", "5"]


async def test_a_nonsensical_hello_does_not_leave_the_socket_deaf(carol, scripted_llm, open_tab):
    scripted_llm.will_say("Yes.")
    desk, phone = await open_tab(carol, hello=False), await open_tab(carol)

    await desk.sends("hello", after="yesterday")
    assert (await desk.next("error"))["code"] == "frame_invalid"
    await phone.says("Any rooms?")

    assert (await desk.next("turn.completed"))["text"] == "Yes."


# --- Tokens -------------------------------------------------------------------------------------------------
async def closing_code(server, *, subprotocol: str | None = None, query: str = "") -> int:
    """Open a socket, which must be accepted before it is closed, so that a browser sees the code."""
    url = server.http.replace("http", "ws") + "/ws/v1/chat/" + query
    offered = ["troupe.v1", *([f"token.{subprotocol}"] if subprotocol else [])]
    async with connect(url, subprotocols=offered) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
    return closed.value.rcvd.code


def token_for(visitor: Visitor, ttl: timedelta) -> str:
    with visitor.business.scope():
        return session_token(Conversation.objects.get(pk=visitor.conversation_id), ttl)[0]


async def test_a_bad_token_is_accepted_and_then_closed(server, carol, acme, globex, off_loop):
    secret = carol.token.rpartition("_")[2]
    head, _, tail = carol.token.rpartition(".")
    forged = f"{head}.{'A' * len(tail)}"
    expired = await off_loop(token_for, carol, timedelta(seconds=-1))
    for token in (
        "nonsense",
        carol.token[:-1],
        forged,
        expired,
        acme.token,
        f"st_{globex.id.hex}_{secret}",
        f"st_{'0' * 32}_{secret}",
    ):
        assert await closing_code(server, subprotocol=token) == 4401, token
        assert await closing_code(server, query=f"?token={token}") == 4401, token

    assert await closing_code(server) == 4401
    assert await closing_code(server, query="?token=%00%ff") == 4401


async def test_a_token_in_the_address_opens_the_chat(server, carol):
    url = server.http.replace("http", "ws") + f"/ws/v1/chat/?token={carol.token}"
    async with connect(url) as socket:
        assert json.loads(await socket.recv())["conversation_id"] == carol.conversation_id


async def test_a_deleted_conversation_lets_nobody_in(server, carol, acme, open_tab, off_loop):
    tab = await open_tab(carol)

    await off_loop(acme.api.delete, f"/api/v1/conversations/{carol.conversation_id}/")

    assert await tab.is_closed() == 4401
    assert await closing_code(server, subprotocol=carol.token) == 4401


# --- Other people's ids -------------------------------------------------------------------------------------
@pytest.fixture(params=["another end user", "another tenant"])
def stranger(request, carol, acme, globex):
    """Somebody with a valid session who has learned Carol's ids."""
    if request.param == "another end user":
        return welcome(acme, "dave")
    open_inn(globex, None)
    return welcome(globex, "mallory")


async def test_an_answer_of_somebody_else_cannot_be_rated_or_written_anew(carol, stranger, scripted_llm, open_tab):
    scripted_llm.will_say("One room.")
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    completed = await tab.next("turn.completed")
    theirs = await open_tab(stranger)

    for raw in (
        frame("message.feedback", message_id=completed["message_id"], rating=-1),
        frame("turn.regenerate", turn_id=completed["turn_id"]),
    ):
        assert (await refusal(theirs, raw))["code"] == "not_found"

    assert await tab.stays_silent()
    assert carol.messages()[-1]["feedback"] is None
    assert [message["text"] for message in carol.messages()] == ["Any rooms?", "One room."]
    assert stranger.messages() == []


async def test_an_answer_of_somebody_else_cannot_be_stopped(carol, stranger, scripted_llm, open_tab):
    scripted_llm.will_say("It goes on and on.", chunks=6, delay_s=0.1)
    tab, theirs = await open_tab(carol), await open_tab(stranger)
    await tab.says("Tell me.")
    delta = await tab.next("turn.delta")

    await theirs.sends("turn.stop", turn_id=delta["turn_id"])
    await lives_on(theirs)
    completed = await tab.next("turn.completed")

    assert (completed["finish_reason"], completed["text"]) == ("stop", "It goes on and on.")
    assert {frame["type"] for frame in theirs.frames} == {"ready", "pong"}


async def test_a_message_goes_where_the_token_says(carol, stranger, scripted_llm, open_tab):
    """Naming another conversation in the frame has no effect."""
    if stranger.business is carol.business:
        scripted_llm.will_say("Yes.")
    tab, theirs = await open_tab(carol), await open_tab(stranger)

    await theirs.says("It is me, Carol.", conversation_id=carol.conversation_id, tenant=str(carol.business.id))
    await theirs.next("turn.completed")

    assert await tab.stays_silent()
    assert carol.messages() == []
    assert stranger.messages()[0]["text"] == "It is me, Carol."


async def test_the_same_client_id_in_two_conversations_is_two_messages(carol, scripted_llm, acme, open_tab, off_loop):
    scripted_llm.will_say("Yes.", times=2)
    dave = await off_loop(welcome, acme, "dave")
    client_id = str(uuid4())

    for visitor in (carol, dave):
        tab = await open_tab(visitor)
        await tab.says("Any rooms?", client_id)
        await tab.next("turn.completed")

    def stored() -> set[UUID]:
        with acme.scope():
            return set(Message.objects.filter(client_id=client_id).values_list("conversation_id", flat=True))

    assert await off_loop(stored) == {UUID(carol.conversation_id), UUID(dave.conversation_id)}
