"""A world as its authors write it: the shape of the document, checked piece by piece.

What needs more than one piece (ids that must exist, conditions, schemas) is checked by `npc.worlds.checking`.
"""

import base64
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from personas.schema import (
    INSTRUCTIONS_MAX_TOKENS,
    VOICE_MAX_TOKENS,
    Example,
    Line,
    Settings,
    Storable,
    prompt_text,
)

# Readable in a prompt, a path and a condition; in any script, since worlds are written in Chinese as well.
Id = Annotated[str, Field(pattern=r"^\w[\w.\-]*$", max_length=64), Storable]
Text = Annotated[str, Field(min_length=1, max_length=2000), Storable]
# Common Expression Language, compiled by `npc.worlds.conditions`.
Expression = Annotated[str, Field(min_length=1, max_length=2000), Storable]
# JSON Schema 2020-12, compiled by `npc.worlds.schemas`.
Schema = dict[str, Any]

EVERYONE = "*"
# What every world's characters can feel.
EMOTIONS = ("neutral", "happy", "sad", "angry", "afraid", "surprised", "disgusted")
# A prompt that offers hundreds of actions is answered badly, and a world of more facts is two worlds.
MAX_SCENES, MAX_CHARACTERS, MAX_FACTS, MAX_ACTIONS = 1_000, 500, 20_000, 200
# Of the secret that signs calls to the game's hooks.
MIN_SECRET = 16


def _as_number(value: Any) -> Any:
    """Whole numbers are numbers too, as JSON has it; true and false are not."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


Number = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False), BeforeValidator(_as_number)]
Affinity = dict[Id, Number]


class Scene(Settings):
    id: Id
    name: Line
    description: Annotated[str, Field(max_length=4000), Storable] = ""


class InlinePersona(Settings):
    """A character's persona written in the world itself, so that the world stands alone."""

    name: Line
    instructions: prompt_text(INSTRUCTIONS_MAX_TOKENS) = ""  # type: ignore[valid-type]
    voice: prompt_text(VOICE_MAX_TOKENS) = ""  # type: ignore[valid-type]
    examples: list[Example] = Field(default=[], max_length=300)


# The tags begin with "~", so that they can be taken out of the paths of errors.
Persona = Annotated[
    Annotated[Line, Tag("~slug")] | Annotated[InlinePersona, Tag("~inline")],
    Discriminator(lambda value: "~slug" if isinstance(value, str) else "~inline"),
]


class Goal(Settings):
    """What a character is after. Its state follows from the game's: nothing else moves it.

    `open` until `done_when` holds (then `done`) or `failed_when` does (then `failed`); `dormant` while `when` does
    not hold. A goal without conditions is always open.
    """

    id: Id
    description: Annotated[str, Field(max_length=1000), Storable] = ""
    when: Expression | None = None
    done_when: Expression | None = None
    failed_when: Expression | None = None


class Fallback(Settings):
    """A line that the character says when no model answers in time."""

    when: Expression | None = None
    text: Text


class Character(Settings):
    id: Id
    persona: Persona
    scene: Id | None = None  # where it is when a session begins; null: nowhere, until the game says
    tier: Id = "main"  # one of `World.tiers`, or a name that only the game knows
    goals: list[Annotated[Goal, BeforeValidator(lambda value: {"id": value} if isinstance(value, str) else value)]] = (
        Field(default=[], max_length=50)
    )
    chattiness: Annotated[Number, Field(ge=0, le=1)] = 0.5  # how readily it tells others what it keeps
    affinity: Affinity = Field(default={}, max_length=20)  # towards the player, when a session begins
    fallbacks: list[Fallback] = Field(default=[], max_length=200)


class Fact(Settings):
    id: Id
    text: Text
    known_by: list[Id | Literal["*"]] = Field(default=[], max_length=MAX_CHARACTERS + 1)
    when: Expression | None = None  # closed to everybody while it does not hold


class Action(Settings):
    name: Id
    description: Annotated[str, Field(max_length=2000), Storable] = ""
    parameters: Schema = {}
    when: Expression | None = None
    check: Expression | None = None
    candidates: dict[str, Expression] = Field(default={}, max_length=20)
    actors: list[Id] | None = Field(default=None, max_length=MAX_CHARACTERS)  # null: anybody
    timing: Literal["before_speech", "after_speech"] = "after_speech"
    ttl_s: Annotated[int, Field(ge=1, le=3600)] = 30  # how long the game may take to accept or reject
    # Said in character when the game rejects; "{reason}" is replaced by the game's reason.
    rejections: list[Text] = Field(default=[], max_length=20)


class Reaction(Settings):
    """How something that happens moves a character's affinity towards the player.

    An event moves those who perceived it, an accepted action its actor (`rejected`: a rejected one).
    """

    event: Id | None = None
    action: Id | None = None
    rejected: bool = False
    characters: list[Id] | None = Field(default=None, max_length=MAX_CHARACTERS)  # null: whomever it concerns
    when: Expression | None = None
    affinity: Affinity


class Tier(Settings):
    """What characters of one tier may cost."""

    model: Literal["full", "small", "none"] = "full"  # where the deadline ladder begins
    memories: Annotated[int, Field(ge=0, le=50)] = 12  # recalled into a prompt
    max_output_tokens: Annotated[int, Field(ge=16, le=4000)] = 400


Price = Annotated[Number, Field(ge=0)]


class Purse(Settings):
    """What the models may cost in one play, in the currency of the routes' prices. Null: no limit."""

    session: Price | None = None  # all turns together, on all branches: a save brings no money back
    scene: Price | None = None  # the turns in any one scene


def _callable(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_good = False
    if not is_good or parts.username or parts.password or parts.fragment:
        raise PydanticCustomError("not_callable", "an http:// or https:// address without user and fragment")
    return url


def _signable(secret: str) -> str:
    if len(secret) < MIN_SECRET:
        raise PydanticCustomError("secret_too_short", "at least {length} characters", {"length": MIN_SECRET})
    if secret.startswith("whsec_"):
        try:
            base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            raise PydanticCustomError("not_base64", "base64 must follow whsec_") from None
    return secret


Url = Annotated[str, Field(max_length=500), Storable, AfterValidator(_callable)]


class Remembering(Settings):
    """How time tells on what characters keep, in the game's own time."""

    day: Annotated[Number, Field(gt=0)] = 24.0  # of game time; what is told on is told on four times a day
    gossip: Annotated[Number, Field(ge=0, le=1)] = 1.0  # how readily characters tell on what they keep; 0: never
    # Days for which a memory of weight 0.5 lasts; each tenth of weight doubles it. Null: nothing is forgotten.
    lasts: Annotated[Number, Field(gt=0)] | None = None

    @property
    def lasting(self) -> float | None:
        """`lasts`, in game time."""
        return None if self.lasts is None else self.lasts * self.day


class Hooks(Settings):
    """Where a game that would rather be asked than push is asked. Calls are signed by `secret` (Standard Webhooks).

    They are no part of a version, and the secret is never shown; put without one, the former one stays.
    """

    state_url: Url | None = None
    action_url: Url | None = None
    secret: Annotated[str, Field(max_length=200), Storable, AfterValidator(_signable)] | None = None


class World(Settings):
    """The whole document."""

    slug: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=63)]
    name: Line
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)] = "en"
    state_schema: Schema = {}
    initial_state: dict[str, Any] = {}
    scenes: list[Scene] = Field(default=[], max_length=MAX_SCENES)
    characters: list[Character] = Field(default=[], max_length=MAX_CHARACTERS)
    facts: list[Fact] = Field(default=[], max_length=MAX_FACTS)
    actions: list[Action] = Field(default=[], max_length=MAX_ACTIONS)
    emotions: list[Id] = Field(default=[], max_length=50)  # besides EMOTIONS
    reactions: list[Reaction] = Field(default=[], max_length=500)
    memory: Remembering = Remembering()
    tiers: dict[Id, Tier] = Field(default={}, max_length=20)
    purse: Purse = Purse()
    # States at which the authors want their promises proved, by name: `manage.py npc_prove`.
    stages: dict[Id, dict[str, Any]] = Field(default={}, max_length=200)
    hooks: Hooks | None = None
