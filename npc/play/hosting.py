"""What the village's game server does for a player: lets him in, lets him walk, answers proposals, keeps his saves.

Synchronous services, called inside the tenant's scope.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from npc.models import GameSession, LogEntry, Save
from npc.play import rules
from npc.sessions.access import access_session
from npc.sessions.changing import patch_state
from npc.sessions.happening import place, record_event
from npc.sessions.opening import load_save, open_session
from npc.sessions.play import Play, Player
from npc.sessions.saving import save_play
from npc.sessions.writing import Reading, Writer, reading, writing
from npc.turns.settling import Result, settle_action
from npc.worlds.access import access_world
from tenants.errors import Invalid, NotFound, RateLimited

PLAYER = "carrier"
WORLDS = {"en": "village-en", "zh": "village-zh"}
# Of all visitors together: opening one is all that needs no token. A person talks far slower than this.
SESSIONS_A_MINUTE, TURNS_A_MINUTE = 60, 40
A_MINUTE = timedelta(minutes=1)
# A story of the village is for an evening or a week. Old ones go when new ones come, some at a time.
KEPT_FOR = timedelta(days=30)
FORGOTTEN_AT_ONCE = 5
WAY_H = 0.25  # hours from one scene to the next


def let_in(tenant_id: UUID, language: str, name: str) -> Reading:
    """A new story. Raises RateLimited, Invalid, WorldNotFound."""
    if language not in WORLDS:
        raise Invalid.field("language", _("This must be one of: %(names)s.") % {"names": ", ".join(WORLDS)})
    _forget_old(tenant_id)
    newest = GameSession.objects.for_tenant(tenant_id).filter(opened_at__gt=timezone.now() - A_MINUTE)
    if newest.count() >= SESSIONS_A_MINUTE:
        raise RateLimited(headers={"Retry-After": "60"})
    world = access_world(tenant_id, WORLDS[language])
    return open_session(world=world, player=Player(id=PLAYER, name=name))


def _forget_old(tenant_id: UUID) -> None:
    plays = GameSession.objects.for_tenant(tenant_id).filter(world__slug__in=WORLDS.values(), player_id=PLAYER)
    old = plays.filter(opened_at__lt=timezone.now() - KEPT_FOR).order_by("opened_at").values("pk")[:FORGOTTEN_AT_ONCE]
    rows = GameSession.objects.for_tenant(tenant_id).filter(pk__in=old)
    rows._raw_delete(using=rows.db)  # the database takes along all that hangs on them


def at(tenant_id: UUID, session_id: UUID) -> Reading:
    """Where the player's story stands. Raises NotFound for a session that is no play of the village."""
    now = reading(tenant_id, session_id)
    if now.world.document.slug not in WORLDS.values() or now.play.player.id != PLAYER:
        raise NotFound
    return now


def expect_in_earshot(tenant_id: UUID, session_id: UUID, character: str) -> None:
    """Before a turn. Raises RateLimited, Invalid for somebody who is not where the player is, NotFound."""
    now = at(tenant_id, session_id)
    scenes = now.play.scenes
    if character not in now.world.characters or scenes.get(character) != scenes[PLAYER]:
        raise Invalid.field("character", _("There is nobody of this name here."))
    turns = LogEntry.objects.filter(branch=now.branch, kind="turn.opened", at__gt=timezone.now() - A_MINUTE)
    if turns.count() >= TURNS_A_MINUTE:
        raise RateLimited(headers={"Retry-After": "20"})


def settle(tenant_id: UUID, session_id: UUID, turn_id: str, *, refuse: bool) -> list[dict[str, Any]]:
    """Answer what a turn proposed by the village's rules, or with `refuse` by a no to everything."""
    access_session(tenant_id, session_id, locked=True)
    return [
        _settle_one(tenant_id, session_id, action_id, refuse=refuse)
        for action_id, action in at(tenant_id, session_id).play.proposed.items()
        if action.turn_id == turn_id
    ]


def _settle_one(tenant_id: UUID, session_id: UUID, action_id: str, *, refuse: bool) -> dict[str, Any]:
    now = at(tenant_id, session_id)
    action = now.play.proposed[action_id]
    with override(_language(now)):
        verdict = rules.judge(now.play.state, action.actor, action.name, action.arguments)
        if refuse:
            verdict = rules.Verdict(False, _("The designer has said no."))
        if verdict.patch.get("bell") == "answered":
            _tell_all(tenant_id, session_id, "bell_answered", _("The hill sings back, and the spring runs full."))
        result = Result(UUID(action_id), verdict.accepted, verdict.reason, verdict.patch or None)
        told = settle_action(tenant_id, session_id, result)
    answered = {"accepted": verdict.accepted, "reason": verdict.reason, "say": told.get("say")}
    return {"id": action_id, "actor": action.actor, "name": action.name, "arguments": action.arguments, **answered}


def _tell_all(tenant_id: UUID, session_id: UUID, kind: str, text: str) -> None:
    with writing(tenant_id, session_id) as writer:
        record_event(writer, type=kind, text=text, witnesses=[*writer.world.characters, PLAYER])


def walk(tenant_id: UUID, session_id: UUID, scene: str) -> None:
    """To another scene, with whoever goes along; a quarter of an hour passes. Raises Invalid."""
    with writing(tenant_id, session_id) as writer:
        if scene not in writer.world.scenes:
            raise Invalid.field("scene", _("There is no «%(id)s».") % {"id": scene})
        who = [PLAYER, *writer.play.state["following"]]
        place(writer, dict.fromkeys(who, scene), game_time=writer.play.game_time + WAY_H)
        _turn_the_day(writer)
        if writer.play.state["boat"] != "jetty":
            patch_state(writer, {"boat": "jetty"})


def rest(tenant_id: UUID, session_id: UUID) -> None:
    """Until dusk, or until morning. Who does not go along is at home then."""
    with writing(tenant_id, session_id) as writer, override(_language(writer)):
        later = rules.next_turn_of_day(writer.play.game_time)
        falls = rules.is_night(later)
        text = _("The carrier rests until night falls.") if falls else _("A new morning comes.")
        homes = {one.id: one.scene for one in writer.world.document.characters}
        moves = {who: home for who, home in homes.items() if who not in writer.play.state["following"]}
        record_event(writer, type="nightfall" if falls else "daybreak", text=text, moves=moves, game_time=later)
        _turn_the_day(writer)


def tell(tenant_id: UUID, session_id: UUID, kind: str) -> None:
    """An event of those that move hearts in this world, seen by all who are there. Raises Invalid."""
    with writing(tenant_id, session_id) as writer:
        if kind not in event_kinds(writer):
            raise Invalid.field("type", _("There is no «%(id)s».") % {"id": kind})
        record_event(writer, type=kind)


def event_kinds(now: Reading | Writer) -> list[str]:
    """What the world's authors have given a meaning."""
    return sorted({one.event for one in now.world.document.reactions if one.event} - {"bell_answered"})


def _turn_the_day(writer: Writer) -> None:
    if (night := rules.is_night(writer.play.game_time)) != writer.play.state["night"]:
        patch_state(writer, {"night": night})


def keep(tenant_id: UUID, session_id: UUID) -> Save:
    at(tenant_id, session_id)
    return save_play(tenant_id=tenant_id, session_id=session_id)


def saves(tenant_id: UUID, session_id: UUID) -> list[dict[str, Any]]:
    """The newest saves, each with enough of the play to tell it from the others."""
    at(tenant_id, session_id)
    kept = Save.objects.for_tenant(tenant_id).filter(session_id=session_id).order_by("-id")[:20]
    return [{**_place(Play.model_validate(one.play)), **_card(one)} for one in kept]


def _card(save: Save) -> dict[str, Any]:
    return {"id": save.pk, "seq": save.seq, "bytes": save.size_bytes, "saved_at": save.saved_at}


def _place(play: Play) -> dict[str, Any]:
    return {"stage": play.state["stage"], "scene": play.scenes[PLAYER], "game_time": play.game_time}


def load(tenant_id: UUID, session_id: UUID, save_id: UUID) -> None:
    """Go on from a save of this story. Raises NotFound, Invalid."""
    now = at(tenant_id, session_id)
    if not Save.objects.for_tenant(tenant_id).filter(pk=save_id, session_id=session_id).exists():
        raise NotFound
    load_save(tenant_id=tenant_id, save_id=save_id, world=now.session.world, player=now.play.player)


def rewind(tenant_id: UUID, session_id: UUID, seq: int) -> None:
    """Go on from behind an entry of the log. Raises Invalid."""
    save = save_play(tenant_id=tenant_id, session_id=session_id, seq=seq)
    load(tenant_id, session_id, save.pk)
    save.delete()


def _language(now: Reading | Writer) -> str:
    """Django's name for the world's language: what the game says in a story is part of the story."""
    return "zh-hans" if now.world.document.language == "zh" else "en"
