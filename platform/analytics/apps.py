from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AnalyticsConfig(AppConfig):
    name = "analytics"
    verbose_name = _("Data")

    def ready(self) -> None:
        from analytics import jobs  # noqa: F401 - registers what can be done in the background
        from analytics.models import Question
        from analytics.results.in_chat import TOOL, DatasetLookup
        from chat.retention.holdings import Holding, register
        from personas.lookups import register_lookup

        register_lookup(TOOL, DatasetLookup())
        register(
            Holding(
                "data_questions",
                lambda subject: Question.objects.for_tenant(subject.tenant_id).filter(
                    end_user_id__isnull=False, end_user_id=subject.end_user_id
                ),
                ("question", "sql", "summary", "created_at"),
            )
        )
