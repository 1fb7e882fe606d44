from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NpcConfig(AppConfig):
    name = "npc"
    verbose_name = _("Game worlds")
