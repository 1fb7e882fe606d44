from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from personas import sections
from personas.context import TurnContext
from personas.kinds import PersonaKind
from personas.prompt import Section
from personas.schema import PersonaSettings


class CustomerService(PersonaKind):
    """Answers from the tenant's documents, cites them, and says when they hold no answer."""

    name = "customer_service"
    title = _("Customer service")
    description = _("Answers questions from your documents and cites them; offers a person when they hold no answer.")
    settings_model = PersonaSettings

    def sections(self, context: TurnContext) -> Sequence[Section]:
        return [
            sections.rules(context),
            sections.grounding(context),
            sections.persona(context),
            sections.voice(context),
            sections.examples(context, budget_tokens=1000),
            sections.knowledge(context),
            *sections.dialogue(context),
        ]
