"""What a turn lives through: callers who leave, services that are away, readers who do not read, deletes."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2 as httpx
import pytest
from channels_redis.pubsub import RedisSingleShardConnection
from django.conf import LazySettings
from django.db import OperationalError

from chat import consumers, engine, erasing, preparing, running, subscription, sweeping
from chat.hub import hub
from chat.log import read_blocking, stream_key
from chat.models import Conversation, Turn
from chat.posting import post_message
from chat.process import heart
from chat.sessions import session_token
from chat.sweeping import interrupt, logged_text
from embedded.ports import random_free_port
from tenants import scope, sockets
from tests.chat.conftest import comes_true, is_left_alone, open_inn, welcome
from tests.chat.stage import InProcessServer, Tab, tab_at

STORY = "".join(f"Line {number} of a long story. " for number in range(30))


async def is_answered(visitor: Any, count: int = 2) -> list[dict[str, Any]]:
    """Wait until so many messages are stored, and return them."""
    for _ in range(100):
        messages: list[dict[str, Any]] = await asyncio.to_thread(visitor.messages)
        if len(messages) >= count:
            return messages
        await asyncio.sleep(0.1)
    raise AssertionError(f"{len(messages)} messages instead of {count}")


def turns_of(visitor: Any) -> list[Turn]:
    with visitor.business.scope():
        return list(Turn.objects.filter(conversation_id=visitor.conversation_id).order_by("first_seq"))


# --- Callers ------------------------------------------------------------------------------------------------
@pytest.fixture
def storing(monkeypatch: pytest.MonkeyPatch) -> "Storing":
    return Storing(monkeypatch)


class Storing:
    """Holds a message up on its way into the database, `before` it is stored or once it `is_stored`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._begun, self._may_go_on = threading.Event(), threading.Event()
        self.is_held_once_stored = False
        monkeypatch.setattr(engine, "take_in", self._take_in)

    def _take_in(self, *said: Any) -> Any:
        stored = preparing.take_in(*said) if self.is_held_once_stored else None
        self._begun.set()
        assert self._may_go_on.wait(10)
        return stored or preparing.take_in(*said)

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self._begun.wait, 10)

    def goes_on(self) -> None:
        self._may_go_on.set()


@pytest.mark.parametrize("is_stored", [False, True])
async def test_a_caller_who_hangs_up_at_once_is_answered_all_the_same(carol, scripted_llm, server, storing, is_stored):
    """A turn that is stored must run: else its conversation would wait for it for ever."""
    storing.is_held_once_stored = is_stored
    body = json.dumps({"client_id": str(uuid4()), "text": "Any rooms?"}).encode()
    scripted_llm.will_say("One room.")
    head = (
        f"POST /api/v1/conversations/{carol.conversation_id}/turns/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: {carol.business.headers['Authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    _reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head.encode() + body)

    await storing.has_begun()
    writer.transport.abort()
    await nobody_is_in_the_room_of(carol)
    storing.goes_on()

    assert [message["text"] for message in await is_answered(carol)] == ["Any rooms?", "One room."]


async def test_nothing_is_left_of_those_who_left(carol, scripted_llm, server, open_tab):
    scripted_llm.will_say("One room.")
    tabs = [await open_tab(carol) for _ in range(3)]
    await tabs[0].says("Any rooms?")
    for tab in tabs:
        await tab.next("turn.completed")
    async with httpx.AsyncClient(base_url=server.http, headers=carol.business.headers) as http:
        path = f"/api/v1/conversations/{carol.conversation_id}/events/"
        async with http.stream("GET", path, params={"after": 0}) as response:
            await anext(response.aiter_lines())
            for tab in tabs:
                await tab.leaves()

    await nobody_is_in_the_room_of(carol)


def logged(visitor: Any) -> list[Any]:
    """The events of the conversation that Redis keeps; they are written a little behind."""
    return read_blocking(stream_key(visitor.business.id, UUID(visitor.conversation_id)))


def has_logged_text(visitor: Any, turn_id: str) -> bool:
    return logged_text(logged(visitor), UUID(turn_id)) != ""


async def nobody_is_in_the_room_of(visitor: Any) -> None:
    """Wait until this process keeps nothing of the conversation any more."""
    for _ in range(100):
        rooms = [key for made in hub._made.values() for key in list(made.rooms)]
        if not any(str(conversation_id) == visitor.conversation_id for _tenant_id, conversation_id in rooms):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("a room is still kept")


# --- A process that ends ------------------------------------------------------------------------------------
async def test_a_process_does_not_end_while_it_takes_something_in(
    carol, scripted_llm, open_tab, ending_server, storing
):
    """No turn runs yet. One that is stored, and lost by who stored it, would be interrupted unheard."""
    others = set(engine.engine._made)
    scripted_llm.will_say("还有一间。")
    desk = await open_tab(carol, at=ending_server.http)
    await desk.says("还有房间吗？")
    await storing.has_begun()

    (loop,) = set(engine.engine._made) - others
    drained = asyncio.run_coroutine_threadsafe(engine.engine._made[loop].drained(), loop)
    assert await desk.is_closed() == 1012
    assert not drained.done()
    storing.goes_on()
    await asyncio.wrap_future(drained)

    assert [message["text"] for message in carol.messages()] == ["还有房间吗？", "还有一间。"]


async def test_who_follows_a_process_that_ends_is_sent_on_at_once(carol, open_tab, ending_server):
    """Also one who came too late to be sent away with the others: he would hold up its end."""
    others = set(engine.engine._made)
    await open_tab(carol, at=ending_server.http)
    (loop,) = set(engine.engine._made) - others
    loop.call_soon_threadsafe(engine.engine._made[loop].begin_drain)

    async with httpx.AsyncClient(headers=carol.business.headers, timeout=60) as http:
        events = f"{ending_server.http}/api/v1/conversations/{carol.conversation_id}/events/"
        answer = await http.get(events, params={"after": 0})

    assert (answer.status_code, answer.text) == (200, ": hello\n\n")


# --- Turns that wait ----------------------------------------------------------------------------------------
async def test_a_message_that_waits_can_be_stopped(carol, scripted_llm, open_tab):
    scripted_llm.will_say("First.", chunks=6, delay_s=0.15)
    tab = await open_tab(carol)
    await tab.says("One?")
    await tab.next("turn.delta")
    await tab.says("Two?")
    await tab.sends("ping")
    await tab.next("pong")
    waiting = (await asyncio.to_thread(turns_of, carol))[1]

    await tab.sends("turn.stop", turn_id=str(waiting.pk))

    assert (await tab.next("turn.completed"))["finish_reason"] == "stop"
    assert (await tab.next("turn.completed"))["finish_reason"] == "stopped"
    assert len(scripted_llm.chat_requests) == 1


async def test_sending_again_what_waits_does_not_run_ahead(carol, scripted_llm, open_tab):
    """Its number is higher than those of the running answer: told now, a reconnect would lose their rest."""
    scripted_llm.will_say("First.", chunks=6, delay_s=0.1)
    scripted_llm.will_say("Second.")
    tab, client_id = await open_tab(carol), str(uuid4())
    await tab.says("One?")
    await tab.next("turn.delta")

    await tab.says("Two?", client_id)
    await tab.says("Two?", client_id)
    for _ in range(2):
        await tab.next("turn.completed")

    assert tab.numbers() == sorted(set(tab.numbers()))
    accepted = [frame["client_id"] for frame in tab.frames if frame["type"] == "message.accepted"]
    assert accepted.count(client_id) == 1


async def test_who_comes_in_mid_answer_sees_it_from_its_beginning(carol, scripted_llm, open_tab):
    scripted_llm.will_say(STORY, chunks=20, delay_s=0.05)
    desk = await open_tab(carol)
    await desk.says("Tell me a story.")
    for _ in range(4):
        await desk.next("turn.delta")

    phone = await open_tab(carol)
    completed = await phone.next("turn.completed")

    assert phone.text_of(completed["turn_id"]) == STORY


# --- Redis --------------------------------------------------------------------------------------------------
@pytest.fixture
def server_without_redis(database: None, settings: LazySettings) -> Iterator[InProcessServer]:
    """A web process whose Redis does not answer."""
    nobody = f"redis://127.0.0.1:{random_free_port()}"
    settings.REDIS_EVENTS_URL = f"{nobody}/2"
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [{"address": f"{nobody}/1"}]},
        }
    }
    with InProcessServer() as running:
        yield running


async def test_without_redis_the_chat_goes_on(server_without_redis, carol, scripted_llm):
    scripted_llm.will_say(STORY, chunks=20, delay_s=0.1)
    scripted_llm.will_say("The end.")
    at = server_without_redis.http
    async with tab_at(at, carol.token) as desk, tab_at(at, carol.token) as phone:
        await desk.says("Tell me a story.")
        for _ in range(3):
            await phone.next("turn.delta")
        await phone.leaves()

        async with tab_at(at, carol.token, after=phone.last_seq) as back:
            back.frames = phone.frames + back.frames
            for tab in (desk, back):
                completed = await tab.next("turn.completed")
                assert tab.text_of(completed["turn_id"]) == completed["text"] == STORY
            await back.says("And then?")
            for tab in (desk, back):
                assert (await tab.next("turn.completed"))["text"] == "The end."
                assert tab.numbers() == sorted(set(tab.numbers()))

        async with tab_at(at, carol.token, after=0) as late:
            told = [(await late.next("turn.completed"))["text"] for _ in range(2)]
    assert told == [STORY, "The end."]


async def test_a_channel_layer_that_fails_in_a_way_of_its_own_stops_nobody(
    carol, scripted_llm, open_tab, ending_server, monkeypatch
):
    """As redis-py does where one task renews a connection while another writes to it."""
    subscribe, still_to_fail = RedisSingleShardConnection.subscribe, [False, True, True]

    async def fail_at_first(shard: RedisSingleShardConnection, channel: str) -> None:
        is_group = "__group__" in channel
        if is_group in still_to_fail:
            still_to_fail.remove(is_group)
            raise AttributeError("'NoneType' object has no attribute 'writelines'")
        await subscribe(shard, channel)

    monkeypatch.setattr(RedisSingleShardConnection, "subscribe", fail_at_first)
    scripted_llm.will_say("One room.")
    scripted_llm.will_say(STORY, chunks=100, delay_s=0.1)
    tab = await open_tab(carol, at=ending_server.http)

    await tab.says("Any rooms?")
    assert (await tab.next("turn.completed"))["text"] == "One room."
    await tab.says("Tell me a story.")
    turn_id = (await tab.next("turn.delta"))["turn_id"]
    await (await open_tab(carol)).sends("turn.stop", turn_id=turn_id)

    assert (await tab.next("turn.completed"))["finish_reason"] == "stopped"
    assert still_to_fail == []


# --- PostgreSQL ---------------------------------------------------------------------------------------------
@pytest.fixture
def failing_settle(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let storing an answer fail as long as `is_away`."""
    store = running.settle_turn

    class Database:
        is_away = True
        asked = 0

    def settle(**fields: Any) -> Any:
        if Database.is_away:
            Database.asked += 1
            raise OperationalError("the server closed the connection unexpectedly")
        return store(**fields)

    monkeypatch.setattr(running, "settle_turn", settle)
    return Database


async def test_a_database_that_is_away_for_a_moment_is_waited_for(carol, scripted_llm, open_tab, failing_settle):
    scripted_llm.will_say("One room.")
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    await tab.next("turn.delta")
    await comes_true(lambda: failing_settle.asked >= 2)
    failing_settle.is_away = False

    assert (await tab.next("turn.completed"))["text"] == "One room."


async def test_a_database_that_stays_away_gets_told_what_clients_were_told(
    carol, scripted_llm, open_tab, failing_settle, monkeypatch
):
    monkeypatch.setattr(running, "SETTLE_PATIENCE_S", 0.3)
    scripted_llm.will_say("One room.")
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    failed = await tab.next("turn.failed")
    failing_settle.is_away = False

    assert (failed["code"], failed["retryable"], failed["text"]) == ("turn_interrupted", True, "One room.")
    stored = (await is_answered(carol))[1]
    assert (stored["text"], stored["finish_reason"]) == ("One room.", "interrupted")
    late = await open_tab(carol, after=0)
    assert await late.next("turn.failed") == failed

    scripted_llm.will_say("One room, really.")
    await tab.sends("turn.regenerate", turn_id=failed["turn_id"])
    assert (await tab.next("turn.completed"))["text"] == "One room, really."


async def test_an_answer_that_cannot_be_stored_fails_and_blocks_nothing(carol, scripted_llm, open_tab, monkeypatch):
    monkeypatch.setattr("chat.settling.render_answer", lambda text: 1 / 0)
    scripted_llm.will_say("One room.", times=2)
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    failed = await tab.next("turn.failed")
    monkeypatch.undo()
    await tab.says("Really?")

    assert (failed["code"], failed["text"]) == ("internal_error", "")
    assert (await tab.next("turn.completed"))["text"] == "One room."


@pytest.mark.parametrize("work", ["take_in", "_store", "release_turn"])
async def test_what_was_stored_is_carried_on_though_the_database_did_not_say_so(
    carol, scripted_llm, open_tab, monkeypatch, work
):
    """It broke down between a commit and its answer; the client may well send the same again."""
    break_off_once_it_is_stored(monkeypatch, work)
    if work == "release_turn":  # what is not interrupted lets go of its conversation as it is stored
        monkeypatch.setattr(running, "LONGEST_TURN_S", 1.0)
        scripted_llm.will_stall()
    scripted_llm.will_say("One room.", times=4)
    tab = await open_tab(carol)

    client_ids = [await tab.says(text) for text in ("Any rooms?", "Really?", "With a view?")]
    if work == "take_in":
        refused = await tab.next("error")
        assert (refused["code"], refused["client_id"]) == ("provider_unavailable", client_ids[0])
        await tab.says("Any rooms?", client_id=client_ids[0])
    answers = [(await tab.next("turn.completed", "turn.failed"))["text"] for _ in client_ids]

    assert answers == ["" if work == "release_turn" else "One room.", "One room.", "One room."]
    asked = {said["text"] for said in carol.messages() if said["role"] == "user"}
    assert asked == {"Any rooms?", "Really?", "With a view?"}
    assert len(set(tab.numbers())) == len(tab.numbers())
    await comes_true(lambda: is_left_alone(carol))


async def test_a_turn_that_was_lost_sight_of_goes_on_when_its_message_comes_again(carol, scripted_llm, open_tab):
    scripted_llm.will_say("One room.")
    tab, client_id = await open_tab(carol), str(uuid4())
    stored = await scope.in_tenant(
        carol.business.id, post_message,
        conversation_id=UUID(carol.conversation_id), client_id=UUID(client_id), text="Any rooms?", variables={},
        process_id=heart.process_id,
    )  # fmt: skip
    assert stored.runs_here

    for _ in range(3):
        await tab.says("Any rooms?", client_id=client_id)

    completed = await tab.next("turn.completed")
    assert (completed["turn_id"], completed["text"]) == (str(stored.turn.pk), "One room.")
    assert [frame["type"] for frame in tab.frames].count("turn.started") == 1
    await comes_true(lambda: is_left_alone(carol))


@pytest.mark.parametrize("work", ["take_in", "_store", "release_turn"])
async def test_a_turn_that_a_fault_of_ours_lost_is_ended_and_the_talk_goes_on(
    carol, scripted_llm, open_tab, monkeypatch, work
):
    """Nobody foresaw what went wrong, and nobody sends anything again."""
    break_off_once_it_is_stored(monkeypatch, work, ArithmeticError("nobody thought of it"))
    if work == "release_turn":
        monkeypatch.setattr(running, "LONGEST_TURN_S", 1.0)
        scripted_llm.will_stall()
    scripted_llm.will_say("One room.", chunks=4, delay_s=0.1, times=4)
    phone, tab = await open_tab(carol), await open_tab(carol)
    await phone.says("Any rooms?")
    if work == "take_in":
        await phone.is_closed()
    await tab.says("Really?")

    ends = [await tab.next("turn.completed", "turn.failed") for _ in range(2)]
    await tab.says("With a view?")

    lost = {"take_in": 0, "_store": None, "release_turn": 1}[work]
    assert lost is None or ends[lost]["code"] == "turn_interrupted"
    assert (await tab.next("turn.completed"))["text"] == "One room."
    assert tab.numbers() == sorted(set(tab.numbers()))
    await comes_true(lambda: is_left_alone(carol))


def break_off_once_it_is_stored(monkeypatch: pytest.MonkeyPatch, work: str, error: Exception | None = None) -> None:
    """Let the database break down, or something else go wrong, the first time that this was committed."""
    error = error or OperationalError("server closed the connection unexpectedly")
    broken_off = []

    async def in_tenant(tenant: Any, do: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        done = await scope.in_tenant(tenant, do, *args, **kwargs)
        if do.__name__ == work and not broken_off:
            broken_off.append(work)
            raise error
        return done

    for module in (engine, running):
        monkeypatch.setattr(module, "in_tenant", in_tenant)


# --- Taken for dead -----------------------------------------------------------------------------------------
async def test_a_process_that_was_taken_for_dead_has_no_say_any_more(carol, scripted_llm, open_tab):
    scripted_llm.will_say(STORY, chunks=20, delay_s=0.05)
    tab = await open_tab(carol)
    await tab.says("Tell me a story.")
    delta = await tab.next("turn.delta")
    await comes_true(lambda: has_logged_text(carol, delta["turn_id"]))

    ids = (carol.business.id, UUID(carol.conversation_id), UUID(delta["turn_id"]))
    await asyncio.to_thread(interrupt, *ids, [])
    failed = await tab.next("turn.failed")

    assert (failed["code"], failed["retryable"]) == ("turn_interrupted", True)
    assert STORY.startswith(failed["text"])
    assert failed["text"] != STORY
    await comes_true(lambda: is_left_alone(carol))
    assert [message["text"] for message in carol.messages()] == ["Tell me a story.", failed["text"]]
    assert "turn.completed" not in {frame["type"] for frame in tab.frames}
    scripted_llm.will_say("The end.")
    await tab.says("And then?")
    assert (await tab.next("turn.completed"))["text"] == "The end."


async def test_that_it_was_taken_for_dead_is_told_before_its_next_turn(carol, scripted_llm, open_tab, monkeypatch):
    """Nobody hears the announcement, and somebody asks on before the process has noticed."""
    monkeypatch.setattr(sweeping, "announce", lambda *_, **__: None)
    scripted_llm.will_say(STORY, chunks=20, delay_s=0.2)
    scripted_llm.will_say("The end.")
    tab = await open_tab(carol)
    await tab.says("Tell me a story.")
    turn_id = (await tab.next("turn.delta"))["turn_id"]

    await asyncio.to_thread(interrupt, carol.business.id, UUID(carol.conversation_id), UUID(turn_id), [])
    await tab.says("And then?")

    failed = await tab.next("turn.failed", "turn.completed")
    assert (failed["type"], failed["turn_id"]) == ("turn.failed", turn_id)
    assert (await tab.next("turn.completed"))["text"] == "The end."
    await comes_true(lambda: is_left_alone(carol))


async def test_an_ending_that_is_not_in_the_log_is_told_to_who_comes_back(carol, scripted_llm, open_tab, monkeypatch):
    """Redis was away when the end of a dead process's turn was to be logged, and has its beginning."""
    monkeypatch.setattr(sweeping, "append_blocking", lambda *_: None)
    scripted_llm.will_say(STORY, chunks=20, delay_s=0.05)
    tab = await open_tab(carol)
    await tab.says("Tell me a story.")
    turn_id = (await tab.next("turn.delta"))["turn_id"]
    await comes_true(lambda: has_logged_text(carol, turn_id))

    await asyncio.to_thread(interrupt, carol.business.id, UUID(carol.conversation_id), UUID(turn_id), [])
    await comes_true(lambda: is_left_alone(carol))

    failed = await (await open_tab(carol, after=0)).next("turn.failed")
    assert (failed["turn_id"], failed["code"]) == (turn_id, "turn_interrupted")


# --- Readers ------------------------------------------------------------------------------------------------
@pytest.fixture
def narrow_server(database: None) -> Iterator[InProcessServer]:
    """Hands little to the kernel, which would else read for those who do not."""
    with InProcessServer(send_buffer_bytes=8192) as running:
        yield running


async def test_who_does_not_read_is_cut_off_and_delays_nobody(
    carol, scripted_llm, narrow_server, open_tab, monkeypatch
):
    monkeypatch.setattr(subscription, "MAX_PENDING_CHARACTERS", 200_000)
    monkeypatch.setattr(sockets, "CLOSE_PATIENCE_S", 0.5)
    monkeypatch.setattr(consumers, "SILENT_HELLO_S", 0.0)
    flood = ["x" * 10_000] * 90
    scripted_llm.will_say("".join(flood), chunks=flood, delay_s=0.005)
    reader = await open_tab(carol, at=narrow_server.http)
    deaf = await asyncio.to_thread(deaf_socket, narrow_server, carol.token)

    await reader.says("Tell me everything.")
    completed = await reader.next("turn.completed")

    assert reader.text_of(completed["turn_id"]) == "".join(flood)
    with deaf:
        assert await asyncio.to_thread(narrow_server.hangs_up_on, deaf)


def deaf_socket(server: InProcessServer, token: str) -> socket.socket:
    """A socket that reads no further than to be ready, with a small buffer."""
    line = socket.socket()
    line.settimeout(10)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", server.port))
    line.sendall(
        f"GET /ws/v1/chat/?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    heard = b""
    while b'"type":"ready"' not in heard:
        heard += line.recv(4096)
    return line


# --- Deletes and ends ---------------------------------------------------------------------------------------
async def test_deleting_a_conversation_in_mid_answer_leaves_nothing(carol, scripted_llm, acme, open_tab, off_loop):
    scripted_llm.will_say(STORY, chunks=30, delay_s=0.05)
    tab = await open_tab(carol)
    await tab.says("Tell me a story.")
    delta = await tab.next("turn.delta")
    await comes_true(lambda: has_logged_text(carol, delta["turn_id"]))

    answer = await off_loop(acme.api.delete, f"/api/v1/conversations/{carol.conversation_id}/")

    assert answer.status_code == 204
    assert await tab.is_closed() == 4401
    assert await scripted_llm.chat_requests[0].client_leaves()
    await comes_true(lambda: is_left_alone(carol))
    assert logged(carol) == []
    assert await off_loop(turns_of, carol) == []


async def test_deleting_a_persona_in_mid_answer_ends_all_that_waits_for_it(
    carol, scripted_llm, acme, server, open_tab, off_loop
):
    """Whoever waits over HTTP hears of it, too; nobody is told a word more, and nothing stays in the log."""
    dave = await off_loop(welcome, acme, "dave")
    scripted_llm.will_say(STORY, chunks=30, delay_s=0.05, times=2)
    tab, idle = await open_tab(carol), await open_tab(await off_loop(welcome, acme, "erin"))
    await tab.says("Tell me a story.")
    delta = await tab.next("turn.delta")
    await comes_true(lambda: has_logged_text(carol, delta["turn_id"]))
    async with httpx.AsyncClient(base_url=server.http, headers=acme.headers, timeout=10) as client:
        said = {"client_id": str(uuid4()), "text": "Me, too."}
        waiting = asyncio.create_task(client.post(f"/api/v1/conversations/{dave.conversation_id}/turns/", json=said))
        await scripted_llm.is_asked(2)

        answer = await off_loop(acme.api.delete, "/api/v1/personas/innkeeper/")

        assert answer.status_code == 204
        assert (await waiting).status_code == 404
    assert [await tab.is_closed(), await idle.is_closed()] == [4401, 4401]
    assert [await request.client_leaves() for request in scripted_llm.chat_requests] == [True, True]
    await comes_true(lambda: is_left_alone(carol))
    assert logged(carol) == []


async def test_who_waits_for_an_answer_hears_that_its_conversation_is_gone(
    carol, scripted_llm, acme, server, off_loop, monkeypatch
):
    """Also when nothing told of it, as when the message of the delete got lost."""
    monkeypatch.setattr(erasing, "announce", lambda *args: None)
    scripted_llm.will_say("One room left, traveller.", chunks=5, delay_s=0.2)
    path = f"/api/v1/conversations/{carol.conversation_id}/"
    async with httpx.AsyncClient(base_url=server.http, headers=acme.headers, timeout=10) as client:
        said = {"client_id": str(uuid4()), "text": "Any rooms?"}
        waiting = asyncio.create_task(client.post(f"{path}turns/", json=said))
        await scripted_llm.is_asked()

        await off_loop(acme.api.delete, path)

        assert (await waiting).status_code == 404


async def test_a_socket_does_not_outlive_its_token(carol, acme, server, off_loop):
    def short_lived() -> str:
        with acme.scope():
            return session_token(Conversation.objects.get(pk=carol.conversation_id), timedelta(seconds=1.5))[0]

    async with tab_at(server.http, await off_loop(short_lived)) as tab:
        assert await tab.is_closed() == 4401


# --- Neighbours ---------------------------------------------------------------------------------------------
async def test_knocking_at_a_neighbours_conversation_disturbs_nothing(
    carol, scripted_llm, acme, globex, server, open_tab, off_loop
):
    """Mallory posts to Carol's conversation before anybody is in it here. Her room is not Carol's."""
    await off_loop(open_inn, globex, None)
    await off_loop(welcome, globex, "mallory")
    scripted_llm.will_say("One room.")
    body = {"client_id": str(uuid4()), "text": "Let me in."}
    path = f"/api/v1/conversations/{carol.conversation_id}/turns/"

    async with httpx.AsyncClient(base_url=server.http, headers=globex.headers) as mallory:
        knocks = [asyncio.create_task(mallory.post(path, json=body)) for _ in range(4)]
        tab: Tab = await open_tab(carol)
        await tab.says("Any rooms?")
        completed = await tab.next("turn.completed")
        assert {(await knock).status_code for knock in knocks} == {404}

    assert completed["text"] == "One room."
    late = await open_tab(carol, after=0)
    assert (await late.next("turn.completed"))["text"] == "One room."
    assert late.text_of(completed["turn_id"]) == "One room."
