from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    name = "jobs"
    verbose_name = _("Jobs")

    def ready(self) -> None:
        """Each app's `tasks.py` brings its handlers, in every process that may run or fail a job."""
        autodiscover_modules("tasks")
        from jobs import pruning  # noqa: F401 - registers its tick with the clock
