"""A session as one file, to carry it to another installation, to a colleague, or into a bug report.

The file holds the world as it was played, the log of the live branch with what lies before it, and what the
characters keep. The play is in it only to be compared: what counts is what the log makes of it.
"""

from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from npc.knowledge.remembering import sights_of
from npc.models import GameSession, LogEntry
from npc.sessions.entries import KINDS, Data, Opened, StatePatched, TurnClosed, TurnOpened, read_entry
from npc.sessions.opening import SEED_BITS, begin
from npc.sessions.patching import checked_patch
from npc.sessions.play import stored
from npc.sessions.writing import Reading, Writer, reading
from npc.worlds.compiled import CompiledWorld, world_of
from npc.worlds.plain import check_plain, same
from npc.worlds.problems import Problem, path_of, refuse, refused
from npc.worlds.putting import keep_version
from personas.memories import remember
from personas.models import Memory
from personas.schema import sentence

FORMAT: Literal["troupe.session.1"] = "troupe.session.1"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Part = TypeVar("Part", bound=_Part)


class CarriedWorld(_Part):
    document: dict[str, Any]
    personas: dict[str, dict[str, Any]] = {}


class CarriedEntry(_Part):
    seq: Annotated[int, Field(ge=1)]
    kind: Literal[tuple(KINDS)]  # type: ignore[valid-type]
    subject: UUID | None = None
    data: dict[str, Any]
    game_time: Annotated[float, Field(allow_inf_nan=False)] | None = None
    at: AwareDatetime


class CarriedMemory(_Part):
    seq: Annotated[int, Field(ge=1)]
    holder: str
    kind: Literal[tuple(Memory.Kind.values)]  # type: ignore[valid-type]
    text: Annotated[str, Field(max_length=20_000)]
    importance: Annotated[float, Field(ge=0, le=1)]
    game_time: Annotated[float, Field(allow_inf_nan=False)]
    source: dict[str, Any]


class Carried(_Part):
    """The whole file."""

    format: Literal["troupe.session.1"]
    world: CarriedWorld
    seed: Annotated[int, Field(ge=0, lt=2**SEED_BITS)]
    entries: Annotated[list[CarriedEntry], Field(min_length=1)]
    memories: list[CarriedMemory]
    play: dict[str, Any]


def export_session(tenant_id: UUID, session_id: UUID) -> dict[str, Any]:
    """The file, as JSON. Inside the tenant's scope. Raises SessionNotFound."""
    at = reading(tenant_id, session_id)
    version = at.session.version
    memories = Memory.objects.for_tenant(tenant_id).in_sight(sights_of(at.branch)).order_by("seq", "holder", "kind")
    carried = Carried(
        format=FORMAT,
        world=CarriedWorld(document=version.document, personas=version.personas),
        seed=at.session.seed,
        entries=[_fields(CarriedEntry, entry) for entry in LogEntry.objects.on(at.branch)],
        memories=[_fields(CarriedMemory, memory) for memory in memories],
        play=stored(at.play),
    )
    return carried.model_dump(mode="json")


@transaction.atomic
def import_session(*, tenant_id: UUID, raw: Any, by: str = "") -> Reading:
    """A new session that stands where the file's one stood, with its log and what its characters keep.

    Raises Invalid, naming paths, for a file that is wrong in any way; nothing is stored then.
    """
    carried = _read(raw)
    world, version = keep_version(
        tenant_id=tenant_id, raw=carried.world.document, personas=carried.world.personas, by=by
    )
    compiled = world_of(version.pk)
    data = [_data(compiled, entry, path_of("entries", number)) for number, entry in enumerate(carried.entries)]
    opened = data[0]
    if not isinstance(opened, Opened) or [entry.seq for entry in carried.entries] != list(range(1, len(data) + 1)):
        raise refused([Problem("entries", _("A log begins with «opened» and counts without gaps."))])
    writer = begin(GameSession(world=world, version=version, seed=carried.seed), compiled, opened)
    for number, (entry, what) in enumerate(zip(carried.entries, data, strict=True)):
        if isinstance(what, StatePatched):
            checked_patch(compiled, writer.play.state, what.patch)
        if entry.subject and writer.find(type(what), entry.subject):
            raise refused([Problem(path_of("entries", number), _("This stands twice."))])
        writer.add(what, subject=entry.subject, game_time=entry.game_time).at = entry.at
    writer.store()
    if not same(stored(writer.play), carried.play):
        raise refused([Problem("play", _("This is not what the log makes of it."))])
    for memory in carried.memories:
        _keep(writer, memory)
    return Reading(writer.session, writer.branch, compiled, writer.play)


def _read(raw: Any) -> Carried:
    refuse(check_plain(raw))
    try:
        return Carried.model_validate(raw)
    except ValidationError as failure:
        errors = failure.errors(include_url=False)
        raise refused(Problem(path_of(*error["loc"]), sentence(error)) for error in errors) from None


def _data(world: CompiledWorld, entry: CarriedEntry, path: str) -> Data:
    """What an entry says, if the world knows whom and what it names. Raises Invalid."""
    try:
        data: Data = read_entry(entry.kind, entry.data)
    except ValidationError as failure:
        errors = failure.errors(include_url=False)
        raise refused(Problem(path_of(path, "data", *error["loc"]), sentence(error)) for error in errors) from None
    known = True
    match data:
        case TurnOpened():
            known = data.character in world.characters
        case TurnClosed():
            known = data.character in world.characters and all(one.name in world.actions for one in data.actions)
    if not known:
        raise refused([Problem(path_of(path, "data"), _("This names what the world does not have."))])
    return data


def _keep(writer: Writer, memory: CarriedMemory) -> None:
    if memory.holder not in writer.world.characters or memory.seq > writer.branch.head_seq:
        raise refused([Problem("memories", _("This names what the world does not have."))])
    remember(
        tenant_id=writer.session.tenant_id,
        store=writer.branch.pk,
        holders={memory.holder: memory.kind},
        **memory.model_dump(exclude={"holder", "kind"}),
    )


def _fields(kind: type[Part], row: Any) -> Part:
    return kind.model_validate({name: getattr(row, name) for name in kind.model_fields})
