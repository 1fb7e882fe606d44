"""An answer's text in pieces, each with what its sources say of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from chat.models import Message


@dataclass(frozen=True, slots=True)
class Piece:
    """`verdict` is supported, unsupported, or "" for what claims nothing."""

    text: str
    verdict: str = ""
    sources: tuple[int, ...] = ()


def highlighted(message: Message) -> list[Piece]:
    """The whole text in order; joined, the pieces are the text."""
    return list(_pieces(message))


def _pieces(message: Message) -> Iterator[Piece]:
    at = 0
    for claim in sorted(message.claims, key=lambda claim: claim["start"]):
        if claim["start"] > at:
            yield Piece(message.text[at : claim["start"]])
        verdict = "supported" if claim["supported"] else "unsupported"
        yield Piece(message.text[claim["start"] : claim["end"]], verdict, tuple(claim["sources"]))
        at = claim["end"]
    if at < len(message.text):
        yield Piece(message.text[at:])
