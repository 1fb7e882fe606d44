"""What was said and done lately, as one character perceived it: the history of its prompt. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npc.sessions.entries import ActionOutcome, Data, Happened, ProposedAction, TurnClosed, TurnOpened
from personas.context import Said


@dataclass(frozen=True, slots=True)
class Recounted:
    """`seqs` are the entries of the log that it is told from."""

    said: tuple[Said, ...]
    seqs: tuple[int, ...]
    own_lines: tuple[str, ...]  # the character's, oldest first


def recount(entries: Iterable[tuple[int, Data]], character: str | None, names: Mapping[str, str]) -> Recounted:
    """Tell from entries in their order what the character said, heard and saw.

    An action is told once the game has accepted it; one that was only proposed, or rejected, did not happen.
    """
    told: list[tuple[int, Said]] = []
    turns: dict[str, TurnOpened] = {}
    actions: dict[str, tuple[TurnClosed, ProposedAction]] = {}
    own = []
    for seq, data in entries:
        match data:
            case TurnOpened():
                turns[data.turn_id] = data
            case TurnClosed():
                for one in data.actions:
                    actions[one.id] = (data, one)
                told += [(seq, said) for said in _exchange(turns.get(data.turn_id), data, character, names)]
                own += [data.say] if data.character == character and data.say else []
            case Happened() if character in data.witnesses:
                told.append((seq, Said("user", f"[{data.text or data.type}]")))
            case ActionOutcome(outcome="accepted") if data.action_id in actions:
                closed, done = actions[data.action_id]
                if _perceived(turns.get(closed.turn_id), closed, character):
                    told.append(
                        (seq, Said("user", f"[{_name(closed.character, names)}: {_deed(done.name, done.arguments)}]"))
                    )
    return Recounted(
        said=tuple(said for _, said in told),
        seqs=tuple(dict.fromkeys(seq for seq, _ in told)),
        own_lines=tuple(own),
    )


def line(who: str, text: str, names: Mapping[str, str]) -> str:
    return f"{_name(who, names)}: {text}"


def _exchange(
    opened: TurnOpened | None, closed: TurnClosed, character: str | None, names: Mapping[str, str]
) -> Sequence[Said]:
    if opened is None or not _perceived(opened, closed, character):
        return []
    said = []
    if opened.text:
        is_own = opened.speaker == character
        said.append(Said("bot", opened.text) if is_own else Said("user", line(opened.speaker, opened.text, names)))
    if closed.say:
        is_own = closed.character == character
        said.append(Said("bot", closed.say) if is_own else Said("user", line(closed.character, closed.say, names)))
    return said


def _perceived(opened: TurnOpened | None, closed: TurnClosed, character: str | None) -> bool:
    return closed.character == character or (
        opened is not None and (opened.speaker == character or character in opened.present)
    )


def _deed(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in arguments.items())})"


def _name(who: str, names: Mapping[str, str]) -> str:
    return names.get(who, who)
