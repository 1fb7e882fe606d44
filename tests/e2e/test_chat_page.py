"""The public chat page in Chromium, against a scripted server: Carol chats with Acme's Mei."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.conftest import shoot
from tests.e2e.fake_chat import HOLD, PERSONA, PUBLISHABLE_KEY, Address, Drop, Fail, FakeChat, Lose, Repeat

pytestmark = pytest.mark.browser

RETURNS = {
    "n": 1,
    "document_id": "d1",
    "chunk_id": "c1",
    "title": "Returns · 退换货.pdf",
    "text": "Unopened tea can be returned within 30 days of delivery. Inform us first.\n"
    "未开封的茶叶，可在收货后 30 天内退货。",
    "page": 3,
    "score": 0.91,
}
SHIPPING = {
    **RETURNS,
    "n": 2,
    "title": "Shipping.docx",
    "text": "Parcels leave on the day of the order.",
    "page": None,
}
ANSWER = "You can return unopened tea within 30 days of delivery. [1] Parcels leave daily. [2]"
ANSWER_ZH = "可以。未开封的茶叶可在收货后30天内退货。[1]"


STORED = f"troupe.chat.{PUBLISHABLE_KEY}."


class Carol:
    """A visitor with the chat page open."""

    def __init__(self, page: Page, fake_chat: FakeChat) -> None:
        self.page = page
        self.fake_chat = fake_chat
        self.box = page.locator("#composer-text")
        self.messages = page.locator("#messages > li")
        self.panel = page.locator("#passage")
        self.banner = page.locator("#banner")
        self.notice = page.locator("#notice")
        self.stop = page.locator("#stop")

    def says(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    def asks_and_reads(self, text: str, answer: str) -> None:
        """Ask, and wait until the answer has ended."""
        before = self.answers.count()
        self.fake_chat.will_answer(answer)
        self.says(text)
        expect(self.answers.nth(max(before, 1)).locator(".actions")).to_be_visible()
        expect(self.answer).to_contain_text(answer)

    @property
    def answers(self) -> Locator:
        return self.page.locator(".message--answer")

    @property
    def answer(self) -> Locator:
        """The text of the newest answer."""
        return self.answers.last.locator(".answer")

    @property
    def said(self) -> Locator:
        return self.page.locator(".message--user .bubble")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def announced(self) -> list[str]:
        return self.page.locator("#announcer p").all_inner_texts()

    def import_and_run(self, module: str, script: str) -> Any:
        """Run `script` with the exports of one of the page's modules as `m`."""
        imported = f"const m = await import('/static/chat/{module}');"
        return self.page.evaluate(f"async () => {{ {imported} return ({script}); }}")

    def comes_to(self, script: str, value: Any) -> bool:
        """Wait until `script` has this value. Playwright's own needs `unsafe-eval` in the page's policy."""
        for _ in range(100):
            if self.page.evaluate(script) == value:
                return True
            self.page.wait_for_timeout(50)
        return False

    def shows(self, name: str) -> None:
        shoot(self.page, f"chat-{name}", animations="disabled")


DESKTOP: dict[str, Any] = {"locale": "en-US", "viewport": {"width": 1200, "height": 800}}
TIMEOUT_MS = 20_000


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with Address() as address:
        yield address


@pytest.fixture
def fake_chat(address: Address) -> Iterator[FakeChat]:
    with FakeChat(address) as fake:
        yield fake


@pytest.fixture(scope="module")
def desktop(browser: Browser, address: Address) -> BrowserContext:
    """The browser of all who need no particular one: a new one takes a second of processor time.

    Its first page, a picture, stays open: what shows the pages would end with the last of them.
    """
    context = browser.new_context(**DESKTOP)
    with FakeChat(address):
        context.new_page().goto(f"{address.base_url}/static/chat/icon.svg")
    return context


@pytest.fixture
def open_page(browser: Browser, desktop: BrowserContext, fake_chat: FakeChat) -> Iterator[Callable[..., Carol]]:
    """Open the page in a browser that has never seen it. Whatever happens there, nothing may be fetched from
    elsewhere, nothing may break the content security policy and no script may fail."""
    wrongs: list[str] = []
    contexts = []

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: wrongs.append(f"script error: {error}"))
        page.on("console", lambda message: "Content Security" in message.text and wrongs.append(message.text))
        page.on("request", lambda request: is_ours(request.url) or wrongs.append(f"fetched {request.url}"))

    def is_ours(url: str) -> bool:
        return url.startswith((fake_chat.base_url, "data:"))

    def open_one(path: str = "", *, beside: Carol | None = None, **options: Any) -> Carol:
        if options:
            contexts.append(browser.new_context(**DESKTOP | options))
        context = beside.page.context if beside else contexts[-1] if options else desktop
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        watch(page)
        page.goto(fake_chat.page_url + path)
        return Carol(page, fake_chat)

    yield open_one
    for context in contexts:
        context.close()
    forget_everything(desktop)
    assert wrongs == []


def forget_everything(desktop: BrowserContext) -> None:
    """Leave the browser as if it had never seen the chat page."""
    picture, *others = desktop.pages
    for page in others:
        page.close()
    picture.evaluate("localStorage.clear()")
    desktop.clear_cookies()
    desktop.clear_permissions()
    desktop.set_offline(False)


@pytest.fixture
def carol(open_page: Callable[..., Carol]) -> Carol:
    return open_page()


# --- Asking and reading -------------------------------------------------------------------------------------


def test_a_newcomer_is_greeted_and_costs_no_session(carol, fake_chat):
    expect(carol.page.get_by_role("heading", level=2, name="Mei · 梅")).to_be_visible()
    expect(carol.page.locator("#hero-greeting")).to_have_text(PERSONA["greeting"])
    expect(carol.page.locator(".suggestion")).to_have_text(PERSONA["suggestions"])
    assert fake_chat.sessions_opened == []


def test_a_picture_that_cannot_be_shown_gives_way_to_a_letter(open_page, fake_chat):
    fake_chat.persona["avatar_url"] = "/static/chat/avatar.svg"
    carol = open_page()
    expect(carol.page.locator(".hero .avatar img")).to_be_visible()
    fake_chat.persona["avatar_url"] = "/static/chat/nothing.png"

    carol.page.reload()

    expect(carol.page.locator(".hero .avatar")).to_have_text("M")


def test_a_suggestion_is_asked_and_the_answer_arrives_in_pieces(carol, fake_chat):
    fake_chat.will_answer(HOLD, "Thirty ", HOLD, "days 👍🏽, ", "no more.")

    carol.button(PERSONA["suggestions"][0]).click()

    expect(carol.said).to_have_text(PERSONA["suggestions"][0])
    expect(carol.page.locator(".message__typing")).to_have_count(2)  # the greeting's stays hidden
    expect(carol.answers.last.locator(".message__typing")).to_be_visible()
    expect(carol.answers.first.locator(".answer")).to_have_text(PERSONA["greeting"])
    fake_chat.go_on()
    expect(carol.answer).to_have_text("Thirty ")
    expect(carol.answers.last.locator(".message__typing")).to_be_hidden()
    fake_chat.go_on()
    expect(carol.answer).to_have_text("Thirty days 👍🏽, no more.")
    expect(carol.answers.last.locator(".actions")).to_be_visible()
    assert [frame["text"] for frame in fake_chat.frames_of("message.send")] == [PERSONA["suggestions"][0]]


def test_it_does_not_matter_which_word_of_a_message_comes_first(carol, fake_chat):
    fake_chat.acknowledges_first = True

    carol.asks_and_reads("First", "One.")
    carol.asks_and_reads("Second", "Two.")

    expect(carol.messages).to_contain_text([PERSONA["greeting"], "First", "One.", "Second", "Two."])


def test_a_finished_answer_shows_the_servers_html_with_safe_links(carol, fake_chat):
    link = '<a href="https://acme.example/returns">here</a>'
    table = '<table><tbody><tr><td style="text-align:right">30 days</td></tr></tbody></table>'
    html = f"<p><strong>Yes</strong>, see {link}.</p><p><code>[1]</code> [7] [1]</p>{table}"
    fake_chat.will_answer("**Yes** [1]", html=html, citations=[RETURNS])

    carol.says("May I return it?")

    link = carol.answer.get_by_role("link", name="here")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(carol.answer.locator("strong")).to_have_text("Yes")
    # A mark in code, or of a citation that is not there, stays what it is.
    expect(carol.answer.locator(".cite")).to_have_count(1)
    expect(carol.answer.locator("code")).to_have_text("[1]")
    # The policy takes no inline style, yet the column stands where its author put it.
    expect(carol.answer.locator("td")).to_have_attribute("align", "right")


@pytest.mark.parametrize(
    ("question", "answer", "marked"),
    [
        ("How long may I return tea?", ANSWER, ["Unopened tea", "within 30 days of delivery"]),
        ("茶叶可以退货吗？", ANSWER_ZH, ["未开封的茶叶，可在收货后 30 天内退货"]),
    ],
)
def test_a_citation_opens_its_passage_with_the_quoted_words_marked(carol, fake_chat, question, answer, marked):
    fake_chat.will_answer(answer, citations=[RETURNS, SHIPPING])
    carol.says(question)
    mark = carol.answer.locator(".cite").first
    expect(mark).to_have_accessible_name("Source 1: Returns · 退换货.pdf")

    mark.press("Enter")

    expect(carol.panel).to_be_visible()
    expect(carol.panel.get_by_role("heading")).to_have_text("Returns · 退换货.pdf")
    expect(carol.panel.get_by_role("heading")).to_be_focused()
    expect(carol.panel).to_contain_text("Page 3")
    expect(carol.panel.locator("#passage-text")).to_have_text(RETURNS["text"])
    expect(carol.panel.locator("#passage-text mark")).to_have_text(marked)

    carol.page.keyboard.press("Escape")
    expect(carol.panel).to_be_hidden()
    expect(mark).to_be_focused()


def test_one_can_walk_through_the_sources_of_an_answer(carol, fake_chat):
    fake_chat.will_answer(ANSWER, citations=[RETURNS, SHIPPING])
    carol.says("How long may I return tea?")
    expect(carol.answers.last.locator(".source")).to_have_text(["1Returns · 退换货.pdf", "2Shipping.docx"])

    carol.answers.last.locator(".source").last.click()
    expect(carol.panel.get_by_role("heading")).to_have_text("Shipping.docx")
    expect(carol.panel.locator("mark").first).to_have_text("Parcels leave")
    carol.button("Next source").click()
    expect(carol.panel.get_by_role("heading")).to_have_text("Returns · 退换货.pdf")


def test_what_people_write_is_shown_as_text_and_cannot_turn_its_surroundings_round(carol, fake_chat):
    nasty = "<img src=x onerror=alert(1)> \u202egnp.exe"
    fake_chat.persona["name"] = "Mei \u202e"
    fake_chat.will_answer("Half <b>of\u202e", HOLD, " it", html="<p>Half</p>")

    carol.says(nasty)

    expect(carol.said).to_have_text(nasty)
    expect(carol.answer).to_have_text("Half <b>of\u202e")
    assert carol.said.evaluate("element => getComputedStyle(element).unicodeBidi") == "isolate"
    assert carol.answer.evaluate("element => getComputedStyle(element).unicodeBidi") == "isolate"
    expect(carol.page.locator(".bar__name bdi")).to_have_text("Mei \u202e")
    assert carol.page.locator("#messages img, #messages b").count() == 0


def test_stop_ends_the_answer_where_it_is(carol, fake_chat):
    fake_chat.will_answer("A long ", "story ", HOLD, "that goes on.")
    carol.says("Tell me a story")
    expect(carol.answer).to_have_text("A long story ")
    expect(carol.page.locator("#send")).to_be_hidden()

    carol.button("Stop the answer").click()

    expect(carol.answers.last).to_contain_text("You stopped this answer.")
    expect(carol.answer).to_have_text("A long story ")
    expect(carol.stop).to_be_hidden()
    expect(carol.box).to_be_focused()
    turn_id = fake_chat.talk.events[-1]["turn_id"]
    assert fake_chat.frames_of("turn.stop") == [{"type": "turn.stop", "turn_id": turn_id}]


def test_a_failed_answer_says_what_to_do_and_can_be_tried_again(carol, fake_chat):
    fake_chat.will_answer("Green tea keeps for…", Fail("provider_timeout"))
    carol.says("How long does it keep?")
    aftermath = carol.answers.last.locator(".aftermath")
    expect(aftermath).to_contain_text("The language model took too long. Try again.")
    expect(carol.answer).to_have_text("Green tea keeps for")  # what was kept replaces what was shown
    carol.shows("failed")

    fake_chat.will_answer("Green tea keeps for a year.")
    carol.button("Try again").click()

    expect(carol.answer).to_have_text("Green tea keeps for a year.")
    expect(carol.answers).to_have_count(2)  # the greeting, and the new answer in place of the failed one
    expect(carol.page.locator(".aftermath:visible")).to_have_count(0)
    assert len(fake_chat.frames_of("turn.regenerate")) == 1


def test_an_answer_that_cannot_be_had_is_not_offered_again(carol, fake_chat):
    fake_chat.will_answer(Fail("budget_exhausted", retryable=False))

    carol.says("Hello?")

    expect(carol.answers.last.locator(".aftermath")).to_contain_text("This chat has used up its budget.")
    expect(carol.button("Try again")).to_have_count(0)


def test_an_answer_can_be_copied_and_rated(carol, fake_chat):
    carol.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    carol.asks_and_reads("Which tea?", "Longjing 龙井")
    message_id = fake_chat.talk.events[-1]["message_id"]

    carol.button("Copy the answer").click()
    expect(carol.button("Copied")).to_be_visible()
    assert carol.page.evaluate("navigator.clipboard.readText()") == "Longjing 龙井"
    carol.button("Bad answer").click()
    carol.button("Good answer").click()

    expect(carol.button("Good answer")).to_have_attribute("aria-pressed", "true")
    expect(carol.button("Bad answer")).to_have_attribute("aria-pressed", "false")
    ratings = [(frame["message_id"], frame["rating"]) for frame in fake_chat.hears("message.feedback", times=2)]
    assert ratings == [(message_id, -1), (message_id, 1)]
    carol.page.reload()
    expect(carol.button("Good answer")).to_have_attribute("aria-pressed", "true")


def test_what_was_said_last_can_be_said_otherwise_and_is_answered_anew(carol, fake_chat):
    carol.asks_and_reads("How long does black tea keep?", "Two years.")
    message_id = fake_chat.talk.events[0]["message_id"]

    carol.button("Change this message").click()
    expect(carol.box).to_have_value("How long does black tea keep?")
    expect(carol.page.locator("#editing")).to_contain_text("answered anew")
    carol.page.keyboard.press("Escape")
    expect(carol.page.locator("#editing")).to_be_hidden()
    carol.button("Change this message").click()
    fake_chat.will_answer("One year.")
    carol.says("How long does green tea keep?")

    expect(carol.answer).to_have_text("One year.")
    expect(carol.said).to_have_text(["How long does green tea keep?"])
    expect(carol.answers).to_have_count(2)
    [edited] = fake_chat.frames_of("message.edit")
    assert (edited["message_id"], edited["text"]) == (message_id, "How long does green tea keep?")
    fake_chat.will_answer("A year and a half.")
    carol.button("Answer again").click()
    expect(carol.answer).to_have_text("A year and a half.")
    carol.page.reload()
    expect(carol.said).to_have_text(["How long does green tea keep?"])
    expect(carol.answers).to_have_count(2)


def test_a_rating_can_be_explained(carol, fake_chat):
    carol.asks_and_reads("Which tea?", "Longjing 龙井")
    carol.button("Bad answer").click()
    word = carol.page.get_by_label("What was wrong with it?")
    expect(word).to_be_focused()
    word.fill("I asked for black tea")
    word.press("Enter")

    expect(carol.page.locator(".thanks:visible")).to_have_text("Thank you.")
    assert fake_chat.hears("message.feedback", times=2)[-1]["comment"] == "I asked for black tea"


def test_one_who_was_too_fast_is_told_when_to_go_on(carol, fake_chat):
    carol.asks_and_reads("One", "1.")
    fake_chat.refuse_next_with.append("rate_limited")
    fake_chat.retry_after_s = 2
    carol.says("Two")
    expect(carol.page.locator(".message__state").last).to_contain_text("You can send again in")
    expect(carol.button("Send again")).to_be_disabled()
    expect(carol.button("Send again")).to_be_enabled()
    fake_chat.will_answer("2.")
    carol.button("Send again").click()
    expect(carol.answer).to_have_text("2.")


# --- Losing the connection ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1011, "The whole answer, once and in order."),
        (1012, "完整的回答，不多，也不少。👍🏽好"),
        (4401, "👍🏽 Even with a new session, 一次不少。"),
    ],
)
def test_the_whole_answer_arrives_once_though_the_line_drops_in_the_middle(carol, fake_chat, code, text):
    fake_chat.will_answer(text[:5], HOLD, text[5:9], Drop(code), text[9:12], HOLD, text[12:])
    carol.says("问 Question")
    expect(carol.answer).to_have_text(text[:5])

    fake_chat.go_on()
    expect(carol.answer).to_have_text(text[:12])  # still running: put together from the replay
    fake_chat.go_on()

    expect(carol.answers.last.locator(".actions")).to_be_visible()
    expect(carol.answer).to_have_text(text)
    expect(carol.said).to_have_text(["问 Question"])
    expect(carol.banner).to_be_hidden()
    assert len(fake_chat.talks) == 1


@pytest.mark.parametrize(
    "steps",
    [
        ("Abc ", Lose("def "), "ghi ", HOLD, "jkl"),
        ("Abc ", "def ", Repeat(), "ghi ", HOLD, "jkl"),
    ],
    ids=["a piece is missing", "a piece comes twice"],
)
def test_pieces_that_do_not_join_are_put_right_while_the_answer_runs(carol, fake_chat, steps):
    fake_chat.will_answer(*steps)

    carol.says("Spell it")

    expect(carol.answer).to_have_text("Abc def ghi ")
    fake_chat.go_on()
    expect(carol.answer).to_have_text("Abc def ghi jkl")


def test_a_crashed_turn_leaves_what_was_kept_and_goes_on(carol, fake_chat):
    fake_chat.will_answer("Kept, ", "not kept…", Drop(1011), Fail("turn_interrupted"))

    carol.says("Are you there?")

    expect(carol.answers.last.locator(".aftermath")).to_contain_text("The answer was interrupted.")
    expect(carol.answer).to_have_text("Kept, not kept")


def test_a_reload_in_mid_answer_brings_everything_back(carol, fake_chat):
    carol.asks_and_reads("First question", "First answer.")
    fake_chat.will_answer("Second ", HOLD, "answer.")
    carol.says("Second question")
    expect(carol.answer).to_have_text("Second ")
    carol.box.fill("A draft, not sent")

    carol.page.reload()

    expect(carol.said).to_have_text(["First question", "Second question"])
    expect(carol.box).to_have_value("A draft, not sent")
    expect(carol.answer).to_have_text("Second ")
    fake_chat.go_on()
    answers = [PERSONA["greeting"], "First answer.", "Second answer."]
    expect(carol.answers.locator(".answer")).to_have_text(answers)
    assert len(fake_chat.sessions_opened) == 1


def test_history_that_left_the_event_log_is_fetched_from_the_server(carol, fake_chat):
    fake_chat.will_answer(ANSWER, citations=[RETURNS])
    carol.says("First question")
    expect(carol.answers.last.locator(".actions")).to_be_visible()
    carol.asks_and_reads("Second question", "Second answer.")
    fake_chat.has_lost_events = True

    carol.page.reload()

    expect(carol.said).to_have_text(["First question", "Second question"])
    expect(carol.answer).to_have_text("Second answer.")
    expect(carol.answers.nth(1).locator(".cite")).to_have_count(1)
    carol.asks_and_reads("Third question", "Third answer.")
    assert sum(path.endswith("/messages/") for path in fake_chat.requests) == 2  # its two pages


def test_history_that_cannot_be_had_at_all_does_not_stop_the_conversation(carol, fake_chat):
    carol.asks_and_reads("First", "One.")
    fake_chat.has_lost_events = fake_chat.has_lost_messages = True

    carol.page.reload()

    expect(carol.notice).to_contain_text("Earlier messages could not be loaded.")
    carol.asks_and_reads("Second", "Two.")
    expect(carol.said).to_have_text(["Second"])


def test_what_is_written_without_a_connection_is_sent_once_when_it_is_back(carol, fake_chat):
    carol.asks_and_reads("First", "One.")
    fake_chat.is_down = True
    fake_chat.drop_sockets(1011)
    expect(carol.banner).to_contain_text("Connection lost. What you write is kept and sent when it is back.")
    carol.shows("reconnecting")
    carol.says("Second")
    carol.says("Third")
    expect(carol.page.locator(".message__state").last).to_have_text("Waiting to be sent")
    carol.page.reload()
    expect(carol.said.last).to_have_text("Third")
    fake_chat.will_answer("Two.")
    fake_chat.will_answer("Three.")

    fake_chat.is_down = False
    # Carol comes back to the tab.
    carol.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(carol.answers.locator(".answer")).to_have_text([PERSONA["greeting"], "One.", "Two.", "Three."])
    expect(carol.said).to_have_text(["First", "Second", "Third"])
    sent = [(frame["text"], frame["client_id"]) for frame in fake_chat.frames_of("message.send")]
    assert [text for text, _ in sent] == ["First", "Second", "Third"]
    assert len({client_id for _, client_id in sent}) == 3
    assert carol.page.evaluate(f"localStorage['{STORED}outbox']") == "[]"


def test_a_message_whose_acknowledgement_was_lost_is_not_asked_twice(carol, fake_chat):
    carol.asks_and_reads("First", "One.")
    # As if the page had been closed just after the server took the message.
    accepted = fake_chat.frames_of("message.send")[0]
    item = {**accepted, "conversation_id": fake_chat.talk.id, "created_at": "2026-11-22T12:00:00Z"}
    carol.page.evaluate(f"item => localStorage['{STORED}outbox'] = JSON.stringify([item])", item)

    carol.page.reload()

    assert carol.comes_to(f"localStorage['{STORED}outbox']", "[]")
    expect(carol.said).to_have_text(["First"])
    expect(carol.answers.locator(".answer")).to_have_text([PERSONA["greeting"], "One."])
    assert len(fake_chat.frames_of("message.send")) == 2  # sent again, with the same client_id
    assert len(fake_chat.talk.turns) == 1


def test_tries_grow_further_apart_until_the_visitor_asks_for_one(carol, fake_chat):
    carol.asks_and_reads("Hello", "Hello.")
    fake_chat.is_down = True
    fake_chat.drop_sockets(1011)
    expect(carol.banner.locator("#banner-countdown")).to_have_text(re.compile(r"[2-8] s"), timeout=10_000)
    fake_chat.is_down = False

    carol.button("Connect now").click()

    expect(carol.banner).to_be_hidden()
    carol.asks_and_reads("Still there?", "Yes.")


def test_an_expired_session_is_renewed_without_a_word(carol, fake_chat):
    carol.asks_and_reads("First", "One.")
    session = carol.page.evaluate(f"JSON.parse(localStorage['{STORED}session'])")
    expired = {**session, "expires_at": "2020-01-01T00:00:00Z"}
    carol.page.evaluate(f"session => localStorage['{STORED}session'] = JSON.stringify(session)", expired)

    carol.page.reload()

    expect(carol.answer).to_have_text("One.")
    resumed = {"conversation_id": session["conversation_id"], "token": session["token"]}
    assert fake_chat.sessions_opened == [{}, resumed]
    expect(carol.banner).to_be_hidden()


def test_a_conversation_that_is_no_more_gives_way_to_a_new_one(carol, fake_chat):
    carol.asks_and_reads("First", "One.")
    fake_chat.talks.clear()
    fake_chat.expire_tokens()

    carol.page.reload()

    expect(carol.page.locator("#hero")).to_be_visible()
    carol.asks_and_reads("Again", "Gladly.")
    expect(carol.said).to_have_text(["Again"])


def test_too_many_messages_are_waited_out_and_said(carol, fake_chat):
    fake_chat.close_next_with.append(4429)

    carol.says("Hello")

    expect(carol.banner).to_contain_text("Too many messages in a short time.")
    expect(carol.banner.locator("#banner-countdown")).to_have_text(re.compile(r"(9|10) s"))
    assert fake_chat.frames == []
    expect(carol.page.locator(".message__state")).to_have_text("Waiting to be sent")


def test_without_a_network_the_page_says_so_and_comes_back(carol, fake_chat):
    carol.asks_and_reads("Hello", "Hello.")
    carol.page.context.set_offline(True)
    expect(carol.banner).to_contain_text("You are offline.")

    carol.page.context.set_offline(False)

    expect(carol.banner).to_be_hidden()
    carol.asks_and_reads("Back again", "Welcome back.")


def test_a_chat_that_was_taken_down_says_so_and_takes_no_more(carol, fake_chat):
    fake_chat.is_taken_down = True

    carol.says("Hello?")

    expect(carol.banner).to_contain_text("This chat has been taken down.")
    expect(carol.box).to_be_disabled()


def test_answers_that_were_replaced_stay_replaced_when_only_messages_are_left(carol, fake_chat):
    carol.asks_and_reads("First", "One.")
    old = fake_chat.talk.events[-1]
    again = {"turn_id": "t2", "message_id": "m2", "text": "Better.", "html": "<p>Better.</p>"}
    said = {**again, "role": "bot", "author": None, "created_at": "2026-11-22T12:00:00Z"}

    fake_chat.tells("message.created", **said, replaces=old["message_id"])
    fake_chat.tells("turn.completed", **again, citations=[], finish_reason="stop")

    expect(carol.answers.locator(".answer")).to_have_text([PERSONA["greeting"], "Better."])


# --- Others in the conversation -----------------------------------------------------------------------------


def test_a_second_tab_sees_the_same_conversation(carol, fake_chat, open_page):
    carol.asks_and_reads("First", "One.")
    other = open_page(beside=carol)
    expect(other.answer).to_have_text("One.")
    fake_chat.will_answer("Two, ", HOLD, "really.")

    carol.says("Second")

    expect(other.said).to_have_text(["First", "Second"])
    expect(other.answer).to_have_text("Two, ")
    fake_chat.go_on()
    for tab in (carol, other):
        expect(tab.answer).to_have_text("Two, really.")
        expect(tab.answers).to_have_count(3)


def test_an_answer_gives_way_to_a_person_without_alarm(carol, fake_chat):
    fake_chat.will_answer("Let me", HOLD, Fail("taken_over", retryable=False))
    carol.says("May I talk to somebody?")
    expect(carol.answer).to_have_text("Let me")

    fake_chat.go_on()

    expect(carol.answers.last).to_contain_text("A person has taken over this conversation.")
    expect(carol.page.locator(".is-failure")).to_have_count(0)


def test_a_person_who_takes_over_is_shown_by_name(carol, fake_chat):
    carol.asks_and_reads("May I talk to somebody?", "Of course.")

    fake_chat.hand_over("requested")
    fake_chat.hand_over("human", "Alice")
    fake_chat.say_as_person("Alice", "Hello Carol, Alice here. 您好！")
    fake_chat.hand_over("bot")

    expect(carol.page.locator(".status")).to_have_text([
        "A person has been asked to join. You can keep writing.",
        "Alice has joined the conversation.",
        "Mei · 梅 is answering again.",
    ])  # fmt: skip
    expect(carol.answers.last.locator(".message__author")).to_have_text("Alice")
    expect(carol.answer).to_have_text("Hello Carol, Alice here. 您好！")
    expect(carol.answers.last.get_by_role("button", name="Good answer")).to_have_count(0)


def test_a_refused_message_stays_and_can_be_sent_again_or_changed(carol, fake_chat):
    fake_chat.refuse_next_with.extend(["rate_limited", "invalid"])
    carol.says("Hello")
    state = carol.page.locator(".message__state")
    expect(state).to_have_text("Not sent. That was too fast. Wait a moment, then send again.")

    carol.button("Send again").click()
    expect(state).to_have_text("Not sent. Refused by the script.")
    carol.button("Edit").click()

    expect(carol.box).to_have_value("Hello")
    expect(carol.said).to_have_count(0)
    first, second = fake_chat.frames_of("message.send")
    assert first["client_id"] == second["client_id"]
    carol.asks_and_reads("Hello there", "Hello.")


def test_an_error_that_belongs_to_no_message_is_said_where_one_writes(carol, fake_chat):
    carol.asks_and_reads("Hello", "Hello.")

    fake_chat.send_raw({"type": "error", "code": "quota_exhausted", "detail": "Over."})

    expect(carol.page.get_by_role("alert")).to_contain_text("The limit for this chat has been reached.")
    carol.button("Dismiss").click()
    expect(carol.notice).to_be_hidden()


def test_a_new_conversation_leaves_the_old_one_behind(carol, fake_chat):
    carol.asks_and_reads("First", "One.")

    carol.button("New conversation").click()

    expect(carol.page.locator("#hero")).to_be_visible()
    expect(carol.messages).to_have_count(0)
    carol.asks_and_reads("Fresh start", "Welcome.")
    assert len(fake_chat.talks) == 2
    carol.page.reload()
    expect(carol.said).to_have_text(["Fresh start"])


# --- Writing ------------------------------------------------------------------------------------------------


def test_enter_sends_but_not_while_an_input_method_is_composing(carol, fake_chat):
    carol.box.fill("ni hao")
    press = """(box, options) => box.dispatchEvent(
        new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true, ...options}))"""
    carol.box.evaluate(press, {"isComposing": True})
    carol.box.evaluate(press, {"keyCode": 229})
    carol.box.press("Shift+Enter")
    expect(carol.box).to_have_value("ni hao\n")
    expect(carol.said).to_have_count(0)

    carol.box.fill("你好")
    carol.box.press("Enter")

    expect(carol.said).to_have_text(["你好"])
    expect(carol.box).to_have_value("")


def test_a_text_is_counted_near_the_limit_and_not_sent_beyond_it(carol, fake_chat):
    counter = carol.page.locator("#composer-count")
    carol.box.fill("茶" * 7199)
    expect(counter).to_be_hidden()
    carol.box.fill("🍵" * 8000)
    expect(counter).to_have_text("8,000 of 8,000 characters")
    expect(carol.page.locator("#send")).to_be_enabled()

    carol.box.fill("茶" * 8001)

    expect(counter).to_have_text("8,001 of 8,000 characters: please shorten it.")
    expect(carol.page.locator("#send")).to_be_disabled()
    carol.box.press("Enter")
    expect(carol.said).to_have_count(0)
    expect(carol.box).to_have_attribute("aria-invalid", "true")


def test_reading_back_is_not_disturbed_by_what_arrives_below(carol, fake_chat):
    fake_chat.will_answer("Everything.", html="<p>A line.</p>" * 60)
    carol.says("Tell me everything")
    expect(carol.answer.locator("p")).to_have_count(60)
    scroll = carol.page.locator("#scroll")
    at_bottom = "element => element.scrollHeight - element.scrollTop - element.clientHeight < 2"
    assert scroll.evaluate(at_bottom)
    fake_chat.will_answer(HOLD, "More.\n\n" * 20)
    carol.says("And more")
    expect(carol.answers.last.locator(".message__typing")).to_be_visible()
    scroll.evaluate("element => element.scrollTo(0, 100)")
    expect(carol.page.locator("#jump")).to_be_hidden()

    fake_chat.go_on()

    expect(carol.button("New messages")).to_be_visible()
    assert scroll.evaluate("element => element.scrollTop") == 100
    carol.button("New messages").click()
    assert carol.comes_to(f"({at_bottom})(document.getElementById('scroll'))", True)
    expect(carol.page.locator("#jump")).to_be_hidden()


# --- Languages, looks, access -------------------------------------------------------------------------------


def test_both_languages_say_the_same_things(carol):
    keys = carol.import_and_run(
        "strings.js",
        "Object.values(m.CATALOGUE).map(texts => Object.entries(texts)"
        ".map(([key, text]) => [key, (text.match(/\\{\\w+\\}/g) ?? []).sort()]).sort())",
    )
    english, chinese = keys
    assert english == chinese
    used = set(re.findall(r'data-i18n(?:-\w+)?="(\w+)"', carol.page.content()))
    assert used <= {key for key, _ in english}


@pytest.mark.parametrize(("path", "locale"), [("?lang=zh", "en-US"), ("", "zh-TW")])
def test_the_page_speaks_chinese_when_asked_or_preferred(open_page, fake_chat, path, locale):
    carol = open_page(path, locale=locale)

    expect(carol.page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(carol.box).to_have_attribute("placeholder", "请输入您的问题……")
    carol.asks_and_reads("绿茶怎么保存？", "密封，避光，冷藏。")
    expect(carol.button("复制回答")).to_be_visible()


def test_the_language_can_be_switched_and_stays(carol, fake_chat):
    fake_chat.will_answer("Kept", Fail("provider_timeout"))
    carol.says("Hello")
    expect(carol.answers.last).to_contain_text("The language model took too long.")

    carol.button("切换到中文").click()

    expect(carol.answers.last).to_contain_text("语言模型响应超时，请重试。")
    expect(carol.button("重试")).to_be_visible()
    carol.page.reload()
    expect(carol.button("发送")).to_be_visible()
    carol.button("Switch to English").click()
    expect(carol.button("Send")).to_be_visible()


CONTRAST = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgba = (color) => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const groundOf = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const color = rgba(getComputedStyle(at).backgroundColor);
            if (color[3] === 255) return color;
        }
        return [255, 255, 255];
    };
    const isSeen = (element) => element.checkVisibility({visibilityProperty: true}) && !element.disabled
        && !element.closest(".visually-hidden, .skip");
    const texts = [...document.querySelectorAll("body *")].filter((element) => isSeen(element)
        && [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()));
    return texts.map((element) => {
        const [a, b] = [rgba(getComputedStyle(element).color), groundOf(element)].map(luminance);
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        return [element.className || element.id || element.tagName, ratio];
    });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(open_page, fake_chat, scheme):
    fake_chat.reader_active = True
    carol = open_page(color_scheme=scheme)
    carol.shows(f"welcome-{scheme}")
    faint = [found for found in carol.page.evaluate(CONTRAST) if found[1] < 4.5]
    fake_chat.will_answer(ANSWER, citations=[RETURNS, SHIPPING])
    carol.says("How long may I return tea?")
    carol.answer.locator(".cite").first.click()
    carol.shows(f"citation-{scheme}")
    fake_chat.hand_over("requested")
    fake_chat.refuse_next_with.append("invalid")
    carol.says("And then?")
    expect(carol.button("Edit")).to_be_visible()
    fake_chat.send_raw({"type": "error", "code": "quota_exhausted", "detail": "Over."})
    fake_chat.is_down = True
    fake_chat.drop_sockets(1011)
    expect(carol.banner).to_be_visible()

    seen = carol.page.evaluate(CONTRAST)

    faint += [found for found in seen if found[1] < 4.5]
    assert faint == []
    assert len(seen) > 20


def test_the_theme_follows_the_system_until_one_is_chosen(open_page):
    carol = open_page(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = carol.page.evaluate(ground)

    carol.button("Switch between light and dark").click()

    light = carol.page.evaluate(ground)
    assert light != dark
    carol.page.reload()
    assert carol.page.evaluate(ground) == light
    carol.button("Switch between light and dark").click()
    assert carol.page.evaluate(ground) == dark
    carol.page.emulate_media(color_scheme="light")
    assert carol.page.evaluate(ground) == light


@pytest.mark.parametrize(("width", "height"), [(360, 740), (768, 1024)])
def test_the_page_fits_small_screens(open_page, fake_chat, width, height):
    viewport = {"width": width, "height": height}
    carol = open_page(viewport=viewport, device_scale_factor=2, has_touch=True, is_mobile=True)
    table = "<table><tr>" + "<td>longjing_biluochun_tieguanyin</td>" * 6 + "</tr></table>"
    html = f"<p>{ANSWER}</p>{table}<p>{'x' * 300}</p>"
    fake_chat.will_answer(ANSWER, citations=[RETURNS, SHIPPING], html=html)
    carol.says("How long may I return tea? 可以退货吗？ " + "y" * 200)
    carol.answer.locator(".cite").first.tap()
    expect(carol.panel).to_be_visible()
    carol.shows(f"citation-{width}")

    assert carol.comes_to("document.documentElement.scrollWidth", width)  # once the panel has slid in
    assert carol.panel.evaluate("element => element.matches(':modal')") == (width == 360)
    carol.button("Close the source").tap()
    expect(carol.panel).to_be_hidden()
    carol.shows(f"answer-{width}")


def test_tapping_beside_the_sheet_closes_it_and_turning_the_screen_keeps_it(open_page, fake_chat):
    carol = open_page(viewport={"width": 360, "height": 740}, device_scale_factor=2)
    carol.shows("phone-welcome")
    fake_chat.will_answer(ANSWER, citations=[RETURNS, SHIPPING])
    carol.says("How long may I return tea?")
    expect(carol.answers.last.locator(".actions")).to_be_visible()
    carol.shows("phone-answer")
    carol.answer.locator(".cite").first.click()
    expect(carol.panel).to_be_visible()
    carol.shows("phone-citation")

    carol.page.set_viewport_size({"width": 1000, "height": 360})
    assert carol.panel.evaluate("element => element.open && !element.matches(':modal')")
    carol.page.set_viewport_size({"width": 360, "height": 740})
    assert carol.panel.evaluate("element => element.matches(':modal')")

    carol.page.mouse.click(180, 40)
    expect(carol.panel).to_be_hidden()


def test_a_screen_reader_hears_whole_sentences_once(carol, fake_chat):
    pieces = ("Green tea ", "keeps. It ", HOLD, "likes **the** cold [1]. 请避", HOLD, "光。放好")
    fake_chat.will_answer(*pieces, citations=[RETURNS])

    carol.says("How does it keep?")

    expect(carol.page.locator("#announcer p")).to_have_text(["Green tea keeps."])
    fake_chat.go_on()
    expect(carol.page.locator("#announcer p")).to_have_count(2)
    fake_chat.go_on()
    expect(carol.page.locator("#announcer p").last).to_contain_text("放好")
    heard = "".join("".join(carol.announced()).split())
    assert heard == "Greenteakeeps.Itlikesthecold.请避光。放好"
    log = carol.page.locator("#announcer")
    expect(log).to_have_attribute("aria-live", "polite")
    expect(log).to_have_role("log")
    # The list itself changes with every token, so it must not be live; and history is no news.
    live = "element => element.closest('[aria-live], [role=log]') !== null"
    assert not carol.page.locator("#messages").evaluate(live)
    carol.page.reload()
    expect(carol.answer).to_contain_text("放好")
    assert carol.announced() == []


def test_everything_can_be_reached_and_has_a_name(carol, fake_chat):
    fake_chat.will_answer(ANSWER, citations=[RETURNS, SHIPPING])
    carol.says("How long may I return tea?")
    expect(carol.answers.last.locator(".actions")).to_be_visible()
    for button in carol.page.locator("button:visible, textarea:visible").all():
        expect(button).to_have_accessible_name(re.compile(r"\S"))

    carol.page.locator(".skip").focus()
    names = []
    while not carol.box.evaluate("box => box === document.activeElement"):
        focused = "document.activeElement"
        names.append(carol.page.evaluate(f"{focused}.ariaLabel ?? {focused}.innerText"))
        assert carol.page.evaluate(f"getComputedStyle({focused}).outlineStyle") != "none", names
        carol.page.keyboard.press("Tab")

    assert names == [
        "Skip to the message box", "New conversation", "切换到中文", "Switch between light and dark",
        "Messages", "Change this message",
        "Source 1: Returns · 退换货.pdf", "Source 2: Shipping.docx",  # the marks in the text
        "Source 1: Returns · 退换货.pdf", "Source 2: Shipping.docx",  # the list below it
        "Copy the answer", "Good answer", "Bad answer", "Answer again",
    ]  # fmt: skip


def test_who_wants_stillness_gets_it(open_page, fake_chat):
    carol = open_page(reduced_motion="reduce")
    fake_chat.will_answer(HOLD, "Done.")
    carol.says("Hello")

    dots = carol.answers.last.locator(".dots i").first

    expect(dots).to_be_visible()
    assert dots.evaluate("element => getComputedStyle(element).animationIterationCount") == "1"


# --- Which model answers; nobody there ----------------------------------------------------------------------


def test_the_reader_says_that_it_is_one_and_how_to_connect_a_model(open_page, fake_chat):
    fake_chat.reader_active = True
    carol = open_page()
    expect(carol.page.locator(".smallprint")).to_contain_text("No language model is connected")

    carol.button("How to connect one").click()

    dialog = carol.page.get_by_role("dialog", name="Connect a language model")
    expect(dialog).to_contain_text("OPENAI_BASE_URL")
    expect(dialog).to_contain_text("TROUPE_CHAT_MODEL")
    carol.shows("reader")
    carol.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_with_a_model_connected_the_reader_is_not_mentioned(carol):
    expect(carol.page.locator(".smallprint")).to_have_text("Answers are written by an AI and can be wrong.")
    expect(carol.page.locator("#about-reader")).to_have_count(0)


def test_an_unknown_address_gets_a_friendly_page(carol, fake_chat):
    response = carol.page.goto(f"{fake_chat.base_url}/chat/pk_nobody/")

    assert response.status == 404
    expect(carol.page.get_by_role("heading")).to_have_text("Nobody to talk to here")
    carol.shows("not-found")


# --- The modules by themselves ------------------------------------------------------------------------------


def test_quoted_words_are_found(carol):
    cases = [
        ("It is in the tea.", "Some of it is in the pot.", []),  # words that any two texts share
        ("Inform us.", "Form useful habits.", []),  # whole words only
        ("It costs 25.50 yuan [1].", "Price: 25.50 Yuan a tin", ["25.50 Yuan"]),
        ("保质期为十八个月。", "绿茶：保质期为十八个月，请冷藏。", ["保质期为十八个月"]),
        ("需要3天", "全国 3 天送达", ["3 天"]),
        ("我们的", "我们的茶", []),
        ("WiFi密码是tea2026", "店内WiFi密码是tea2026，欢迎使用", ["WiFi密码是tea2026"]),
        ("１２ months", "keeps 12 months", ["12 months"]),
        # A row of a table, and not what the others share with it; but what is there twice is marked twice.
        (
            "Tea: Green; Water: 80 °C",
            "Tea: Green; Water: 80 °C\nTea: White; Water: 90 °C",
            ["Tea: Green; Water: 80 °C"],
        ),
        ("The green tea.", "Green tea. Our green tea.", ["Green tea", "green tea"]),
    ]
    found = carol.page.evaluate(
        """async (cases) => {
            const { quotedRanges } = await import("/static/chat/quotes.js");
            const quotes = ([said, passage]) =>
                quotedRanges(said, passage).map((range) => passage.slice(...range));
            return cases.map(quotes);
        }""",
        cases,
    )
    assert found == [marked for _, _, marked in cases]


def test_a_long_answer_is_compared_with_a_long_passage_in_no_time(carol):
    took_ms = carol.import_and_run(
        "quotes.js",
        "(() => { const start = performance.now();"
        " m.quotedRanges('茶叶 tea '.repeat(1500), '茶叶 tea, '.repeat(500));"
        " return performance.now() - start; })()",
    )
    assert took_ms < 2000


def test_deltas_join_by_code_points(carol):
    script = """[
        [[0, "👍🏽a"], [3, "b"]],          // an emoji with its skin tone is two code points
        [[0, "abc"], [1, "bcd"]],         // an overlap that agrees
        [[0, "abc"], [0, "abc"]],         // nothing new
        [[0, "abc"], [4, "e"]],           // a gap
        [[0, "abc"], [1, "xyz"]],         // a contradiction
    ].map((deltas) => {
        const entry = {text: "", length: 0};
        const fits = deltas.map(([offset, text]) => m.appendDelta(entry, offset, text));
        return [entry.text, entry.length, fits.at(-1)];
    })"""
    assert carol.import_and_run("transcript.js", script) == [
        ["👍🏽ab", 4, True],
        ["abcd", 4, True],
        ["abc", 3, True],
        ["abc", 3, False],
        ["abc", 3, False],
    ]


def test_sentences_end_where_they_do(carol):
    script = """["One. Two", "3.14 is", "真的吗？是", "Wait...", "a\\nb", "he said “Go.” Then", ""]
        .map((text) => text.slice(0, m.endOfSentences(text, 0)))"""
    ends = ["One.", "", "真的吗？", "", "a\n", "he said “Go.”", ""]
    assert carol.import_and_run("announcer.js", script) == ends
