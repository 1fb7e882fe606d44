"""The widget in Chromium, on the page of a shop that has nothing to do with us: Carol asks Acme's Mei from there."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from chat.rendering import render_answer
from tests.e2e.conftest import WCAG, check_accessible, come_to_rest, shoot
from tests.e2e.fake_chat import HOLD, PERSONA, PUBLISHABLE_KEY, Address, FakeChat

pytestmark = pytest.mark.browser

# Everything that a widget loads, compressed: the bar that it is measured by.
MOST_BYTES = 40 * 1024
TOUCH_PX = 44

# A site that styles everything, has a tiny root, turns itself round and hides what it does not know.
HOSTILE_CSS = """
html { font-size: 5px !important; }
* { box-sizing: content-box !important; letter-spacing: 9px !important; color: lime !important;
    text-transform: uppercase !important; line-height: 4 !important; }
body { transform: rotate(3deg) scale(.5); overflow: hidden; opacity: .2; filter: blur(4px); direction: rtl; }
body > *, troupe-chat { display: none !important; visibility: hidden !important; position: static !important; }
button, textarea, section, div { all: unset !important; width: 3px !important; background: red !important; }
main { display: block !important; visibility: visible !important; }
"""
PLAIN_CSS = "body { margin: 0; padding: 2rem; font-family: Georgia, serif; }"
SHOP = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Tea shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="csrf-token" content="the shop's own"><link rel="stylesheet" href="/shop/style.css"></head>
<body><main><h1>Tea</h1><p><a href="#tea">Our teas</a></p><p>Longjing, Pu'er, Tieguanyin.</p></main>
<script src="{host}/widget.js" data-key="{key}" {attributes} async></script>{more}</body></html>"""


class Carol:
    """A visitor of the shop."""

    def __init__(self, page: Page, fake_chat: FakeChat, wrongs: list[str]) -> None:
        self.page, self.fake_chat, self.wrongs = page, fake_chat, wrongs
        self.launcher = page.locator("#launcher")
        self.panel = page.locator("#panel")
        self.box = page.locator("#composer-text")
        self.badge = page.locator("#launcher-badge")
        self.answers = page.locator(".message--answer")
        self.said = page.locator(".message--user .bubble")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def opens(self) -> None:
        self.launcher.click()
        expect(self.panel).to_be_visible()

    def says(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    def asks_and_reads(self, text: str, answer: str, **details: Any) -> None:
        before = self.answers.count()
        self.fake_chat.will_answer(answer, **details)
        self.says(text)
        expect(self.answers.nth(max(before, 1)).locator(".actions")).to_be_visible()

    def stored(self) -> list[str]:
        return self.page.evaluate(
            "Object.keys(localStorage).concat(Object.keys(sessionStorage), document.cookie || [])"
        )

    def is_accessible(self) -> None:
        """Nothing that axe knows of WCAG 2.2 AA is broken in the widget."""
        check_accessible(self.page, rules=WCAG, context="troupe-chat")

    def shows(self, name: str) -> None:
        shoot(self.page, f"widget-{name}", animations="disabled")


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with Address() as address:
        yield address


@pytest.fixture
def fake_chat(address: Address) -> Iterator[FakeChat]:
    with FakeChat(address) as fake:
        yield fake


Visit = Callable[..., Carol]


@pytest.fixture
def visit(browser: Browser, fake_chat: FakeChat) -> Iterator[Visit]:
    """Come to the shop. It is another origin than ours, under a policy as strict as it can be: nothing may break that,
    nothing may be fetched from elsewhere, no script may fail."""
    wrongs: list[str] = []
    contexts: list[BrowserContext] = []
    host, shop = fake_chat.base_url, fake_chat.base_url.replace("127.0.0.1", "localhost")
    fake_chat.shop_policy = (
        f"default-src 'none'; script-src {host}; connect-src {host} {host.replace('http', 'ws')}; img-src {host}; "
        "style-src 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types troupe-chat"
    )

    def come(
        attributes: str = "", *, css: str = PLAIN_CSS, lang: str = "en", more: str = "", beside: Carol | None = None,
        **options: Any,
    ) -> Carol:  # fmt: skip
        values = {"host": host, "key": PUBLISHABLE_KEY, "attributes": attributes, "lang": lang}
        page = SHOP.format(**values, more=more.format(**values))
        fake_chat.shop |= {"/shop/": (page, "text/html"), "/shop/style.css": (css, "text/css")}
        if beside is None:
            defaults = {"locale": "en-US", "viewport": {"width": 1200, "height": 800}, "bypass_csp": False}
            contexts.append(browser.new_context(**{**defaults, **options}))
        tab = (beside.page.context if beside else contexts[-1]).new_page()
        tab.on("pageerror", lambda error: wrongs.append(f"script error: {error}"))
        tab.on("console", lambda message: "Content Security" in message.text and wrongs.append(message.text))
        tab.on("request", lambda request: request.url.startswith((host, shop)) or wrongs.append(request.url))
        tab.goto(f"{shop}/shop/")
        return Carol(tab, fake_chat, wrongs)

    yield come
    for context in contexts:
        context.close()
    assert wrongs == []


def test_a_stranger_is_answered_on_a_page_that_does_all_it_can_against_it(visit, fake_chat):
    carol = visit(css=HOSTILE_CSS)
    expect(carol.launcher).to_have_accessible_name("Chat with us")
    size = carol.launcher.bounding_box()
    assert (size["width"], size["height"]) == (56, 56)
    assert carol.stored() == []
    assert fake_chat.sessions_opened == []

    carol.launcher.press("Enter")
    expect(carol.box).to_be_focused()
    expect(carol.panel).to_have_role("dialog")
    expect(carol.panel).to_have_accessible_name(PERSONA["name"])
    assert carol.panel.evaluate("element => getComputedStyle(element).letterSpacing") == "normal"
    assert carol.stored() == []
    carol.asks_and_reads("How long may I return tea?", "Thirty days.", suggestions=["And abroad?"])
    expect(carol.answers.last).to_contain_text("Thirty days.")
    assert all(key.startswith("troupe.chat.") for key in carol.stored())
    assert "X-CSRFToken" not in str(fake_chat.sessions_opened)
    carol.shows("hostile")

    carol.button("And abroad?").click()
    expect(carol.said.last).to_have_text("And abroad?")
    expect(carol.box).to_be_focused()
    assert carol.page.evaluate("Object.keys(window).filter((name) => /troupe/i.test(name))") == ["Troupe"]
    assert fake_chat.bytes_of_widget < MOST_BYTES


def test_all_of_it_can_be_had_by_keyboard_and_by_whoever_cannot_see(visit, fake_chat):
    carol = visit()
    carol.page.get_by_role("link", name="Our teas").focus()
    carol.is_accessible()
    carol.page.keyboard.press("Tab")
    expect(carol.launcher).to_be_focused()
    carol.page.keyboard.press("Enter")
    returns = {"n": 1, "document_id": "d", "chunk_id": "c", "title": "Returns", "text": "Within 30 days.", "score": 1}
    text = "Within 30 days. [1] Postage is free."
    claims = [
        {"start": 0, "end": 15, "sources": [1], "supported": True},
        {"start": 20, "end": 36, "sources": [], "supported": False},
    ]
    carol.asks_and_reads("How long?", text, citations=[returns], claims=claims)
    expect(carol.answers.last.locator(".claim--unsupported").first).to_have_text(
        "Postage is free. (not found in the sources)"
    )
    expect(carol.answers.last.locator(".answer .cite")).to_have_count(1)
    expect(carol.page.locator("#announcer p").first).to_contain_text("Within 30 days.")
    carol.is_accessible()

    # Tab goes round, Esc goes back one step at a time, and the focus to where it came from.
    stops = set()
    for _ in range(40):
        carol.page.keyboard.press("Tab")
        stops.add(carol.page.evaluate("document.activeElement.tagName"))
    assert stops == {"TROUPE-CHAT"}
    carol.answers.last.locator(".cite").first.press("Enter")
    expect(carol.page.locator("#passage")).to_contain_text("Within 30 days.")
    carol.is_accessible()
    carol.page.keyboard.press("Escape")
    expect(carol.page.locator("#passage")).to_be_hidden()
    carol.page.keyboard.press("Escape")
    expect(carol.panel).to_be_hidden()
    expect(carol.launcher).to_be_focused()
    carol.opens()
    small = """panel => [...panel.querySelectorAll("button, .source, a")].filter((one) => one.checkVisibility())
        .filter((one) => !one.matches(".cite")).map((one) => [one.id || one.className, one.getBoundingClientRect()])
        .filter(([, box]) => box.height < 44).map(([name, box]) => `${name} ${box.height}`)"""
    assert carol.panel.evaluate(small) == []


def test_a_phone_in_the_dark(visit, fake_chat):
    fake_chat.looks |= {"accent": "#f5d90a", "greeting": "Questions about tea?", "radius": 8}
    carol = visit(viewport={"width": 390, "height": 780}, color_scheme="dark", has_touch=True, is_mobile=True)
    expect(carol.page.locator("#hail-open")).to_have_text("Questions about tea?")
    carol.shows("phone-closed")
    carol.page.locator("#hail-open").tap()
    expect(carol.panel).to_have_attribute("aria-modal", "true")
    come_to_rest(carol.page)
    box = carol.panel.bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 780)
    carol.shows("phone-welcome")
    carol.asks_and_reads(
        "Which tea is green?", "Longjing is a green tea.\n\nIt keeps for a year.", suggestions=["How do I keep it?"]
    )
    fake_chat.hand_over("requested")
    expect(carol.page.locator("#hands")).to_contain_text("A person has been asked to join.")
    fake_chat.hand_over("human", "Alice")
    fake_chat.say_as_person("Alice", "Hello, Alice here. How can I help?")
    expect(carol.page.locator("#hands")).to_contain_text("You are talking to Alice, a person.")
    fake_chat.send_raw({"type": "typing", "by": "human", "name": "Alice"})
    expect(carol.page.locator("#typing")).to_have_text("Alice is writing…")
    carol.is_accessible()
    carol.shows("phone-person")


def test_a_chinese_shop_says_how_it_was(visit, fake_chat):
    fake_chat.persona["offers_person"] = True
    carol = visit('data-position="left" data-theme="light"', lang="zh-CN")
    expect(carol.launcher).to_have_accessible_name("与我们聊天")
    carol.opens()
    carol.shows("zh-welcome")
    carol.asks_and_reads("绿茶怎么保存？", "密封、避光、冷藏。", suggestions=["能放多久？"])
    carol.button("转人工").click()
    fake_chat.tells("conversation.handoff", state="human", by="agent", agent={"name": "小李"})
    fake_chat.say_as_person("小李", "您好，我是小李。")
    fake_chat.tells("conversation.handoff", state="bot", by="agent", ask_satisfaction=True)
    marks = carol.page.get_by_role("group", name="您对这次对话满意吗？")
    expect(marks).to_be_visible()
    assert fake_chat.hears("handoff.request", times=1) == [{"type": "handoff.request"}]
    carol.shows("zh-satisfaction")
    carol.is_accessible()
    marks.get_by_role("radio", name="5").check(force=True)
    carol.button("提交").last.click()
    expect(marks).to_be_hidden()
    assert fake_chat.told == [("satisfaction", {"rating": 5, "comment": ""})]


@pytest.mark.parametrize(
    ("lang", "ask", "asking", "nobody", "how", "what", "send", "sent", "options"),
    [
        (
            "en", "Talk to a person", "Asking for a person…", "Nobody is there right now; people are back",
            "Email or telephone", "What is it about? (optional)", "Leave the message",
            "Your message has been passed on.", {},
        ),
        (
            "zh", "转人工", "正在为您联系人工……", "现在没有人工客服", "邮箱或电话", "关于什么？（选填）",
            "提交留言", "您的留言已转交。",
            {"viewport": {"width": 390, "height": 780}, "color_scheme": "dark", "has_touch": True, "is_mobile": True},
        ),
    ],
)  # fmt: skip
def test_outside_hours_a_message_is_left(visit, fake_chat, lang, ask, asking, nobody, how, what, send, sent, options):
    fake_chat.persona["offers_person"] = True
    carol = visit(lang=lang, **options)
    carol.opens()
    carol.asks_and_reads("My ring is in the well.", "I am sorry to hear it.")
    hands = carol.page.locator("#hands")
    fake_chat.will_answer("It is ", HOLD, "lost.")
    carol.says("Can you get it out?")
    expect(carol.answers.last).to_contain_text("It is")
    carol.button(ask).click()
    expect(hands).to_have_text(asking)  # at once, though the answer goes on
    expect(carol.button(ask)).to_be_disabled()
    carol.shows(f"asking-{lang}")
    fake_chat.send_raw({"type": "error", "code": "conflict", "detail": "Not now."})
    expect(hands).to_be_hidden()
    carol.button(ask).click()
    fake_chat.go_on()
    expect(carol.answers.last.locator(".actions")).to_be_visible()
    until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    fake_chat.tells("conversation.handoff", state="bot", by="visitor", reason="outside_hours", form=True, until=until)

    form = carol.page.locator("#contact")
    expect(form).to_be_visible()
    expect(carol.page.locator(".status").last).to_contain_text(nobody)
    expect(hands).to_be_hidden()
    carol.is_accessible()
    carol.button(send).click()
    expect(form.get_by_label(how)).to_be_focused()  # how to reach her is what it is for
    assert fake_chat.told == []
    form.get_by_label(how).fill("carol@example.com")
    form.get_by_label(what).fill(HOSTILE_TEXTS[1])
    carol.shows(f"form-{lang}")
    carol.button(send).click()
    expect(form).to_be_hidden()
    expect(carol.page.locator("#announcer")).to_contain_text(sent)
    assert fake_chat.told == [("contact", {"name": "", "contact": "carol@example.com", "message": HOSTILE_TEXTS[1]})]
    expect(carol.button(ask)).to_be_enabled()


def test_who_comes_back_finds_his_conversation_and_what_was_said_meanwhile(visit, fake_chat):
    carol = visit()
    carol.opens()
    carol.asks_and_reads("Any rooms?", "One left.")
    carol.button("Close the chat").click()
    expect(carol.panel).to_be_hidden()

    fake_chat.say_as_person("Alice", "Shall I keep it for you?")
    expect(carol.badge).to_have_text("1")
    expect(carol.launcher).to_have_accessible_name("Chat with us (1 new)")
    carol.shows("unread")
    carol.page.reload()
    expect(carol.badge).to_have_text("1")
    desk = visit(beside=carol)
    desk.opens()
    expect(desk.answers.last).to_contain_text("Shall I keep it for you?")
    expect(desk.badge).to_be_hidden()

    # Two tabs, one conversation; and one of them loses the network in the middle.
    carol.opens()
    fake_chat.will_answer("Kept.")
    desk.page.context.set_offline(True)
    expect(desk.page.locator("#banner")).to_contain_text("You are offline.")
    desk.says("Yes, please")
    expect(desk.page.locator(".message__state").last).to_have_text("Waiting to be sent")
    desk.shows("offline")
    desk.page.context.set_offline(False)
    for tab in (desk, carol):
        expect(tab.answers.last).to_contain_text("Kept.")
        expect(tab.said).to_have_text(["Any rooms?", "Yes, please"])
    assert len(fake_chat.talks) == 1
    # Both may send what waits, and a tab again what was not answered at once: by its id it is one message.
    sent = {frame["client_id"]: frame["text"] for frame in fake_chat.frames_of("message.send")}
    assert list(sent.values()) == ["Any rooms?", "Yes, please"]


def test_nothing_is_kept_without_consent_and_pages_change_under_it(visit, fake_chat):
    carol = visit('data-consent="required" data-user-id="carol" data-user-signature="a1b2"')
    told = "void Troupe.on('message', ({ role, text }) => (window.heard ??= []).push(`${role}: ${text}`))"
    carol.page.evaluate(told)
    carol.page.evaluate("Troupe.open()")
    carol.asks_and_reads("Hello", "Good day.")
    assert carol.page.evaluate("window.heard") == ["user: Hello", "bot: Good day."]
    assert fake_chat.sessions_opened == [{"end_user": {"id": "carol", "signature": "a1b2"}}]
    assert carol.stored() == []

    # As a single-page app does: away with it, and back.
    carol.page.evaluate("window.kept = document.querySelector('troupe-chat'), kept.remove()")
    expect(carol.launcher).to_have_count(0)
    carol.page.evaluate("document.body.append(kept)")
    expect(carol.panel).to_be_visible()  # as it was left
    expect(carol.answers.last).to_contain_text("Good day.")
    assert carol.stored() == []
    carol.page.evaluate("Troupe.consent(true)")
    expect(carol.box).to_be_visible()
    assert any(key.endswith(".session") for key in carol.stored())
    carol.page.evaluate("Troupe.consent(false)")
    assert carol.stored() == []

    # Somebody else signs in at the same browser.
    carol.page.evaluate("Troupe.identify({ id: 'dave', signature: 'c3d4' })")
    expect(carol.said).to_have_count(0)
    carol.asks_and_reads("It is Dave", "Hello Dave.")
    assert fake_chat.sessions_opened[-1] == {"end_user": {"id": "dave", "signature": "c3d4"}}


def test_two_widgets_on_a_page_keep_to_themselves(visit, fake_chat):
    other = '<troupe-chat key="{key}" host="{host}" language="zh" position="left"></troupe-chat>'
    carol = visit(more=other)
    launchers = carol.page.locator("#launcher")
    expect(launchers).to_have_count(1)  # the script adds none where there is one for the same key
    carol.page.evaluate("""() => {
        const second = document.querySelector("troupe-chat").cloneNode();
        for (const [name, value] of [["language", "en"], ["position", "right"]]) second.setAttribute(name, value);
        document.body.append(second);
    }""")
    expect(launchers).to_have_count(2)
    expect(launchers.first).to_have_accessible_name("与我们聊天")
    expect(launchers.last).to_have_accessible_name("Chat with us")
    launchers.last.click()
    expect(carol.panel.first).to_be_hidden()
    expect(carol.panel.last).to_be_visible()


# --- What people and models write ------------------------------------------------------------------------------

ALARM = "window.ran = (window.ran ?? 0) + 1"
# Each tries to run, load or style something; those of the first list as Markdown, those of the second past the server.
HOSTILE_TEXTS = [
    f"<script>{ALARM}</script>",
    f"<img src=x onerror='{ALARM}'>",
    f"<svg onload='{ALARM}'><script>{ALARM}</script></svg>",
    f"[click](javascript:{ALARM})",
    f"[click](&#106;avascript:{ALARM})",
    f"[click](java\tscript:{ALARM})",
    f"[d](data:text/html,<script>{ALARM}</script>)",
    "![pixel](https://mallory.example/pixel.png)",
    "![pixel][ref]\n\n[ref]: https://mallory.example/pixel.png",
    "<style>@import url(https://mallory.example/x.css);</style>",
    "<iframe src=https://mallory.example></iframe>",
    "<link rel=preload as=image href=https://mallory.example/x>",
    "<base href=https://mallory.example>",
    "<form action=https://mallory.example><button>Send</button></form>",
    "<meta http-equiv=refresh content='0;url=https://mallory.example'>",
    "<https://mallory.example/autolink>",
    "[v](vbscript:x)",
    "[b](blob:https://mallory.example/1)",
    "[f](file:///etc/passwd)",
    "[s](//mallory.example/s)",
    f"```html\n<script>{ALARM}</script>\n```",
    "<details open ontoggle=x>",
    "<math><mtext><style><img src=x onerror=x></style></mtext></math>",
    "<p id=send class=send style=position:fixed>over</p>",
    "<video src=https://mallory.example/v poster=https://mallory.example/p></video>",
    "[x](https://a.example 'a\" onmouseover=alert(1) b')",
]
PAST_THE_SERVER = [
    f"<img src=x onerror='{ALARM}'>",
    f"<p onclick='{ALARM}' style='position:fixed'>x</p>",
    f"<a href='javascript:{ALARM}'>x</a>",
    f"<a href=' jAvAscript:{ALARM}'>x</a>",
    "<img src=https://mallory.example/p.png>",
    "<style>*{display:none}</style>",
    "<iframe srcdoc='<script>1</script>'></iframe>",
    f"<svg><animate onbegin='{ALARM}'/></svg>",
    "<form action=https://mallory.example><input name=password></form>",
    "<button id=send data-act=retry>x</button>",
    "<template><img src=x></template>",
    "<object data=https://mallory.example></object>",
    "<a href='https://shop.example' ping='https://mallory.example' target=_self>fine</a>",
]
WHAT_IS_LEFT = """answers => answers.flatMap((answer) => [...answer.querySelectorAll("*")]).map((one) => [
    one.matches("img, script, style, iframe, form, input, svg, object, video, meta, link, base") && one.tagName,
    ...[...one.attributes].filter(({ name }) => /^on|^style$|^src|^ping$|^id$/.test(name)).map(({ name }) => name),
    one.matches("a[href]") && !/^(https?|mailto|tel):/.test(one.href) && one.href,
    one.matches("a[href]") && one.rel !== "noopener noreferrer nofollow" && `rel ${one.rel}`,
    one.matches("a[href]") && one.target !== "_blank" && `target ${one.target}`,
]).flat().filter(Boolean)"""


@pytest.mark.parametrize("where", ["widget", "page"])
def test_nothing_that_anybody_writes_runs_or_loads(visit, fake_chat, where):
    carol = visit()
    if where == "page":
        carol.page.goto(fake_chat.page_url)
    else:
        carol.opens()
    whole = "\n\n".join(HOSTILE_TEXTS)
    fake_chat.persona |= {"name": HOSTILE_TEXTS[1], "suggestions": [HOSTILE_TEXTS[0]]}
    citation = {"n": 1, "document_id": "d", "chunk_id": "c", "title": HOSTILE_TEXTS[1], "text": whole, "score": 1}
    link = {**citation, "n": 2, "url": f"javascript:{ALARM}"}

    carol.asks_and_reads(
        whole,
        f"{whole} [1] [2]",
        html=render_answer(f"{whole} [1] [2]"),
        citations=[citation, link],
        suggestions=[HOSTILE_TEXTS[1]],
    )
    carol.asks_and_reads(
        "And past the server?", "x [1]", html="".join(PAST_THE_SERVER) + "<p>x [1]</p>", citations=[citation]
    )
    fake_chat.say_as_person(HOSTILE_TEXTS[1], whole)
    expect(carol.answers).to_have_count(4)
    expect(carol.said.first).to_have_text(whole)

    bodies = carol.page.locator(".message--answer .answer")
    assert bodies.evaluate_all(WHAT_IS_LEFT) == []
    for dead in bodies.locator("a:not([href])").all():
        dead.click(force=True)
    carol.answers.nth(1).locator(".source").last.press("Enter")
    expect(carol.page.locator("#passage-where a")).to_have_count(0)
    assert carol.page.evaluate("window.ran") is None
    # A browser reports handlers and styles while it reads them into a document where nothing runs, and from which they
    # are taken out. Anything else (`visit` looks) would be a picture fetched, a frame opened, a script run.
    read = re.compile("Executing inline event handler|Applying inline style")
    carol.wrongs[:] = [wrong for wrong in carol.wrongs if not read.match(wrong)]
