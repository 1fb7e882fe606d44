"""Who calls a person, by which words and rules; and that nobody does by accident."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.handover.calling import is_unsure
from chat.handover.hours import is_open, opens_at
from chat.handover.moods import upset_by
from chat.handover.waiting import sweep_waiting
from chat.handover.wishing import asks_for_person, keyword_in
from chat.models import Conversation
from knowledge.collecting import create_base
from personas.access import access_persona
from personas.calling import CallingParser
from personas.citations import PlainParser
from personas.publishing import edit_persona
from personas.schema import Handoff, OfficeHours, Weekdays
from tests.chat.handover import corpus


# --- Words ----------------------------------------------------------------------------------------------
def share(found: Any, lines: list[str]) -> float:
    return sum(bool(found(line)) for line in lines) / len(lines)


def test_a_wish_for_a_person_is_heard_and_ordinary_talk_is_none():
    assert min(len(corpus.ASKS_FOR_A_PERSON), len(corpus.ASKS_FOR_NO_PERSON)) >= 60
    assert share(asks_for_person, corpus.ASKS_FOR_A_PERSON) >= 0.95
    assert share(asks_for_person, corpus.ASKS_FOR_NO_PERSON) <= 0.02
    assert share(asks_for_person, corpus.IS_NOT_UPSET) == 0


def test_who_is_upset_is_heard_and_ordinary_talk_is_not():
    assert min(len(corpus.IS_UPSET), len(corpus.IS_NOT_UPSET)) >= 60
    assert share(upset_by, corpus.IS_UPSET) >= 0.95
    assert share(upset_by, corpus.IS_NOT_UPSET) <= 0.02
    assert share(upset_by, corpus.ASKS_FOR_NO_PERSON) <= 0.02


@pytest.mark.parametrize(
    ("text", "keyword", "is_said"),
    [
        ("我要退款！", "退款", True), ("我要退款！", "退", False), ("我要轉人工", "人工", True),
        ("人工智能真好", "人工", False), ("Two refunds, please", "refund", True), ("It was refunded", "Refund", True),
        ("a non-refundable rate", "refund", False), ("my  credit\ncard", "credit card", True), ("", "x", False),
    ],
)  # fmt: skip
def test_a_keyword_is_a_word_of_its_own(text, keyword, is_said):
    assert keyword_in(text, (keyword,)) == (keyword if is_said else "")


@pytest.mark.parametrize(
    ("answer", "refusal", "has_citations", "expected"),
    [
        ("I am sorry, the documents I have do not say.", "", False, True),
        ("抱歉，我手头的资料里没有写到这一点。", "", False, True),
        ("Ask the bell captain.", "Ask the bell captain.", False, True),
        ("很抱歉，没有找到相关内容。", "", False, True),
        ("Breakfast begins at seven [1].", "", True, False),
        ("We do not say hello before seven [1].", "", True, False),
        ("Good evening!", "", False, False),
    ],
)
def test_an_answer_without_a_source_that_says_so_is_unsure(answer, refusal, has_citations, expected):
    assert is_unsure(refusal=refusal, answer=answer, has_citations=has_citations) is expected


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "said", "called"),
    [
        ("A colleague will help.\n[[person: wants a refund]]", "A colleague will help.", "wants a refund"),
        ("我请同事来。\n\n[[person：要退款]]", "我请同事来。", "要退款"),
        ("[[person]]", "", ""),
        ("No mark [1], [[not]] here. ", "No mark [1], [[not]] here. ", None),
        ("Cut off [[person: wan", "Cut off", None),
    ],
)
def test_the_models_mark_is_taken_out_however_it_is_cut(text, said, called, size):
    parser = CallingParser(PlainParser())

    pieces = [parser.feed(text[at : at + size]) for at in range(0, len(text), size)]

    assert ("".join(pieces) + parser.finish().tail).rstrip() == said.rstrip()
    assert parser.called == called


# --- Hours ----------------------------------------------------------------------------------------------
def test_office_hours_know_time_zones_nights_and_days_off():
    nine_to_six = {"monday": "09:00-12:00, 13:00-18:00", "friday": "22:00-02:00"}
    hours = OfficeHours(timezone="Asia/Shanghai", weekdays=Weekdays(**nine_to_six))
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    for at, expected in ((0.9, False), (1, True), (4.5, False), (5, True), (9.9, True), (10, False)):
        assert is_open(hours, monday + timedelta(hours=at)) is expected, at
    assert opens_at(hours, monday + timedelta(hours=4.5)) == monday + timedelta(hours=5)
    assert opens_at(hours, monday + timedelta(hours=10)) == datetime(2026, 11, 27, 14, tzinfo=UTC)
    assert is_open(hours, datetime(2026, 11, 27, 17, 59, tzinfo=UTC)), "friday's night reaches into saturday"
    assert is_open(OfficeHours(), monday)
    assert opens_at(OfficeHours(), monday) is None
    # Clocks go forward in Berlin at two: an hour that is not there opens when it would have been.
    berlin = OfficeHours(timezone="Europe/Berlin", weekdays=Weekdays(sunday="02:30-04:00"))
    assert is_open(berlin, datetime(2026, 3, 29, 1, 45, tzinfo=UTC))


@pytest.mark.parametrize("wrong", ["9-18", "25:00-26:00", "09:00-09:00", "morning"])
def test_hours_that_are_none_are_refused_by_name(acme, innkeeper, wrong):
    for settings, field in (
        ({"hours": {"weekdays": {"monday": wrong}}}, "settings.handoff.hours.weekdays.monday"),
        ({"hours": {"timezone": "Mars/" + wrong}}, "settings.handoff.hours.timezone"),
    ):
        answer = acme.api.patch("/api/v1/personas/innkeeper/", {"settings": {"handoff": settings}})
        assert answer.status_code == 422
        assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_settings_from_before_are_still_valid():
    assert Handoff.model_validate({"enabled": True, "note": "Call 100"}).hours == OfficeHours()


# --- In a conversation ----------------------------------------------------------------------------------
def closed_now() -> dict[str, Any]:
    """Hours on another day than today and tomorrow."""
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    other = days[(datetime.now(UTC).weekday() + 3) % 7]
    return {"timezone": "UTC", "weekdays": {other: "09:00-18:00"}}


async def test_whoever_asks_for_a_person_is_answered_without_the_model(
    offers, carol, scripted_llm, open_tab, desk, off_loop
):
    await off_loop(offers)
    tab = await open_tab(carol)

    await tab.says("转人工，谢谢")

    assert (await tab.next("turn.completed"))["text"] == "已为您转接人工客服，请稍候。"
    told = await tab.next("conversation.handoff")
    assert (told["state"], told["by"]) == ("requested", "visitor")
    assert scripted_llm.requests == []
    seen = await desk.sees()
    assert (seen["state"], seen["handoff_reason"]) == ("requested", "asked for: «转人工»")
    assert "转人工" not in str(told), "reasons are for agents"


@pytest.mark.parametrize(
    ("handoff", "said", "answered", "by"),
    [
        ({"keywords": ["refund"]}, "Where is my refund?", "It is on its way.", "rule"),
        ({"on_negative_sentiment": True}, "This is terrible service", "I am sorry.", "rule"),
        (
            {"by_persona": True},
            "My ring fell into the well.",
            "I call someone.\n[[person: ring in the well]]",
            "persona",
        ),
    ],
)
async def test_a_rule_or_the_persona_calls_one(
    offers, carol, scripted_llm, open_tab, desk, handoff, said, answered, by, off_loop
):
    await off_loop(offers, **handoff)
    scripted_llm.will_say(answered, chunks=5)
    tab = await open_tab(carol)

    await tab.says(said)

    completed = await tab.next("turn.completed")
    told = await tab.next("conversation.handoff")
    assert (told["state"], told["by"]) == ("requested", by)
    assert "[[" not in completed["text"]
    assert tab.text_of(completed["turn_id"]) == completed["text"]
    assert (await desk.sees())["handoff_reason"] != ""


@pytest.fixture
def reads(acme: Any, innkeeper: Any) -> None:
    """Let the innkeeper look into a book before he answers; there is nothing in it."""
    with acme.scope():
        base = create_base(name="Guest book")
        edit_persona(access_persona(acme.id, "innkeeper"), settings={"knowledge_bases": [base.slug]})


async def test_answers_in_a_row_that_were_not_found_call_a_person(
    offers, reads, carol, scripted_llm, open_tab, desk, off_loop
):
    await off_loop(offers, on_low_confidence=2)
    tab = await open_tab(carol)
    not_found = ["I am sorry, the documents I have do not say.", "抱歉，我手头的资料里没有写到这一点。"]

    for answer in (not_found[0], "Good evening!", *not_found):  # a good one in between begins the row anew
        scripted_llm.will_say(answer)
        await tab.says("Who dug the well?")
        await tab.next("turn.completed")
    told = await tab.next("conversation.handoff")

    assert (told["state"], told["by"]) == ("requested", "rule")
    before = [frame for frame in tab.frames if frame.get("seq", 0) < told["seq"]]
    assert [frame["type"] for frame in before].count("turn.completed") == 4
    assert (await desk.sees())["handoff_reason"] == "2 answers in a row were not found"
    assert len((await desk.sees("handoffs/"))["results"]) == 1


async def test_a_visitor_asks_by_frame_and_the_bot_keeps_silent_until_someone_comes(
    offers, carol, scripted_llm, open_tab, desk, off_loop
):
    await off_loop(offers, bot_while_waiting=False)
    tab = await open_tab(carol)
    await tab.sends("handoff.request", reason="My ring is gone")
    assert (await tab.next("conversation.handoff"))["state"] == "requested"

    await tab.says("Anyone?")
    assert (await tab.next("message.accepted"))["turn_id"] is None
    await tab.next("message.created")
    assert scripted_llm.requests == []
    assert (await desk.sees())["unread_by_agent"] == 1

    back = await open_tab(carol)
    ready = back.frames[0]
    assert (ready["handoff"]["state"], ready["handoff"]["is_offered"]) == ("requested", True)
    assert (await desk.does("takeover")).status_code == 200
    assert (await tab.next("conversation.handoff"))["state"] == "human"


async def test_outside_hours_the_form_is_offered_and_kept(offers, carol, open_tab, desk, acme, off_loop):
    await off_loop(offers, hours=closed_now())
    tab = await open_tab(carol)
    await tab.sends("handoff.request")
    told = await tab.next("conversation.handoff")
    assert (told["state"], told["reason"], told["form"]) == ("bot", "outside_hours", True)
    assert told["until"] > timezone.now().isoformat()

    form = {"name": "Carol", "contact": "carol@example.com", "message": "My ring is in the well."}
    assert (await desk.does("contact", **form)).status_code == 201
    assert (await desk.does("contact", name="Nobody")).status_code == 422
    listed = (await off_loop(acme.api.get, "/api/v1/contact-requests/", done="false")).json()["results"]
    assert [(each["name"], each["contact"], each["done"]) for each in listed] == [("Carol", "carol@example.com", False)]
    done = await off_loop(acme.api.patch, f"/api/v1/contact-requests/{listed[0]['id']}/", {"done": True})
    assert done.json()["done"] is True


async def test_who_waited_for_too_long_is_told_so(offers, carol, open_tab, acme, off_loop):
    await off_loop(offers, max_wait_s=60, bot_while_waiting=False)
    tab = await open_tab(carol)
    await tab.sends("handoff.request")
    asked = await tab.next("conversation.handoff")
    assert asked["until"] > timezone.now().isoformat()

    def overdue() -> None:
        sweep_waiting()  # it is not time yet
        with acme.scope():
            found = Conversation.objects.filter(pk=carol.conversation_id, state="requested")
            assert found.update(wait_until=timezone.now() - timedelta(seconds=1)) == 1
        sweep_waiting()

    await off_loop(overdue)
    told = await tab.next("conversation.handoff")
    assert (told["state"], told["by"], told["reason"], told["form"]) == ("bot", "system", "nobody_free", True)


async def test_a_persona_that_offers_no_person_says_so(carol, open_tab, desk):
    tab = await open_tab(carol)
    await tab.sends("handoff.request")
    assert (await tab.next("error"))["code"] == "conflict"
    assert (await desk.does("handoff")).status_code == 409


async def test_how_it_was_is_asked_and_kept(carol, open_tab, desk):
    tab = await open_tab(carol)
    await desk.does("takeover")
    await desk.does("release")
    while (told := await tab.next("conversation.handoff"))["state"] != "bot":
        pass
    assert told["ask_satisfaction"] is True
    await tab.sends("conversation.rate", rating=6)
    assert (await tab.next("error"))["code"] == "invalid"
    await tab.sends("conversation.rate", rating=5, comment="Kind people")
    await tab.sends("ping")
    await tab.next("pong")
    assert (await desk.sees())["satisfaction"] == {"rating": 5, "comment": "Kind people"}
    assert (await desk.does("satisfaction", rating=4)).status_code == 204
    assert (await desk.sees())["satisfaction"] == {"rating": 4, "comment": ""}


def test_canned_replies_are_kept_by_shortcut_and_language(acme, innkeeper):
    path = "/api/v1/canned-replies/"
    hello = {"shortcut": "hi", "text": "Hello, how can I help?", "language": "en"}
    first = acme.api.post(path, hello)
    assert first.status_code == 201
    assert acme.api.post(path, {**hello, "language": "zh", "text": "您好"}).status_code == 201
    assert acme.api.post(path, {**hello, "persona": "innkeeper"}).status_code == 201
    assert acme.api.post(path, hello).status_code == 409
    assert acme.api.post(path, {**hello, "shortcut": "two words"}).status_code == 422
    assert acme.api.post(path, {**hello, "shortcut": "x", "persona": str(uuid4())}).status_code == 404
    listed = acme.api.get(path, language="en", persona="innkeeper").json()["results"]
    assert [each["persona"] for each in listed] == ["innkeeper", None]
    one = f"{path}{first.json()['id']}/"
    assert acme.api.patch(one, {"text": "Hi!"}).json()["text"] == "Hi!"
    assert acme.api.delete(one).status_code == 204
    assert acme.api.get(one).status_code == 404
