from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        """Each app's `tasks.py` brings its handlers, in every process that may run or fail a job."""
        autodiscover_modules("tasks")
