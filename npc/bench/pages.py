"""The designer's bench in the admin: a line to a character in any state, and why it answered as it did."""

import json
from typing import Any
from uuid import UUID

import yaml
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from pydantic import ValidationError

from npc.bench.cases import Case, as_yaml
from npc.bench.trying import SEED, Trial, state_at, try_line
from npc.models import GameSession, World
from npc.worlds.access import access_world
from npc.worlds.compiled import world_of
from npc.worlds.trying import stages_of
from personas.access import as_uuid
from tenants.adminsite.base import EDITORS, the_seat
from tenants.errors import Invalid, PlatformError
from tenants.scope import tenant_scope

SHOWN_SESSIONS = 50
SESSION = "session:"


def bench_view(request: HttpRequest, world_id: UUID) -> HttpResponse:
    """GET shows the form, POST with `act` "load" another state in it, "try" the answer, "save" the case as a file.

    Holds no transaction while a model is asked. Editors and owners only: it costs what a turn costs.
    """
    seat = the_seat(request)
    if seat.role not in EDITORS:
        raise PermissionDenied
    with tenant_scope(seat.tenant):
        access_world(seat.tenant.pk, str(world_id))
    form, tried = _form(request), None
    if request.method == "POST":
        try:
            if form["act"] == "save":
                return _file(form)
            if form["act"] == "try":
                tried = try_line(seat.tenant.pk, world_id, _trial(form))
        except PlatformError as error:
            form["errors"] = error.errors if isinstance(error, Invalid) and error.errors else [_told(error)]
    with tenant_scope(seat.tenant):
        return _page(request, access_world(seat.tenant.pk, str(world_id)), form, tried)


def _form(request: HttpRequest) -> dict[str, Any]:
    names = ("character", "source", "state", "text", "act", "case")
    return {name: request.POST.get(name, request.GET.get(name, "")) for name in names} | {"errors": []}


def _told(error: PlatformError) -> dict[str, str]:
    return {"field": "", "detail": str(error.detail)}


def _source(form: dict[str, Any]) -> dict[str, Any]:
    """Where the state comes from: `stage` and `session`."""
    source = form["source"]
    if not source.startswith(SESSION):
        return {"stage": source, "session": None}
    session = as_uuid(source.removeprefix(SESSION))
    if session is None:
        raise Invalid.field("session", _("There is no «%(id)s».") % {"id": source})
    return {"stage": "", "session": session}


def _trial(form: dict[str, Any]) -> Trial:
    state = _parsed(form["state"]) if form["state"].strip() else None
    return Trial(character=form["character"], text=form["text"].strip(), state=state, **_source(form))


def _parsed(text: str) -> dict[str, Any]:
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as failure:
        raise Invalid.field("state", _("This is not JSON: %(type)s.") % {"type": failure}) from None
    if not isinstance(state, dict):
        raise Invalid.field("state", _("A state is an object."))
    return state


def _file(form: dict[str, Any]) -> HttpResponse:
    """The case that the page showed, as a file for the game's repository."""
    try:
        case = Case.model_validate(yaml.safe_load(form["case"]))
    except (yaml.YAMLError, ValidationError, RecursionError):
        raise Invalid.field("case", _("This is no test case.")) from None
    response = HttpResponse(as_yaml(case.model_dump(mode="json", exclude_defaults=True)), content_type="text/yaml")
    response["Content-Disposition"] = 'attachment; filename="npc-test.yaml"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _shown(tried: dict[str, Any]) -> dict[str, Any]:
    """Arguments as JSON, as authors write them."""
    actions = {
        name: [{**one, "arguments": json.dumps(one.get("arguments", {}), ensure_ascii=False)} for one in tried[name]]
        for name in ("chosen", "removed")
    }
    return {**tried, **actions}


def _page(request: HttpRequest, world: World, form: dict[str, Any], tried: dict[str, Any] | None) -> HttpResponse:
    compiled = world_of(world.newest.pk)
    if form["act"] != "try" or not form["state"].strip():
        try:
            state = state_at(world.tenant_id, world, **_source(form))
            form["state"] = json.dumps(state, ensure_ascii=False, indent=2)
        except PlatformError as error:
            form["errors"] = form["errors"] or [_told(error)]
    sessions = GameSession.objects.for_tenant(world.tenant_id).filter(world=world).exclude(seed=SEED)
    context = {
        **admin.site.each_context(request),
        "title": _("Bench: %(world)s") % {"world": world.name},
        "world": world,
        "form": form,
        "characters": [(one, compiled.persona_of(one).name) for one in compiled.characters],
        "stages": list(stages_of(compiled.document)),
        "sessions": [
            (f"{SESSION}{session.pk}", str(session)) for session in sessions.order_by("-opened_at")[:SHOWN_SESSIONS]
        ],
        "tried": tried and _shown(tried),
        "case": as_yaml(tried["case"]) if tried and tried["case"] else "",
    }
    return TemplateResponse(request, "admin/npc/bench.html", context).render()
