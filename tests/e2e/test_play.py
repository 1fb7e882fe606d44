"""The village in Chromium: Carol plays it by keyboard, in both languages, without a model."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from npc.worlds.files import parse_world
from tests.chat.conftest import server as server
from tests.chat.stage import InProcessServer
from tests.e2e.conftest import shoot
from tests.npc.conftest import put

# A browser and the first vectors of a process are slow to start beside other tests.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WORLDS = Path(__file__).resolve().parents[2] / "demo" / "worlds"
# The scene is painted sixty times a second if it moves, which takes more than all else here: on one phone is enough.
DESKTOP: dict[str, Any] = {
    "locale": "en-US", "viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce",
}  # fmt: skip
PHONE: dict[str, Any] = {
    "reduced_motion": "no-preference",
    "locale": "en-US", "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True,
    "device_scale_factor": 2, "color_scheme": "dark",
}  # fmt: skip

# What Carol reads and says.
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "locale": "en-US", "school": "Schoolhouse", "square": "Spring Square", "shore": "Lakeshore",
        "bean": "Bean", "tam": "Tam Stillwater", "quill": "Hester Quill",
        "to_well": "Take me to the well, please!", "buy": "I would like to buy a candle, please.",
        "bring": "Please take this candle.", "unlock": "Please open the chest.",
        "talk": "Talk to {}", "go": "Go to {}",
        "chapter_2": "Chapter 2: Humming", "chapter_3": "Chapter 3: The bargain",
        "led": "Bean: takes you to the well", "sold": "Tam Stillwater: sells you a candle",
        "hums": "Something hums", "page": "The missing page", "candle": "a candle", "letter": "a letter",
        "save": "Save now", "saved": "Saved.", "load": "Load", "accepted": "accepted",
        "back": "Back behind turn 2: I would like to buy a candle, please.", "title": "Hearkenwell",
        "known": "The chest in the schoolhouse holds the papers", "other": "切换到中文", "other_title": "听泉村",
    },
    "zh": {
        "locale": "zh-CN", "school": "学堂", "square": "泉眼坪", "shore": "湖边",
        "bean": "豆子", "tam": "石不语", "quill": "宋小楷",
        "to_well": "带我去泉边看看好吗？", "buy": "我想买一支蜡烛。",
        "bring": "请收下这支蜡烛。", "unlock": "请把箱子打开吧。",
        "talk": "和{}说话", "go": "去{}", "chapter_2": "第 2 章：哼声", "chapter_3": "第 3 章：约定",
        "led": "豆子领你去了泉边", "sold": "石不语卖给你一支蜡烛",
        "hums": "有什么在哼", "page": "缺的那一页", "candle": "一支蜡烛", "letter": "一封信",
        "save": "现在存档", "saved": "已存档。", "load": "读档", "accepted": "已接受",
        "back": "退回第 2 回合之后：我想买一支蜡烛。", "title": "听泉村",
        "known": "学堂的木箱里", "other": "Switch to English", "other_title": "Hearkenwell",
    },
}  # fmt: skip


class Carol:
    """A player with the page open."""

    def __init__(self, page: Page, words: dict[str, str]) -> None:
        self.page, self.words = page, words
        self.map = page.locator("#map")
        self.card = page.locator("#card")
        self.talk = page.locator("#dialogue")
        self.box = page.locator("#dialogue-text")
        self.bag = page.locator("#bag > li")
        self.banner = page.locator("#banner")

    def presses(self, key: str) -> None:
        self.page.keyboard.press(key)

    def walks(self, key: str, *tiles: str) -> None:
        """One step after the other; the last one may lead out of the scene."""
        for tile in tiles:
            self.page.keyboard.press(key)
            expect(self.map).to_have_attribute("data-at", tile)

    def reads_card(self, title: str) -> None:
        expect(self.card.locator("h2")).to_have_text(title)
        self.goes_on()
        expect(self.card).to_be_hidden()

    def goes_on(self) -> None:
        """Away from a card, once it is there to be left."""
        expect(self.page.locator("#card-go-on")).to_be_focused()
        self.presses("Enter")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def goes(self, place: str) -> None:
        self.button(self.words["go"].format(place)).press("Enter")
        expect(self.page.locator("#place-name")).to_have_text(place)

    def turns_to(self, name: str) -> None:
        self.button(self.words["talk"].format(name)).press("Enter")
        expect(self.talk.locator("h2")).to_have_text(name)

    def says(self, text: str, *, answered: bool = True) -> None:
        expect(self.box).to_be_focused()
        self.page.keyboard.type(text)
        self.presses("Enter")
        if answered:
            self.hears()

    def chooses(self, text: str) -> None:
        """Say what the page suggests."""
        self.talk.get_by_role("button", name=text, exact=True).press("Enter")
        self.hears()

    def hears(self) -> None:
        expect(self.talk.locator(".line--they").last).not_to_be_empty()
        expect(self.talk).to_have_attribute("aria-busy", "false")

    def leaves(self) -> None:
        self.presses("Escape")
        expect(self.talk).to_be_hidden()
        expect(self.map).to_be_focused()

    def announced(self) -> str:
        return "\n".join(self.page.locator("#announcer p").all_inner_texts())

    def shows(self, name: str) -> None:
        shoot(self.page, f"play-{name}", animations="disabled")


@pytest.fixture(scope="module")
def host(open_business: Any) -> Any:
    """Acme, with the village in both languages."""
    acme = open_business("Acme")
    for language in WORDS:
        put(acme, parse_world((WORLDS / f"village.{language}.yaml").read_bytes(), is_yaml=True))
    return acme


@pytest.fixture
def open_village(host: Any, settings: Any, browser: Browser, server: InProcessServer) -> Iterator[Callable[..., Carol]]:
    """Come to the village for the first time. No script may fail, and nothing may be fetched from elsewhere."""
    settings.PLAY_TENANT = host.tenant.slug
    contexts: list[Any] = []
    faults: list[str] = []

    def note(message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            faults.append(message.text)

    def open_one(language: str = "en", **options: Any) -> Carol:
        words = WORDS[language]
        context = browser.new_context(**DESKTOP | {"locale": words["locale"]} | options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", note)
        page.on("request", lambda sent: faults.extend([] if sent.url.startswith(server.http) else [sent.url]))
        page.goto(f"{server.http}/play/")
        expect(page.locator("#card")).to_be_visible()
        return Carol(page, words)

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []


@pytest.mark.parametrize("language", list(WORDS))
def test_the_letter_carrier_finds_the_missing_page_by_keyboard(open_village: Any, language: str) -> None:
    carol, words = open_village(language), WORDS[language]
    expect(carol.page).to_have_title(words["title"])
    carol.shows(f"begin-{language}")
    carol.goes_on()
    expect(carol.map).to_be_focused()

    # To the schoolhouse and to Bean, who stands beside a machine.
    carol.walks("ArrowLeft", *(f"{x},9" for x in (7, 6, 5, 4, 3, 2)))
    carol.walks("w", *(f"2,{y}" for y in (8, 7, 6, 5, 4, 3)))
    carol.walks("ArrowUp", "8,9")
    expect(carol.page.locator("#place-name")).to_have_text(words["school"])
    carol.walks("d", "9,9", "10,9", "11,9", "12,9")
    carol.walks("ArrowUp", "12,8")
    carol.presses("Enter")
    expect(carol.talk.locator("h2")).to_have_text(words["bean"])
    carol.says(words["to_well"])
    expect(carol.talk.locator(".line--deed")).to_have_text(words["led"])
    carol.shows(f"talk-{language}")
    carol.reads_card(words["hums"])
    expect(carol.page.locator("#stage-name")).to_have_text(words["chapter_2"])
    assert words["led"] in carol.announced()
    carol.leaves()

    # A place to come back to.
    carol.presses("o")
    carol.button(words["save"]).press("Enter")
    expect(carol.page.locator("#saves-note")).to_have_text(words["saved"])
    carol.presses("Escape")
    expect(carol.page.locator("#saves")).to_be_hidden()
    expect(carol.map).to_be_focused()  # a little later; a key pressed meanwhile would be the map's

    # A candle from Tam, for Miss Quill, who opens the chest by its light.
    carol.goes(words["square"])
    carol.goes(words["shore"])
    carol.turns_to(words["tam"])
    carol.chooses(words["buy"])
    expect(carol.bag).to_have_text([words["letter"], words["candle"]])
    assert words["sold"] in carol.announced()
    carol.leaves()
    carol.goes(words["square"])
    carol.goes(words["school"])
    carol.turns_to(words["quill"])
    carol.chooses(words["bring"])
    carol.chooses(words["unlock"])
    carol.reads_card(words["page"])
    expect(carol.page.locator("#stage-name")).to_have_text(words["chapter_3"])
    carol.leaves()

    # Behind the scenes.
    carol.presses("p")
    expect(carol.page.locator("#tab-state")).to_be_focused()
    expect(carol.page.locator("#state-tree .is-changed").first).to_be_visible()
    carol.presses("ArrowRight")
    expect(carol.page.locator("#actions-list .badge")).to_have_text([words["accepted"]] * 4)
    carol.presses("ArrowRight")
    expect(carol.page.locator("#mind-knows")).to_contain_text(words["known"])
    expect(carol.page.locator("#mind-memories > li").first).to_be_visible()
    carol.shows(f"designer-{language}")
    carol.presses("ArrowRight")
    carol.button(words["back"]).press("Enter")
    expect(carol.page.locator("#stage-name")).to_have_text(words["chapter_2"])
    expect(carol.bag).to_have_text([words["letter"], words["candle"]])
    expect(carol.page.locator("#place-name")).to_have_text(words["shore"])
    carol.presses("Escape")

    # Back to the save, from before there was a candle; and still there for who comes back.
    carol.map.focus()
    carol.presses("o")
    carol.button(words["load"]).press("Enter")
    expect(carol.bag).to_have_text([words["letter"]])
    carol.page.reload()
    expect(carol.page.locator("#place-name")).to_have_text(words["school"])
    expect(carol.page.locator("#stage-name")).to_have_text(words["chapter_2"])

    carol.button(words["other"]).press("Enter")
    expect(carol.page).to_have_title(words["other_title"])
    expect(carol.card).to_be_visible()


def test_on_a_phone_in_the_dark_by_touch(open_village: Any) -> None:
    carol = open_village(**PHONE)
    carol.shows("phone-begin")
    carol.button("Go on").tap()
    carol.shows("phone-square")
    expect(carol.page.locator("#journal")).to_be_hidden()

    carol.page.locator("[data-walk=up]").tap()
    expect(carol.map).to_have_attribute("data-at", "8,8")
    box = carol.map.bounding_box()
    carol.page.touchscreen.tap(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.6)
    expect(carol.map).not_to_have_attribute("data-at", "8,8")

    carol.button("Talk to Nan Tolliver").tap()
    expect(carol.talk.locator("h2")).to_have_text("Nan Tolliver")
    carol.talk.get_by_role("button", name="Hello!").tap()
    expect(carol.talk.locator(".line--they")).to_have_text(
        "There you are, duck. Come round to my right side, the left ear has retired."
    )
    carol.shows("phone-talk")
    carol.button("Leave").tap()
    carol.button("Rest until night").tap()
    expect(carol.page.locator("#clock")).to_have_text("Day 1, 21:00")
    carol.button("Behind the scenes: the designer's panel").tap()
    expect(carol.page.locator("#state-tree")).to_contain_text("night")
    carol.shows("phone-designer")
    assert carol.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_when_something_does_not_work_the_page_says_so_and_goes_on(open_village: Any, server: Any) -> None:
    carol = open_village()
    carol.presses("Enter")
    moves = "**/play/session/moves/"
    carol.page.route(moves, lambda route: route.abort())
    carol.button("Go to Lakeshore").press("Enter")
    expect(carol.banner).to_contain_text("The server does not answer.")
    expect(carol.page.locator("#place-name")).to_have_text("Spring Square")
    carol.page.unroute(moves)
    carol.button("Try again").press("Enter")
    expect(carol.banner).to_be_hidden()

    # An answer that breaks off is asked for again, and it is the same turn.
    turns = "**/play/session/turns/"
    asked: list[str] = []
    carol.page.on(
        "request", lambda sent: asked.append(sent.post_data_json["turn_id"]) if "turns/" in sent.url else None
    )
    carol.page.route(turns, lambda route: route.abort())
    carol.turns_to("Nan Tolliver")
    carol.says("Hello!", answered=False)
    expect(carol.talk.locator(".line--trouble")).to_contain_text("The answer broke off.")
    carol.page.unroute(turns)
    carol.talk.get_by_role("button", name="Try again").press("Enter")
    carol.hears()
    assert len(asked) == 2
    assert len(set(asked)) == 1
    carol.leaves()

    # A game that refuses everything: what is proposed does not happen, and the character has a line for it.
    carol.goes("Schoolhouse")
    carol.presses("p")
    expect(carol.page.locator("#tab-state")).to_be_focused()
    carol.page.locator("#tab-actions").press("Enter")
    carol.page.locator("#refuse").press("Space")
    carol.turns_to("Bean")
    carol.chooses("Take me to the well, please!")
    expect(carol.talk.locator(".line--refusal")).to_contain_text("The designer has said no.")
    expect(carol.page.locator("#actions-list .badge").first).to_have_text("rejected")
    expect(carol.page.locator("#stage-name")).to_have_text("Chapter 1: Arrival")
    carol.shows("refused")
    carol.leaves()

    problem = {"code": "unauthenticated", "detail": "This session has expired; open a new one."}
    gone = {"status": 401, "content_type": "application/problem+json", "json": problem}
    carol.page.route(moves, lambda route: route.fulfill(**gone))
    carol.button("Go to Spring Square").press("Enter")
    expect(carol.banner).to_contain_text("This story has run out")
    carol.shows("run-out")
    carol.page.unroute(moves)
    carol.button("Begin anew").press("Enter")
    expect(carol.card.locator("h2")).to_have_text("You are the new letter carrier")
