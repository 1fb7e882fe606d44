"""Every page of the admin is there for its owner, and for nobody else's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver
from uuid_utils.compat import uuid7

from analytics.datasets.conversations import conversations_of
from analytics.models import Dataset, Question, SavedQuestion, SqlRun
from chat.models import (
    AnswerTest,
    CannedReply,
    ContactRequest,
    Conversation,
    EndUser,
    Erasure,
    Handoff,
    Message,
    Replay,
    RetentionPolicy,
    TestRun,
    Turn,
)
from jobs.models import Job
from knowledge.collecting import add_text, create_base
from knowledge.models import Document, KnowledgeBase
from llm.models import Budget, LedgerEntry, ModelCall, Price, Route
from npc.models import GameSession, World
from npc.sessions.opening import open_session
from npc.sessions.play import Player
from npc.worlds.putting import put_world
from personas.models import Persona
from personas.publishing import create_persona, publish
from tenants.models import ApiKey, AuditEntry, Member, RateLimit, User
from tests.analytics.conftest import SHOP, make_dataset
from tests.conftest import Business
from tests.npc.conftest import inn
from webhooks.emitting import emit
from webhooks.endpoints import create_endpoint
from webhooks.models import Delivery, Endpoint


@dataclass(frozen=True)
class Belongings:
    """One row of everything that a tenant has in the admin, by model."""

    rows: dict[Any, Any]

    def id_of(self, model: Any) -> str:
        return str(self.rows[model].pk)


def furnish(business: Business, hire: Any) -> Belongings:
    """Give a business one of everything."""
    owner = hire(business, name="owner")
    with business.scope():
        base = create_base(name="Handbook")
        document = add_text(base=base, title="Leave", text="Everyone has 25 days of leave.")
        persona = create_persona(
            tenant_id=business.id, slug="helper", name="Helper", kind="customer_service", settings={}
        )
        publish(persona, by="owner")
        end_user = EndUser.objects.create(external_id="carol", name="Carol")
        conversation = Conversation.objects.create(persona=persona, end_user=end_user, message_count=1)
        asked = Message.objects.create(conversation=conversation, seq=1, role="user", text="How much leave?")
        turn = Turn.objects.create(conversation=conversation, question=asked, status="completed")
        route = Route(slug="main", name="Main", base_url="http://127.0.0.1:9/v1", chat_model="any")
        route.save()
        world = put_world(tenant_id=business.id, slug="inn", raw=inn()).world
        play = open_session(world=world, player=Player(id="carol", name="Carol"))
        webhook = create_endpoint(url="https://acme.example/events")
        emit(business.id, "document.ready", {"title": "Leave"})
        dataset = Dataset.objects.create(name="Sales", kind="files", status="ready")
        rows = [
            webhook,
            Delivery.objects.get(),
            dataset,
            Question.objects.create(
                dataset=dataset, question="How much?", status="ready", member=Member.objects.get(user=owner.user)
            ),
            SavedQuestion.objects.create(dataset=dataset, name="Revenue", sql="SELECT 1"),
            SqlRun.objects.create(dataset=dataset, origin="written", sql_given="SELECT 1", verdict="ok"),
            world,
            play.session,
            base,
            document,
            persona,
            end_user,
            conversation,
            turn,
            Replay.objects.create(turn=turn, status="done"),
            Handoff.objects.create(conversation=conversation, seq=1, state="requested", by="visitor"),
            ContactRequest.objects.create(conversation=conversation, contact="carol@example.com"),
            CannedReply.objects.create(shortcut="hello", text="A person here."),
            AnswerTest.objects.create(persona=persona, name="Leave", question="How much leave?"),
            TestRun.objects.create(persona=persona, status="done"),
            route,
            business.tenant,
            ApiKey.objects.get(),
            Member.objects.get(user=owner.user),
            Job.objects.get(),
            AuditEntry.objects.create(actor=owner.user, action="add", object_type="x", object_id="1"),
            ModelCall.objects.create(operation="chat", route="main", model="any", outcome="ok"),
            budget := Budget.objects.create(amount=50),
            LedgerEntry.objects.create(
                budget_id=budget.pk, month="2026-11-01", kind="settle", reference=turn.pk, amount=1
            ),
            Price.objects.create(model="any", output=10),
            Erasure.objects.create(origin="tenant"),
            RetentionPolicy.objects.create(conversations_days=30),
            RateLimit.objects.create(of="persona-turns", subject_id=persona.pk, limit=5),
        ]
    return Belongings({type(row): row for row in rows})


# Asked as scripts ask: the same answers, without a page around them.
JSON = {"Accept": "application/json"}

# What the parameters of addresses of ours name.
PARAMETERS = {
    "base_id": KnowledgeBase,
    "document_id": Document,
    "persona_id": Persona,
    "key_id": ApiKey,
    "route_id": Route,
    "job_id": Job,
    "world_id": World,
    "webhook_id": Endpoint,
    "delivery_id": Delivery,
    "turn_id": Turn,
    "replay_id": Replay,
    "end_user_id": EndUser,
}
OTHER_PARAMETERS = {"action": "retry"}


def addresses(resolver: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address of the admin with its pattern: `/admin/knowledge/document/<path:object_id>/change/`."""
    patterns = admin.site.urls[0] if resolver is None else resolver.url_patterns
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route)
        else:
            yield f"/admin/{route}", pattern


def model_of(pattern: URLPattern) -> Any:
    return next(
        model for model in admin.site._registry if (pattern.name or "").startswith(
            f"{model._meta.app_label}_{model._meta.model_name}_"
        )
    )  # fmt: skip


def filled(address: str, pattern: URLPattern, things: Belongings) -> str:
    """The address with ids of these things in it."""
    for name, converter in pattern.pattern.converters.items():
        if name in OTHER_PARAMETERS:
            value = OTHER_PARAMETERS[name]
        else:
            value = things.id_of(PARAMETERS[name] if name in PARAMETERS else model_of(pattern))
        kind = {"UUIDConverter": "uuid", "PathConverter": "path", "SlugConverter": "slug"}
        address = address.replace(f"<{kind[type(converter).__name__]}:{name}>", value)
    return address


# A redirect of old addresses to the ones with /change/, and views of Django's that take no row of ours.
NOT_ABOUT_ROWS = {"view_on_site", "app_list", None}
# Accounts and the operator's prices belong to no tenant; only operators see them.
GLOBAL = ("tenants_user_", "auth_user_", "llm_platformprice_")


def about_rows() -> list[tuple[str, URLPattern]]:
    """Addresses that name a row of a tenant."""
    return [
        (address, pattern)
        for address, pattern in addresses()
        if getattr(pattern.pattern, "converters", None)
        and pattern.name not in NOT_ABOUT_ROWS
        and not (pattern.name or "").startswith(GLOBAL)
    ]


def test_the_walk_finds_the_pages_that_matter():
    names = {pattern.name for _address, pattern in about_rows()}
    assert {
        "knowledge_knowledgebase_change",
        "knowledge_documents",
        "knowledge_search",
        "knowledge_document_act",
        "personas_persona_publish",
        "personas_persona_rollback",
        "chat_try",
        "chat_try_session",
        "chat_conversation_change",
        "tenants_apikey_rotate",
        "llm_route_try",
        "jobs_job_again",
        "npc_bench",
    } <= names


def test_a_neighbours_id_is_as_good_as_none(acme, globex, hire, alice):
    own, neighbours = furnish(acme, hire), furnish(globex, hire)
    nobodys = Belongings({model: model(pk=uuid7()) for model in own.rows})
    found = 0

    for address, pattern in about_rows():
        paths = [filled(address, pattern, things) for things in (neighbours, nobodys)]
        gets = [alice.client.get(path, headers=JSON) for path in paths]
        posts = [alice.client.post(path, {"query": "leave"}, headers=JSON) for path in paths]
        for neighbour, nobody in (gets, posts):
            assert neighbour.status_code == nobody.status_code, paths
            assert neighbour.status_code in (403, 404, 405), paths
            assert "Globex" not in neighbour.content.decode()
            found += neighbour.status_code == 404
        # What nobody may do at all is forbidden before any row is looked for, for one's own as well.
        if gets[0].status_code == 403:
            assert alice.client.get(filled(address, pattern, own), headers=JSON).status_code == 403

    assert found > len(about_rows())
    with globex.scope():
        for model, row in neighbours.rows.items():
            assert model.objects.filter(pk=row.pk).exists(), model


def test_what_is_not_there_is_said_on_a_page_of_the_admin(alice):
    page = alice.client.get(f"/admin/personas/persona/{uuid7()}/change/")
    assert page.status_code == 404
    assert "There is nothing here under this id." in page.content.decode()
    assert "/admin/personas/persona/" in page.content.decode()  # the sidebar is still there


def test_the_owner_sees_every_page_of_his(acme, hire, alice):
    things = furnish(acme, hire)
    for address, pattern in addresses():
        is_page = (pattern.name or "").endswith(("_change", "_changelist", "_add", "_delete", "chat_try", "_documents"))
        if is_page and not (pattern.name or "").startswith(GLOBAL):
            path = filled(address, pattern, things)
            response = alice.client.get(path)
            forbidden = response.status_code == 403 and pattern.name.endswith(("_add", "_delete"))
            assert response.status_code == 200 or forbidden, (path, response.status_code)


def test_pages_that_only_look_are_there_for_a_viewer(acme, hire, vera):
    things = furnish(acme, hire)
    for model in (
        KnowledgeBase, Document, Persona, Conversation, EndUser, ModelCall, World, GameSession, Dataset, Question,
        SavedQuestion,
    ):  # fmt: skip
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        vera.sees(path)
        page = vera.sees(f"{path}{things.id_of(model)}/change/").content.decode()
        assert "_save" not in page
        assert vera.client.get(f"{path}{things.id_of(model)}/delete/").status_code == 403
    for model in (ApiKey, Member, Route, AuditEntry, Job, SqlRun, Endpoint, Delivery):
        assert vera.client.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/").status_code == 403
    assert vera.client.get(f"/admin/chat/conversation/try/{things.id_of(Persona)}/").status_code == 403
    with acme.scope():
        assert Persona.objects.count() == 1


def test_a_world_and_a_play_can_be_read(acme, hire, vera):
    things = furnish(acme, hire)
    with acme.scope():
        world = put_world(tenant_id=acme.id, slug="inn", raw=inn(name="<b>Inn</b>")).world
    page = vera.sees(f"/admin/npc/world/{world.pk}/change/").content.decode()
    assert "Mira took the silver cup." in page
    assert "state.stage &gt;= 2" in page
    assert "<b>Inn</b>" not in page

    page = vera.sees(f"/admin/npc/gamesession/{things.id_of(GameSession)}/change/").content.decode()
    assert "taproom" in page
    assert "opened" in page


def test_roles_change_what_is_theirs(acme, hire, edda, arno):
    things = furnish(acme, hire)
    base, persona = things.id_of(KnowledgeBase), things.id_of(Persona)
    conversation = things.id_of(Conversation)

    assert edda.posts(f"/admin/personas/persona/{persona}/publish/").status_code == 302
    edda.sees(f"/admin/knowledge/knowledgebase/{base}/delete/")
    assert edda.posts(f"/admin/chat/conversation/{conversation}/delete/", post="yes").status_code == 403
    assert edda.client.get("/admin/tenants/member/").status_code == 403

    assert arno.posts(f"/admin/personas/persona/{persona}/publish/").status_code == 403
    assert arno.posts(f"/admin/knowledge/knowledgebase/{base}/delete/", post="yes").status_code == 403
    assert arno.posts(f"/admin/chat/conversation/{conversation}/delete/", post="yes").status_code == 302
    with acme.scope():
        assert not Conversation.objects.exists()
        assert KnowledgeBase.objects.exists()


LISTS = [
    "knowledge/knowledgebase", "knowledge/document", "personas/persona", "chat/conversation", "chat/enduser",
    "chat/handoff", "chat/contactrequest", "chat/cannedreply",
    "llm/modelcall", "tenants/auditentry", "tenants/apikey", "tenants/member", "jobs/job",
    "npc/world", "npc/gamesession", "analytics/dataset", "analytics/question", "analytics/savedquestion",
    "analytics/sqlrun", "webhooks/endpoint", "webhooks/delivery",
]  # fmt: skip


def add_rows(business: Business, count: int) -> None:
    """So many more of everything that has a list."""
    with business.scope():
        for _ in range(count):
            mark = uuid7().hex[-12:]
            base = create_base(name=f"Base {mark}")
            document = add_text(base=base, title=mark, text="Text.")
            persona = create_persona(tenant_id=business.id, slug=f"p-{mark}", name=mark, kind="companion", settings={})
            publish(persona)
            end_user = EndUser.objects.create(external_id=mark)
            talk = Conversation.objects.create(persona=persona, end_user=end_user, message_count=1)
            Handoff.objects.create(conversation=talk, seq=1, state="requested", by="visitor")
            ContactRequest.objects.create(conversation=talk, contact=mark)
            CannedReply.objects.create(shortcut=mark, text=mark, persona=persona)
            ModelCall.objects.create(operation="chat", route="main", model="any", outcome="ok")
            user = User.objects.create(email=f"{mark}@example.com")
            AuditEntry.objects.create(actor=user, action="add", object_type="x", object_id=document.pk)
            member = Member.objects.create(user=user, role="viewer")
            dataset = Dataset.objects.create(name=mark, kind="files", status="ready")
            dataset.tables.create(name="orders")
            Question.objects.create(dataset=dataset, question=mark, member=member)
            SavedQuestion.objects.create(dataset=dataset, name=mark, sql="SELECT 1", created_by=member)
            SqlRun.objects.create(dataset=dataset, origin="written", sql_given="SELECT 1", verdict="ok")
            world = put_world(tenant_id=business.id, slug=f"w-{mark}", raw=inn(slug=f"w-{mark}")).world
            open_session(world=world, player=Player(id=mark))
            create_endpoint(url=f"https://acme.example/{mark}", event_types=["document.ready"])
            emit(business.id, "document.ready", {"title": mark})
            ApiKey.objects.create(name=mark, prefix=mark, digest=mark, scopes=["chat"])


def test_every_list_asks_as_often_for_many_rows_as_for_few(acme, alice):
    def count_all() -> dict[str, int]:
        counts = {}
        for path in LISTS:
            with CaptureQueriesContext(connection) as asked:
                alice.sees(f"/admin/{path}/")
            counts[path] = len(asked)
        return counts

    add_rows(acme, 2)
    count_all()  # what Django keeps from page to page is fetched
    few = count_all()
    add_rows(acme, 20)
    assert count_all() == few


def test_the_dashboard_and_a_base_ask_as_often_for_many_rows_as_for_few(acme, alice):
    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            alice.sees(path)
        return len(asked)

    with acme.scope():
        base = create_base(name="Handbook")
        add_text(base=base, title="One", text="One.")
    page = f"/admin/knowledge/knowledgebase/{base.pk}/change/"
    add_rows(acme, 3)
    count(page)  # what Django keeps from page to page is fetched
    before = count("/admin/"), count(page)
    with acme.scope():
        for number in range(20):
            add_text(base=base, title=f"More {number}", text="More.")
    add_rows(acme, 10)
    assert (count("/admin/"), count(page)) == before


def test_a_deleted_dataset_takes_its_schema_along_and_the_built_in_one_stays(acme, edda):
    shop = make_dataset(acme, SHOP)
    with acme.scope():
        built_in = conversations_of(acme.id)

    assert edda.posts(f"/admin/analytics/dataset/{shop.pk}/delete/", post="yes").status_code == 302
    assert edda.posts(f"/admin/analytics/dataset/{built_in.pk}/delete/", post="yes").status_code == 403

    with acme.scope():
        assert [dataset.kind for dataset in Dataset.objects.all()] == ["conversations"]
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [shop.role_name])
        assert cursor.fetchone() == (0,)
