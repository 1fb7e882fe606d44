from typing import Any

from celery.signals import worker_process_init
from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LlmConfig(AppConfig):
    name = "llm"
    verbose_name = _("Models")

    def ready(self) -> None:
        from llm import (
            checks,  # noqa: F401 - registers them
            sweeping,  # noqa: F401 - registers its tick with the clock
        )

        worker_process_init.connect(load_embeddings, dispatch_uid="llm.load_embeddings")


def load_embeddings(**_: Any) -> None:
    """In each child of a worker, after the fork; the engine's threads would not survive it."""
    from llm.embedding import bundled

    bundled()
