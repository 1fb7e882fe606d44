"""What a persona may look up outside of its documents, for those who may see it: tools that other apps provide.

An app registers a `Lookup` in its `AppConfig.ready()`; a persona's `tools` name what it may use, as `dataset:<id>`.
What is found comes into the prompt like a passage, with a number to cite.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from personas.context import Language
from tenants.errors import PlatformError

# A visitor waits for the first word meanwhile; what takes longer is left out.
LOOK_UP_S = 10.0


@dataclass(frozen=True, slots=True)
class OnBehalf:
    """Who is asking, with rights in the tenant: a member, or a server by its key. Visitors have none."""

    member_id: UUID | None = None
    key_id: UUID | None = None

    def as_dict(self) -> dict[str, str]:
        return {name: str(value) for name in ("member_id", "key_id") if (value := getattr(self, name))}

    @classmethod
    def of(cls, stored: Mapping[str, str] | None) -> "OnBehalf | None":
        return cls(**{name: UUID(value) for name, value in stored.items()}) if stored else None


@dataclass(frozen=True, slots=True)
class LookedUp:
    """One thing that was found, as a search result. `answer` says it in a sentence, for whoever only quotes."""

    chunk_id: UUID
    document_id: UUID
    title: str
    text: str
    answer: str
    url: str = ""
    heading: str = ""
    score: float = 1.0
    similarity: float | None = None
    page: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    """What is looked up, and for whom. A follow-up comes with the questions that it leans on, one a line."""

    tenant_id: UUID
    question: str
    language: Language
    on_behalf: OnBehalf


class Lookup(Protocol):
    def known(self, tenant_id: UUID, ids: Sequence[str]) -> set[str]:
        """Those of the ids that are the tenant's. In its scope."""

    def offered(self, tenant_id: UUID) -> list[tuple[str, str]]:
        """(id, name) of all that the tenant has to choose from, by name. In its scope."""

    async def look_up(self, ids: Sequence[str], asking: Asking) -> Sequence[LookedUp]:
        """What answers the question, best first; nothing where it is not about them. May be cancelled."""


_lookups: dict[str, Lookup] = {}


def register_lookup(kind: str, lookup: Lookup) -> None:
    _lookups[kind] = lookup


def known_tools(tenant_id: UUID, tools: Sequence[str]) -> set[str]:
    """Those that there are. In the tenant's scope."""
    known = set[str]()
    for kind, ids in _by_kind(tools).items():
        known |= {f"{kind}:{each}" for each in _lookups[kind].known(tenant_id, ids)}
    return known


def offered_tools(tenant_id: UUID) -> list[tuple[str, str]]:
    """(tool, name) of all that a persona may be given. In the tenant's scope."""
    return [(f"{kind}:{each}", name) for kind, lookup in _lookups.items() for each, name in lookup.offered(tenant_id)]


async def look_up(tools: Sequence[str], asking: Asking | None) -> tuple[list[LookedUp], list[dict[str, Any]]]:
    """What was found, and what the trace says of each kind: found, nothing, late, failed, or not_allowed."""
    asked = [_look_up(kind, ids, asking) for kind, ids in _by_kind(tools).items()]
    looked = await asyncio.gather(*asked)
    return [each for found, _ in looked for each in found], [told for _, told in looked]


async def _look_up(kind: str, ids: list[str], asking: Asking | None) -> tuple[Sequence[LookedUp], dict[str, Any]]:
    began, found, error = time.monotonic(), list[LookedUp](), ""
    outcome = "not_allowed"
    if asking is not None:
        try:
            async with asyncio.timeout(LOOK_UP_S):
                found = list(await _lookups[kind].look_up(ids, asking))
            outcome = "found" if found else "nothing"
        except TimeoutError:
            outcome = "late"
        except PlatformError as failure:
            outcome, error = "failed", failure.code
    told = {"tool": kind, "outcome": outcome, "took_ms": round((time.monotonic() - began) * 1000)}
    return found, told | ({"error": error} if error else {})


def _by_kind(tools: Sequence[str]) -> dict[str, list[str]]:
    ids: dict[str, list[str]] = defaultdict(list)
    for tool in tools:
        kind, separator, name = tool.partition(":")
        if separator and kind in _lookups:
            ids[kind].append(name)
    return ids
