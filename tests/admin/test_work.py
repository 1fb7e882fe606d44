"""What people do in the admin, and what then holds."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from uuid_utils.compat import uuid7

from chat.models import Conversation, EndUser, Turn
from jobs.models import Job
from knowledge.collecting import add_text, create_base
from knowledge.models import Document, KnowledgeBase
from knowledge.parsing import apart
from llm.models import ModelCall, Route
from personas.models import Persona
from personas.publishing import create_persona, publish
from tenants.authentication import authenticate
from tenants.errors import Unauthenticated
from tenants.models import ApiKey, AuditEntry, Member, User
from tests.admin.scenes import ANSWER, talked_with_sources
from tests.fakes.openai_server import CHAT_MODEL
from tests.knowledge.conftest import work_off

JSON = {"Accept": "application/json"}


def done_by(worker: Any, business: Any) -> list[tuple[str, str]]:
    """What the audit log remembers of somebody, newest last."""
    with business.scope():
        entries = AuditEntry.objects.filter(actor=worker.user).order_by("at")
        return [(entry.action, entry.object_type) for entry in entries]


# --- Dashboard ----------------------------------------------------------------------------------------------
def test_the_dashboard_counts_the_week_and_leaves_out_trials(alice, acme):
    with acme.scope():
        persona = create_persona(tenant_id=acme.id, slug="p", name="P", kind="companion", settings={})
        carol = EndUser.objects.create(external_id="carol")
        now = timezone.now()
        for is_test, at in ((False, now), (False, now - timedelta(days=20)), (True, now)):
            conversation = Conversation.objects.create(
                persona=persona, end_user=carol, is_test=is_test, message_count=2, last_message_at=at
            )
            question = conversation.messages.create(seq=1, role="user", text="Any rooms?")
            for status in ("completed", "completed", "failed"):
                Turn.objects.create(conversation=conversation, question=question, status=status, created_at=at)
        for days, tokens in ((0, 100), (1, 20), (9, 5000)):
            at = now - timedelta(days=days)
            ModelCall.objects.create(
                operation="chat",
                route="m",
                model="m",
                outcome="ok",
                input_tokens=tokens,
                output_tokens=1,
                at=at,
            )
        base = create_base(name="B")
        add_text(base=base, title="One", text="One.")

    page = alice.sees("/admin/").context
    assert (page["conversation_count"], page["answers"], page["failures"]) == (1, 2, 1)
    assert page["tokens"] == 122
    assert [day.tokens for day in page["days"]] == [0, 0, 0, 0, 0, 21, 101]
    assert page["documents"] == {"all": 1, "ready": 0, "working": 1, "failed": 0}


def test_a_newcomer_sees_which_steps_are_done(alice, acme):
    assert [step.is_done for step in alice.sees("/admin/").context["steps"]] == [False] * 5
    with acme.scope():
        create_base(name="Handbook")
        persona = create_persona(tenant_id=acme.id, slug="p", name="P", kind="companion", settings={})
        publish(persona)
    steps = alice.sees("/admin/").context["steps"]
    assert [step.is_done for step in steps] == [True, False, True, True, False]
    assert steps[4].url == f"http://testserver{persona.chat_path}"


def test_the_dashboard_says_that_the_reader_answers_until_a_model_is_connected(alice, acme):
    sentence = "No model connected: the reader answers."
    assert sentence in alice.sees("/admin/").content.decode()
    with acme.scope():
        Route(slug="m", name="M", base_url="http://m/v1", chat_model="m", is_default=True).save()
    assert sentence not in alice.sees("/admin/").content.decode()


# --- Knowledge ----------------------------------------------------------------------------------------------
def upload(worker: Any, base: Any, name: str, data: bytes) -> Any:
    path = f"/admin/knowledge/knowledgebase/{base.pk}/documents/"
    return worker.client.post(path, {"file": SimpleUploadedFile(name, data)}, headers=JSON)


@pytest.fixture
def handbook(acme: Any) -> KnowledgeBase:
    with acme.scope():
        return create_base(name="Handbook")


def test_a_document_shows_where_it_stands_until_it_is_ready(edda, acme, handbook):
    first = upload(edda, handbook, "leave.md", b"# Leave\n\nEveryone has 25 days.")
    second = upload(edda, handbook, "trips.md", b"# Trips\n\nTrains come first.")
    assert first.status_code == 202
    assert first.json()["document"]["queue"] == {"position": 1, "eta_s": None}
    assert second.json()["document"]["queue"] == {"position": 2, "eta_s": None}

    work_off(acme)
    path = f"/admin/knowledge/knowledgebase/{handbook.pk}/documents/"
    rows = edda.client.get(path, headers=JSON).json()["documents"]
    assert [(row["title"], row["status"], row["is_working"]) for row in rows] == [
        ("Trips", "ready", False),
        ("Leave", "ready", False),
    ]
    assert "Everyone has 25 days." in edda.sees(rows[1]["url"]).content.decode()
    assert done_by(edda, acme) == [("add", "knowledge.document")] * 2


@pytest.mark.parametrize(
    ("name", "data", "status", "code"),
    [
        ("empty.txt", b"", 422, "document_empty"),
        ("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(64), 415, "unsupported_media_type"),
        ("program.pdf", b"MZ" + bytes(range(256)), 415, "unsupported_media_type"),
        ("broken.pdf", b"%PDF-1.7 and nothing else", 422, "file_broken"),
    ],
)
def test_a_file_that_is_no_document_is_refused_with_its_reason(
    edda, acme, handbook, monkeypatch, name, data, status, code
):
    monkeypatch.setattr(apart, "READ_AT_ONCE_S", 60.0)  # also on a busy machine
    answer = upload(edda, handbook, name, data)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    with acme.scope():
        assert not Document.objects.exists()
        assert not Job.objects.exists()


def test_a_large_file_that_turns_out_to_be_broken_says_so_in_its_row(edda, acme, handbook, monkeypatch):
    monkeypatch.setattr(apart, "READ_AT_ONCE_BYTES", 10)
    assert upload(edda, handbook, "broken.pdf", b"%PDF-1.7 and nothing else").status_code == 202
    work_off(acme)

    path = f"/admin/knowledge/knowledgebase/{handbook.pk}/documents/"
    [row] = edda.client.get(path, headers=JSON).json()["documents"]

    assert (row["title"], row["status"]) == ("broken.pdf", "failed")
    assert "damaged" in row["error"]


def test_a_document_is_stopped_tried_again_and_deleted(edda, acme, handbook):
    row = upload(edda, handbook, "leave.md", b"# Leave\n\nEveryone has 25 days.").json()["document"]

    def act(action: str) -> Any:
        return edda.client.post(f"{row['act_url']}{action}/", headers=JSON)

    assert act("cancel").json()["document"]["status"] == "cancelled"
    assert act("cancel").status_code == 409
    assert act("retry").json()["document"]["status"] == "queued"
    assert act("rubbish").status_code == 404
    assert act("delete").json() == {"document": None}
    assert act("retry").status_code == 404
    assert [action for action, _ in done_by(edda, acme)] == ["add", "cancel", "retry", "delete"]


def test_a_document_is_in_line_again_as_soon_as_its_job_is(alice, acme, handbook, monkeypatch):
    monkeypatch.setattr(apart, "READ_AT_ONCE_BYTES", 0)
    upload(alice, handbook, "broken.pdf", b"%PDF-1.7 and nothing else")
    work_off(acme)
    with acme.scope():
        job = Job.objects.get(status="failed")

    assert alice.posts(f"/admin/jobs/job/{job.pk}/again/").status_code == 302

    path = f"/admin/knowledge/knowledgebase/{handbook.pk}/documents/"
    [row] = alice.client.get(path, headers=JSON).json()["documents"]
    assert (row["status"], row["error"], row["queue"]["position"]) == ("queued", "", 1)
    with acme.scope():
        assert Document.objects.get().error_code == ""


def test_a_long_document_asks_before_it_takes_so_long(edda, acme, handbook):
    row = upload(edda, handbook, "leave.md", b"# Leave\n\nEveryone has 25 days.").json()["document"]
    with acme.scope():
        Document.objects.update(status="failed", error_code="precondition_required", error_detail="Long.")
    page = edda.sees(row["url"]).content.decode()
    assert "Needs your word" in page
    assert "Embed it all the same" in page

    edda.client.post(f"{row['act_url']}confirm/", headers=JSON)
    with acme.scope():
        document = Document.objects.get()
        assert (document.status, document.is_confirmed) == ("queued", True)


def test_a_base_is_tried_with_a_question(edda, acme, handbook):
    upload(edda, handbook, "leave.md", "# Leave\n\nEveryone has 25 days. 每人每年有 25 天年假。".encode())
    work_off(acme)
    path = f"/admin/knowledge/knowledgebase/{handbook.pk}/search/"

    for question in ("How many days of leave?", "年假有几天？"):
        found = edda.posts(path, query=question).content.decode()
        assert "Everyone has 25 days." in found
        assert "Meaning 1" in found
    assert edda.client.post(path, {"query": " "}, headers=JSON).json()["code"] == "invalid"


def test_two_bases_do_not_share_a_slug_and_one_goes_with_all_it_has(edda, acme, handbook):
    again = edda.posts("/admin/knowledge/knowledgebase/add/", name="Another", slug="handbook", language="")
    assert again.context["errors"]
    upload(edda, handbook, "leave.md", b"# Leave\n\nEveryone has 25 days.")
    work_off(acme)

    edda.posts(f"/admin/knowledge/knowledgebase/{handbook.pk}/delete/", post="yes")
    with acme.scope():
        assert not KnowledgeBase.objects.exists()
        assert not Document.objects.exists()


# --- Personas -----------------------------------------------------------------------------------------------
@pytest.fixture
def innkeeper(acme: Any) -> Persona:
    with acme.scope():
        return create_persona(
            tenant_id=acme.id, slug="bram", name="Bram", kind="companion", settings={"voice": "Gruff."}
        )


def form_of(worker: Any, persona: Any) -> dict[str, Any]:
    """The fields of the persona's form as a browser would send them, untouched."""
    form = worker.sees(f"/admin/personas/persona/{persona.pk}/change/").context["adminform"].form
    fields: dict[str, Any] = {}
    for name, field in form.fields.items():
        value = form.get_initial_for_field(field, name)
        if isinstance(value, bool):
            fields |= {name: "on"} if value else {}
        elif value is not None and not (isinstance(value, list) and value and isinstance(value[0], dict)):
            fields[name] = value
    return fields


def save(worker: Any, persona: Any, **changes: Any) -> Any:
    fields = form_of(worker, persona) | {name.replace("__", "."): value for name, value in changes.items()}
    return worker.client.post(f"/admin/personas/persona/{persona.pk}/change/", fields)


def test_a_persona_begins_with_its_name_and_kind(edda, acme, handbook):
    page = edda.sees("/admin/personas/persona/add/").content.decode()
    assert "Answers questions from your documents" in page
    assert 'value="npc"' not in page

    fields = {"name": "Mei", "kind": "customer_service", "knowledge_bases": ["handbook"]}
    for _ in range(2):
        assert edda.client.post("/admin/personas/persona/add/", fields).status_code == 302
    with acme.scope():
        first, second = Persona.objects.order_by("id")
        assert (first.slug, first.settings) == ("mei", {"knowledge_bases": ["handbook"]})
        assert second.slug.startswith("mei-")


def test_saving_a_form_untouched_changes_nothing(edda, acme, innkeeper):
    assert save(edda, innkeeper).status_code == 302
    with acme.scope():
        assert Persona.objects.get().settings == {"voice": "Gruff."}


def test_what_is_changed_is_stored_and_what_is_default_again_is_not(edda, acme, innkeeper):
    save(
        edda,
        innkeeper,
        settings__voice="",
        settings__memory__history_messages="12",
        settings__suggestions=["Any rooms?", "", "A bed?"],
        settings__safety__adults_only="on",
        allowed_origins=["https://Inn.example"],
    )
    with acme.scope():
        persona = Persona.objects.get()
        assert persona.settings == {
            "memory": {"history_messages": 12},
            "suggestions": ["Any rooms?", "A bed?"],
            "safety": {"adults_only": True},
        }
        assert persona.allowed_origins == ["https://inn.example"]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("settings.instructions", "字" * 3500, "At most 3000 tokens"),
        ("settings.suggestions", ["x" * 300], "At most 200 characters."),
        ("settings.max_output_tokens", "0", "greater than or equal to 1"),
        ("settings.memory.history_messages", "many", "whole number"),
        ("settings.route", "nowhere", "Select a valid choice"),
        ("slug", "Not A Slug", "small letters"),
        ("slug", "import", "reserved"),
        ("allowed_origins", ["inn.example"], "https://shop.example"),
        ("name", "", "required"),
    ],
)
def test_a_fault_stands_at_its_field_and_nothing_is_stored(edda, acme, innkeeper, field, value, sentence):
    page = save(edda, innkeeper, **{field.replace(".", "__"): value})

    assert page.status_code == 200
    errors = page.context["adminform"].form.errors
    assert list(errors) == [field]
    assert sentence in str(errors[field])
    with acme.scope():
        persona = Persona.objects.get()
        assert (persona.slug, persona.name, persona.settings) == ("bram", "Bram", {"voice": "Gruff."})


def test_an_example_needs_both_sides(edda, acme, innkeeper):
    page = save(edda, innkeeper, settings__examples__user=["Hello?"], settings__examples__say=[""])
    assert list(page.context["adminform"].form.errors) == ["settings.examples"]
    save(edda, innkeeper, settings__examples__user=["Hello?", ""], settings__examples__say=["Come in!", ""])
    with acme.scope():
        assert Persona.objects.get().settings["examples"] == [{"user": "Hello?", "say": "Come in!"}]


def test_a_draft_is_published_changed_and_rolled_back(edda, acme, innkeeper):
    path = f"/admin/personas/persona/{innkeeper.pk}/"

    def state() -> str:
        return str(edda.sees(f"{path}change/").context["state_name"])

    assert state() == "Draft"
    edda.posts(f"{path}publish/")
    assert state() == "Version 1"
    save(edda, innkeeper, name="Old Bram")
    assert state() == "Version 1, draft differs"
    edda.posts(f"{path}publish/")
    assert state() == "Version 2"
    edda.posts(f"{path}rollback/", version="1")
    assert state() == "Version 1, draft differs"
    assert edda.posts(f"{path}rollback/", version="rubbish").status_code == 404
    assert edda.posts(f"{path}rollback/", version="7").status_code == 422
    with acme.scope():
        assert Persona.objects.get().live_version.name == "Bram"
    assert [action for action, _ in done_by(edda, acme)] == ["publish", "change", "publish", "roll_back"]


def test_a_draft_that_names_what_is_gone_is_not_published(edda, acme, handbook):
    with acme.scope():
        settings = {"knowledge_bases": ["handbook"]}
        persona = create_persona(tenant_id=acme.id, slug="mei", name="Mei", kind="customer_service", settings=settings)
        handbook.delete()

    answer = edda.client.post(f"/admin/personas/persona/{persona.pk}/publish/", follow=True)
    assert "There is no knowledge base «handbook»." in answer.content.decode()
    with acme.scope():
        assert Persona.objects.get().live_version_id is None


def test_form_and_test_chat_speak_chinese(edda, innkeeper):
    edda.client.cookies["django_language"] = "zh-hans"
    page = edda.sees(f"/admin/personas/persona/{innkeeper.pk}/change/").content.decode()
    assert "角色设定" in page
    assert f"/admin/chat/conversation/try/{innkeeper.pk}/?lang=zh-hans" in page


def test_a_test_chat_is_the_testers_own_and_is_marked(edda, acme, innkeeper, hire):
    path = f"/admin/chat/conversation/try/{innkeeper.pk}/"
    page = edda.sees(path)
    assert page.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]

    def open_chat(worker: Any, **body: Any) -> Any:
        return worker.client.post(f"{path}sessions/", body, content_type="application/json")

    opened = open_chat(edda)
    assert opened.status_code == 201
    mine = opened.json()["conversation_id"]
    assert open_chat(edda, conversation_id=mine).json()["conversation_id"] == mine
    other = hire(acme, Member.Role.EDITOR, "emil")
    assert open_chat(other, conversation_id=mine).status_code == 404
    with acme.scope():
        assert Conversation.objects.get(pk=mine).is_test


# --- Conversations ------------------------------------------------------------------------------------------
def test_the_viewer_shows_what_was_said_and_how_it_came_about(vera, acme):
    conversation, _persona, _base = talked_with_sources(acme)
    page = vera.sees(f"/admin/chat/conversation/{conversation.pk}/change/").content.decode()

    assert ANSWER in page
    assert "Unopened tea can be returned within 30 days of delivery." in page
    assert "The model endpoint did not answer in time" in page
    for part in ("812 → 31 (400 cached)", "0.0023", "184", "480 / 900", "1 of 2 passages", "scripted-chat"):
        assert part in page


def test_trials_stay_out_of_the_list_unless_asked_for(arno, acme):
    conversation, persona, _base = talked_with_sources(acme)
    with acme.scope():
        tester = EndUser.objects.create(external_id="member-1", name="Edda")
        trial = Conversation.objects.create(
            persona=persona, end_user=tester, is_test=True, message_count=1, last_message_at=timezone.now()
        )
        Conversation.objects.create(persona=persona, end_user=tester)  # nothing was said

    def listed(**query: str) -> set[Any]:
        return {row.pk for row in arno.sees("/admin/chat/conversation/", **query).context["cl"].result_list}

    assert listed() == {conversation.pk}
    assert listed(kind="test") == {trial.pk}
    assert listed(kind="all") == {conversation.pk, trial.pk}
    assert listed(q="carol") == {conversation.pk}
    assert listed(q="nobody") == set()
    assert listed(state="human") == set()


# --- Keys, people, routes, jobs -----------------------------------------------------------------------------
def is_let_in(token: str) -> bool:
    try:
        authenticate(f"Bearer {token}")
    except Unauthenticated:
        return False
    return True


def test_a_key_is_shown_once_rotated_and_revoked(alice, acme):
    made = alice.posts("/admin/tenants/apikey/add/", name="Web shop", scopes=["chat"], expires_in_days="30")
    token = made.context["secret"]
    assert token.startswith("tk_")
    assert "no-store" in made.headers["Cache-Control"]
    assert is_let_in(token)
    with acme.scope():
        key = ApiKey.objects.get(name="Web shop")
        assert key.scopes == ["chat"]
        assert timedelta(days=29) < key.expires_at - timezone.now() < timedelta(days=31)
    path = f"/admin/tenants/apikey/{key.pk}/"
    secret = token.rpartition("_")[2]
    assert secret not in alice.sees(f"{path}change/").content.decode()
    assert secret not in alice.sees("/admin/tenants/apikey/").content.decode()

    successor = alice.posts(f"{path}rotate/").context["secret"]
    assert is_let_in(token)
    assert is_let_in(successor)
    alice.posts(f"{path}revoke/")
    assert not is_let_in(token)
    assert is_let_in(successor)
    actions = ["add", "rotate", "revoke"]
    assert done_by(alice, acme) == [(action, "tenants.apikey") for action in actions]


def test_people_are_added_by_address_and_the_last_owner_stays(alice, acme, globex):
    address = f"Bob-{uuid7().hex[-8:]}@example.com"
    made = alice.posts("/admin/tenants/member/add/", email=address, role="editor")
    password = made.context["secret"]
    bob = User.objects.get(email__iexact=address)
    assert bob.check_password(password)

    again = alice.posts("/admin/tenants/member/add/", email=address, role="owner")
    assert list(again.context["adminform"].form.errors) == ["email"]
    with acme.scope():
        own, other = Member.objects.get(user=alice.user), Member.objects.get(user=bob)
        assert other.role == "editor"
    path = "/admin/tenants/member/"
    demoted = alice.posts(f"{path}{own.pk}/change/", role="viewer")
    assert "A tenant needs an owner" in str(demoted.context["adminform"].form.errors)
    assert alice.posts(f"{path}{own.pk}/delete/", post="yes").status_code == 403

    assert alice.posts(f"{path}{other.pk}/change/", role="owner").status_code == 302
    assert alice.posts(f"{path}{own.pk}/delete/", post="yes").status_code == 302
    assert alice.client.get("/admin/").headers["Location"] == "/admin/choose/"
    assert User.objects.filter(pk=alice.user.pk).exists()


def test_one_who_has_an_account_keeps_his_password(alice, acme, globex, hire):
    mallory = hire(globex, name="mallory")
    before = User.objects.get(pk=mallory.user.pk).password
    answer = alice.posts("/admin/tenants/member/add/", email=mallory.user.email.upper(), role="viewer")
    assert answer.status_code == 302
    assert User.objects.get(pk=mallory.user.pk).password == before


def route_fields(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Main", "slug": "main", "base_url": "http://127.0.0.1:9/v1", "chat_model": CHAT_MODEL,
        "timeout_s": "2", "stall_timeout_s": "2", "currency": "USD",
        "price_input": "1", "price_cached": "0", "price_output": "2", **changes,
    }  # fmt: skip


def test_a_routes_key_goes_in_and_never_comes_out(alice, acme):
    assert alice.posts("/admin/llm/route/add/", **route_fields(new_api_key="sk-very-secret")).status_code == 302
    with acme.scope():
        route = Route.objects.get()
        assert route.api_key == "sk-very-secret"
    path = f"/admin/llm/route/{route.pk}/change/"
    assert "sk-very-secret" not in alice.sees(path).content.decode()

    alice.posts(path, **route_fields(name="Renamed"))
    with acme.scope():
        assert Route.objects.get().api_key == "sk-very-secret"
    alice.posts(path, **route_fields(forget_api_key="on"))
    with acme.scope():
        assert Route.objects.get().api_key == ""
    assert "sk-very-secret" not in str(list_of_changes(acme))


def list_of_changes(business: Any) -> list[Any]:
    with business.scope():
        return list(AuditEntry.objects.values_list("changes", flat=True))


def test_a_saved_route_outlives_a_former_secret_key(alice, acme, settings):
    alice.posts("/admin/llm/route/add/", **route_fields(new_api_key="sk-very-secret"))
    with acme.scope():
        path = f"/admin/llm/route/{Route.objects.get().pk}/change/"
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "x" * 50, [settings.SECRET_KEY]

    assert alice.posts(path, **route_fields()).status_code == 302

    settings.SECRET_KEY_FALLBACKS = []
    with acme.scope():
        assert Route.objects.get().api_key == "sk-very-secret"


def test_choosing_another_default_route_moves_it(alice, acme):
    for slug in ("one", "two"):
        alice.posts("/admin/llm/route/add/", **route_fields(slug=slug, is_default="on"))
    with acme.scope():
        assert [route.slug for route in Route.objects.filter(is_default=True)] == ["two"]
    wrong = alice.posts("/admin/llm/route/add/", **route_fields(slug="one", base_url="ftp://nowhere"))
    assert set(wrong.context["adminform"].form.errors) == {"slug", "base_url"}


def test_a_route_is_tried_with_one_tiny_call(alice, acme, fake_openai):
    alice.posts("/admin/llm/route/add/", **route_fields(base_url=fake_openai.base_url))
    with acme.scope():
        route = Route.objects.get()
    path = f"/admin/llm/route/{route.pk}/try/"

    fake_openai.will_say("Hello!")
    answer = alice.posts(path).json()
    assert (answer["ok"], answer["detail"]) == (True, f"{CHAT_MODEL} says: Hello!")
    assert (
        fake_openai.chat_requests[0].body[
            "max_tokens" if "max_tokens" in fake_openai.chat_requests[0].body else "max_completion_tokens"
        ]
        <= 16
    )
    with acme.scope():
        assert ModelCall.objects.get().output_tokens > 0

    fake_openai.will_fail(401)
    answer = alice.posts(path).json()
    assert answer["ok"] is False
    assert "refuses our key" in answer["detail"]


def test_a_route_names_those_that_stand_in_for_it_and_tells_how_it_fares(alice, acme):
    for slug in ("one", "two"):
        alice.posts("/admin/llm/route/add/", **route_fields(slug=slug))
    with acme.scope():
        one, _two = Route.objects.order_by("slug")
        for minutes, outcome, code in [
            (1, "failed", "turn_interrupted"),
            (2, "failed", "provider_timeout"),
            (3, "ok", ""),
        ]:
            at = timezone.now() - timedelta(minutes=minutes)
            ModelCall.objects.create(operation="chat", route="two", outcome=outcome, error_code=code, at=at)
    path = f"/admin/llm/route/{one.pk}/change/"

    wrong = alice.posts(path, **route_fields(slug="one", fallback_routes="two, three"))
    assert "«three»" in str(wrong.context["adminform"].form.errors["fallback_routes"])
    assert alice.posts(path, **route_fields(slug="one", fallback_routes="two， reader")).status_code == 302

    with acme.scope():
        assert Route.objects.get(pk=one.pk).fallback_routes == ["two", "reader"]
    assert 'value="two, reader"' in alice.sees(path).content.decode()
    shown = alice.sees("/admin/llm/route/")
    states = {route.slug: shown.context["cl"].model_admin.state(route) for route in shown.context["cl"].result_list}
    assert {slug: str(label) for slug, (_key, label) in states.items()} == {"one": "Not asked lately", "two": "Fails"}


def test_a_job_that_failed_runs_again(alice, acme, handbook):
    with acme.scope():
        add_text(base=handbook, title="Leave", text="Everyone has 25 days.")
        Job.objects.update(status="failed", error_code="gave_up", error_detail="It failed.")
        job = Job.objects.get()
    path = f"/admin/jobs/job/{job.pk}/"
    assert "It failed." in alice.sees(f"{path}change/").content.decode()

    assert alice.posts(f"{path}again/").status_code == 302
    with acme.scope():
        assert sorted(Job.objects.values_list("status", flat=True)) == ["failed", "queued"]
        waiting = Job.objects.get(status="queued")
        assert (waiting.kind, waiting.subject_id) == (job.kind, job.subject_id)
    assert alice.posts(f"/admin/jobs/job/{waiting.pk}/again/").status_code == 409


def test_the_audit_log_shows_who_did_what_and_lets_nobody_change_it(alice, acme, handbook):
    fields = {"name": "Employee handbook", "slug": "handbook", "language": ""}
    alice.posts(f"/admin/knowledge/knowledgebase/{handbook.pk}/change/", **fields)

    history = alice.client.get(f"/admin/knowledge/knowledgebase/{handbook.pk}/history/", follow=True)
    [entry] = history.context["cl"].result_list
    assert (entry.action, entry.actor, entry.changes) == ("change", alice.user, {"fields": ["Name"]})
    assert alice.client.get("/admin/tenants/auditentry/add/").status_code == 403
    path = f"/admin/tenants/auditentry/{entry.pk}/"
    assert alice.posts(f"{path}change/", action="x").status_code == 403
    assert alice.posts(f"{path}delete/", post="yes").status_code == 403
