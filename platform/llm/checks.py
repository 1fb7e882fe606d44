"""Settings of models that cannot work together, said at the start and not at the first question."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register
def check_platform_route(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    environment = settings.ENVIRONMENT
    models = [name for name in ("chat_model", "embedding_model") if getattr(environment, name)]
    if environment.openai_base_url and not models:
        return [
            Error(
                "OPENAI_BASE_URL is set, but no model is named.",
                hint="Set TROUPE_CHAT_MODEL to a model of that endpoint, or unset OPENAI_BASE_URL.",
                id="llm.E001",
            )
        ]
    if models and not (environment.openai_base_url or environment.openai_api_key):
        return [
            Error(
                f"TROUPE_{models[0].upper()} is set, but no endpoint.",
                hint="Set OPENAI_BASE_URL, or OPENAI_API_KEY for OpenAI itself, or unset the model.",
                id="llm.E002",
            )
        ]
    if environment.openai_api_key and not models:
        # Not an error: many developers have a key in their shell for other things.
        return [
            Warning(
                "OPENAI_API_KEY is set but no model is named, so the key is not used.",
                hint="Set TROUPE_CHAT_MODEL to connect it.",
                id="llm.W001",
            )
        ]
    return []
