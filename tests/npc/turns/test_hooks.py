"""Acme's game would rather be asked: signed calls for its state before a turn, and about what was proposed after it."""

import base64
import hashlib
import hmac
import ipaddress
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from npc.hooks.calling import MAX_ANSWER_BYTES
from npc.models import World, WorldVersion
from tenants.addresses import is_allowed
from tests.npc.conftest import Game, inn, open_game, put, wrong_paths
from tests.npc.turns.conftest import answered, reply, sale, settled
from webhooks.signing import signature

SECRET = "whsec_" + base64.b64encode(b"the innkeeper knows it well").decode()


@pytest.fixture
def private_networks(settings: Any) -> None:
    """The operator lets hooks into this machine."""
    networks = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, hook_networks=networks)


class GameServer:
    """Acme's own server, which is asked."""

    def __init__(self, http: HTTPServer) -> None:
        self.http = http
        self.requests: list[Request] = []
        self.bodies: list[dict[str, Any]] = []

    def answers(self, path: str, answer: Callable[[dict[str, Any]], Any]) -> None:
        def handle(request: Request) -> Response:
            self.requests.append(request)
            self.bodies.append(json.loads(request.get_data()))
            found = answer(self.bodies[-1])
            return found if isinstance(found, Response) else Response(json.dumps(found), mimetype="application/json")

        self.http.expect_request(path, method="POST").respond_with_handler(handle)

    def hooks(self, *names: str) -> dict[str, Any]:
        return {"secret": SECRET, **{f"{name}_url": self.http.url_for(f"/{name}") for name in names}}


@pytest.fixture
def acmes(httpserver: HTTPServer, private_networks: None) -> GameServer:
    return GameServer(httpserver)


def play(acme: Any, hooks: dict[str, Any]) -> Game:
    put(acme, inn(hooks=hooks))
    return open_game(acme)


def hook_in_log(game: Game) -> dict[str, Any]:
    opened = next(entry for entry in reversed(game.log()) if entry["kind"] == "turn.opened")
    return dict(opened["data"]["read"]["state_hook"])


def replayed(game: Game, turn_id: str) -> dict[str, Any]:
    return dict(game.api.post(f"{game.url}turns/{turn_id}/replay/").json())


# --- The state --------------------------------------------------------------------------------------------------
def test_the_game_is_asked_for_its_state_and_the_turn_sees_it(acme, acmes, scripted_llm):
    scripted_llm.will_say(reply("Here.", "happy", sale("bread", 2)))
    acmes.answers("/state", lambda _: {"state_patch": {"stock": ["bread"]}})
    game = play(acme, acmes.hooks("state"))

    answer = answered(game)

    assert [action["arguments"]["item"] for action in answer["actions"]] == ["bread"]
    assert game.state["state"]["stock"] == ["bread"]
    assert hook_in_log(game)["outcome"] == "taken"
    assert acmes.bodies[0]["type"] == "npc.state.requested"
    assert acmes.bodies[0]["data"] == {
        "session_id": game.id,
        "turn_id": answer["turn_id"],
        "character": "bram",
        "speaker": "carol",
        "scene": None,
        "world": "inn",
        "player": {"id": "carol", "name": "Carol"},
        "state_version": 1,
    }
    assert replayed(game, answer["turn_id"]) == {"identical": True, "differences": []}


def test_a_whole_state_takes_the_place_of_the_one_that_is_known(acme, acmes, scripted_llm):
    scripted_llm.will_say(reply(), times=None)
    state = {**inn()["initial_state"], "night": True}
    acmes.answers("/state", lambda _: {"state": state})
    game = play(acme, acmes.hooks("state"))

    first, second = answered(game), answered(game)

    assert game.state["state"] == state
    # Told the same again, nothing has changed.
    assert (first["state_version"], second["state_version"]) == (2, 2)
    assert hook_in_log(game)["outcome"] == "unchanged"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda _: {"state_patch": {"stage": "late"}}, "invalid"),
        (lambda _: {"state_patch": [{"op": "test", "path": "/stage", "value": 99}]}, "invalid"),
        (lambda _: {"state": {}, "state_patch": {}}, "invalid"),
        (lambda _: ["no", "object"], "invalid"),
        (lambda _: Response(b"<html>", mimetype="application/json"), "invalid"),
        (lambda _: {"state_patch": {"name": "x" * MAX_ANSWER_BYTES}}, "invalid"),
        (lambda _: Response("{}", status=500), "refused"),
        (lambda _: Response("", status=302, headers={"location": "/elsewhere"}), "refused"),
        (lambda _: time.sleep(1.5) or {}, "timeout"),
    ],
)
def test_a_hook_in_trouble_leaves_the_turn_with_the_state_that_is_known(acme, acmes, scripted_llm, answer, why):
    scripted_llm.will_say(reply("Yes."), times=None)
    acmes.answers("/state", answer)
    acmes.answers("/elsewhere", lambda _: {"state_patch": {"stage": 3}})
    game = play(acme, acmes.hooks("state"))

    told = answered(game, deadline_ms=3_000)

    assert (told["say"], told["fallback"], told["state_version"]) == ("Yes.", None, 1)
    assert hook_in_log(game)["outcome"] == why
    assert replayed(game, told["turn_id"])["identical"]
    assert len(acmes.requests) == 1


def test_a_turn_that_is_sent_again_does_not_ask_again(acme, acmes, scripted_llm):
    scripted_llm.will_say(reply("Yes."))
    acmes.answers("/state", lambda _: {"state_patch": {"stage": 2}})
    game = play(acme, acmes.hooks("state"))

    first = answered(game)

    assert answered(game, turn_id=first["turn_id"]) == first
    assert len(acmes.requests) == 1


def test_nobody_is_asked_for_a_turn_that_cannot_be(acme, acmes):
    game = play(acme, acmes.hooks("state"))

    assert set(wrong_paths(game.api.post(f"{game.url}turns/", {"speaker": "nobody", "text": "Hello?"}))) == {"speaker"}
    assert acmes.requests == []


# --- The actions ------------------------------------------------------------------------------------------------
def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def turned_to(acme, server):
    """Carol turns to Bram over a server that goes on when it has answered."""

    def ask(game: Game) -> dict[str, Any]:
        body = {"character": "bram", "speaker": "carol", "text": "An ale, please."}
        response = httpx2.post(f"{server.http}{game.url}turns/", json=body, headers=acme.headers, timeout=20)
        assert response.status_code == 200, response.text
        return dict(response.json())

    return ask


def test_the_game_decides_at_once_on_what_is_proposed(acme, acmes, turned_to, scripted_llm):
    scripted_llm.will_say(reply("Here.", "happy", sale("ale", 3)))

    def decide(asked: dict[str, Any]) -> dict[str, Any]:
        (action,) = asked["data"]["actions"]
        return {"results": [{"id": action["id"], "accepted": True, "state_patch": {"gold": 7}}]}

    acmes.answers("/action", decide)
    game = play(acme, acmes.hooks("action"))

    answer = turned_to(game)
    wait_until(lambda: answered_outcomes(game))

    told = acmes.bodies[0]
    assert (told["type"], told["data"]["turn_id"], told["data"]["character"]) == (
        "npc.actions.proposed",
        answer["turn_id"],
        "bram",
    )
    assert told["data"]["actions"] == answer["actions"]
    assert game.state["state"]["gold"] == 7
    assert answered_outcomes(game) == [("accepted", "")]
    # As if it had come over the API: the same answer changes nothing, another one is refused.
    assert settled(game, answer["actions"][0]["id"], True).status_code == 200
    assert settled(game, answer["actions"][0]["id"], False).status_code == 409


def answered_outcomes(game: Game) -> list[tuple[str, str]]:
    outcomes = [entry["data"] for entry in game.log() if entry["kind"] == "action.outcome"]
    return [(one["outcome"], one["reason"]) for one in outcomes]


def test_a_rejection_has_its_reason(acme, acmes, turned_to, scripted_llm):
    scripted_llm.will_say(reply("Here.", "happy", sale("ale", 3)))
    acmes.answers(
        "/action",
        lambda asked: {
            "results": [{"id": asked["data"]["actions"][0]["id"], "accepted": False, "reason": "The till is locked."}]
        },
    )
    game = play(acme, acmes.hooks("action"))

    turned_to(game)
    wait_until(lambda: answered_outcomes(game))

    assert answered_outcomes(game) == [("rejected", "The till is locked.")]


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: Response("", status=503),
        lambda _: Response("", status=204),
        lambda _: {"results": [{"id": "019a0000-0000-7000-8000-000000000000", "accepted": True}]},
        lambda _: {"results": "yes"},
    ],
)
def test_a_game_that_does_not_decide_may_still_answer_later(acme, acmes, turned_to, scripted_llm, answer):
    scripted_llm.will_say(reply("Here.", "happy", sale("ale", 3)))
    acmes.answers("/action", answer)
    game = play(acme, acmes.hooks("action"))

    action = turned_to(game)["actions"][0]
    wait_until(lambda: acmes.requests)

    assert settled(game, action["id"], True).status_code == 200
    assert answered_outcomes(game) == [("accepted", "")]


def test_without_a_proposal_nobody_is_asked(acme, acmes, scripted_llm):
    scripted_llm.will_say(reply("Good day."))
    game = play(acme, acmes.hooks("action"))

    answered(game)

    assert acmes.requests == []


# --- Signed, and kept secret ------------------------------------------------------------------------------------
def test_calls_are_signed_by_standard_webhooks(acme, acmes, scripted_llm):
    scripted_llm.will_say(reply())
    acmes.answers("/state", lambda _: Response("", status=204))
    game = play(acme, acmes.hooks("state"))

    turn_id = answered(game)["turn_id"]

    (request,) = acmes.requests
    message_id, sent_at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{message_id}.{sent_at}.".encode() + request.get_data()
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    assert message_id == f"{turn_id}.state"
    assert abs(int(sent_at) - time.time()) < 60


def test_the_signature_is_that_of_the_specifications_example():
    """The test vector of the project's own libraries."""
    assert (
        signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_the_secret_is_nowhere_to_be_seen(acme, acmes, scripted_llm, caplog):
    scripted_llm.will_say(reply())
    acmes.answers("/state", lambda _: Response("", status=500))
    hooks = acmes.hooks("state", "action")
    game = play(acme, hooks)
    answered(game)

    world = "/api/v1/npc/worlds/inn/"
    seen = [acme.api.get(world), acme.api.get(f"{world}versions/1/"), acme.api.get(f"{game.url}export/")]
    told = [response.content.decode() for response in seen]

    assert all(SECRET not in text for text in [*told, caplog.text, json.dumps(game.log())])
    assert seen[0].json()["hooks"] == {name: url for name, url in hooks.items() if name != "secret"}
    assert "hooks" not in seen[1].json()
    with acme.scope():
        assert "hooks" not in WorldVersion.objects.get().document
        assert SECRET.encode() not in bytes(World.objects.get().sealed_hooks)


def test_put_without_a_secret_the_former_one_stays_and_a_new_one_serves_old_sessions(acme, acmes, scripted_llm):
    scripted_llm.will_say(reply(), times=None)
    acmes.answers("/state", lambda _: Response("", status=204))
    game = play(acme, acmes.hooks("state"))
    document = acme.api.get("/api/v1/npc/worlds/inn/").json()

    kept = put(acme, document)
    answered(game)
    changed = put(acme, {**document, "hooks": {**document["hooks"], "secret": "another secret of Acme's"}})
    answered(game)

    assert (kept["changed"], kept["version"], changed["changed"], changed["version"]) == (False, 1, True, 1)
    signatures = [request.headers["webhook-signature"] for request in acmes.requests]
    secrets = [SECRET, "another secret of Acme's"]
    assert signatures == [
        signature(secret, request.headers["webhook-id"], int(request.headers["webhook-timestamp"]), request.get_data())
        for secret, request in zip(secrets, acmes.requests, strict=True)
    ]


def test_without_hooks_the_game_is_not_asked_any_more(acme, acmes, scripted_llm):
    scripted_llm.will_say(reply())
    game = play(acme, acmes.hooks("state"))

    put(acme, inn())
    answered(game)

    assert acmes.requests == []


def test_a_session_from_elsewhere_brings_no_hooks(acme, globex, acmes):
    game = play(acme, acmes.hooks("state"))
    file = game.api.get(f"{game.url}export/").json()
    file["world"]["document"]["hooks"] = acmes.hooks("state")

    assert globex.api.post("/api/v1/npc/sessions/import/", file).status_code == 201

    with globex.scope():
        assert bytes(World.objects.get().sealed_hooks) == b""
        assert "hooks" not in WorldVersion.objects.get().document


@pytest.mark.parametrize(
    ("hooks", "path"),
    [
        ({"state_url": "ftp://game.example/"}, "hooks.state_url"),
        ({"state_url": "https://user:word@game.example/"}, "hooks.state_url"),
        ({"action_url": "https:///nowhere"}, "hooks.action_url"),
        ({"action_url": "https://game.example:99999/"}, "hooks.action_url"),
        ({"secret": "short"}, "hooks.secret"),
        ({"secret": "whsec_no base64 at all!"}, "hooks.secret"),
        ({"secret": None}, "hooks.secret"),
    ],
)
def test_hooks_that_cannot_be_called_are_named(acme, hooks, path):
    document = inn(hooks={"state_url": "https://game.example/state", "secret": SECRET, **hooks})

    wrong = wrong_paths(acme.api.put("/api/v1/npc/worlds/inn/", document))

    assert path in wrong
    assert hooks != {"secret": "short"} or wrong[path] == "at least 16 characters"


# --- Where they may lead ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "224.0.0.1",
            "100.64.0.1",
        ),
        *("::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::"),
    ],
)
def test_hooks_do_not_lead_into_the_operators_network(address):
    assert not is_allowed(ipaddress.ip_address(address), ())


def test_hooks_lead_to_the_internet_and_where_the_operator_says():
    opened = (ipaddress.ip_network("127.0.0.0/8"),)
    assert is_allowed(ipaddress.ip_address("93.184.215.14"), opened)
    assert is_allowed(ipaddress.ip_address("2606:2800:21f::1"), opened)
    assert is_allowed(ipaddress.ip_address("127.0.0.1"), opened)
    assert not is_allowed(ipaddress.ip_address("10.0.0.1"), opened)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
def test_a_hook_to_this_machine_is_not_called(acme, httpserver: HTTPServer, scripted_llm, host):
    scripted_llm.will_say(reply("Yes."))
    path = f"/{uuid4()}"  # which no other test's late request has
    game = play(acme, {"state_url": f"http://{host}:{httpserver.port}{path}", "secret": SECRET})

    assert answered(game)["say"] == "Yes."
    assert hook_in_log(game)["outcome"] in ("forbidden", "unreachable")
    assert path not in [request.path for request, _ in httpserver.log]


@pytest.fixture(autouse=True)
def _no_unexpected_calls(httpserver: HTTPServer) -> Iterator[None]:
    yield
    httpserver.clear()
