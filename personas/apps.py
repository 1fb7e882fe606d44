from django.apps import AppConfig


class PersonasConfig(AppConfig):
    name = "personas"

    def ready(self) -> None:
        from personas.kinds import register
        from personas.kinds.companion import Companion
        from personas.kinds.customer_service import CustomerService
        from personas.kinds.npc import Npc

        for kind in (CustomerService(), Companion(), Npc()):
            register(kind)
