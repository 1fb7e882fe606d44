"""Arno at the agent desk beside Carol at the public chat page: what one does, the other sees."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chat.models import Conversation
from tenants.models import Member
from tests.admin.conftest import Worker, hire
from tests.chat.conftest import server
from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.e2e.conftest import check_accessible, shoot
from tests.knowledge.conftest import work_off

__all__ = ["hire", "server"]

# Only a fault takes it all: a busy machine makes everything here ten times as slow.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

DESKTOP: dict[str, Any] = {"locale": "zh-CN", "viewport": {"width": 1440, "height": 880}}
PHONE: dict[str, Any] = {
    "locale": "en-US", "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True,
    "device_scale_factor": 2, "color_scheme": "dark",
}  # fmt: skip
VISITOR: dict[str, Any] = {"locale": "zh-CN", "viewport": {"width": 420, "height": 800}}

TEA = "绿茶应放在密封罐里，避光、防潮，在 5℃ 左右的冰箱中保存，开封后三个月内喝完。"
# What a hostile visitor writes, and what he hopes for.
HOSTILE = "<img src=x onerror=\"document.title='stolen'\"><script>document.title='stolen'</script> **hi**"


# Stands for the agent's loudspeaker and his system's notifications: what comes there is noted at the page's root. He
# looks at another window, until the page comes forward.
EARS = """
    document.hasFocus = () => false;
    window.focus = () => { document.hasFocus = () => true; };
    window.Notification = class {
        static permission = "default";
        static requestPermission() { return Promise.resolve((this.permission = "granted")); }
        constructor(title) { document.documentElement.dataset.notice = title; window.notice = this; }
        close() { delete document.documentElement.dataset.notice; }
    };
    const Tone = window.OscillatorNode;
    window.OscillatorNode = class extends Tone {
        start(at) { document.documentElement.dataset.chime = "rang"; super.start(at); }
    };
"""


class Window:
    """A browser window, and what went wrong in it."""

    def __init__(self, context: BrowserContext, http: str) -> None:
        self.context, self.http = context, http
        self.faults: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", self._look_at)

    def _note(self, message: Any) -> None:
        if message.type == "error" and not re.search("Failed to load resource|WebSocket connection", message.text):
            self.faults.append(message.text)

    def _look_at(self, request: Any) -> None:
        if not request.url.startswith((self.http, self.http.replace("http", "ws"), "data:")):
            self.faults.append(request.url)

    def opens(self, path: str) -> None:
        self.page.goto(f"{self.http}{path}")

    def shoots(self, name: str) -> None:
        shoot(self.page, f"desk-{name}", animations="disabled")

    def is_accessible(self) -> None:
        check_accessible(self.page)


class Desk(Window):
    """Where an agent sits."""

    @property
    def rows(self) -> Any:
        return self.page.locator("#rows a")

    @property
    def toast(self) -> Any:
        return self.page.locator("#toast-text")

    def said(self, text: str, role: str = "") -> Any:
        return self.page.locator(f".said{'--' + role if role else ''} .said__text").filter(has_text=text)


class Visitor(Window):
    """Carol, at the chat page."""

    def says(self, text: str) -> None:
        self.page.locator("#composer-text").fill(text)
        self.page.keyboard.press("Enter")

    def sees(self, text: str) -> None:
        expect(self.page.locator("#messages")).to_contain_text(text)


@pytest.fixture
def open_window(browser: Browser, server: InProcessServer) -> Iterator[Callable[..., Any]]:
    """Open a window, signed in as a worker if there is one. No script may fail, nothing is fetched from elsewhere."""
    opened: list[Window] = []

    def open_one(kind: type[Window], options: dict[str, Any], worker: Worker | None = None) -> Window:
        context = browser.new_context(**options)
        if worker:
            cookie = worker.client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": server.http}])
        window = kind(context, server.http)
        opened.append(window)
        return window

    yield open_one
    for window in opened:
        window.context.close()
    assert [window.faults for window in opened if window.faults] == []


@pytest.fixture
def agents(acme: Business, hire: Callable[..., Worker]) -> tuple[Worker, Worker]:
    """Arno and Bo, by names that visitors may see."""
    return agent(hire, acme, "阿诺"), agent(hire, acme, "Bo")


def agent(hire: Callable[..., Worker], business: Business, name: str) -> Worker:
    worker = hire(business, Member.Role.AGENT, name="agent")
    worker.user.first_name = name
    worker.user.save()
    return worker


@pytest.fixture
def chat_path(acme: Business) -> str:
    """Mei answers about tea from a document, by the reader; people stand behind her."""
    api = acme.api
    base = api.post("/api/v1/knowledge-bases/", {"name": "Tea"}).json()["id"]
    api.post(f"/api/v1/knowledge-bases/{base}/documents/", {"title": "茶叶保存指南", "text": TEA})
    work_off(acme)
    settings = {"knowledge_bases": [base], "greeting": "您好！", "handoff": {"enabled": True}}
    body = {"slug": "mei", "name": "梅", "kind": "customer_service", "settings": settings}
    assert api.post("/api/v1/personas/", body).status_code == 201
    published = api.post("/api/v1/personas/mei/publish/").json()
    for reply in (
        {"shortcut": "hello", "text": "您好，我是人工客服，马上为您查看。", "language": "zh"},
        {"shortcut": "hello", "text": "Hello, a person here. Let me look into it.", "language": "en"},
        {"shortcut": "hours", "text": "We are here from 9 to 18."},
    ):
        assert api.post("/api/v1/canned-replies/", reply).status_code == 201
    return f"/chat/{published['publishable_key']}/"


def conversation_of(business: Business) -> str:
    with business.scope():
        return str(Conversation.objects.started().latest("opened_at").pk)


def asks_for_a_person(business: Business, reason: str, conversation_id: str = "") -> None:
    path = f"/api/v1/conversations/{conversation_id or conversation_of(business)}/handoff/"
    assert business.api.post(path, {"reason": reason}).status_code == 200


def waits_for_a_person(business: Business, name: str) -> str:
    """Somebody who came only for that; the conversation's id."""
    body = {"persona": "mei", "end_user": {"id": name.lower(), "name": name}}
    conversation_id = str(business.api.post("/api/v1/chat/sessions/", body).json()["conversation_id"])
    asks_for_a_person(business, "My tea is cold", conversation_id)
    return conversation_id


def leaves_for_the_day(business: Business) -> None:
    """From now on people are there on another day than today, yesterday and tomorrow."""
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    day = days[(datetime.now(UTC).weekday() + 3) % 7]
    handoff = {"enabled": True, "hours": {"timezone": "UTC", "weekdays": {day: "09:00-18:00"}}}
    assert business.api.patch("/api/v1/personas/mei/", {"settings": {"handoff": handoff}}).status_code == 200
    assert business.api.post("/api/v1/personas/mei/publish/").status_code == 200


def test_from_waiting_to_closed_by_keys_alone(
    acme: Business, agents: tuple[Worker, Worker], chat_path: str, open_window: Any
) -> None:
    desk: Desk = open_window(Desk, DESKTOP, agents[0])
    carol: Visitor = open_window(Visitor, VISITOR)
    page, press = desk.page, desk.page.keyboard.press
    page.add_init_script(EARS)
    desk.opens("/desk/")
    expect(page.get_by_text("没有人在等待。")).to_be_visible()
    desk.shoots("zh-nobody")
    desk.is_accessible()
    page.locator("#alerts-open").click()
    page.locator("#notices").click()
    expect(page.locator("#notices")).to_have_text("关闭通知")
    desk.shoots("zh-alerts")
    desk.is_accessible()
    press("Escape")

    carol.opens(chat_path)
    carol.says("绿茶怎么保存？")
    carol.sees("密封罐")
    carol.says(HOSTILE)
    carol.sees("onerror")
    expect(carol.page.locator(".message--answer[data-state=done]")).to_have_count(3)
    asks_for_a_person(acme, "想退货，请找人工")

    expect(desk.rows).to_have_count(1)
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    root = page.locator("html")
    expect(root).to_have_attribute("data-notice", re.compile("人工"))
    expect(root).to_have_attribute("data-chime", "rang")
    press("j")
    expect(desk.rows.first).to_be_focused()
    press("Enter")
    expect(page.locator("#talk-state")).to_have_text("等待人工")
    expect(page.locator("#context")).to_contain_text("想退货，请找人工")
    expect(page.locator("#context .source")).to_contain_text("茶叶保存指南")
    expect(desk.said("document.title", "user")).to_be_visible()
    assert "stolen" not in page.title()
    desk.shoots("zh-waiting")
    desk.is_accessible()

    press("t")
    expect(page.locator("#talk-state")).to_have_text("由您回答")
    carol.sees("阿诺")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("/he")
    expect(page.locator("#canned [role=option]").first).to_contain_text("您好")
    desk.shoots("zh-canned")
    press("Enter")
    expect(page.locator("#text")).to_have_value("您好，我是人工客服，马上为您查看。")
    press("Control+Enter")
    carol.sees("马上为您查看")
    expect(page.locator(".said--human[data-state=done]")).to_have_count(1)

    carol.page.locator("#composer-text").press_sequentially("好的")
    expect(page.locator("#typing")).to_be_visible()
    carol.says("好的，谢谢！")
    expect(desk.said("好的，谢谢！", "user")).to_be_visible()
    expect(page.locator("#typing")).to_be_hidden()

    press("Escape")
    press("n")
    page.keyboard.type("老客户，注意语气")
    desk.shoots("zh-note")
    press("Enter")
    expect(desk.said("老客户，注意语气", "note")).to_be_visible()
    expect(page.locator(".said--note[data-state=done]")).to_have_count(1)

    desk.context.set_offline(True)
    press("Escape")
    press("r")
    page.keyboard.type("退款三天内到账。")
    press("Enter")
    expect(page.locator(".said[data-state=sending]")).to_contain_text("退款三天内到账。")
    desk.shoots("zh-offline")
    desk.context.set_offline(False)
    expect(page.locator(".said[data-state=sending]")).to_have_count(0)
    expect(desk.said("退款三天内到账。")).to_have_count(1)
    carol.sees("退款三天内到账。")

    press("Escape")
    press("?")
    expect(page.get_by_role("dialog")).to_contain_text("显示全部快捷键")
    desk.shoots("zh-keys")
    desk.is_accessible()
    press("Escape")
    press("e")
    expect(page.get_by_role("dialog")).to_contain_text("要关闭此对话吗？")
    press("Enter")
    expect(page.locator("#talk-state")).to_have_text("已关闭")
    desk.shoots("zh-closed")
    expect(carol.page.get_by_text("老客户")).to_have_count(0)
    press("Escape")
    press("4")
    expect(desk.rows).to_have_count(1)


def test_a_pressed_notification_brings_its_conversation_to_the_front(
    acme: Business, agents: tuple[Worker, Worker], chat_path: str, open_window: Any
) -> None:
    desk: Desk = open_window(Desk, {**DESKTOP, "locale": "en-US"}, agents[0])
    page, press = desk.page, desk.page.keyboard.press
    root, choice, name, state = (page.locator(each) for each in ("html", "#choice", "#talk-name", "#talk-state"))
    page.add_init_script(EARS)
    desk.opens("/desk/")
    expect(page.get_by_text("Nobody is waiting.")).to_be_visible()  # what comes from now on is news
    page.locator("#alerts-open").click()
    page.locator("#notices").click()
    expect(page.locator("#notices")).to_have_text("Turn off")
    press("Escape")
    dave = waits_for_a_person(acme, "Dave")
    expect(root).to_have_attribute("data-notice", re.compile("Dave"))
    desk.rows.first.click()
    expect(state).to_have_text("Waits for a person")
    press("t")
    expect(state).to_have_text("You answer")
    press("Escape")
    press("e")
    expect(choice).to_be_visible()

    erin = waits_for_a_person(acme, "Erin")
    expect(root).to_have_attribute("data-notice", re.compile("Erin"))
    page.evaluate("notice.onclick()")

    expect(name).to_contain_text("Erin")
    expect(page).to_have_url(f"{desk.http}/desk/c/{erin}/")
    expect(root).not_to_have_attribute("data-notice", re.compile(""))
    assert page.evaluate("document.hasFocus()")
    # What he was asked about Dave is not asked any more, and was not done.
    expect(choice).to_be_hidden()
    page.go_back()
    expect(page).to_have_url(f"{desk.http}/desk/c/{dave}/")
    expect(name).to_contain_text("Dave")
    expect(state).to_have_text("You answer")

    # A browser that grants notifications and then has none.
    page.evaluate("""() => {
        document.hasFocus = () => false;
        window.Notification = class { static permission = "granted"; constructor() { throw new TypeError(); } };
    }""")
    waits_for_a_person(acme, "Fred")
    expect(page.locator("#announcer")).to_contain_text("Fred")
    expect(desk.rows).to_have_count(2)
    expect(page.locator("#notices")).to_be_disabled()


def test_on_a_phone_in_the_dark(
    acme: Business, agents: tuple[Worker, Worker], chat_path: str, open_window: Any
) -> None:
    desk: Desk = open_window(Desk, PHONE, agents[0])
    carol: Visitor = open_window(Visitor, {**VISITOR, "locale": "en-US"})
    page = desk.page
    carol.opens(chat_path)
    carol.says("How do I keep green tea?")
    expect(carol.page.locator(".message--answer[data-state=done]")).to_have_count(2)
    asks_for_a_person(acme, "My order 1234 never came")

    desk.opens("/desk/")
    expect(desk.rows).to_have_count(1)
    desk.shoots("phone-list")
    desk.is_accessible()
    desk.rows.first.tap()
    expect(page.locator("#talk-state")).to_have_text("Waits for a person")
    desk.shoots("phone-talk")
    desk.is_accessible()
    page.get_by_role("button", name="About this conversation").tap()
    expect(page.locator("#context")).to_contain_text("My order 1234 never came")
    desk.shoots("phone-context")
    desk.is_accessible()
    page.locator("#context-close").tap()
    page.get_by_role("button", name="Take over").tap()
    expect(page.locator("#talk-state")).to_have_text("You answer")
    page.get_by_label("Your reply to the visitor").fill("It is on its way.")
    page.get_by_role("button", name="Send", exact=True).tap()
    carol.sees("It is on its way.")
    desk.shoots("phone-answered")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]

    page.get_by_role("button", name="Transfer").tap()
    expect(page.get_by_role("dialog")).to_contain_text("Bo")
    desk.shoots("phone-transfer")
    page.get_by_role("dialog").get_by_role("button", name="Bo", exact=True).tap()
    expect(page.locator("#talk-state")).to_have_text("Bo answers")

    bo: Desk = open_window(Desk, {**DESKTOP, "locale": "en-US"}, agents[1])
    bo.opens("/desk/")
    bo.page.get_by_role("button", name="Mine").click()
    expect(bo.rows).to_have_count(1)
    bo.rows.first.click()
    expect(bo.page.locator("#talk-state")).to_have_text("You answer")
    expect(bo.page.locator("#others")).to_contain_text("阿诺")
    bo.shoots("en-bo")
    bo.page.get_by_role("button", name="Back to the bot").click()
    expect(bo.page.locator("#talk-state")).to_have_text("Bot answers")
    expect(page.locator("#talk-state")).to_have_text("Bot answers")

    leaves_for_the_day(acme)
    carol.page.reload()  # her page learns who is there when it comes in
    carol.page.get_by_role("button", name="Talk to a person").click()
    carol.sees("Nobody is there right now; people are back")
    form = carol.page.locator("#contact")
    form.get_by_label("Name").fill("Carol")
    form.get_by_label("Email or telephone").fill("carol@example.com")
    form.get_by_label("What is it about?").fill("Call me, please.")
    carol.shoots("en-form")
    carol.is_accessible()
    form.get_by_role("button", name="Leave the message").click()
    expect(form).to_be_hidden()
    bo.page.get_by_role("link", name="Messages left").click()
    expect(bo.page.locator(".reply")).to_contain_text("carol@example.com")
    bo.shoots("en-left")
    bo.is_accessible()
    bo.page.get_by_label("Done: Carol").check()
    expect(bo.page.locator(".reply.is-done")).to_be_visible()
    bo.page.reload()
    expect(bo.page.get_by_text("Nobody is waiting to hear from you.")).to_be_visible()

    bo.opens("/desk/replies/")
    expect(bo.page.locator(".reply")).to_have_count(3)
    bo.page.get_by_role("button", name="New reply").click()
    bo.page.get_by_label("Shortcut").fill("bye")
    bo.page.get_by_label("Text").fill("Goodbye!")
    bo.shoots("en-reply")
    bo.is_accessible()
    bo.page.get_by_role("button", name="Save").click()
    expect(bo.page.locator(".reply")).to_have_count(4)
    bo.shoots("en-replies")
    bo.is_accessible()
