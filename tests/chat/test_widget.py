"""What a shop's page gets of Acme's public bot, by the origin that it comes from."""

import asyncio
import gzip
from io import BytesIO
from typing import Any

import pytest
import segno
from django.test import Client
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from personas.models import Persona
from personas.publishing import create_persona, edit_persona, publish
from tests.conftest import Business

SHOP = "https://shop.example"
# What may not pass, though it looks like the shop, like us, or like nothing.
STRANGERS = [
    "null", "https://mallory.example", "http://shop.example", f"{SHOP}:8443", "https://www.shop.example", "https://hop.example",
    f"{SHOP}.mallory.example", "https://shop.example@mallory.example", "https://shop.examples", f"{SHOP}.", "https://xn--shp-0na.example",
    "shop.example", "https://", "file://", "chrome-extension://shop.example",
]  # fmt: skip


@pytest.fixture
def bot(acme: Business) -> Persona:
    """Acme's bot, published, which the shop alone may show."""
    with acme.scope():
        settings = {"greeting": "Welcome <b>in</b>!", "widget": {"accent": "#00aa77", "theme": "dark"}}
        made = create_persona(
            tenant_id=acme.id, slug="bot", name="Mei & Co", kind="customer_service", settings=settings
        )
        edit_persona(made, allowed_origins=[SHOP, "http://localhost:3000"])
        publish(made, by="alice")
        return made


def card(bot: Persona, origin: str = SHOP) -> Any:
    headers = {"Origin": origin} if origin else {}
    return Client().get(f"/api/v1/public/{bot.publishable_key}/widget/", headers=headers)


def test_a_widget_learns_who_answers_and_how_it_looks(bot):
    answer = card(bot)

    body = answer.json()
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert set(body) == {"persona", "widget", "reader_active"}
    assert body["persona"]["name"] == "Mei & Co"
    assert body["persona"]["offers_person"] is True
    assert body["widget"] == {
        "accent": "#00aa77", "theme": "dark", "position": "right", "offset_x": 20, "offset_y": 20, "radius": 16,
        "font": "", "greeting": "",
    }  # fmt: skip
    # No word of how it is made.
    assert "instructions" not in str(body)


def test_a_draft_and_a_neighbours_key_show_nothing(acme, globex, bot):
    with acme.scope():
        draft = create_persona(tenant_id=acme.id, slug="draft", name="Draft", kind="customer_service", settings={})
        edit_persona(draft, allowed_origins=[SHOP])
    # Globex's tenant with the rest of Acme's key.
    forged = bot.publishable_key.replace(acme.id.hex, globex.id.hex)
    answers = [
        Client().get(f"/api/v1/public/{key}/widget/", headers={"Origin": SHOP})
        for key in (forged, "pk_x", draft.publishable_key)
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


@pytest.mark.parametrize(
    "field", [{"accent": "red"}, {"accent": "#12345"}, {"font": "x; } body {"}, {"radius": 99}, {"theme": "pink"}]
)
def test_looks_that_are_none_are_refused(acme, bot, field):
    answer = acme.api.patch("/api/v1/personas/bot/", {"settings": {"widget": field}})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, f"settings.widget.{next(iter(field))}")


def test_strangers_get_neither_card_nor_session(bot):
    for origin in STRANGERS:
        answer = card(bot, origin)
        assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed"), origin
        assert "Access-Control-Allow-Origin" not in answer.headers, origin
        opened = Client().post(f"/api/v1/public/{bot.publishable_key}/sessions/", headers={"Origin": origin})
        assert opened.status_code == 403, origin


async def closing_code(http: str, token: str, origin: str | None) -> int | None:
    """How a socket opened from a page of this origin ends; None if it lives."""
    url = http.replace("http", "ws") + "/ws/v1/chat/"
    async with connect(url, subprotocols=["troupe.v1", f"token.{token}"], origin=origin) as socket:
        try:
            await asyncio.wait_for(socket.recv(), 20)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 0
        return None


async def test_a_public_token_is_worth_nothing_on_another_site(server, bot, carol, off_loop):
    def opened() -> str:
        path = f"/api/v1/public/{bot.publishable_key}/sessions/"
        return Client().post(path, content_type="application/json", headers={"Origin": SHOP}).json()["token"]

    token = await off_loop(opened)

    for origin in (SHOP, server.http, None):
        assert await closing_code(server.http, token, origin) is None, origin
    for origin in STRANGERS:
        assert await closing_code(server.http, token, origin) == 4403, origin
    # A token of Acme's own server goes wherever that server lets it.
    assert await closing_code(server.http, carol.token, "https://mallory.example") is None


def test_the_files_are_for_every_page_and_for_ever(bot):
    script = Client().get("/widget.js")
    digest = script.content.decode().partition("/widget/")[2].partition("/")[0]
    plain = Client().get(f"/widget/{digest}/widget.js")
    zipped = Client().get(f"/widget/{digest}/widget.js", headers={"Accept-Encoding": "gzip"})
    older = Client().get("/widget/0123456789abcdef/widget.js")

    assert script.headers["Cache-Control"] == "public, max-age=300"
    assert "immutable" in plain.headers["Cache-Control"]
    assert older.headers["Cache-Control"] == "no-store"
    assert gzip.decompress(zipped.content) == plain.content == older.content
    for answer in (script, plain, zipped, older):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert "Set-Cookie" not in answer.headers
    assert Client().get(f"/widget/{digest}/loader.js").status_code == 404
    assert Client().get(f"/widget/{digest}/..%2Fchat.css").status_code == 404


def test_only_allowed_sites_may_hold_the_page_in_a_frame(bot):
    page, framed = (Client().get(f"{bot.chat_path}{query}") for query in ("", "?embed=1"))

    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    policy = framed.headers["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {SHOP} http://localhost:3000" in policy
    assert "X-Frame-Options" not in framed.headers
    assert "Set-Cookie" not in framed.headers
    body = page.content.decode()
    assert '<meta property="og:title" content="Mei &amp; Co">' in body
    assert '<meta name="description" content="Welcome &lt;b&gt;in&lt;/b&gt;!">' in body
    assert "data-embedded" in framed.content.decode()


def test_the_pages_link_can_be_printed_as_a_code(acme, bot):
    answer = Client().get(f"{bot.chat_path}qr.svg", headers={"Host": "testserver"})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
    drawn = BytesIO()
    link = f"http://testserver{bot.chat_path}"
    segno.make_qr(link, error="m").save(drawn, kind="svg", scale=8, border=4, light="white", xmldecl=False)
    assert answer.content == drawn.getvalue()

    with acme.scope():
        draft = create_persona(tenant_id=acme.id, slug="draft", name="Draft", kind="customer_service", settings={})
    for nobody in (draft.publishable_key, "pk_x", f"{bot.publishable_key}x"):
        assert Client().get(f"/chat/{nobody}/qr.svg").status_code == 404
