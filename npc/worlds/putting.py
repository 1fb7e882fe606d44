"""Storing a world: the whole document, checked, as a version that never changes."""

import hashlib
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from pydantic import ValidationError

from npc.errors import WorldInvalid
from npc.hooks.keeping import keep_hooks
from npc.knowledge.nearest import embed_later
from npc.models import World, WorldVersion
from npc.worlds.checking import READ_ONLY, read_world
from npc.worlds.document import InlinePersona
from npc.worlds.document import World as Document
from npc.worlds.problems import Problem, path_of, refuse, refused
from personas.access import access_persona
from personas.models import Persona
from personas.schema import sentence
from tenants.errors import Conflict, NotFound


class Put(NamedTuple):
    """What became of it: a new world, a new version, or neither, since the document was there already."""

    world: World
    version: WorldVersion
    is_new: bool
    has_changed: bool


@transaction.atomic
def put_world(*, tenant_id: UUID, slug: str, raw: Any, by: str = "") -> Put:
    """Take a document as the world of this slug. Raises Invalid that names every wrong path; nothing is stored then."""
    if isinstance(raw, dict):
        raw = {"slug": slug, **{name: value for name, value in raw.items() if name not in READ_ONLY}}
    document = read_world(raw)
    if document.slug != slug:
        refuse([Problem("slug", _("The address says «%(slug)s».") % {"slug": slug})], WorldInvalid)
    personas = _personas(tenant_id, document)
    world, is_new = _locked(tenant_id, slug, document.name)
    raw = _without_hooks(raw)
    has_changed = keep_hooks(world, document.hooks)
    if world.newest is None or world.newest.digest != digest_of(raw, personas):
        world.name, world.newest = document.name, _add_version(world, raw, personas, by)
        has_changed = True
    if has_changed:
        world.save()
    return Put(world, world.newest, is_new=is_new, has_changed=has_changed)


def _without_hooks(raw: dict[str, Any]) -> dict[str, Any]:
    """They belong to where a world is played, not to what is played."""
    return {name: value for name, value in raw.items() if name != "hooks"}


@transaction.atomic
def keep_version(*, tenant_id: UUID, raw: Any, personas: Any, by: str = "") -> tuple[World, WorldVersion]:
    """The version that a play from elsewhere was in: one that is here, or one that is added behind the newest.

    A world that is here goes on as it is. Raises Invalid for a document that is no world.
    """
    document, raw = read_world(raw), _without_hooks(raw)
    words = _checked_words(document, personas)
    world, is_new = _locked(tenant_id, document.slug, document.name)
    digest = digest_of(raw, words)
    version: WorldVersion | None = world.versions.filter(digest=digest).order_by("number").first()
    version = version or _add_version(world, raw, words, by)
    if is_new:
        world.newest = version
        world.save()
    return world, version


def _checked_words(document: Document, personas: dict[str, Any]) -> dict[str, Any]:
    named = {one.persona for one in document.characters if isinstance(one.persona, str)}
    refuse(Problem(path_of("personas", slug), _("This field is required.")) for slug in named - personas.keys())
    try:
        return {slug: InlinePersona.model_validate(personas[slug]).model_dump(exclude_unset=True) for slug in named}
    except ValidationError as failure:
        errors = failure.errors(include_url=False)
        raise refused(Problem(path_of("personas", *error["loc"]), sentence(error)) for error in errors) from None


def digest_of(raw: Any, personas: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps([raw, personas], option=orjson.OPT_SORT_KEYS)).hexdigest()


def _add_version(world: World, raw: Any, personas: dict[str, Any], by: str) -> WorldVersion:
    last = world.versions.order_by("-number").values_list("number", flat=True).first() or 0
    digest = digest_of(raw, personas)
    version: WorldVersion = WorldVersion.objects.create(
        world=world, number=last + 1, document=raw, personas=personas, digest=digest, put_by=by
    )
    embed_later(version, len(raw.get("facts", [])))
    return version


def delete_world(world: World) -> None:
    """With its versions and all sessions. The database reaches down by itself and loads no row."""
    rows = World.objects.for_tenant(world.tenant_id).filter(pk=world.pk)
    rows._raw_delete(using=rows.db)


def _locked(tenant_id: UUID, slug: str, name: str) -> tuple[World, bool]:
    """The world's row, held until the transaction ends: two authors make two versions, one after the other."""
    try:
        with transaction.atomic():
            _world, is_new = World.objects.for_tenant(tenant_id).get_or_create(slug=slug, defaults={"name": name})
    except IntegrityError:
        raise Conflict from None
    locked = World.objects.for_tenant(tenant_id).select_for_update(of=["self"]).select_related("newest")
    return locked.get(slug=slug), is_new


def _personas(tenant_id: UUID, document: Document) -> dict[str, Any]:
    """The personas that the document names by slug, as they are now. Raises Invalid for one that is not there."""
    found: dict[str, Any] = {}
    problems = []
    for number, character in enumerate(document.characters):
        slug = character.persona
        if not isinstance(slug, str) or slug in found:
            continue
        try:
            found[slug] = _words_of(access_persona(tenant_id, slug))
        except NotFound:
            reason = _("There is no persona «%(slug)s».") % {"slug": slug}
            problems.append(Problem(path_of("characters", number, "persona"), reason))
    refuse(problems, WorldInvalid)
    return found


def _words_of(persona: Persona) -> dict[str, Any]:
    kept = {name: value for name, value in persona.settings.items() if name in InlinePersona.model_fields}
    return {"name": persona.name, **kept}
