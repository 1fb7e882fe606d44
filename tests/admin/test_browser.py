"""Alice works in the admin: documents in, a persona tried on its draft, an answer looked into."""

import base64
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Browser, Page, expect

from llm.models import Route
from personas.models import Persona
from personas.publishing import create_persona
from tests.admin.conftest import PASSWORD, Worker
from tests.admin.scenes import talked_with_sources
from tests.chat.conftest import server as server
from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.e2e.conftest import browser as browser
from tests.e2e.conftest import shoot
from tests.fakes.openai_server import CHAT_MODEL, FakeOpenAI
from tests.knowledge.conftest import work_off

# Only a fault takes it all: a busy machine makes everything here ten times as slow.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

TEA = Path(__file__).resolve().parents[2] / "demo" / "documents" / "cloud-mountain-tea"
DESKTOP = {"width": 1360, "height": 900}
PHONE = {"width": 390, "height": 844}

# Lets files fall on the page as a hand with a mouse would.
DROP = """([selector, files]) => {
    const transfer = new DataTransfer();
    for (const [name, data] of files)
        transfer.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name));
    const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
    document.querySelector(selector).dispatchEvent(drop);
}"""


class Desk:
    """A browser window on the admin."""

    def __init__(self, page: Page, http: str) -> None:
        self.page, self.http = page, http

    def opens(self, path: str) -> None:
        response = self.page.goto(f"{self.http}{path}")
        assert response
        assert response.ok, (path, response.status)

    def belongs_to(self, worker: Worker) -> None:
        """As if signed in before."""
        cookie = worker.client.cookies["sessionid"].value
        self.page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": self.http}])

    def signs_in(self, worker: Worker) -> None:
        self.opens("/")
        self.page.fill("[name=username]", worker.user.email)
        self.page.fill("[name=password]", PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/admin/")

    def drops(self, selector: str, **files: bytes) -> None:
        named = [[name.replace("_", "."), base64.b64encode(data).decode()] for name, data in files.items()]
        self.page.evaluate(DROP, [selector, named])

    def shoots(self, name: str, *, full: bool = True) -> None:
        shoot(self.page, f"admin-{name}", full_page=full, animations="disabled")


@pytest.fixture
def open_desk(browser: Browser, server: InProcessServer) -> Iterator[Callable[..., Desk]]:
    contexts = []

    def open_one(viewport: Any = DESKTOP, **options: Any) -> Desk:
        context = browser.new_context(viewport=viewport, locale="en-US", **options)
        contexts.append(context)
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if _is_fault(message) else None)
        page.on("response", lambda response: faults.append(response.url) if _is_missing(response) else None)
        context.faults = faults
        return Desk(page, server.http)

    yield open_one
    for context in contexts:
        context.close()
        assert context.faults == []


def _is_fault(message: Any) -> bool:
    """What the browser complains of, but for refused requests, which it names less well than we do."""
    return message.type == "error" and "Failed to load resource" not in message.text


def _is_missing(response: Any) -> bool:
    """A page or file that is not there. Uploads that are refused are meant."""
    return response.status >= 400 and response.status not in (415, 422)


@pytest.fixture
def worker(acme: Business) -> Iterator[Any]:
    """A worker that does Acme's jobs while it is switched on."""
    on, stop = threading.Event(), threading.Event()

    def run() -> None:
        while not stop.wait(0.2):
            if on.is_set():
                work_off(acme)
        connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield on
    stop.set()
    thread.join(timeout=30)


@pytest.fixture
def scripted(acme: Business) -> Iterator[FakeOpenAI]:
    """The model behind Acme's own route."""
    with FakeOpenAI() as fake:
        with acme.scope():
            route = Route(slug="main", name="Main", base_url=fake.base_url, chat_model=CHAT_MODEL, is_default=True)
            route.save()
        yield fake
        fake.verify()


def test_a_newcomer_is_led_from_nothing_to_a_chat_page(alice, acme, open_desk, worker):
    desk = open_desk()
    page = desk.page
    desk.signs_in(alice)
    expect(page.get_by_text("No model connected: the reader answers.")).to_be_visible()
    desk.shoots("dashboard-empty")

    page.get_by_role("link", name="Make a knowledge base").click()
    page.fill("[name=name]", "Tea shop")
    page.locator("[name=_save]").click()
    expect(page.get_by_text("No documents yet.")).to_be_visible()

    desk.drops(
        "#drop",
        returns_pdf=(TEA / "shipping-and-returns.pdf").read_bytes(),
        faq_md=(TEA / "membership-and-faq.md").read_bytes(),
        photo_png=b"\x89PNG\r\n\x1a\n" + b"\x00" * 64,
    )
    rows = page.locator(".document")
    expect(rows).to_have_count(3)
    refused = rows.filter(has_text="photo.png")
    expect(refused).to_contain_text("This kind of file cannot be read.")
    expect(rows.filter(has_text="Number 2 in line")).to_have_count(1)
    desk.shoots("base-waiting")
    refused.get_by_role("button", name="Dismiss").click()

    worker.set()
    expect(page.locator(".status--ready")).to_have_count(2, timeout=60_000)
    page.fill("#hit-test-query", "茶叶开封后可以退货吗？")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".hits")).to_contain_text("退货", timeout=30_000)
    expect(page.locator(".hit__ranks").first).to_contain_text("Meaning")
    desk.shoots("base")

    desk.opens("/admin/")
    page.get_by_role("link", name="Make a persona").click()
    page.fill("[name=name]", "Mei")
    desk.shoots("persona-new")
    page.locator("[name=_save]").click()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Version 1 answers now.")).to_be_visible()
    address = page.locator("#chat-url").text_content()
    assert page.goto(address).ok
    expect(page.locator("h1")).to_contain_text("Mei")


def test_a_persona_is_tried_on_its_draft_beside_its_form(alice, acme, open_desk, scripted):
    with acme.scope():
        persona = create_persona(
            tenant_id=acme.id,
            slug="bram",
            name="Bram",
            kind="companion",
            settings={
                "greeting": "Come in!",
                "suggestions": ["Any rooms?"],
                "instructions": "You keep an inn.",
            },
        )
    desk = open_desk()
    page = desk.page
    desk.belongs_to(alice)
    desk.opens(f"/admin/personas/persona/{persona.pk}/change/")
    chat = page.frame_locator("#try")
    expect(chat.get_by_text("Come in!")).to_be_visible()

    scripted.will_say("One room left, traveller.", chunks=6, delay_s=0.05)
    chat.get_by_text("Any rooms?").click()
    expect(chat.locator(".message--answer .answer").last).to_have_text("One room left, traveller.")
    desk.shoots("persona", full=False)

    # How it would look on a site changes while one chooses.
    expect(page.locator("#widget-code")).to_contain_text('/widget.js" data-key="pk_')
    page.get_by_text("See how it looks").click()
    site = page.frame_locator("#widget-preview")
    launcher = site.locator("#launcher")
    expect(launcher).to_have_css("background-color", "rgb(13, 102, 86)")
    page.locator("a, button", has_text="On your site").first.click()
    page.fill("[name='settings.widget.accent']", "#aa3366")
    expect(launcher).to_have_css("background-color", "rgb(170, 51, 102)")
    page.select_option("[name='settings.widget.position']", "left")
    expect(site.locator(".widget")).to_have_attribute("data-position", "left")
    launcher.press("Enter")
    expect(site.get_by_role("dialog", name="Bram")).to_contain_text("Come in!")
    desk.shoots("persona-widget", full=False)
    page.get_by_text("See how it looks").click()
    page.locator("a, button", has_text="Character").first.click()

    page.fill("[name='settings.voice']", "Speak like a sailor.")
    expect(page.get_by_text("Unsaved changes: save to try them.")).to_be_visible()
    expect(page.locator("#publish button")).to_be_disabled()
    page.locator("[name=_save]").click()
    expect(page.get_by_text("The draft is saved.")).to_be_visible()
    scripted.will_answer_with(lambda asked: "Ahoy!" if "sailor" in str(asked.messages) else "No.")
    chat.locator("#composer-text").fill("Any rooms?")
    chat.locator("#composer-text").press("Enter")
    expect(chat.locator(".message--answer .answer").last).to_have_text("Ahoy!")


def test_rows_and_the_slider_end_up_in_the_draft(alice, acme, open_desk, scripted):
    with acme.scope():
        persona = create_persona(tenant_id=acme.id, slug="bram", name="Bram", kind="companion", settings={})
    desk = open_desk()
    page = desk.page
    desk.belongs_to(alice)
    desk.opens(f"/admin/personas/persona/{persona.pk}/change/")

    suggestions = page.locator("[id='id_settings.suggestions']")
    for text in ("First?", "Second?", "Third?"):
        suggestions.get_by_role("button", name="Add a row").click()
        suggestions.locator("li textarea").last.fill(text)
    suggestions.get_by_role("button", name="Remove").nth(1).click()
    page.get_by_text("Examples", exact=True).first.click()
    examples = page.locator("[id='id_settings.examples']")
    examples.get_by_role("button", name="Add a row").click()
    examples.get_by_label("Somebody says").fill("Hello?")
    examples.get_by_label("The persona says").fill("Come in!")
    page.get_by_text("Model", exact=True).first.click()
    page.get_by_label("Set it here").check()
    page.locator("[name='settings.temperature']").fill("0.7")
    desk.shoots("persona-model", full=False)
    page.locator("[name=_save]").click()
    expect(page.get_by_text("The draft is saved.")).to_be_visible()

    with acme.scope():
        assert Persona.objects.get(pk=persona.pk).settings == {
            "suggestions": ["First?", "Third?"],
            "examples": [{"user": "Hello?", "say": "Come in!"}],
            "temperature": 0.7,
        }


def test_the_admin_looks_right_in_the_dark_on_a_phone_and_in_chinese(alice, acme, open_desk, scripted):
    conversation, persona, base = talked_with_sources(acme)
    desk = open_desk()
    desk.belongs_to(alice)
    viewer = f"/admin/chat/conversation/{conversation.pk}/change/"
    for name, path in (
        ("dashboard", "/admin/"),
        ("conversations", "/admin/chat/conversation/"),
        ("viewer", viewer),
    ):
        desk.opens(path)
        if name == "viewer":
            desk.page.locator(".cited summary").first.click()
            expect(desk.page.locator("mark").first).to_be_visible()
            desk.page.get_by_text("How this came about").first.click()
        desk.shoots(name)

    pages = {
        "dashboard": "/admin/",
        "base": f"/admin/knowledge/knowledgebase/{base.pk}/change/",
        "persona": f"/admin/personas/persona/{persona.pk}/change/",
        "viewer": viewer,
    }
    dark = open_desk(color_scheme="dark")
    phone = open_desk(PHONE)
    for surface, window in (("dark", dark), ("phone", phone)):
        window.belongs_to(alice)
        for name, path in pages.items():
            window.opens(path)
            window.shoots(f"{name}-{surface}")
            assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (surface, name)
    dark.page.context.add_cookies([{"name": "django_language", "value": "zh-hans", "url": dark.http}])
    dark.opens("/admin/")
    expect(dark.page.locator("html")).to_have_attribute("lang", "zh-hans")
    dark.shoots("dashboard-zh")


def test_an_operator_cannot_overlook_where_he_is(olga, acme, open_desk):
    desk = open_desk()
    desk.belongs_to(olga)
    desk.opens("/admin/")
    desk.shoots("operator-choose", full=False)
    desk.page.get_by_role("button", name=acme.tenant.slug).click()
    expect(desk.page.get_by_role("status").first).to_contain_text("You are inside Acme as an operator.")
    desk.shoots("operator-inside")
    desk.page.get_by_role("button", name="Leave").click()
    desk.page.wait_for_url("**/choose/")


def test_a_key_is_shown_once_and_can_be_copied(alice, acme, open_desk):
    desk = open_desk()
    desk.belongs_to(alice)
    desk.opens("/admin/tenants/apikey/add/")
    desk.page.fill("[name=name]", "Web shop")
    desk.page.get_by_label("Chat").check()
    desk.shoots("key-new", full=False)
    desk.page.locator("[name=_save]").click()
    expect(desk.page.locator("#secret")).to_contain_text("tk_")
    desk.shoots("key-made", full=False)
