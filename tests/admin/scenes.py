"""What the viewer shows best: a conversation with sources, a trace, and an answer that failed."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from uuid_utils.compat import uuid7

from chat.models import Conversation, EndUser, Message, Turn
from knowledge.collecting import add_text, create_base
from knowledge.models import Document
from llm.models import ModelCall
from personas.publishing import create_persona, publish
from tests.conftest import Business

PASSAGE = (
    "Unopened tea can be returned within 30 days of delivery. Opened packets cannot, unless it is faulty.\n"
    "未开封的茶叶可在收货后 30 天内退货。"
)
ANSWER = "You can return unopened tea within 30 days of delivery [1]. Faulty tea can come back opened, too."


def talked_with_sources(business: Business) -> tuple[Any, Any, Any]:
    """`(conversation, persona, base)`: Carol asked Mei twice; the second answer failed."""
    with business.scope():
        base = create_base(name="Tea shop")
        for title in ("Shipping and returns", "Membership", "会员与常见问题"):
            document = add_text(base=base, title=title, text=PASSAGE)
            Document.objects.filter(pk=document.pk).update(status="ready", chunk_count=12, ready_at=timezone.now())
        Document.objects.filter(pk=document.pk).update(
            status="failed", error_code="file_broken", error_detail="The file is damaged and cannot be read."
        )
        add_text(base=base, title="Brewing and care", text=PASSAGE)
        persona = create_persona(
            tenant_id=business.id,
            slug="mei",
            name="Mei · 小梅",
            kind="customer_service",
            settings={
                "instructions": "You answer for a tea shop, kindly and briefly.",
                "greeting": "Welcome to Cloud Mountain Tea! 欢迎光临！",
                "suggestions": ["How long may I return tea?", "运费是多少？"],
                "knowledge_bases": [base.slug],
            },
        )
        publish(persona, by="alice@acme.example")
        conversation = _talk(persona, document)
        _spend()
    return conversation, persona, base


def _talk(persona: Any, document: Any) -> Any:
    now = timezone.now()
    carol = EndUser.objects.create(external_id="carol", name="Carol")
    conversation = Conversation.objects.create(persona=persona, end_user=carol, message_count=3, last_message_at=now)
    chunk_id = str(uuid7())
    source = {"document_id": str(document.pk), "chunk_id": chunk_id, "score": 0.91}
    question = conversation.messages.create(seq=1, role="user", text="How long may I return tea?")
    answer = conversation.messages.create(
        seq=9,
        role="bot",
        author=persona.name,
        text=ANSWER,
        html=f"<p>{ANSWER}</p>",
        citations=[{"n": 1, "title": "Shipping and returns", "text": PASSAGE, "page": 2, **source}],
        finish_reason="stop",
        feedback=1,
    )
    turn = Turn.objects.create(
        conversation=conversation,
        question=question,
        answer=answer,
        status="completed",
        persona_version=1,
        input_tokens=812,
        output_tokens=31,
        cached_tokens=400,
        cost=Decimal("0.00231"),
        first_token_ms=184,
        total_ms=911,
        trace={
            "route": "main",
            "model": "scripted-chat",
            "search": {
                "query": "How long may I return tea?",
                "found": [
                    {"n": 1, "similarity": 0.88, "is_in_prompt": True, **source},
                    {
                        "n": 2,
                        **source,
                        "chunk_id": str(uuid7()),
                        "score": 0.4,
                        "similarity": 0.71,
                        "is_in_prompt": False,
                    },
                ],
            },
            "sections": [
                {"name": "rules", "role": "system", "tokens": 210, "kept_tokens": 210, "why": "Always"},
                {"name": "persona", "role": "system", "tokens": 80, "kept_tokens": 80, "why": "Who answers"},
                {
                    "name": "knowledge",
                    "role": "system",
                    "tokens": 900,
                    "kept_tokens": 480,
                    "why": "1 of 2 passages",
                },
                {"name": "summary", "role": "system", "tokens": 60, "kept_tokens": 0, "why": "No room"},
            ],
        },
    )
    Message.objects.filter(pk=answer.pk).update(turn=turn)
    again = conversation.messages.create(seq=70_000, role="user", text="那开封的呢？")
    Turn.objects.create(
        conversation=conversation,
        question=again,
        status="failed",
        error_code="provider_timeout",
        error_detail="The model endpoint did not answer in time; try again.",
        trace={"route": "main", "model": "scripted-chat"},
    )
    return conversation


def _spend() -> None:
    for days, tokens in enumerate((1430, 5220, 0, 3100, 8800, 620, 0)):
        if tokens:
            ModelCall.objects.create(
                operation="chat",
                route="main",
                model="scripted-chat",
                outcome="ok",
                input_tokens=tokens,
                output_tokens=tokens // 10,
                cost=Decimal("0.01"),
                at=timezone.now() - timedelta(days=days),
            )
