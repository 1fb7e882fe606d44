"""Every door of the house, tried with a neighbour's ids. A door that is not in these tables fails the walk.

Mallory holds a key of Globex and knows every id, slug and key of Acme's. She gets what she would get for made-up ones,
reads nothing of Acme's and leaves nothing behind. The admin's pages are walked in `tests/admin/test_pages.py`, the
sockets' frames in `tests/chat/test_isolation.py` and `tests/npc/test_socket_isolation.py`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from uuid_utils.compat import uuid7

from analytics.asking.posting import ANSWER
from analytics.datasets.conversations import conversations_of
from analytics.datasets.keeping import LOOK
from analytics.importing.retyping import RELOAD
from analytics.importing.taking_in import IMPORT
from analytics.meaning.profiling import PROFILE
from analytics.meaning.suggesting import SUGGEST
from analytics.models import Question, SavedQuestion
from chat.models import (
    AnswerTest,
    CannedReply,
    Conversation,
    EndUser,
    Erasure,
    Replay,
    RetentionPolicy,
    TestRun,
    Turn,
)
from chat.process import heart
from chat.retention.erasing import ERASE
from chat.retention.expiring import EXPIRE
from chat.tracing.replaying import REPLAY
from chat.tracing.testing import RUN_TESTS
from jobs import handlers
from jobs.models import Job
from jobs.queueing import enqueue
from jobs.running import run
from knowledge import tasks  # registers the handlers
from knowledge.collecting import INGEST, add_text, create_base
from llm.models import Budget, ModelCall, Price, Route
from npc import tasks as world_tasks
from npc.knowledge.gossip import GOSSIP
from npc.knowledge.nearest import EMBED as EMBED_FACTS
from npc.knowledge.remembering import REFLECT
from npc.worlds.putting import put_world
from personas import tasks as memory_tasks
from personas.memories import EMBED
from personas.publishing import create_persona, publish
from tenants.models import RateLimit
from tenants.provisioning import add_member
from tests.analytics.conftest import make_dataset
from tests.conftest import Business
from tests.knowledge.conftest import work_off
from tests.npc.conftest import inn
from tests.tenants.test_isolation import TENANT_MODELS
from webhooks.emitting import emit
from webhooks.endpoints import create_endpoint
from webhooks.models import Delivery
from webhooks.sending import SEND

assert tasks
assert memory_tasks
assert world_tasks
V1 = "api/v1/"
# Stands in everything that Acme keeps, and in no address.
SECRET = "silver-7731"


@pytest.fixture(autouse=True, scope="module")
def heart_at_rest(database: None) -> Iterator[None]:
    """Some doors set the process's heart beating, which a server would stop."""
    did_beat = heart.beats
    yield
    if not did_beat:
        heart.stop()


@dataclass(frozen=True)
class Things:
    """What an address or a body may name."""

    base: str
    base_slug: str
    document: str
    persona: str
    persona_slug: str
    conversation: str
    end_user: str
    route: str
    world: str
    world_slug: str
    session: str
    branch: str
    version: str
    publishable_secret: str
    dataset: str
    question: str
    saved: str
    pair: str
    file: str
    table: str
    webhook: str
    delivery: str
    canned: str = field(default_factory=lambda: str(uuid7()))
    contact: str = field(default_factory=lambda: str(uuid7()))
    colleague: str = field(default_factory=lambda: str(uuid7()))
    erasure: str = field(default_factory=lambda: str(uuid7()))
    policy: str = field(default_factory=lambda: str(uuid7()))
    budget: str = field(default_factory=lambda: str(uuid7()))
    limit: str = field(default_factory=lambda: str(uuid7()))
    replay: str = field(default_factory=lambda: str(uuid7()))
    answer_test: str = field(default_factory=lambda: str(uuid7()))
    test_run: str = field(default_factory=lambda: str(uuid7()))

    def key_at(self, business: Business) -> str:
        """A publishable key that claims to be of this business."""
        return f"pk_{business.id.hex}_{self.publishable_secret}"


def made_up() -> Things:
    """As likely as Acme's, and nobody's."""
    base, document, persona, conversation, world, session, branch, version = (str(uuid7()) for _ in range(8))
    dataset, question, saved, pair, file, table, webhook, delivery = (str(uuid7()) for _ in range(8))
    word = uuid4().hex[:8]
    return Things(
        base, f"plans-{word}", document, persona, f"keeper-{word}", conversation, f"dave-{word}", f"vip-{word}",
        world, f"inn-{word}", session, branch, version, "x" * 33, dataset, question, saved, pair,
        file, table, webhook, delivery,
    )  # fmt: skip


def furnished(business: Business, secret: str = SECRET) -> Things:
    """One of everything, with the secret in it."""
    word = uuid4().hex[:8]
    with business.scope():
        base = create_base(name=f"Plans {secret}", slug=f"plans-{word}")
        add_text(base=base, title=f"The vault {secret}", text=f"The vault opens to {secret}.")
    work_off(business)
    with business.scope():
        document = base.documents.get()
        settings = {"instructions": secret, "greeting": secret, "knowledge_bases": [base.slug]}
        persona = create_persona(
            tenant_id=business.id, slug=f"keeper-{word}", name=secret, kind="customer_service", settings=settings
        )
        publish(persona)
        route = Route(slug=f"vip-{word}", name=secret, base_url="http://127.0.0.1:9/v1", chat_model="any")
        route.api_key = secret
        route.save()
        end_user = EndUser.objects.create(external_id=f"carol-{word}", name=secret)
        conversation = Conversation.objects.create(persona=persona, end_user=end_user, message_count=2)
        question = conversation.messages.create(seq=1, role="user", text=secret)
        answer = conversation.messages.create(seq=9, role="bot", text=secret, finish_reason="stop")
        turn = Turn.objects.create(
            conversation=conversation, question=question, answer=answer, status="completed", persona_version=1
        )
        replay = Replay.objects.create(turn=turn, created_by=secret)
        answer_test = AnswerTest.objects.create(persona=persona, name=secret, question=secret)
        test_run = TestRun.objects.create(persona=persona, created_by=secret, status="done")
        ModelCall.objects.create(operation="chat", route=route.slug, model=secret, outcome="ok", input_tokens=7731)
        persona.refresh_from_db()
        world, version, *_changes = put_world(
            tenant_id=business.id,
            slug=f"inn-{word}",
            raw=inn(slug=f"inn-{word}", facts=[{"id": "vault", "text": secret, "known_by": ["*"]}]),
            by="alice",
        )
    player = {"id": f"carol-{word}", "name": secret}
    played = business.api.post("/api/v1/npc/sessions/", {"world": world.slug, "player": player}).json()
    business.api.post(f"/api/v1/npc/sessions/{played['id']}/events/", {"type": "whisper", "text": secret})
    with business.scope():
        conversations_of(business.id)
    dataset = make_dataset(
        business, {"vaults": ([("id", "integer"), ("opens_to", "text")], [(1, secret)])}, name=secret
    )
    with business.scope():
        answered = Question.objects.create(
            dataset=dataset,
            question=secret,
            status="ready",
            columns=[{"name": "vault", "type": "text"}, {"name": "n", "type": "integer"}],
            rows=[[secret, 1], ["empty", 2]],
        )
        saved = SavedQuestion.objects.create(dataset=dataset, name=secret, sql="SELECT opens_to FROM vaults")
        pair = dataset.pairs.create(question=secret, sql="SELECT opens_to FROM vaults", origin="member")
        file = dataset.files.create(name=f"{secret}.csv", status="ready")
        table = dataset.tables.get()
        webhook = create_endpoint(url="https://acme.example/events", event_types=["conversation.closed"])
        emit(business.id, "conversation.closed", {"reason": secret})
        delivery = Delivery.objects.get()
        canned = CannedReply.objects.create(shortcut=secret, text=secret, persona=persona)
        contact = conversation.contact_requests.create(name=secret, contact=secret, message=secret)
        conversation.messages.create(seq=11, role="note", text=secret)
        conversation.handoffs.create(seq=12, state="bot", by="visitor", detail=secret)
        Conversation.objects.filter(pk=conversation.pk).update(handoff_reason=secret, satisfaction_comment=secret)
        erasure = Erasure.objects.create(origin="tenant", person_digest=secret, end_user_id=end_user.pk)
        policy = RetentionPolicy.objects.create(conversations_days=1, traces_days=1)
        budget = Budget.objects.create(amount=7731, text_en=secret, at_end="stop")
        limit = RateLimit.objects.create(of="persona-turns", subject_id=persona.pk, limit=7731)
        Price.objects.create(model=secret, output=7731)
        colleague = add_member(tenant=business.tenant, email=f"{word}@example.com", role="agent")
    secret_of_key = persona.publishable_key.rpartition("_")[2]
    return Things(
        str(base.pk), base.slug, str(document.pk), str(persona.pk), persona.slug, str(conversation.pk),
        end_user.external_id, route.slug, str(world.pk), world.slug, played["id"], played["branch_id"], str(version.pk),
        secret_of_key, str(dataset.pk), str(answered.pk), str(saved.pk), str(pair.pk),
        str(file.pk), str(table.pk), str(webhook.pk), str(delivery.pk), str(canned.pk), str(contact.pk),
        str(colleague.pk), str(erasure.pk), str(policy.pk),
        str(budget.pk), str(limit.pk), str(replay.pk), str(answer_test.pk), str(test_run.pk),
    )  # fmt: skip


# --- The API ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Try:
    """How a call is answered that names a neighbour's things, in its address or in its body.

    `own`: what of the address is Mallory's, so that the body alone is foreign. `makes`: it makes something of hers.
    """

    status: int
    body: Any = None
    own: tuple[str, ...] = ()
    query: str = ""
    makes: bool = False


def said(**more: Any) -> dict[str, Any]:
    return {"client_id": str(uuid4()), "text": "Hello", **more}


def completion(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}], **more}


def persona_with(**settings: Any) -> dict[str, Any]:
    return {"slug": f"hers-{uuid4().hex[:8]}", "name": "Hers", "kind": "customer_service", "settings": settings}


def sessions(things: Things) -> dict[str, Any]:
    """What a game may ask of its session, with the body that it sends."""
    speech = {"character": "bram", "speaker": "mallory", "text": "Hello"}
    return {
        "GET /": None,
        "DELETE /": None,
        "GET /state/": None,
        "PATCH /state/": {"gold": 0},
        "POST /events/": {"type": "gift"},
        "GET /log/": None,
        "GET /saves/": None,
        "POST /saves/": {},
        "GET /export/": None,
        "GET /knowledge/": None,
        "GET /characters/{character}/memories/": None,
        "DELETE /characters/{character}/memories/{memory_id}/": None,
        "POST /turns/": {**speech, "turn_id": things.conversation},
        "POST /turns/{turn_id}/cancel/": {},
        "POST /turns/{turn_id}/replay/": {},
        "POST /warm/": {},
        "POST /actions/{action_id}/result/": {"accepted": True},
    }


def tries(things: Things, hers: Things) -> dict[str, list[Try]]:
    """Every operation of the API, by how Mallory tries it."""
    session = {"persona": hers.persona_slug, "end_user": {"id": "mallory"}}
    player = {"id": "mallory", "name": "Mallory"}
    character = {"id": "bram", "persona": things.persona_slug, "scene": "taproom"}
    thread = {"metadata": {"conversation_id": things.conversation}}
    return {
        "GET me/": [Try(200)],
        "GET budgets/": [Try(200)],
        "POST budgets/": [
            Try(201, {"of": "persona", "subject_id": things.persona, "amount": 0}, makes=True),
            Try(422, {"of": "tenant", "subject_id": things.persona, "amount": 0}),
        ],
        "GET budgets/{budget_id}/": [Try(404)],
        "PATCH budgets/{budget_id}/": [Try(404, {"amount": 0})],
        "DELETE budgets/{budget_id}/": [Try(404)],
        "GET rate-limits/": [Try(200)],
        "POST rate-limits/": [
            Try(201, {"of": "persona-turns", "subject_id": things.persona, "limit": 1}, makes=True),
        ],
        "GET rate-limits/{limit_id}/": [Try(404)],
        "PATCH rate-limits/{limit_id}/": [Try(404, {"limit": 1})],
        "DELETE rate-limits/{limit_id}/": [Try(404)],
        "GET usage/": [Try(200, query=f"by={by}") for by in ("persona", "key", "model", "day", "end_user")],
        "GET analytics/datasets/": [Try(200)],
        "POST analytics/datasets/": [Try(422, {"name": "Hers"})],
        "GET analytics/datasets/{dataset_id}/": [Try(404)],
        "PATCH analytics/datasets/{dataset_id}/": [Try(404, {"name": "Hers"})],
        "DELETE analytics/datasets/{dataset_id}/": [Try(404)],
        "POST analytics/datasets/{dataset_id}/refresh/": [Try(404)],
        "GET analytics/runs/": [Try(200, query=f"dataset={things.dataset}")],
        "GET analytics/questions/": [Try(200, query=f"dataset={things.dataset}")],
        "POST analytics/questions/": [Try(404, {"dataset": things.dataset, "question": "What opens hers?"})],
        "GET analytics/questions/{question_id}/": [Try(404)],
        "GET analytics/questions/{question_id}/events/": [Try(404)],
        "POST analytics/questions/{question_id}/cancel/": [Try(404)],
        "POST analytics/questions/{question_id}/clarify/": [Try(404, {"choice": "1"})],
        "POST analytics/questions/{question_id}/feedback/": [Try(404, {"correct": True})],
        "GET analytics/questions/{question_id}/result.csv": [Try(404)],
        "GET analytics/questions/{question_id}/result.xlsx": [Try(404)],
        "GET analytics/questions/{question_id}/chart.svg": [Try(404, query="kind=bar&x=vault&y=n")],
        "GET analytics/questions/{question_id}/chart.png": [Try(404, query="kind=bar&x=vault&y=n")],
        "POST analytics/questions/{question_id}/chart/": [Try(404, {"kind": "bar", "x": "vault", "y": ["n"]})],
        "POST analytics/datasets/{dataset_id}/suggest/": [Try(404)],
        "GET analytics/datasets/{dataset_id}/pairs/": [Try(404)],
        "POST analytics/datasets/{dataset_id}/pairs/": [Try(404, {"question": "Hers?", "sql": "SELECT 1"})],
        "GET analytics/datasets/{dataset_id}/pairs/{pair_id}/": [Try(404), Try(404, own=("dataset_id",))],
        "PATCH analytics/datasets/{dataset_id}/pairs/{pair_id}/": [
            Try(404, {"status": "approved"}),
            Try(404, {"status": "approved"}, own=("dataset_id",)),
        ],
        "DELETE analytics/datasets/{dataset_id}/pairs/{pair_id}/": [Try(404), Try(404, own=("dataset_id",))],
        "GET analytics/saved/": [Try(200, query=f"dataset={things.dataset}")],
        "POST analytics/saved/": [Try(404, {"dataset": things.dataset, "name": "Hers", "sql": "SELECT 1"})],
        "POST analytics/saved/literals/": [Try(200, {"sql": "SELECT 'hers'"})],
        "GET analytics/saved/{saved_id}/": [Try(404)],
        "PATCH analytics/saved/{saved_id}/": [Try(404, {"name": "Hers"})],
        "DELETE analytics/saved/{saved_id}/": [Try(404)],
        "POST analytics/saved/{saved_id}/run/": [Try(404, {"parameters": {}})],
        "GET analytics/datasets/{dataset_id}/files/": [Try(404)],
        "POST analytics/datasets/{dataset_id}/files/": [Try(404)],
        "GET analytics/datasets/{dataset_id}/files/{file_id}/": [Try(404), Try(404, own=("dataset_id",))],
        "POST analytics/datasets/{dataset_id}/files/{file_id}/cancel/": [Try(404), Try(404, own=("dataset_id",))],
        "POST analytics/datasets/{dataset_id}/files/{file_id}/retry/": [Try(404), Try(404, own=("dataset_id",))],
        "GET analytics/datasets/{dataset_id}/tables/{table}/columns/{column}/": [Try(404)],
        "PATCH analytics/datasets/{dataset_id}/tables/{table}/columns/{column}/": [Try(404, {"type": "text"})],
        "POST analytics/datasets/{dataset_id}/run/": [Try(404, {"sql": "SELECT * FROM vaults"})],
        "GET knowledge-bases/": [Try(200)],
        "POST knowledge-bases/": [Try(201, {"name": "Hers", "slug": things.base_slug}, makes=True)],
        "GET knowledge-bases/{base}/": [Try(404)],
        "PATCH knowledge-bases/{base}/": [Try(404, {"name": "Hers"})],
        "DELETE knowledge-bases/{base}/": [Try(404)],
        "GET knowledge-bases/{base}/documents/": [Try(404)],
        "POST knowledge-bases/{base}/documents/": [Try(404, {"title": "Hers", "text": "Hers."})],
        "POST knowledge-bases/{base}/search/": [
            Try(404, {"query": "Where is the vault?"}),
            Try(200, {"query": "vault", "filter": {"document_id": things.document}}, own=("base",)),
        ],
        "GET documents/{document_id}/": [Try(404)],
        "DELETE documents/{document_id}/": [Try(404)],
        "POST documents/{document_id}/cancel/": [Try(404)],
        "POST documents/{document_id}/retry/": [Try(404, {"confirm": True})],
        "GET documents/{document_id}/chunks/": [Try(404)],
        "GET personas/": [Try(200)],
        "POST personas/": [
            Try(422, persona_with(knowledge_bases=[things.base])),
            Try(422, persona_with(knowledge_bases=[things.base_slug])),
            Try(422, persona_with(route=things.route)),
            Try(201, {**persona_with(), "slug": things.persona_slug}, makes=True),
        ],
        "GET personas/{persona}/": [Try(404)],
        "PATCH personas/{persona}/": [
            Try(404, {"name": "Hers"}),
            Try(422, {"settings": {"knowledge_bases": [things.base]}}, own=("persona",)),
            Try(422, {"settings": {"route": things.route}}, own=("persona",)),
        ],
        "DELETE personas/{persona}/": [Try(404)],
        "POST personas/{persona}/publish/": [Try(404)],
        "POST personas/{persona}/rollback/": [Try(404, {"version": 1})],
        "GET personas/{persona}/versions/": [Try(404)],
        "POST personas/{persona}/prompt/": [
            Try(404, {"text": "Hello"}),
            Try(404, {"text": "Hello", "conversation_id": things.conversation}, own=("persona",)),
        ],
        "POST chat/sessions/": [
            Try(404, {**session, "persona": things.persona_slug}),
            Try(404, {**session, "persona": things.persona}),
            Try(404, {**session, "conversation_id": things.conversation}),
        ],
        "GET conversations/": [
            Try(200, query=f"persona={things.persona_slug}"),
            Try(200, query=f"end_user={things.end_user}"),
        ],
        "GET conversations/{conversation_id}/": [Try(404)],
        "DELETE conversations/{conversation_id}/": [Try(404)],
        "GET conversations/{conversation_id}/messages/": [Try(404)],
        "GET conversations/{conversation_id}/events/": [Try(404), Try(404, query="after=0")],
        "POST conversations/{conversation_id}/turns/": [Try(404, said())],
        "POST conversations/{conversation_id}/takeover/": [Try(404, {})],
        "POST conversations/{conversation_id}/reply/": [Try(404, said())],
        "POST conversations/{conversation_id}/note/": [Try(404, said())],
        "POST conversations/{conversation_id}/transfer/": [
            Try(404, {"to": None}),
            Try(409, {"to": things.colleague}, own=("conversation_id",)),  # nobody has taken hers over
        ],
        "POST conversations/{conversation_id}/release/": [Try(404, {})],
        "POST conversations/{conversation_id}/close/": [Try(404, {})],
        "POST conversations/{conversation_id}/read/": [Try(404, {})],
        "GET conversations/{conversation_id}/notes/": [Try(404)],
        "GET conversations/{conversation_id}/handoffs/": [Try(404)],
        "POST conversations/{conversation_id}/handoff/": [Try(404, {})],
        "POST conversations/{conversation_id}/contact/": [Try(404, {"contact": "hers"})],
        "POST conversations/{conversation_id}/satisfaction/": [Try(404, {"rating": 1})],
        "GET personas/{persona}/tests/": [Try(404)],
        "POST personas/{persona}/tests/": [Try(404, {"name": "Hers", "question": "Hers?"})],
        "POST personas/{persona}/tests/run/": [Try(404)],
        "GET personas/{persona}/tests/runs/": [Try(404)],
        "GET personas/{persona}/tests/runs/{run_id}/": [Try(404), Try(404, own=("persona",))],
        "POST personas/{persona}/tests/runs/{run_id}/cancel/": [Try(404), Try(404, own=("persona",))],
        "GET personas/{persona}/tests/{test_id}/": [Try(404), Try(404, own=("persona",))],
        "PATCH personas/{persona}/tests/{test_id}/": [
            Try(404, {"name": "x"}),
            Try(404, {"name": "x"}, own=("persona",)),
        ],
        "DELETE personas/{persona}/tests/{test_id}/": [Try(404), Try(404, own=("persona",))],
        "GET public/{publishable_key}/widget/": [Try(404)],
        "GET retention/": [Try(200)],
        "PATCH retention/": [Try(200, {"traces_days": 7}, makes=True)],
        "GET erasures/": [Try(200), Try(200, query=f"end_user={things.end_user}")],
        "POST erasures/": [Try(404, {"end_user": things.end_user})],
        "GET erasures/{erasure_id}/": [Try(404)],
        "POST erasures/{erasure_id}/retry/": [Try(404)],
        "GET end-users/export/": [Try(404, query=f"end_user={things.end_user}")],
        "GET contact-requests/": [Try(200), Try(200, query="done=false")],
        "GET contact-requests/{request_id}/": [Try(404)],
        "PATCH contact-requests/{request_id}/": [Try(404, {"done": True})],
        "DELETE contact-requests/{request_id}/": [Try(404)],
        "GET canned-replies/": [Try(200), Try(404, query=f"persona={things.persona_slug}")],
        "POST canned-replies/": [
            Try(404, {"shortcut": "hers", "text": "Hers", "persona": things.persona_slug}),
            Try(404, {"shortcut": "hers", "text": "Hers", "persona": things.persona}),
        ],
        "GET canned-replies/{reply_id}/": [Try(404)],
        "PATCH canned-replies/{reply_id}/": [
            Try(404, {"text": "Hers"}),
            Try(404, {"persona": things.persona_slug}, own=("reply_id",)),
        ],
        "DELETE canned-replies/{reply_id}/": [Try(404)],
        **{
            f"POST public/{{publishable_key}}/conversations/{{conversation_id}}/{name}/": [
                Try(404, body),
                Try(401, body, own=("publishable_key",)),  # she has no token of that conversation
            ]
            for name, body in (
                ("handoff", {}), ("contact", {"contact": "hers"}), ("satisfaction", {"rating": 1}), ("erasure", {})
            )
        },
        "POST public/{publishable_key}/sessions/": [Try(404, {})],
        "GET public/{publishable_key}/conversations/{conversation_id}/messages/": [
            Try(404),
            Try(401, own=("publishable_key",)),  # she has no token of that conversation
        ],
        "GET npc/worlds/": [Try(200)],
        "POST npc/worlds/check/": [Try(200, inn())],
        "GET npc/worlds/{world}/": [Try(404)],
        "PUT npc/worlds/{world}/": [
            Try(422, inn(slug=hers.world_slug, characters=[character]), own=("world",)),
            Try(201, inn(slug=things.world_slug), makes=True),
        ],
        "DELETE npc/worlds/{world}/": [Try(404)],
        "GET npc/worlds/{world}/diff/": [Try(404)],
        "POST npc/worlds/{world}/try/": [Try(404, {"condition": "true", "actor": "bram"})],
        "GET npc/worlds/{world}/versions/": [Try(404)],
        "GET npc/worlds/{world}/versions/{number}/": [Try(404)],
        "GET npc/sessions/": [Try(200)],
        "POST npc/sessions/": [
            Try(404, {"world": things.world, "player": player}),
            Try(404, {"world": things.world_slug, "player": player}),
        ],
        # A file names nothing that is here.
        "POST npc/sessions/import/": [Try(422, {"world": things.world, "save": things.session})],
        **{
            f"{operation.split()[0]} npc/sessions/{{session_id}}/{operation.split()[1][1:]}": [Try(404, body)]
            for operation, body in sessions(things).items()
        },
        "GET /v1/models": [Try(200)],
        "GET /v1/models/{model}": [Try(404)],
        "POST /v1/chat/completions": [
            Try(404, completion(things.persona_slug)),
            Try(404, completion(things.persona)),
            Try(404, completion(hers.persona_slug, **thread)),
            Try(404, completion(hers.persona_slug, stream=True, **thread)),
        ],
        "GET webhooks/": [Try(200)],
        "POST webhooks/": [Try(422, {"url": "http://10.0.0.1/"})],
        "GET webhooks/{webhook_id}/": [Try(404)],
        "PATCH webhooks/{webhook_id}/": [Try(404, {"url": "https://globex.example/"})],
        "DELETE webhooks/{webhook_id}/": [Try(404)],
        "POST webhooks/{webhook_id}/rotate/": [Try(404)],
        "POST webhooks/{webhook_id}/test/": [Try(404)],
        "POST webhooks/{webhook_id}/resend/": [Try(404, {"since": "2026-01-01T00:00:00Z"})],
        "GET webhooks/{webhook_id}/deliveries/": [Try(404)],
        "GET webhooks/{webhook_id}/deliveries/{delivery_id}/": [Try(404), Try(404, own=("webhook_id",))],
        "POST webhooks/{webhook_id}/deliveries/{delivery_id}/resend/": [Try(404), Try(404, own=("webhook_id",))],
        "POST /v1/embeddings": [Try(404, {"model": things.route, "input": "Hello"})],
    }  # fmt: skip


# They show what is the same for all, and take no id of a row.
NOBODYS = {
    "", "healthz", "readyz", "i18n/setlang/", "api/schema/", "api/docs/", "api/asyncapi.yaml",
    "api/v1/persona-kinds/", "api/v1/persona-kinds/<str:kind>/",
}  # fmt: skip
# A page for people; below.
PAGES = {"chat/<str:publishable_key>/", "chat/<str:publishable_key>/qr.svg"}
# The same script for every site.
WIDGET = "widget"
# The demo's village, which a session's token opens; `tests/npc/test_play.py` tries it with a neighbour's.
VILLAGE = "play/"
# The same views for members, who sign in; `tests/analytics/pages` tries them as a neighbour's.
ASK = "ask/"
# What a tenant used; `tests/llm/test_usage_page.py` tries it as a neighbour.
USAGE = "usage/"
# What agents ask, and the views that they share with servers; `tests/chat/desk` tries them as a neighbour's.
DESK = "desk/"


def routes(resolver: Any = None, prefix: str = "") -> Iterator[str]:
    """Every address of ours but the admin's, as the URL configuration has it."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver) and route != "admin/":
            yield from routes(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield route


@cache
def described() -> set[str]:
    """Every operation in the OpenAPI document that is about somebody's rows."""
    paths = SchemaGenerator().get_schema(public=True)["paths"]  # type: ignore[no-untyped-call]
    kinds = "/api/v1/persona-kinds/"
    return {
        f"{method.upper()} {path.removeprefix('/api/v1/')}"
        for path, methods in paths.items()
        for method in methods
        if not path.startswith(kinds)
    }


def route_of(operation: str) -> str:
    """`documents/{document_id}/` as the URL configuration would write it, without the kind of the id."""
    path = operation.split()[1]
    return path[1:] if path.startswith("/") else f"api/v1/{path}"


def ask(mallory: Business, operation: str, attempt: Try, things: Things, hers: Things, *, is_by_id: bool) -> Any:
    method, path = operation.split()
    named = names_of(things, mallory, is_by_id=is_by_id) | {
        name: value for name, value in names_of(hers, mallory, is_by_id=is_by_id).items() if name in attempt.own
    }
    path = path.format(**named)
    kind = "application/merge-patch+json" if "/state/" in path else "application/json"
    return mallory.api.client.generic(
        method,
        path if path.startswith("/") else f"/api/v1/{path}",
        "" if attempt.body is None else json.dumps(attempt.body),
        content_type=kind,
        QUERY_STRING=attempt.query,
        headers={"If-Match": '"1"'},
    )


def names_of(things: Things, business: Business, *, is_by_id: bool) -> dict[str, str]:
    """What stands in the braces of an address: ids, or slugs where those do as well."""
    return {
        "base": things.base if is_by_id else things.base_slug,
        "persona": things.persona if is_by_id else things.persona_slug,
        "model": things.persona if is_by_id else things.persona_slug,
        "document_id": things.document,
        "conversation_id": things.conversation,
        "world": things.world if is_by_id else things.world_slug,
        "number": "1",
        "session_id": things.session,
        "character": "bram",
        **dict.fromkeys(("memory_id", "turn_id", "action_id"), things.conversation),
        "publishable_key": things.key_at(business),
        "dataset_id": things.dataset,
        "question_id": things.question,
        "saved_id": things.saved,
        "pair_id": things.pair,
        "file_id": things.file,
        "webhook_id": things.webhook,
        "budget_id": things.budget,
        "limit_id": things.limit,
        "reply_id": things.canned,
        "erasure_id": things.erasure,
        "test_id": things.answer_test,
        "run_id": things.test_run,
        "request_id": things.contact,
        "delivery_id": things.delivery,
        "table": "vaults",
        "column": "opens_to",
    }


def without_names(answer: Any, things: Things) -> tuple[int, str]:
    """The answer but for what was asked for, which a refusal may repeat."""
    told = answer.content.decode()
    for value in sorted(vars(things).values(), key=len, reverse=True):
        told = told.replace(value, "…")
    return answer.status_code, re.sub(r'"(request_id|took_ms|id|created|from|to)": ?("[^"]*"|\d+)', "", told)


def everything_of(business: Business) -> dict[str, list[dict[str, Any]]]:
    """All rows that a tenant has, of whatever kind."""
    with business.scope():
        return {model.__name__: list(model.objects.order_by("pk").values()) for model in TENANT_MODELS}


def counts_of(business: Business) -> dict[str, int]:
    """How many rows of each kind a tenant has, asked for at once."""
    tables = [f"SELECT '{model.__name__}', count(*) FROM {model._meta.db_table}" for model in TENANT_MODELS]
    with business.scope(), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(tables))
        return dict(cursor.fetchall())


def test_every_operation_has_its_place_in_the_table():
    missing = described() - tries(made_up(), made_up()).keys()
    assert not missing, "add what is new to `tries`, with a neighbour's ids"


def test_every_address_is_described_or_nobodys():
    """What the OpenAPI document does not show would not be walked."""
    walked = {route_of(operation) for operation in described()}
    for route in routes():
        plain = re.sub(r"<\w+:(\w+)>", r"{\1}", route)
        assert route in NOBODYS | PAGES or route.startswith((VILLAGE, ASK, USAGE, DESK, WIDGET)) or plain in walked, (
            f"{route} is in no table"
        )


def test_acmes_things_are_to_mallory_as_if_they_never_were(acme, globex):
    acmes, hers, nobodys = furnished(acme), furnished(globex, "copper-12"), made_up()
    before = everything_of(acme)
    foreign, made = tries(acmes, hers), tries(nobodys, hers)

    rows = counts_of(globex)
    for operation in sorted(described() & foreign.keys()):
        for attempt, like in zip(foreign[operation], made[operation], strict=True):
            for is_by_id in (True, False):
                if attempt.makes:
                    continue
                answer = ask(globex, operation, attempt, acmes, hers, is_by_id=is_by_id)
                control = ask(globex, operation, like, nobodys, hers, is_by_id=is_by_id)
                case = (operation, attempt, answer.content[:300])
                assert answer.status_code == attempt.status, case
                assert without_names(answer, acmes) == without_names(control, nobodys), case
                assert SECRET not in answer.content.decode(), case
        assert counts_of(globex) == rows, ("half stored", operation)

    assert everything_of(acme) == before


def test_what_acme_has_named_mallory_may_name_the_same(acme, globex):
    acmes, hers = furnished(acme), furnished(globex, "copper-12")
    before = everything_of(acme)
    table = tries(acmes, hers)

    for operation, attempt in ((name, attempt) for name in table for attempt in table[name] if attempt.makes):
        answer = ask(globex, operation, attempt, acmes, hers, is_by_id=False)
        assert answer.status_code == attempt.status, (operation, answer.content)
        assert SECRET not in answer.content.decode()

    assert everything_of(acme) == before


def test_a_page_with_acmes_secret_under_her_own_name_is_none(acme, globex):
    acmes = furnished(acme)

    page = globex.api.get(f"/chat/{acmes.key_at(globex)}/")

    assert page.status_code == 404
    assert SECRET not in page.content.decode()


def test_without_a_key_nothing_is_told_at_all(acme):
    things = furnished(acme)
    before = everything_of(acme)
    stranger = Business(acme.tenant, f"tk_{acme.id.hex}_{'x' * 33}")

    table = tries(things, things)

    for operation in sorted(described() & table.keys()):
        if "publishable_key" in operation:
            continue  # whoever has one may knock
        answer = ask(stranger, operation, table[operation][0], things, things, is_by_id=True)
        assert answer.status_code == 401, operation
        assert SECRET not in answer.content.decode()

    assert everything_of(acme) == before


# --- Background work ----------------------------------------------------------------------------------------
# What each kind of job is about.
SUBJECTS = {
    LOOK: lambda things: things.dataset,
    PROFILE: lambda things: things.dataset,
    SUGGEST: lambda things: things.dataset,
    INGEST: lambda things: things.document,
    EMBED: lambda things: things.branch,
    EMBED_FACTS: lambda things: things.version,
    GOSSIP: lambda things: things.branch,
    REFLECT: lambda things: things.branch,
    IMPORT: lambda things: things.file,
    ANSWER: lambda things: things.question,
    RELOAD: lambda things: things.table,
    SEND: lambda things: things.webhook,
    ERASE: lambda things: things.erasure,
    EXPIRE: lambda things: things.policy,
    REPLAY: lambda things: things.replay,
    RUN_TESTS: lambda things: things.test_run,
}


def our_kinds() -> set[str]:
    return {kind for kind, found in handlers._registry.items() if not found.handle.__module__.startswith("tests.")}


def test_every_kind_of_job_has_its_place_in_the_table():
    assert our_kinds() == SUBJECTS.keys(), "add what is new to SUBJECTS, with the row that it is about"


def test_a_job_of_globex_does_nothing_to_acmes_rows(acme, globex):
    acmes = furnished(acme)
    before = everything_of(acme)
    for number, (kind, subject_of) in enumerate(SUBJECTS.items(), 1):
        with globex.scope():
            job = enqueue(tenant_id=globex.id, kind=kind, queue="embedding", subject_id=subject_of(acmes))

        run(tenant_id=globex.id, job_id=job.pk, worker="test")

        assert everything_of(acme) == before, kind
        left = {name: count for name, count in counts_of(globex).items() if count}
        assert left == {"Tenant": 1, "ApiKey": 1, "Job": number}, kind


def test_a_message_that_names_acmes_job_as_globexs_is_not_heeded(acme, globex):
    acmes = furnished(acme)
    for kind, subject_of in SUBJECTS.items():
        with acme.scope():
            job = enqueue(tenant_id=acme.id, kind=kind, queue="embedding", subject_id=subject_of(acmes))
        before = everything_of(acme)

        run(tenant_id=globex.id, job_id=job.pk, worker="test")

        assert everything_of(acme) == before, kind
        with globex.scope():
            assert not Job.objects.exists(), kind
