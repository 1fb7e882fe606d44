from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from django.utils.translation import gettext_lazy, gettext_noop
from pydantic import Field

from personas import sections, texts
from personas.calling import person_tools
from personas.context import TurnContext
from personas.kinds import PersonaKind
from personas.prompt import Section
from personas.schema import Handoff, Memory, PersonaSettings, Safety, Storable


class CompanionSafety(Safety):
    adults_only: bool = Field(
        default=False,
        title=gettext_noop("Adults only"),
        description=gettext_noop("You make sure that nobody under 18 gets here. Else everyone is treated as a minor."),
    )
    helplines: Annotated[str, Field(max_length=200), Storable] = Field(
        default="",
        title=gettext_noop("Helplines"),
        description=gettext_noop(
            "Where somebody in a crisis finds a person. Empty: well-known lines of several countries."
        ),
    )


class CompanionSettings(PersonaSettings):
    safety: CompanionSafety = Field(default=CompanionSafety(), title=gettext_noop("Safety"))
    memory: Memory = Field(default=Memory(history_messages=80), title=gettext_noop("Memory"))
    handoff: Handoff = Field(default=Handoff(enabled=False), title=gettext_noop("Hand-over to a person"))


class Companion(PersonaKind):
    """Keeps people company. Its safety section comes before its character, and no setting removes it."""

    name = "companion"
    title = gettext_lazy("Companion")
    description = gettext_lazy(
        "A character to talk with. Says that it is an AI, and sends people in a crisis to people."
    )
    settings_model = CompanionSettings

    def sections(self, context: TurnContext) -> Sequence[Section]:
        return [
            sections.rules(context),
            _safety(context),
            sections.grounding(context),
            sections.calling(context),
            sections.persona(context),
            sections.voice(context),
            sections.examples(context, budget_tokens=2000),
            sections.knowledge(context, budget_tokens=1500),
            *sections.dialogue(context),
        ]

    def tools(self, context: TurnContext) -> Sequence[Mapping[str, Any]]:
        return person_tools(context)


def _safety(context: TurnContext) -> Section:
    safety, language = context.settings.safety, context.language
    is_for_adults = isinstance(safety, CompanionSafety) and safety.adults_only
    helplines = safety.helplines if isinstance(safety, CompanionSafety) else ""
    audience = texts.AUDIENCE_ADULTS if is_for_adults else texts.AUDIENCE_EVERYONE
    return Section(
        name="safety",
        text=texts.COMPANION_SAFETY[language].format(
            helplines=helplines or texts.HELPLINES[language], audience=audience[language]
        ),
        priority=99,
        budget_tokens=900,
        why=gettext_noop("Safety of people who talk with a companion, always"),
        required=True,
    )
