from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Conversations")

    def ready(self) -> None:
        from chat import sweeping  # noqa: F401 - registers its tick with the clock
        from chat.erasing import forget_conversations_of
        from chat.handover import waiting  # noqa: F401 - as well
        from chat.recalling import history_of
        from chat.retention import jobs  # noqa: F401 - registers what can be done in the background
        from personas.forgetting import register_forget
        from personas.history import register_provider

        register_provider(history_of)
        register_forget(forget_conversations_of)
