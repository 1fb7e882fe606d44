"""Who may come in: sessions that Acme's server opens, and those that visitors of its public bot open themselves."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from chat.models import Conversation, EndUser
from chat.sessions import session_token
from personas.models import Persona
from personas.publishing import create_persona, edit_persona, publish
from tests.chat.conftest import Visitor, open_inn, welcome
from tests.conftest import Business

SHOP, ELSEWHERE = "https://shop.example", "https://mallory.example"
MONTH_S = 30 * 24 * 3600


# --- Opened by a server ---------------------------------------------------------------------------------------
def ask(business: Business, **fields: Any) -> Any:
    body = {"persona": "innkeeper", "end_user": {"id": "carol"}, **fields}
    return business.api.post("/api/v1/chat/sessions/", body)


def seconds_until(moment: str) -> float:
    return (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()


def test_a_session_opens_a_conversation(acme, innkeeper):
    answer = ask(acme, end_user={"id": "carol", "name": "Carol", "locale": "zh-CN"})

    body = answer.json()
    assert answer.status_code == 201
    assert set(body) == {"token", "expires_at", "conversation_id", "websocket_url"}
    assert body["websocket_url"] == "ws://testserver/ws/v1/chat/"
    assert seconds_until(body["expires_at"]) == pytest.approx(12 * 3600, abs=60)
    conversation = acme.api.get(f"/api/v1/conversations/{body['conversation_id']}/").json()
    assert conversation["persona"] == "innkeeper"
    assert conversation["end_user"] == {"id": "carol", "name": "Carol"}
    assert conversation["state"] == "bot"


def test_what_is_optional_may_be_null(acme, innkeeper):
    end_user = {"id": "carol", "name": None, "locale": None}

    answer = ask(acme, end_user=end_user, conversation_id=None, ttl_s=None)

    assert answer.status_code == 201
    assert ask(acme, end_user={"id": None}).json()["errors"][0]["field"] == "end_user.id"


def test_conversations_are_listed_by_who_talks_with_whom(acme, innkeeper, carol):
    welcome(acme, "dave")

    def listed(**query: Any) -> list[str]:
        found = acme.api.get("/api/v1/conversations/", **query).json()["results"]
        return [conversation["end_user"]["id"] for conversation in found]

    assert listed(persona="innkeeper") == listed(persona=str(innkeeper.pk)) == listed(state="bot") == ["dave", "carol"]
    assert listed(end_user="carol") == ["carol"]
    assert listed(persona="nobody") == listed(persona=str(uuid4())) == listed(state="human") == []


@pytest.mark.parametrize(
    ("external_id", "name", "called"),
    [
        ("visitor-01a207d2029e768f8f8f9e18fb0e48b9", "", "Visitor 48B9"),
        ("visitor-01a207d2029e768f8f8f9e18fb0e48b9", "Carol", "Carol"),
        ("user-4711", "", "user-4711"),
    ],
)
def test_staff_read_a_name_or_what_comes_nearest(external_id, name, called):
    assert str(EndUser(external_id=external_id, name=name)) == called


def test_an_end_user_comes_back_to_a_conversation_of_his_own(acme, carol):
    again = ask(acme, conversation_id=carol.conversation_id)
    daves = ask(acme, end_user={"id": "dave"}, conversation_id=carol.conversation_id)
    nobodys = ask(acme, conversation_id=str(uuid4()))

    assert again.json()["conversation_id"] == carol.conversation_id
    assert again.json()["token"] != ""
    assert (daves.status_code, daves.json()["code"]) == (404, "not_found")
    assert without_request_id(daves) == without_request_id(nobodys)


def without_request_id(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


@pytest.mark.parametrize("ttl_s", [60, 3600, MONTH_S])
def test_a_session_lasts_as_long_as_was_asked(acme, innkeeper, ttl_s):
    assert seconds_until(ask(acme, ttl_s=ttl_s).json()["expires_at"]) == pytest.approx(ttl_s, abs=30)


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("ttl_s", {"ttl_s": 59}),
        ("ttl_s", {"ttl_s": MONTH_S + 1}),
        ("ttl_s", {"ttl_s": -1}),
        ("ttl_s", {"ttl_s": "soon"}),
        ("persona", {"persona": ""}),
        ("persona", {"persona": "inn\x00keeper"}),
        ("persona", {"persona": "\ud800"}),
        ("end_user", {"end_user": "carol"}),
        ("end_user.id", {"end_user": {}}),
        ("end_user.id", {"end_user": {"id": "c" * 191}}),
        ("end_user.name", {"end_user": {"id": "carol", "name": "\x00"}}),
        ("conversation_id", {"conversation_id": "last"}),
    ],
)
def test_what_is_wrong_is_named(acme, innkeeper, field, fields):
    answer = ask(acme, **fields)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [wrong["field"] for wrong in answer.json()["errors"]] == [field]
    assert count_of(acme, Conversation) == count_of(acme, EndUser) == 0


def count_of(business: Business, model: Any) -> int:
    with business.scope():
        return int(model.objects.count())


@pytest.mark.parametrize("body", ["", "{", "[]", "7", "[" * 50_000], ids=["empty", "half", "list", "number", "deep"])
def test_a_body_that_is_no_object_is_refused(acme, innkeeper, body):
    path = "/api/v1/chat/sessions/"

    answer = Client(headers=acme.headers).post(path, body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_persona_that_was_never_published_opens_no_chat(acme):
    with acme.scope():
        create_persona(tenant_id=acme.id, slug="innkeeper", name="Innkeeper", kind="companion", settings={})

    draft, nobody = ask(acme), ask(acme, persona="nobody")

    assert (draft.status_code, draft.json()["code"]) == (404, "not_found")
    assert without_request_id(draft) == without_request_id(nobody)
    assert count_of(acme, EndUser) == 0


def test_a_key_without_the_scope_opens_no_chat(open_business):
    assert ask(open_business("Acme", scopes=("knowledge",))).json()["code"] == "scope_missing"


# --- Opened by a visitor --------------------------------------------------------------------------------------
class Page:
    """A page in a visitor's browser that shows Acme's bot."""

    def __init__(self, persona: Persona, origin: str = "") -> None:
        self.persona = persona
        self.path = f"/api/v1/public/{persona.publishable_key}"
        self.client = Client(headers={"Origin": origin} if origin else {})

    def opens(self, **body: Any) -> Any:
        return self.client.post(f"{self.path}/sessions/", body, content_type="application/json")

    def reads(self, conversation_id: str, token: str) -> Any:
        path = f"{self.path}/conversations/{conversation_id}/messages/"
        return self.client.get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def bot(acme: Business, innkeeper: Persona) -> Persona:
    """Acme's innkeeper, whom its shop may show."""
    with acme.scope():
        return edit_persona(innkeeper, allowed_origins=[SHOP])


@pytest.mark.parametrize("origin", ["", "http://testserver", "https://testserver", SHOP, SHOP.upper()])
def test_visitors_of_allowed_pages_come_in(bot, origin):
    answer = Page(bot, origin).opens()

    assert answer.status_code == 201
    assert answer.headers.get("Access-Control-Allow-Origin", "") == origin
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("written", "origin", "is_let_in"),
    [
        ("https://shop.example:443", "https://shop.example", True),
        ("https://shop.example", "https://shop.example:443", True),
        ("http://shop.example:80", "http://shop.example", True),
        ("http://[::1]:80", "http://[::1]", True),
        ("https://shop.example:80", "https://shop.example", False),
        ("http://shop.example:443", "https://shop.example", False),
        ("https://shop.example:8443", "https://shop.example", False),
    ],
)
def test_a_schemes_own_port_may_be_written_or_not(acme, bot, written, origin, is_let_in):
    with acme.scope():
        edit_persona(bot, allowed_origins=[written])  # as it was kept before it was put in order

    assert (Page(bot, origin).opens().status_code == 201) is is_let_in


@pytest.mark.parametrize(
    "origin",
    [
        ELSEWHERE,
        "null",
        "http://shop.example",
        f"{SHOP}.mallory.example",
        f"{SHOP}:8443",
        "http://[",
        "testserver",
    ],
)
def test_visitors_of_other_pages_do_not(acme, bot, origin):
    page = Page(bot, origin)

    for answer in (
        page.opens(),
        page.client.options(f"{page.path}/sessions/"),
        page.reads(str(uuid4()), "st_x"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert count_of(acme, Conversation) == 0


@pytest.mark.parametrize("path", ["sessions/", f"conversations/{UUID(int=7)}/messages/"])
def test_a_browser_asks_first(bot, path):
    page = Page(bot, SHOP)

    answer = page.client.options(
        f"{page.path}/{path}", headers={"Access-Control-Request-Headers": "authorization, content-type"}
    )

    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def test_the_page_of_an_allowed_site_may_read_why_it_was_refused(bot):
    answer = Page(bot, SHOP).opens(end_user={"id": "carol", "signature": "guessed"})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP


def signed(persona: Persona, external_id: str) -> dict[str, str]:
    digest = hmac.new(persona.widget_secret.encode(), external_id.encode(), hashlib.sha256)
    return {"id": external_id, "signature": digest.hexdigest()}


@pytest.mark.parametrize("external_id", ["carol", "卡萝"])
def test_a_visitor_signed_in_by_the_site_is_known_by_his_id(acme, bot, external_id):
    first = Page(bot).opens(end_user={**signed(bot, external_id), "name": "Carol"}).json()
    again = Page(bot).opens(end_user=signed(bot, external_id), conversation_id=first["conversation_id"])

    assert again.json()["conversation_id"] == first["conversation_id"]
    with acme.scope():
        assert list(EndUser.objects.values_list("external_id", "name")) == [(f"user-{external_id}", "Carol")]


def test_a_signature_in_capital_digits_is_the_same(bot):
    claimed = signed(bot, "carol")

    assert Page(bot).opens(end_user=claimed | {"signature": claimed["signature"].upper()}).status_code == 201


@pytest.mark.parametrize("signature", ["0" * 64, "签名", "", None])
def test_a_bad_signature_is_refused(acme, bot, signature):
    claimed = {"id": "carol"} if signature is None else {"id": "carol", "signature": signature}

    answer = Page(bot).opens(end_user=claimed)

    assert answer.status_code in (401, 422)
    assert answer.json()["code"] == ("invalid" if signature == "" else "unauthenticated")
    assert count_of(acme, EndUser) == 0


def test_a_signature_is_good_for_one_id_only(bot):
    answer = Page(bot).opens(end_user={**signed(bot, "carol"), "id": "dave"})

    assert answer.status_code == 401


def test_two_anonymous_visitors_are_two_people(acme, bot):
    first, second = Page(bot).opens().json(), Page(bot).opens().json()

    assert first["conversation_id"] != second["conversation_id"]
    assert count_of(acme, EndUser) == 2


def token_of(business: Business, conversation_id: str, ttl: timedelta) -> str:
    with business.scope():
        return session_token(Conversation.objects.get(pk=conversation_id), ttl)[0]


def test_who_comes_back_with_an_old_token_finds_his_conversation(acme, bot):
    conversation_id = Page(bot).opens().json()["conversation_id"]
    expired = token_of(acme, conversation_id, -timedelta(days=89))

    again = Page(bot).opens(conversation_id=conversation_id, token=expired)

    assert (again.status_code, again.json()["conversation_id"]) == (201, conversation_id)
    assert seconds_until(again.json()["expires_at"]) > 0
    assert count_of(acme, EndUser) == 1
    assert Page(bot).reads(conversation_id, expired).status_code == 401
    assert Page(bot).reads(conversation_id, again.json()["token"]).status_code == 200


def test_a_conversation_opens_to_nobody_without_its_own_token(acme, bot):
    hers, his = Page(bot).opens().json(), Page(bot).opens().json()
    conversation_id = hers["conversation_id"]
    too_old = token_of(acme, conversation_id, -timedelta(days=91))

    for token in ("", "nonsense", his["token"], too_old, f"{hers['token'][:-4]}AAAA", acme.token):
        answer = Page(bot).opens(conversation_id=conversation_id, token=token)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), token
    stolen = Page(bot).opens(end_user=signed(bot, "mallory"), conversation_id=conversation_id)
    assert stolen.status_code == 404


@pytest.mark.parametrize("key", ["nonsense", f"pk_{'0' * 32}_{'x' * 33}", "pk_", "钥匙"])
def test_an_unknown_publishable_key_names_nobody(database, key):
    answer = Client().post(f"/api/v1/public/{key}/sessions/", {}, content_type="application/json")
    page = Client().get(f"/chat/{key}/")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert page.status_code == 404


def test_a_key_with_another_tenant_in_front_names_nobody(bot, globex):
    secret = bot.publishable_key.rpartition("_")[2]

    answer = Client().post(f"/api/v1/public/pk_{globex.id.hex}_{secret}/sessions/", {}, content_type="application/json")

    assert answer.status_code == 404


# --- What a visitor may read ----------------------------------------------------------------------------------
@pytest.fixture
async def talk(carol: Visitor, scripted_llm: Any, open_tab: Any) -> Visitor:
    """Carol has asked, and the innkeeper has answered."""
    scripted_llm.will_say("One room.")
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    await tab.next("turn.completed")
    return carol


async def test_a_visitor_reads_his_own_conversation_and_no_other(talk, acme, globex, innkeeper, off_loop):
    def look() -> None:
        dave = welcome(acme, "dave")
        mallory_page = Page(open_inn(globex, None))
        mallory = welcome(globex, "mallory")
        page = Page(innkeeper)

        read = page.reads(talk.conversation_id, talk.token)
        assert [said["text"] for said in read.json()["results"]] == ["Any rooms?", "One room."]
        assert page.reads(talk.conversation_id, dave.token).status_code == 404
        assert page.reads(talk.conversation_id, mallory.token).status_code == 404
        assert mallory_page.reads(talk.conversation_id, talk.token).status_code == 404
        assert mallory_page.reads(talk.conversation_id, mallory.token).status_code == 404
        assert page.reads(talk.conversation_id, acme.token).status_code == 401
        assert page.client.get(f"{page.path}/conversations/{talk.conversation_id}/messages/").status_code == 401

    await off_loop(look)


def test_another_bot_of_the_house_does_not_show_it(acme, carol):
    with acme.scope():
        stable_hand = create_persona(
            tenant_id=acme.id, slug="stable", name="Stable hand", kind="companion", settings={}
        )
        publish(stable_hand)

    assert Page(stable_hand).reads(carol.conversation_id, carol.token).status_code == 404


# --- The page -------------------------------------------------------------------------------------------------
def test_the_chat_page_lets_nothing_in_from_elsewhere(bot):
    answer = Client().get(bot.chat_path)

    rules = dict(rule.strip().partition(" ")[::2] for rule in answer.headers["Content-Security-Policy"].split(";"))
    assert answer.status_code == 200
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert rules["connect-src"] == "'self' ws://testserver"
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert bot.widget_secret not in answer.text


@pytest.mark.parametrize(("language", "says"), [("en", "en"), ("zh-CN", "zh-hans")])
def test_a_key_that_names_nobody_gets_a_page_all_the_same(database, language, says):
    answer = Client(headers={"Accept-Language": language}).get("/chat/pk_nobody/")

    assert answer.status_code == 404
    assert f'lang="{says}' in answer.text.lower()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_draft_has_no_page(acme):
    with acme.scope():
        draft = create_persona(tenant_id=acme.id, slug="draft", name="Draft", kind="companion", settings={})

    assert Client().get(draft.chat_path).status_code == 404
    assert Page(draft).opens().status_code == 404
