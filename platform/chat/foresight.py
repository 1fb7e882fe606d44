"""Embedding a question before it is taken in: looking it up then needs no transaction of its own.

Whether that is of use is a guess, from how the conversation's last question was looked up. A wrong one costs the CPU of
one embedding, or a transaction.
"""

from uuid import UUID

from chat.models import Message
from chat.preparing import Loaded
from llm.embedding import bundled, off_loop

MOST_KEPT = 10_000


class Foresight:
    """Of an event loop's conversations, whether the bundled model embeds their questions as they stand."""

    def __init__(self) -> None:
        self._is_likely: dict[UUID, bool] = {}

    def expect(self, conversation_id: UUID, is_likely: bool) -> None:
        """A first guess. What was seen since is better."""
        self._keep(conversation_id, self._is_likely.get(conversation_id, is_likely))

    def learn(self, question: Message, loaded: Loaded) -> None:
        """How a question was looked up."""
        is_bundled = any(not route.embedding_model for route in loaded.embedding.values())
        self._keep(question.conversation_id, is_bundled and loaded.plan.query == question.text)

    def forget(self, conversation_id: UUID) -> None:
        """Whoever was refused, for asking too often perhaps, costs no more than that the next time."""
        self._is_likely.pop(conversation_id, None)

    async def embed(self, conversation_id: UUID, text: str | None) -> None:
        if text and self._is_likely.get(conversation_id):
            await off_loop(_embed, text)

    def _keep(self, conversation_id: UUID, is_likely: bool) -> None:
        if len(self._is_likely) >= MOST_KEPT and conversation_id not in self._is_likely:
            self._is_likely.clear()
        self._is_likely[conversation_id] = is_likely


def _embed(text: str) -> None:
    """It is remembered for the search."""
    bundled().embed_query(text)
