"""The server's entry point: `uvicorn config.asgi:application`."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from typing import Any

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

django.setup(set_prefix=False)

# Django is set up from here on.
from chat.consumers import ChatConsumer  # noqa: E402
from chat.desk.consumers import DeskConsumer  # noqa: E402
from config.bodies import BodyLimit  # noqa: E402
from config.handler import Handler  # noqa: E402
from config.lifespan import Lifespan  # noqa: E402
from config.startup import refuse  # noqa: E402
from npc.consumers import GameConsumer  # noqa: E402

refused: Any = refuse
sockets = [
    path("ws/v1/chat/", ChatConsumer.as_asgi()),
    path("ws/v1/npc/", GameConsumer.as_asgi()),
    path("ws/v1/desk/", DeskConsumer.as_asgi()),
    path("<path:rest>", refused),
]
application: Any = ProtocolTypeRouter(
    {"http": BodyLimit(Handler()), "websocket": URLRouter(sockets), "lifespan": Lifespan()}
)
