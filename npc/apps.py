from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NpcConfig(AppConfig):
    name = "npc"
    verbose_name = _("Game worlds")

    def ready(self) -> None:
        from chat.retention.holdings import Holding, register
        from npc.models import GameSession

        # A player who goes by the id of an end user is the same person of the same business.
        register(
            Holding(
                "game_sessions",
                lambda subject: (
                    GameSession.objects.for_tenant(subject.tenant_id)
                    .filter(player_id=subject.external_id)
                    .exclude(player_id="")
                ),
                ("id", "world__slug", "player_name", "opened_at"),
            )
        )
