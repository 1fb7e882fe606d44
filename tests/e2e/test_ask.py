"""Alice asks her own sheet in Chromium: from the upload to the numbers in a file, in both languages."""

import csv
import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from playwright.sync_api import Browser, Locator, Page, expect

from analytics.models import Dataset, Question
from llm.models import Route
from tests.admin.conftest import Worker, alice, hire
from tests.chat.conftest import server as server
from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.e2e.conftest import check_accessible, shoot
from tests.embedded.conftest import wait_for
from tests.fakes.openai_server import CHAT_MODEL, FakeOpenAI, RecordedRequest
from tests.knowledge.conftest import work_off

__all__ = ["alice", "hire"]

# Only a fault takes it all: a busy machine makes everything here ten times as slow.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

DESKTOP: dict[str, Any] = {"locale": "zh-CN", "viewport": {"width": 1280, "height": 860}}
PHONE: dict[str, Any] = {
    "locale": "en-US", "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True,
    "device_scale_factor": 2, "color_scheme": "dark",
}  # fmt: skip

SHEET = """日期,城市,商品,数量,金额
2025-01-05,杭州,龙井茶,2,176.00
2025-02-11,杭州,茶杯,1,39.50
2025-02-14,成都,龙井茶,3,264.00
2025-03-02,成都,茶壶,1,120.00
2025-03-09,苏州,茶杯,4,158.00
"""
BY_CITY = "SELECT 城市, sum(金额) AS 金额合计 FROM {table} GROUP BY 城市 ORDER BY 2 DESC"
BY_MONTH = "SELECT date_trunc('month', 日期)::date AS 月份, sum(金额) AS 金额合计 FROM {table} GROUP BY 1 ORDER BY 1"


class Desk:
    """A browser window at /ask/."""

    def __init__(self, page: Page, http: str) -> None:
        self.page, self.http = page, http
        self.box = page.locator("#question")
        self.cards = page.locator(".answer-card")

    def opens(self, path: str) -> int:
        response = self.page.goto(f"{self.http}{path}")
        assert response
        return response.status

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def asks(self, text: str) -> Locator:
        """Ask, and wait until the answer is there; its card."""
        before = self.cards.count()
        self.box.fill(text)
        self.box.press("Enter")
        expect(self.cards).to_have_count(before + 1)
        card = self.cards.last
        expect(card).to_have_attribute("aria-busy", "false", timeout=60_000)
        return card

    def sees_chart(self, card: Locator) -> None:
        picture = card.locator(".figure img")
        expect(picture).to_be_visible()
        assert picture.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }") > 100

    def rows(self, card: Locator) -> list[list[str]]:
        return [row.locator("td").all_inner_texts() for row in card.locator(".grid tbody tr").all()]

    def shoots(self, name: str) -> None:
        shoot(self.page, f"ask-{name}", animations="disabled")

    def is_accessible(self) -> None:
        check_accessible(self.page)


@pytest.fixture
def open_desk(browser: Browser, server: InProcessServer) -> Iterator[Callable[..., Desk]]:
    """Sit down at /ask/, signed in. No script may fail, and nothing may be fetched from elsewhere."""
    contexts: list[Any] = []
    faults: list[str] = []

    def note(message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            faults.append(message.text)

    def open_one(person: Worker, options: dict[str, Any]) -> Desk:
        context = browser.new_context(**options)
        cookie = person.client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": server.http}])
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", note)
        page.on("request", lambda one: one.url.startswith((server.http, "data:")) or faults.append(one.url))
        return Desk(page, server.http)

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def worker(acme: Business) -> Iterator[threading.Event]:
    """A worker that does Acme's jobs while it is switched on."""
    on, stop = threading.Event(), threading.Event()

    def run() -> None:
        while not stop.wait(0.1):
            if on.is_set():
                work_off(acme)
        connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield on
    stop.set()
    thread.join(timeout=30)


@pytest.fixture
def model(acme: Business) -> Iterator[FakeOpenAI]:
    """The model behind Acme's route: it groups by month where that is asked, else by city."""
    with FakeOpenAI() as fake:
        with acme.scope():
            Route(slug="main", name="Main", base_url=fake.base_url, chat_model=CHAT_MODEL, is_default=True).save()
        fake.will_answer_with(written, times=None)
        yield fake


def written(request: RecordedRequest) -> str:
    told = request.messages[-1]["content"]
    table = re.search(r'"(?:table|name)": ?"([^"]+)"', told)
    assert table, told
    sql = BY_MONTH if "按月" in told else BY_CITY
    reply = {"sql": sql.format(table=table[1]), "explanation": "把金额加在一起。", "cannot_answer": ""}
    return json.dumps(reply, ensure_ascii=False)


def test_from_a_sheet_with_chinese_headers_to_a_chart_and_a_file(
    alice: Worker, hire: Any, globex: Business, open_desk: Any, worker: threading.Event, model: FakeOpenAI
) -> None:
    worker.set()
    desk: Desk = open_desk(alice, DESKTOP)
    page = desk.page

    desk.opens("/ask/")
    expect(page.locator("#dataset")).to_be_visible()
    page.get_by_role("link", name="数据", exact=True).click()
    expect(page.get_by_text("把表格拖到这里")).to_be_visible()
    desk.shoots("zh-no-data")
    page.set_input_files("#files", {"name": "茶铺销售.csv", "mimeType": "text/csv", "buffer": SHEET.encode()})
    page.wait_for_url("**/ask/data/*/")
    expect(page.locator("#state")).to_have_text("可用", timeout=60_000)
    expect(page.locator("tbody th").nth(4)).to_contain_text("金额")
    expect(page.get_by_label("类型: 日期")).to_have_value("date")
    desk.shoots("zh-dataset")
    desk.is_accessible()

    page.get_by_label("说明: 金额").fill("实际收款，含税")
    page.get_by_role("tab", name="指标与关联").click()
    page.get_by_label("名称").fill("营业额")
    page.get_by_label("算法（SQL）").fill("sum(金额)")
    desk.button("添加指标").click()
    expect(page.locator(".item").filter(has_text="营业额")).to_contain_text("sum(金额)")
    desk.shoots("zh-glossary")
    desk.is_accessible()

    page.get_by_role("link", name="就此提问").click()
    expect(page.locator(".suggestion").first).to_be_visible()
    desk.shoots("zh-welcome")
    card = desk.asks("各城市的金额合计是多少？")
    expect(card.locator(".summary")).to_contain_text("成都")
    desk.sees_chart(card)
    assert desk.rows(card) == [["成都", "384"], ["杭州", "215.5"], ["苏州", "158"]]
    card.get_by_title("按城市排序").click()
    expect(card.locator("th").first).to_have_attribute("aria-sort", "ascending")
    card.get_by_role("combobox", name="图表", exact=True).select_option("pie")
    expect(card.locator(".figure img")).to_have_attribute("alt", re.compile("饼图"))
    desk.shoots("zh-answer")
    desk.is_accessible()

    follow_up = desk.asks("按月呢？")
    assert [row[0] for row in desk.rows(follow_up)] == ["2025-01-01", "2025-02-01", "2025-03-01"]
    desk.sees_chart(follow_up)
    desk.shoots("zh-follow-up")
    permalink = page.url
    with page.expect_download() as download:
        follow_up.get_by_role("link", name="CSV").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1] == ["2025-01-01", "176"]

    follow_up.get_by_role("button", name="保存").click()
    page.get_by_role("textbox", name="名称", exact=True).fill("每月金额")
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    seen = page.get_by_role("button", name="查看已保存的问题")
    expect(seen).to_be_visible()
    told, box = page.locator("#toast").bounding_box(), page.locator(".composer").bounding_box()
    assert told
    assert box
    assert told["y"] + told["height"] <= box["y"]  # who asks on sees what he writes
    seen.click()
    expect(page.get_by_role("heading", name="每月金额")).to_be_visible()
    desk.shoots("zh-saved")
    desk.is_accessible()
    desk.button("删除已保存的问题").click()
    expect(page.get_by_role("heading", name="每月金额")).to_have_count(0)
    desk.button("撤销").click()
    desk.button("执行").click()
    expect(desk.cards.first.locator(".grid tbody tr")).to_have_count(3)

    page.get_by_role("link", name="记录", exact=True).click()
    expect(page.locator("#runs tr")).to_have_count(3)
    desk.shoots("zh-history")
    desk.is_accessible()

    mallory: Desk = open_desk(hire(globex, name="mallory"), DESKTOP)
    assert mallory.opens(permalink.removeprefix(desk.http)) == 404
    assert "金额" not in mallory.page.content()


TEA = """day,city,product,quantity,amount
2025-01-05,Hangzhou,Longjing,2,176.00
2025-02-11,Hangzhou,Teapot,1,120.00
2025-02-14,London,Longjing,3,264.00
2025-03-02,London,Earl Grey,5,90.00
"""
SOLD_OF = "SELECT city, sum(quantity) AS sold FROM tea WHERE product = 'Teapot' GROUP BY city ORDER BY 2 DESC"


def test_without_a_model_verified_questions_are_asked_on_a_phone(
    alice: Worker, acme: Business, open_desk: Any, worker: threading.Event
) -> None:
    dataset = tea_of(acme)
    pair = {"question": "How many Teapot did we sell in each city?", "sql": SOLD_OF}
    added = acme.api.post(f"/api/v1/analytics/datasets/{dataset}/pairs/", pair)
    assert added.status_code == 201, added.content
    worker.set()

    desk: Desk = open_desk(alice, PHONE)
    page = desk.page
    desk.opens(f"/ask/?dataset={dataset}")
    expect(page.get_by_text("No language model is connected.")).to_be_visible()
    expect(page.get_by_role("link", name="Connect one under Model routes.")).to_be_visible()
    expect(page.locator(".suggestion")).to_have_text([pair["question"]])
    desk.shoots("phone-welcome")
    desk.is_accessible()
    card = desk.asks("How many Longjing did we sell in each city?")
    assert desk.rows(card) == [["London", "3"], ["Hangzhou", "2"]]
    desk.sees_chart(card)
    desk.shoots("phone-answer")
    desk.is_accessible()

    card.get_by_text("How this was answered").click()
    card.get_by_role("button", name="Change the SQL").press("Enter")
    editor = card.get_by_label("SQL. What fits is offered while you write.")
    expect(editor).to_be_focused()
    editor.fill("SELECT sum(t.) FROM tea AS t")
    for _ in range(len(") FROM tea AS t")):
        editor.press("ArrowLeft")
    editor.press_sequentially("am")
    expect(card.locator(".completions [aria-selected=true]")).to_contain_text("amount")
    editor.press("Tab")
    expect(editor).to_have_value("SELECT sum(t.amount) FROM tea AS t")
    desk.shoots("phone-editor")
    desk.is_accessible()
    editor.press("Control+Enter")
    expect(card.locator(".how .grid td")).to_have_text("650")
    editor.fill("SELECT city, amount FROM tea UNION ALL SELECT product, amount FROM tea")
    editor.press("Control+Enter")
    rows = card.locator(".how .grid tbody tr")
    expect(rows).to_have_count(8)
    card.get_by_role("searchbox", name="Search in the rows").fill("LONG")
    expect(rows).to_have_text([re.compile("^Longjing")] * 2)
    desk.shoots("phone-filtered")
    editor.fill("DELETE FROM tea")
    editor.press("Control+Enter")
    expect(card.get_by_role("alert")).to_contain_text("Rule:")

    lost = desk.asks("Who is the best football player of all times?")
    expect(lost.locator(".failure")).to_contain_text("add this as a verified question")
    desk.shoots("phone-failure")
    desk.is_accessible()
    lost.get_by_role("button", name=pair["question"]).click()
    expect(page.locator(".answer-card").last.locator(".grid td").first).to_be_visible()
    assert page.evaluate("document.scrollingElement.scrollTop") == 0, "the page itself stays"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]


def test_what_is_asked_back_is_chosen(alice: Worker, acme: Business, open_desk: Any) -> None:
    dataset = tea_of(acme)
    with acme.scope():
        back = Question.objects.create(
            dataset_id=dataset, question="All of it?", status="needs_clarification", sql="SELECT * FROM tea",
            clarification={"kind": "confirm", "question": "Shall it run?", "choices": ["Run it", "Do not run it"]},
        )  # fmt: skip
        waiting = Question.objects.create(dataset_id=dataset, question="How much?", thread=back.thread)
    desk: Desk = open_desk(alice, {**PHONE, "color_scheme": "light"})
    page = desk.page

    desk.opens(f"/ask/q/{back.pk}/")
    expect(page.get_by_role("group", name="Shall it run?")).to_be_visible()
    desk.shoots("phone-asked-back")
    desk.is_accessible()
    desk.button("Do not run it").press("Enter")
    expect(desk.cards.first).to_contain_text("Stopped.")
    expect(desk.cards.last.locator(".steps .is-now")).to_have_text("Waiting")
    desk.button("Stop").press("Enter")
    expect(desk.cards.last).to_contain_text("Stopped.")
    expect(desk.cards.last).to_be_focused()
    with acme.scope():
        assert Question.objects.get(pk=waiting.pk).status == "cancelled"

    page.get_by_role("link", name="Data", exact=True).click()
    expect(page.get_by_role("link", name="tea", exact=True)).to_be_visible()
    desk.shoots("phone-data")
    desk.is_accessible()
    desk.button("切换到中文").click()
    expect(page.get_by_role("heading", name="数据", exact=True)).to_be_visible()


def test_an_answer_belongs_to_its_own_question_however_late_the_browser_tells_of_it(
    alice: Worker, acme: Business, open_desk: Any
) -> None:
    desk: Desk = open_desk(alice, DESKTOP)
    desk.opens("/ask/data/")

    # A dialog's "close" comes as a task of its own, here after the next question was put.
    answers = desk.page.evaluate("""async () => {
        const { answerTo } = await import("/static/chat/dom.js");
        const dialog = document.getElementById("confirm");
        const answers = ["", "yes"].map((value) => {
            const answer = answerTo(dialog);
            dialog.close(value);
            return answer;
        });
        const last = answerTo(dialog);
        await new Promise((resolve) => setTimeout(resolve, 100));
        dialog.close("yes");
        return Promise.all([...answers, last]);
    }""")

    assert answers == [None, "yes", "yes"]


def test_a_deleted_dataset_can_be_taken_back_until_the_page_lets_go(
    alice: Worker, acme: Business, open_desk: Any, worker: threading.Event
) -> None:
    tea = tea_of(acme)
    pair = {"question": "How many Teapot did we sell in each city?", "sql": SOLD_OF}
    assert acme.api.post(f"/api/v1/analytics/datasets/{tea}/pairs/", pair).status_code == 201
    coffee = taken_in(acme, "coffee.csv")

    def is_there(dataset: str) -> bool:
        with acme.scope():
            return Dataset.objects.filter(pk=dataset).exists()

    desk: Desk = open_desk(alice, PHONE)
    page = desk.page
    page.clock.install()
    desk.opens("/ask/data/")
    row = page.locator(".card").filter(has_text="tea")
    said, undo = page.locator("#toast-text"), desk.button("Undo")

    def delete() -> None:
        row.get_by_role("button", name="Delete the dataset").press("Enter")
        desk.button("Delete").press("Enter")
        expect(said).to_have_text("«tea» is deleted.")
        expect(row).to_have_count(0)

    def let_time_pass() -> None:
        page.locator("#main").focus()
        page.clock.fast_forward(60_000)

    row.get_by_role("button", name="Delete the dataset").press("Enter")
    desk.button("Cancel").press("Enter")
    expect(row.get_by_role("button", name="Delete the dataset")).to_be_focused()
    delete()
    expect(page.get_by_role("log")).to_contain_text("«tea» is deleted.")
    expect(undo).to_be_focused()
    desk.shoots("phone-deleted")
    desk.is_accessible()
    page.clock.fast_forward(60_000)
    worker.set()
    # The list is fetched anew while something comes in.
    expect(page.locator(".card").filter(has_text="coffee")).to_contain_text("Ready", timeout=60_000)
    expect(row).to_have_count(0)
    assert is_there(tea), "whoever has the focus on it takes the time he needs"
    undo.press("Enter")
    expect(said).to_be_hidden()
    row.get_by_role("link", name="Ask").click()
    assert desk.rows(desk.asks(pair["question"])) == [["Hangzhou", "1"]]

    desk.opens("/ask/data/")
    page.route("**/api/datasets/*/", lambda route: route.abort())
    delete()
    let_time_pass()
    expect(row).to_be_visible()
    expect(page.locator("#banner")).to_contain_text("The server does not answer.")
    desk.shoots("phone-not-deleted")
    page.unroute("**/api/datasets/*/")
    delete()
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        let_time_pass()
    assert not is_there(tea)
    expect(page.locator("#banner")).to_be_hidden()

    desk.button("切换到中文").click()
    desk.button("删除数据集").press("Enter")
    desk.shoots("phone-zh-delete")
    desk.button("删除").press("Enter")
    expect(said).to_have_text("已删除“coffee”。")
    desk.shoots("phone-zh-deleted")
    assert is_there(coffee)
    page.get_by_role("link", name="已保存", exact=True).click()
    expect(page.get_by_role("heading", name="已保存的问题")).to_be_visible()
    wait_for(lambda: not is_there(coffee), "coffee is deleted")


def tea_of(business: Business) -> str:
    """A dataset from a sheet of English words, read in."""
    dataset = taken_in(business, "tea.csv")
    work_off(business)
    return dataset


def taken_in(business: Business, name: str) -> str:
    """A dataset that waits for a worker to read its sheet."""
    sheet = SimpleUploadedFile(name, TEA.encode())
    answer = business.api.upload("/api/v1/analytics/datasets/", **{"files[]": sheet})
    assert answer.status_code == 202, answer.content
    return str(answer.json()["id"])
