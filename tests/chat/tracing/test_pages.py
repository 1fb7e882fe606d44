"""An answer in the admin: opened, asked again, made a test of, by whom it may be, in both languages."""

import re

import pytest
from playwright.sync_api import expect

from chat.models import AnswerTest, Replay, TestRun
from chat.tracing.testing import create_test
from tests.admin.test_browser import DESKTOP, PHONE, open_desk, worker  # noqa: F401 - a window on the admin
from tests.chat.tracing.conftest import messages_of, turn_of
from tests.chat.tracing.test_claims_in_chat import _connect as connect
from tests.e2e.conftest import browser  # noqa: F401 - for the window
from tests.knowledge.conftest import work_off

QUESTION = "How long may I return unopened tea?"


def answers(turn, path: str = "") -> str:
    return f"/admin/chat/conversation/answers/{turn.pk}/{path}"


def test_the_page_tells_all_that_an_answer_came_from(ask, shop, vera):
    turn = turn_of(shop.business, ask(QUESTION))

    page = vera.sees(answers(turn)).content.decode()

    assert "claim--supported" in page
    assert "reader" in page
    assert turn.trace["prompt_sha256"][:12] in page
    for section in turn.trace["sections"]:
        assert section["name"] in page
    assert "Terms" in page
    assert 'id="replay"' not in page  # Vera only looks
    viewer = vera.sees(f"/admin/chat/conversation/{turn.conversation_id}/change/").content.decode()
    assert answers(turn) in viewer


def test_who_may_not_edit_may_not_try_either(ask, shop, vera, arno):
    turn = turn_of(shop.business, ask(QUESTION))

    for person in (vera, arno):
        assert person.posts(answers(turn, "replay/")).status_code == 403
        assert person.posts(answers(turn, "test/")).status_code == 403
        assert person.posts(f"/admin/chat/answertest/run/{shop.persona.pk}/").status_code == 403
    with shop.business.scope():
        assert (Replay.objects.count(), AnswerTest.objects.count(), TestRun.objects.count()) == (0, 0, 0)


def test_mallory_sees_and_tries_nothing_of_acmes(ask, shop, globex, hire):
    turn = turn_of(shop.business, ask(QUESTION))
    with shop.business.scope():
        replay = Replay.objects.create(turn=turn)
    mallory = hire(globex, name="mallory")

    for path in ("", f"replays/{replay.pk}/", f"replays/{replay.pk}/state/"):
        assert mallory.client.get(answers(turn, path)).status_code == 404
    for path in ("replay/", "test/"):
        assert mallory.posts(answers(turn, path)).status_code == 404
    assert mallory.posts(f"/admin/chat/answertest/run/{shop.persona.pk}/").status_code == 404


def test_a_test_is_changed_on_a_form(shop, edda):
    with shop.business.scope():
        test = create_test(shop.persona, name="Returns", question=QUESTION)
    form = {
        "persona": str(shop.persona.pk), "name": "Returns", "question": QUESTION,
        "must_contain": "30 days\n\n delivery ", "must_not_contain": "", "must_cite": [shop.documents["Terms"]],
        "must_decline": "on",
    }  # fmt: skip

    assert edda.posts(f"/admin/chat/answertest/{test.pk}/change/", **form).status_code == 302

    with shop.business.scope():
        test.refresh_from_db()
    assert (test.must_contain, test.must_decline) == (["30 days", "delivery"], True)
    assert test.must_cite == [shop.documents["Terms"]]


def test_without_tests_the_list_says_how_to_make_one(shop, edda):
    assert "No tests yet" in edda.sees("/admin/chat/answertest/").content.decode()
    chinese = edda.client.get("/admin/chat/answertest/", headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "还没有测试" in chinese


@pytest.mark.browser
@pytest.mark.timeout(400)
def test_from_the_trace_to_a_test(ask, shop, edda, open_desk, scripted_llm):  # noqa: F811 - a fixture
    first = ask(QUESTION)
    turn = turn_of(shop.business, first)
    desk = open_desk(DESKTOP)
    desk.belongs_to(edda)
    page = desk.page

    desk.opens(f"/admin/chat/conversation/{turn.conversation_id}/change/")
    page.get_by_text("How this came about").click()
    page.get_by_role("link", name=re.compile("Open, ask again")).click()
    expect(page.locator(".claim--supported").first).to_be_visible()
    desk.shoots("answer")

    connect(shop, scripted_llm)
    scripted_llm.will_say("Within 30 days of delivery, if it is unopened [1]. We even pay for the parcel.", times=None)
    page.get_by_role("button", name="Ask again today").click()
    expect(page.get_by_role("status")).to_contain_text("In line")
    work_off(shop.business)
    expect(page.locator("ins").first).to_be_visible()
    expect(page.locator("tr.is-changed", has_text="Model")).to_contain_text("fake")
    desk.shoots("replay")
    assert len(messages_of(shop.business, first)) == 2

    page.get_by_role("button", name="Make a test of it").click()
    expect(page.get_by_text("This is a test now.")).to_be_visible()
    page.fill("[name=must_not_contain]", "pay for the parcel")
    desk.shoots("answer-test")
    page.locator("[name=_save]").click()
    page.get_by_role("button", name="Run the tests").click()
    expect(page.get_by_text("0 of 1 tried")).to_be_visible()
    work_off(shop.business)
    expect(page.get_by_text("It contains «pay for the parcel».")).to_be_visible()
    desk.shoots("test-run")

    phone = open_desk(PHONE, color_scheme="dark")
    phone.belongs_to(edda)
    phone.page.context.add_cookies([{"name": "django_language", "value": "zh-hans", "url": phone.http}])
    for name, path in (("answer", ""), ("replay", f"replays/{_newest(shop).pk}/")):
        phone.opens(answers(turn, path))
        assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        phone.shoots(f"{name}-phone")
    expect(phone.page.get_by_role("heading", name="当时", exact=True)).to_be_visible()
    run_path = page.url.split("/admin/")[1]
    phone.opens(f"/admin/{run_path}")
    expect(phone.page.get_by_text("有测试未通过，发布前请先查看。")).to_be_visible()
    phone.shoots("test-run-phone")


def _newest(shop) -> Replay:
    with shop.business.scope():
        return Replay.objects.get()
