"""The chat page in a frame: of a shop's page, on another site than ours, and of pages that may not hold it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_httpserver import HTTPServer

from chat.models import Conversation
from embedded.ports import random_free_port
from personas.publishing import edit_persona
from tests.chat.conftest import open_inn, scripted_llm, server
from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.fakes.openai_server import FakeOpenAI

__all__ = ["scripted_llm", "server"]

# Only a fault takes it all: a busy machine makes everything here ten times as slow.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

FRAME = '<!doctype html><title>Tea shop</title><iframe src="{}" title="Chat" width="400" height="600"></iframe>'


@dataclass(frozen=True)
class Sites:
    """One server under two names, which are two sites: the shop's, and a stranger's."""

    server: HTTPServer

    @property
    def shop(self) -> str:
        return f"http://localhost:{self.server.port}"

    @property
    def stranger(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def hold(self, path: str, framed: str) -> None:
        """Put up a page that holds another one in a frame."""
        self.server.expect_request(path).respond_with_data(
            FRAME.format(framed), content_type="text/html; charset=utf-8"
        )


@pytest.fixture
def sites() -> Iterator[Sites]:
    with HTTPServer("127.0.0.1", random_free_port(), threaded=True) as running:  # browsers open lines beforehand
        yield Sites(running)


@pytest.fixture
def chat_address(acme: Business, scripted_llm: FakeOpenAI, server: InProcessServer, sites: Sites) -> str:
    """Acme's innkeeper, whom the shop alone may show. `/` of either site holds his chat in a frame."""
    inn = open_inn(acme, scripted_llm)
    with acme.scope():
        edit_persona(inn, allowed_origins=[sites.shop])
    address = f"{server.http}{inn.chat_path}"
    sites.hold("/", f"{address}?embed=1&amp;lang=zh")
    return address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(locale="en-US") as context:
        yield context.new_page()


def test_in_the_frame_of_an_allowed_site_carol_is_answered(
    acme: Business, chat_address: str, sites: Sites, page: Page, scripted_llm: FakeOpenAI
) -> None:
    """Also where, as here, the browser closes its storage to frames of other sites."""
    wrongs: list[str] = []
    page.on("pageerror", lambda error: wrongs.append(str(error)))
    page.goto(f"{sites.shop}/")
    chat = page.frame_locator("iframe")

    for asked, answered in (("有房间吗？", "还有一间房。"), ("多少钱？", "一晚三百元。")):
        scripted_llm.will_say(answered)
        chat.get_by_role("textbox").fill(asked)
        chat.get_by_role("textbox").press("Enter")
        expect(chat.locator("#messages")).to_contain_text(answered)
        expect(chat.locator("#messages")).to_contain_text(asked)

    expect(chat.locator("html")).to_have_attribute("lang", "zh-Hans")
    with acme.scope():
        assert Conversation.objects.count() == 1
    assert wrongs == []


@pytest.mark.parametrize("whose", ["a stranger's page", "the shop in a stranger's page", "the page that is no frame's"])
def test_in_any_other_frame_nothing_is_shown(
    whose: str, acme: Business, chat_address: str, sites: Sites, page: Page
) -> None:
    sites.hold("/around", f"{sites.shop}/")
    sites.hold("/bare", chat_address)
    address, depth = {
        "a stranger's page": (f"{sites.stranger}/", 1),
        "the shop in a stranger's page": (f"{sites.stranger}/around", 2),
        "the page that is no frame's": (f"{sites.shop}/bare", 1),
    }[whose]

    with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
        page.goto(address)

    assert len(page.frames) == 1 + depth
    page.frames[-1].wait_for_url(re.compile("^chrome-error:"))  # a moment after the browser has said so
    assert page.frames[-1].locator("#messages").count() == 0
    with acme.scope():
        assert not Conversation.objects.exists()
