"""Something happens in the game, and those who are there perceive it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from npc.knowledge.gossip import note_time
from npc.knowledge.remembering import remember_entry
from npc.sessions.entries import Happened, Placed
from npc.sessions.writing import Writer
from npc.worlds.plain import check_plain
from npc.worlds.problems import Problem, path_of, refuse


def record_event(
    writer: Writer,
    *,
    type: str,
    text: str = "",
    data: Mapping[str, Any] | None = None,
    scene: str | None = None,
    witnesses: Sequence[str] | None = None,
    moves: Mapping[str, str | None] | None = None,
    game_time: float | None = None,
) -> UUID:
    """Note an event. Without `witnesses` it is perceived by all who are in its scene, which is the player's.

    `moves` says who is where from now on; who leaves or enters the event's scene by it perceives it too. Raises
    Invalid for ids that the world does not know.
    """
    refuse(_problems(writer, scene, witnesses or (), moves or {}, data or {}))
    where = scene if scene is not None else writer.play.scenes.get(writer.play.player.id)
    time_before, before = writer.play.game_time, writer.play.present_in(where)
    if moves:
        place(writer, moves, game_time=game_time)
    perceived = sorted({*before, *writer.play.present_in(where)}) if witnesses is None else sorted(set(witnesses))
    event = Happened(type=type, text=text, data=dict(data or {}), scene=where, witnesses=perceived)
    event_id = uuid7()
    remember_entry(writer, writer.add(event, subject=event_id, game_time=game_time))
    note_time(writer, time_before)
    return event_id


def place(writer: Writer, scenes: Mapping[str, str | None], *, game_time: float | None = None) -> None:
    """Note who is where from now on, if that is news. The ids have been checked."""
    news = {who: where for who, where in scenes.items() if writer.play.scenes.get(who) != where}
    if news:
        writer.add(Placed(scenes=news), game_time=game_time)


def _problems(
    writer: Writer,
    scene: str | None,
    witnesses: Sequence[str],
    moves: Mapping[str, str | None],
    data: Mapping[str, Any],
) -> Iterator[Problem]:
    beings = {*writer.world.characters, writer.play.player.id}
    scenes = {None, *writer.world.scenes}
    unknown = _("There is no «%(id)s».")
    if scene not in scenes:
        yield Problem("scene", unknown % {"id": scene})
    for number, who in enumerate(witnesses):
        if who not in beings:
            yield Problem(path_of("witnesses", number), unknown % {"id": who})
    for who, where in moves.items():
        if who not in beings:
            yield Problem(path_of("moves", who), unknown % {"id": who})
        elif where not in scenes:
            yield Problem(path_of("moves", who), unknown % {"id": where})
    yield from check_plain(data, "data")
