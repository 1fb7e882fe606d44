"""Kinds of persona are plug-ins: each registers itself in its app's `AppConfig.ready()`.

A kind says what its settings may hold, which sections its prompt has, which tools the model may call, how the
model's text is read, and what is to be done after a turn. The engine knows nothing else about it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from personas.citations import CitationParser, PlainParser, Reply
from personas.context import Source, TurnContext
from personas.prompt import Section
from personas.schema import PersonaSettings, settings_schema
from tenants.errors import Invalid


class ReplyParser(Protocol):
    """Reads one answer while it streams."""

    def feed(self, piece: str) -> str:
        """Take a piece of the model's text; return the text that may be sent on, perhaps none yet."""

    def finish(self, cited: Sequence[int] = ()) -> Reply:
        """End the answer, however it ended. `cited` are numbers that the model named beside its text."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A job to enqueue with the turn's commit (`jobs.queueing.enqueue`)."""

    kind: str
    queue: str
    payload: Mapping[str, Any] = field(default_factory=dict)


class PersonaKind(ABC):
    """What all personas of one kind have in common. Stateless: one object serves every turn."""

    name: ClassVar[str]
    title: ClassVar[str | Promise]
    description: ClassVar[str | Promise]
    settings_model: ClassVar[type[PersonaSettings]]
    # Such a persona is published with its world, not by itself.
    needs_world: ClassVar[bool] = False
    # What such a persona claims must stand in its documents; each answer is compared with them.
    answers_from_documents: ClassVar[bool] = False

    @abstractmethod
    def sections(self, context: TurnContext) -> Sequence[Section]:
        """The prompt's blocks, in the order in which they shall stand."""

    def tools(self, context: TurnContext) -> Sequence[Mapping[str, Any]]:
        """What the model may call, in the form of OpenAI's `tools`."""
        return ()

    def parse(self, settings: PersonaSettings, sources: Sequence[Source]) -> ReplyParser:
        """A reader for one answer. `sources` are the passages that were in the prompt."""
        return CitationParser(sources) if settings.knowledge_bases or sources else PlainParser()

    def after(self, context: TurnContext, reply_text: str) -> Sequence[FollowUp]:
        """What is to be done once the turn is stored."""
        return ()

    def suggests(self, settings: PersonaSettings) -> bool:
        """Whether questions to ask next are offered with an answer."""
        return False

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its settings, with texts in the language of the request."""
        schema = settings_schema(self.settings_model)
        return schema | {"title": str(self.title), "description": str(self.description), "kind": self.name}


_kinds: dict[str, PersonaKind] = {}


def register(kind: PersonaKind) -> None:
    """Make a kind known. Raises ValueError for a name that is taken."""
    if kind.name in _kinds:
        raise ValueError(f"There is a kind of persona called {kind.name} already.")
    _kinds[kind.name] = kind


def all_kinds() -> list[PersonaKind]:
    return [_kinds[name] for name in sorted(_kinds)]


def kind_named(name: str) -> PersonaKind:
    """Raises Invalid for a kind that no app registered."""
    try:
        return _kinds[name]
    except KeyError:
        known = ", ".join(sorted(_kinds))
        raise Invalid.field(
            "kind", _("There is no such kind of persona. Known: %(kinds)s.") % {"kinds": known}
        ) from None
