"""What is shown of a persona before anybody has said anything."""

from typing import Any

from chat.preparing import running_persona
from chat.presenting import persona_card
from llm.routes import resolve_route
from personas.models import Persona
from tenants.errors import NotFound


def front(persona: Persona, *, is_test: bool = False) -> dict[str, Any]:
    """Who answers, and whether a person may be asked for. Raises NotFound for one that was never published."""
    if persona.live_version_id is None and not is_test:
        raise NotFound
    running = running_persona(persona, is_test=is_test)
    handoff = running.settings.handoff
    return {**persona_card(persona.slug, running), "offers_person": handoff.enabled and handoff.on_request}


def widget_card(persona: Persona, *, is_test: bool = False) -> dict[str, Any]:
    """The same with how the widget looks, and whether the reader answers for want of a model."""
    return {
        "persona": front(persona, is_test=is_test),
        "widget": running_persona(persona, is_test=is_test).settings.widget.model_dump(mode="json"),
        "reader_active": is_reader_active(persona, is_test=is_test),
    }


def is_reader_active(persona: Persona, *, is_test: bool = False) -> bool:
    """Whether the reader will answer. A route that is gone shows itself with the first answer."""
    route = running_persona(persona, is_test=is_test).settings.route
    try:
        return resolve_route(persona.tenant_id, route or None).is_reader
    except NotFound:
        return False
