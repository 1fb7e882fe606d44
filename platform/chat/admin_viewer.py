"""A conversation as the admin shows it: each thing said with its sources, and how each answer came about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chat.models import Conversation, Message, Turn


@dataclass(frozen=True)
class Said:
    """One bubble. `message` is None for an answer that failed before anything was said."""

    message: Message | None
    turn: Turn | None = None
    titles: dict[str, str] = field(default_factory=dict)

    @property
    def is_bot(self) -> bool:
        return self.message is None or self.message.role == Message.Role.BOT

    @property
    def failure(self) -> str:
        return self.turn.error_detail or self.turn.error_code if self.turn else ""

    @property
    def search(self) -> dict[str, Any]:
        found: dict[str, Any] = (self.turn.trace if self.turn else {}).get("search") or {}
        return found

    @property
    def found(self) -> list[dict[str, Any]]:
        """The passages that the search brought, each with the title it was cited under, if it was."""
        rows = self.search.get("found", [])
        return [row | {"title": self.titles.get(row.get("chunk_id", ""), "")} for row in rows]

    @property
    def sections(self) -> list[dict[str, Any]]:
        """What the prompt was made of; `share` is of its largest section, in percent."""
        sections = (self.turn.trace if self.turn else {}).get("sections", [])
        largest = max((section["kept_tokens"] for section in sections), default=0) or 1
        return [section | {"share": round(100 * section["kept_tokens"] / largest)} for section in sections]


def said_in(conversation: Conversation, messages: Sequence[Message]) -> list[Said]:
    """The messages with their turns, and behind each question the answers that failed without a word."""
    silent: dict[Any, list[Turn]] = {}
    lost = conversation.turns.filter(answer=None, question__in=[message.pk for message in messages])
    for turn in lost.exclude(error_code=""):
        silent.setdefault(turn.question_id, []).append(turn)
    said: list[Said] = []
    for message in messages:
        said.append(_bubble(message))
        said += [Said(None, turn) for turn in silent.get(message.pk, [])]
    return said


def _bubble(message: Message) -> Said:
    if message.role != Message.Role.BOT:
        return Said(message)
    return Said(message, message.turn, {cited["chunk_id"]: cited["title"] for cited in message.citations})
