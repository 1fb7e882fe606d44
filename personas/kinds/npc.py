from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from personas.context import TurnContext
from personas.errors import KindNeedsWorld
from personas.kinds import PersonaKind
from personas.prompt import Section
from personas.schema import PersonaSettings


class Npc(PersonaKind):
    """A character of a game, written here and answering only inside a world."""

    name = "npc"
    title = _("Game character")
    description = _("Lives in a world that a game keeps; it answers only there.")
    settings_model = PersonaSettings
    needs_world = True

    def sections(self, context: TurnContext) -> Sequence[Section]:
        raise KindNeedsWorld
