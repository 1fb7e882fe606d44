from django.apps import AppConfig


class TroupeConfig(AppConfig):
    """Commands and checks of the whole, such as `migrate` on the owner's connection."""

    name = "config"
    label = "troupe"
