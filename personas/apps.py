from uuid import UUID

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PersonasConfig(AppConfig):
    name = "personas"
    verbose_name = _("Personas")

    def ready(self) -> None:
        from personas.kinds import register
        from personas.kinds.companion import Companion
        from personas.kinds.customer_service import CustomerService
        from personas.kinds.npc import Npc
        from tenants.naming import register_names

        for kind in (CustomerService(), Companion(), Npc()):
            register(kind)
        register_names("persona", names_of_personas)


def names_of_personas() -> dict[UUID, str]:
    """What the current tenant's personas are called, by id."""
    from personas.models import Persona

    return dict(Persona.objects.values_list("pk", "name"))
