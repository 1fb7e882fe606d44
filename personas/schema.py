"""What a persona's settings may hold: one pydantic model for validation, JSON Schema and admin forms.

Titles and descriptions are marked for translation here and translated when the schema is shown.
"""

import re
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from llm.text import scrub
from llm.tokens import CHARACTERS_PER_TOKEN, count_tokens
from tenants.errors import Invalid

# What is required in every prompt must leave room for the question in 8,000 tokens, so it is short by rule
# rather than cut in silence: this, and the limits of refusal, topics to avoid and notes below.
INSTRUCTIONS_MAX_TOKENS = 3000
VOICE_MAX_TOKENS = 500


def _storable(text: str) -> str:
    if scrub(text) != text:
        raise PydanticCustomError("not_storable", "NUL or lone surrogates")
    return text


# What PostgreSQL and UTF-8 can hold. Stands after limits of length, which pydantic then checks as a text's.
Storable = AfterValidator(_storable)
Line = Annotated[str, Field(max_length=200), Storable]


def _within(limit: int) -> AfterValidator:
    def check(text: str) -> str:
        if (tokens := count_tokens(text)) > limit:
            raise PydanticCustomError("too_many_tokens", "{tokens} tokens", {"limit": limit, "tokens": tokens})
        return text

    return AfterValidator(check)


def prompt_text(limit: int) -> Any:
    return Annotated[str, Field(max_length=int(limit * CHARACTERS_PER_TOKEN)), Storable, _within(limit)]


# Null means "do not send it": some models refuse the parameter. One schema with two types reads better in a
# form than pydantic's anyOf.
Temperature = Annotated[
    Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None,
    WithJsonSchema({"type": ["number", "null"], "minimum": 0, "maximum": 2}),
]


class Settings(BaseModel):
    """Nothing unknown, nothing converted: "0.5" is not a number, and a typing error is not a setting."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Example(Settings):
    user: Annotated[str, Field(min_length=1, max_length=1000), Storable] = Field(title=_("Somebody says"))
    say: Annotated[str, Field(min_length=1, max_length=2000), Storable] = Field(title=_("The persona says"))


class Memory(Settings):
    history_messages: int = Field(
        default=40,
        ge=0,
        le=200,
        title=_("Messages remembered"),
        description=_("How many earlier messages of the conversation the model is shown, as far as they fit."),
    )


class Safety(Settings):
    avoid: list[Annotated[str, Field(max_length=40), Storable]] = Field(
        default=[],
        max_length=10,
        title=_("Topics to avoid"),
        description=_("The persona declines to talk about these."),
    )


# "09:00-12:00, 13:00-18:00"; an end before its beginning is on the next day, and 24:00 the day's end.
_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)")


def _spans(text: str) -> str:
    spans = [span.strip() for span in text.replace("，", ",").replace("–", "-").split(",") if span.strip()]
    if not all(_HOURS.fullmatch(span) for span in spans) or any(span[:5] == span[6:] for span in spans):
        raise PydanticCustomError("hours", "hours")
    return ", ".join(spans)


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise PydanticCustomError("time_zone", "time zone") from None


DayHours = Annotated[str, Field(max_length=100), AfterValidator(_spans)]


class Weekdays(Settings):
    monday: DayHours = Field(default="", title=_("Monday"), description=_("Such as 09:00-12:00, 13:00-18:00."))
    tuesday: DayHours = Field(default="", title=_("Tuesday"))
    wednesday: DayHours = Field(default="", title=_("Wednesday"))
    thursday: DayHours = Field(default="", title=_("Thursday"))
    friday: DayHours = Field(default="", title=_("Friday"))
    saturday: DayHours = Field(default="", title=_("Saturday"))
    sunday: DayHours = Field(default="", title=_("Sunday"))


class OfficeHours(Settings):
    """When people are there. With no hours on any day they always are."""

    timezone: Annotated[str, Field(max_length=60), AfterValidator(_zone)] = Field(
        default="UTC", title=_("Time zone"), description=_("Such as Asia/Shanghai or Europe/Berlin.")
    )
    weekdays: Weekdays = Field(default=Weekdays(), title=_("Office hours"))


class Handoff(Settings):
    enabled: bool = Field(
        default=True,
        title=_("Offer a person"),
        description=_("A person is offered when the persona cannot help."),
    )
    note: Annotated[str, Field(max_length=200), Storable] = Field(
        default="",
        title=_("How people are reached"),
        description=_("Hours or a telephone number, told when a person is offered."),
    )
    on_request: bool = Field(
        default=True,
        title=_("When asked for"),
        description=_("Visitors may ask for a person, by a button or in their own words."),
    )
    keywords: list[Annotated[str, Field(min_length=1, max_length=60), Storable]] = Field(
        default=[],
        max_length=50,
        title=_("When these words are said"),
        description=_("Such as refund, or complaint: a message that holds one of them calls a person."),
    )
    by_persona: bool = Field(
        default=False,
        title=_("When the persona decides so"),
        description=_("The model is told how it may call a person, and when."),
    )
    by_tool: bool = Field(
        default=False,
        title=_("It calls by a tool"),
        description=_(
            "Only where the endpoint takes tools. Else it calls by a mark in its answer, which always works."
        ),
    )
    on_low_confidence: int = Field(
        default=0,
        ge=0,
        le=10,
        title=_("After so many answers that were not found"),
        description=_("One after the other, from the documents. 0: never."),
    )
    on_negative_sentiment: bool = Field(
        default=False,
        title=_("When somebody is upset"),
        description=_("Told by the words of a message, in Chinese and English."),
    )
    hours: OfficeHours = Field(default=OfficeHours(), title=_("Office hours"))
    outside_hours: Literal["form", "queue"] = Field(
        default="form",
        title=_("Outside of these hours"),
        description=_("Offer a form to leave a message, or let visitors wait until somebody comes."),
    )
    bot_while_waiting: bool = Field(
        default=True,
        title=_("The bot goes on while somebody waits"),
        description=_("Else it keeps silent from the moment a person was asked for."),
    )
    max_wait_s: int = Field(
        default=300,
        ge=0,
        le=86_400,
        title=_("Longest wait"),
        description=_("In seconds. After it the form is offered. 0: no end."),
    )
    ask_satisfaction: bool = Field(
        default=True,
        title=_("Ask how it was"),
        description=_("Once a person has finished, visitors may give one to five stars and a comment."),
    )


# Names of fonts and nothing else: it goes into a style.
FONT_PATTERN = r"^[\w \-\"',]*$"


class Widget(Settings):
    """How the chat looks in the corner of somebody's own site. What a page says in its script tag comes before it."""

    accent: Annotated[str, Field(pattern=r"^(#[0-9a-fA-F]{6})?$")] = Field(
        default="", title=_("Colour"), description=_("Such as #0d6656. Texts in it are kept readable by themselves.")
    )
    theme: Literal["auto", "light", "dark"] = Field(
        default="auto", title=_("Light or dark"), description=_("Automatic: as the visitor's device is set.")
    )
    position: Literal["right", "left"] = Field(default="right", title=_("Corner"))
    offset_x: int = Field(default=20, ge=0, le=200, title=_("Distance from the side"), description=_("In pixels."))
    offset_y: int = Field(default=20, ge=0, le=200, title=_("Distance from below"), description=_("In pixels."))
    radius: int = Field(default=16, ge=0, le=32, title=_("Roundness of corners"), description=_("In pixels."))
    font: Annotated[str, Field(max_length=200, pattern=FONT_PATTERN), Storable] = Field(
        default="",
        title=_("Font"),
        description=_("Names as in a stylesheet; inherit takes the page's own. Empty: the visitor's system's."),
    )
    greeting: Annotated[str, Field(max_length=200), Storable] = Field(
        default="", title=_("Words beside the button"), description=_("Shown until the chat is opened. Empty: none.")
    )


class PersonaSettings(Settings):
    """What every kind of persona has. A kind inherits, and changes defaults or adds what is its own."""

    instructions: prompt_text(INSTRUCTIONS_MAX_TOKENS) = Field(  # type: ignore[valid-type]
        default="",
        title=_("Instructions"),
        description=_("Who the persona is and what it does. {{name}} is replaced by the variable of that name."),
    )
    voice: prompt_text(VOICE_MAX_TOKENS) = Field(  # type: ignore[valid-type]
        default="", title=_("Voice"), description=_("How the persona speaks.")
    )
    greeting: Annotated[str, Field(max_length=2000), Storable] = Field(
        default="", title=_("Greeting"), description=_("Shown before the first message.")
    )
    suggestions: list[Line] = Field(
        default=[], max_length=12, title=_("Suggestions"), description=_("First questions to choose from.")
    )
    examples: list[Example] = Field(
        default=[],
        max_length=300,
        title=_("Examples"),
        description=_("Short exchanges that show how the persona answers. Without a model, these are what it says."),
    )
    refusal: Annotated[str, Field(max_length=300), Storable] = Field(
        default="", title=_("When it does not know"), description=_("Said when the documents hold no answer.")
    )
    language: Literal["", "zh", "en"] = Field(
        default="", title=_("Language"), description=_("Empty: the language of the message.")
    )
    knowledge_bases: list[Line] = Field(
        default=[],
        max_length=20,
        title=_("Knowledge bases"),
        description=_("What the persona answers from, by slug or id."),
    )
    lorebooks: list[Line] = Field(
        default=[],
        max_length=20,
        title=_("Lorebooks"),
        description=_("Background it draws on, by slug or id."),
    )
    tools: list[Line] = Field(
        default=[], max_length=20, title=_("Tools"), description=_("What the persona may use, by name.")
    )
    model: Line = Field(
        default="",
        title=_("Model"),
        description=_("The name sent to the endpoint. Empty: the route's own model."),
    )
    route: Line = Field(
        default="",
        title=_("Route"),
        description=_("Which of the routes to models is used. Empty: the default one."),
    )
    fallback_routes: list[Line] = Field(
        default=[],
        max_length=5,
        title=_("Fallback routes"),
        description=_(
            "Asked in this order, by slug, while the route before does not answer. «reader»: the documents alone. "
            "Empty: those of the route."
        ),
    )
    temperature: Temperature = Field(
        default=None,
        title=_("Temperature"),
        description=_("0 always says the likeliest, 2 is wild. Empty: the model's own."),
    )
    max_output_tokens: int = Field(
        default=1024, ge=1, le=32_000, title=_("Longest answer"), description=_("In tokens.")
    )
    memory: Memory = Field(default=Memory(), title=_("Memory"))
    safety: Safety = Field(default=Safety(), title=_("Safety"))
    handoff: Handoff = Field(default=Handoff(), title=_("Hand-over to a person"))
    widget: Widget = Field(default=Widget(), title=_("On your site"))


AnySettings = TypeVar("AnySettings", bound=PersonaSettings)


def read_settings(model: type[AnySettings], values: Any) -> AnySettings:
    """Check settings that came from outside. Raises Invalid that names every field that is wrong."""
    try:
        return model.model_validate(values)
    except ValidationError as failure:
        errors = [{"field": _path(error), "detail": sentence(error)} for error in failure.errors(include_url=False)]
        raise Invalid(errors=errors) from None


def load_settings(model: type[AnySettings], stored: Any) -> AnySettings:
    """Settings that were checked when they were stored. One that has been given up since is passed over."""
    return model.model_validate(stored, extra="ignore")


def settings_schema(model: type[PersonaSettings]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a kind's settings, its texts in the language of the request."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
    return {keyword: _translated(keyword, value) for keyword, value in schema.items()}


def _translated(keyword: str, value: Any) -> Any:
    match value:
        case dict():
            return {inner: _translated(inner, part) for inner, part in value.items()}
        case str() if keyword in ("title", "description"):
            return gettext(value)
    return value


_SENTENCES = {
    "extra_forbidden": _("There is no such setting."),
    "missing": _("This field is required."),
    "string_type": _("This must be text."),
    "string_unicode": _("This holds characters that are not valid text."),
    "string_pattern_mismatch": _("This does not have the form that is asked for."),
    "string_too_short": _("This must not be empty."),
    "string_too_long": _("At most {max_length} characters."),
    "int_type": _("This must be a whole number."),
    "float_type": _("This must be a number."),
    "finite_number": _("This must be a number."),
    "bool_type": _("This must be true or false."),
    "list_type": _("This must be a list."),
    "model_type": _("This must be an object."),
    "dict_type": _("This must be an object."),
    "too_long": _("At most {max_length} entries."),
    "greater_than_equal": _("This must be at least {ge}."),
    "less_than_equal": _("This must be at most {le}."),
    "literal_error": _("This must be one of {expected}."),
    "hours": _("Hours such as 09:00-12:00, 13:00-18:00 are needed, or nothing."),
    "time_zone": _("A time zone such as Asia/Shanghai is needed."),
    "not_storable": _("This holds NUL or broken characters."),
    "too_many_tokens": _("At most {limit} tokens (one per Chinese character or 3.5 other letters); this has {tokens}."),
}


def _path(error: ErrorDetails) -> str:
    return ".".join(["settings", *(str(step) for step in error["loc"])])


def sentence(error: ErrorDetails) -> str:
    """What is wrong in our own words, since pydantic's are English and written for programmers."""
    words = _SENTENCES.get(error["type"])
    return gettext(words).format(**error.get("ctx", {})) if words else error["msg"]
