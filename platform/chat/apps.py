from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        from chat import sweeping  # noqa: F401 - registers its tick with the clock
        from chat.recalling import history_of
        from personas.history import register_provider

        register_provider(history_of)
