from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AnalyticsConfig(AppConfig):
    name = "analytics"
    verbose_name = _("Data")

    def ready(self) -> None:
        from analytics import jobs  # noqa: F401 - registers what can be done in the background
        from analytics.results.in_chat import TOOL, DatasetLookup
        from personas.lookups import register_lookup

        register_lookup(TOOL, DatasetLookup())
