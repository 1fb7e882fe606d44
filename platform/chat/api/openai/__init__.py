"""The OpenAI-compatible door: any client of theirs talks to a published persona as if it were a model."""

from chat.api.openai.catalogue import models_view
from chat.api.openai.completions import completions_view
from chat.api.openai.doors import error_object
from chat.api.openai.embeddings import embeddings_view

__all__ = ["completions_view", "embeddings_view", "error_object", "models_view"]
