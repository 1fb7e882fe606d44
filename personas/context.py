"""What one turn is about, as plain values: what a kind of persona is given to work with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from personas.schema import PersonaSettings

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Said:
    """One earlier message. A person who took over is `human`; to the model both are the persona's side."""

    role: Literal["user", "bot", "human"]
    text: str


@dataclass(frozen=True, slots=True)
class EndUser:
    """Who is talking. Both are "" when nobody said."""

    name: str = ""
    locale: str = ""


NOBODY = EndUser()


@dataclass(frozen=True, slots=True)
class Source:
    """One passage that is in the prompt. `n` is the number that its citation mark carries, `[n]`."""

    n: int
    chunk_id: UUID
    document_id: UUID
    title: str
    text: str
    score: float
    heading: str = ""
    page: int | None = None
    url: str = ""
    # What was looked up for this very question, in a sentence; "" for a passage.
    answer: str = ""
    # Cosine with the question; None when only words found it.
    similarity: float | None = None

    def as_citation(self) -> dict[str, Any]:
        """As clients see it, JSON-able."""
        citation: dict[str, Any] = {
            "n": self.n,
            "document_id": str(self.document_id),
            "chunk_id": str(self.chunk_id),
            "title": self.title,
            "text": self.text,
            "score": self.score,
        }
        if self.page is not None:
            citation["page"] = self.page
        if self.url:
            citation["url"] = self.url
        return citation


@dataclass(frozen=True, slots=True)
class TurnContext:
    """All that may enter the prompt of one turn."""

    persona_name: str
    settings: PersonaSettings
    language: Language  # that the platform's own texts are written in
    question: str
    now: datetime
    end_user: EndUser = NOBODY
    history: tuple[Said, ...] = ()  # oldest first, without the question
    summary: str = ""  # of what is older than `history`
    variables: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()  # best first, numbered from 1
