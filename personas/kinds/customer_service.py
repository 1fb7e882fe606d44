from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from personas import sections
from personas.calling import person_tools
from personas.context import TurnContext
from personas.kinds import PersonaKind
from personas.prompt import Section
from personas.schema import PersonaSettings


class CustomerServiceSettings(PersonaSettings):
    follow_ups: bool = Field(
        default=True,
        title=gettext_noop("Suggest what to ask next"),
        description=gettext_noop("Up to three questions below an answer that the documents can answer, too."),
    )


class CustomerService(PersonaKind):
    """Answers from the tenant's documents, cites them, and says when they hold no answer."""

    name = "customer_service"
    title = _("Customer service")
    description = _("Answers questions from your documents and cites them; offers a person when they hold no answer.")
    settings_model = CustomerServiceSettings
    answers_from_documents = True

    def sections(self, context: TurnContext) -> Sequence[Section]:
        return [
            sections.rules(context),
            sections.grounding(context),
            sections.calling(context),
            sections.persona(context),
            sections.voice(context),
            sections.examples(context, budget_tokens=1000),
            sections.knowledge(context),
            *sections.dialogue(context),
        ]

    def tools(self, context: TurnContext) -> Sequence[Mapping[str, Any]]:
        return person_tools(context)

    def suggests(self, settings: PersonaSettings) -> bool:
        return isinstance(settings, CustomerServiceSettings) and settings.follow_ups
