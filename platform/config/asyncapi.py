"""The AsyncAPI document of all our sockets, put together from the parts that lie beside their code."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

import chat
import chat.desk
import npc

PARTS = [Path(app.__path__[0], "asyncapi.yaml") for app in (chat, chat.desk, npc)]
HEAD: dict[str, Any] = {
    "asyncapi": "3.0.0",
    "info": {
        "title": "Troupe's sockets",
        "version": "0.1.0",
        "description": "Frames are JSON texts with a `type`. What each socket is for is said of its channel.",
    },
    "defaultContentType": "application/json",
    "servers": {"here": {"host": "127.0.0.1:8000", "protocol": "ws"}},
}


@require_safe
def asyncapi_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(whole(), content_type="application/yaml")


@cache
def whole() -> str:
    document: dict[str, Any] = {
        **HEAD, "channels": {}, "operations": {}, "components": {"schemas": {}, "messages": {}}
    }  # fmt: skip
    for part in (yaml.safe_load(path.read_text()) for path in PARTS):
        for kind in ("channels", "operations"):
            document[kind] |= part[kind]
        for kind, things in part["components"].items():
            document["components"][kind] |= things
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
