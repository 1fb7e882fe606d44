import gc

from django.apps import AppConfig


class TroupeConfig(AppConfig):
    """Commands and checks of the whole, such as `migrate` on the owner's connection."""

    name = "config"
    label = "troupe"

    def ready(self) -> None:
        from config import celery  # noqa: F401 - so that web processes know the broker too

        # Most is imported by now, and stays: no look at it is due.
        gc.freeze()
        gc.enable()
