"""Worlds and plays to read: what authors wrote, and what happened. Both come in by the API alone."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from npc.bench.pages import bench_view
from npc.models import GameSession, LogEntry, World
from npc.models.sessions import LogEntryQuerySet
from npc.sessions.play import Play
from npc.worlds.diffing import differences
from tenants.adminsite.base import EDITORS, ReadOnlyTenantAdmin, column, role_of
from tenants.adminsite.entering import enters_scope_itself

# A page is to be read: of a world with ten thousand facts it shows the first.
SHOWN_ROWS = 200
SHOWN_ENTRIES = 100

_PARTS = ["characters", "scenes", "facts", "deeds", "initial_state"]


@admin.register(World)
class WorldAdmin(ReadOnlyTenantAdmin):
    """The newest version of a world, in its authors' terms."""

    list_display = ["name", "slug", "number", "updated_at"]
    list_select_related = ["newest"]
    search_fields = ["name", "slug"]
    ordering = ["-updated_at"]
    fields = ["name", "slug", "number", "updated_at", "changes", *_PARTS]
    readonly_fields = ["bench", "number", "changes", *_PARTS]

    def get_urls(self) -> list[URLPattern]:
        view = enters_scope_itself(self.admin_site.admin_view(bench_view))
        return [path("<uuid:world_id>/bench/", view, name="npc_bench"), *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The bench costs what turns cost, so it is there for editors."""
        return ["bench", *self.fields] if obj and role_of(request) in EDITORS else self.fields

    @column(gettext_lazy("Bench"))
    def bench(self, world: World) -> SafeString:
        url, text = reverse("admin:npc_bench", args=[world.pk]), _("Talk to a character in any state")
        return format_html('<a class="desk-button" href="{}">{}</a>', url, text)

    def get_queryset(self, request: HttpRequest) -> Any:
        """A list needs no documents."""
        worlds = super().get_queryset(request).select_related("newest")
        if request.resolver_match and request.resolver_match.url_name == "npc_world_changelist":
            return worlds.defer("newest__document", "newest__personas")
        return worlds

    @column(gettext_lazy("Version"))
    def number(self, world: World) -> int:
        return int(world.newest.number)

    @column(gettext_lazy("Characters"))
    def characters(self, world: World) -> SafeString:
        rows = (
            [one["id"], _persona_name(one["persona"]), one.get("scene"), one.get("tier"), _goals(one)]
            for one in _authored(world, "characters")
        )
        return _table(rows)

    @column(gettext_lazy("Scenes"))
    def scenes(self, world: World) -> SafeString:
        return _table([one["id"], one["name"], one.get("description")] for one in _authored(world, "scenes"))

    @column(gettext_lazy("Facts"))
    def facts(self, world: World) -> SafeString:
        return _table(
            [one["id"], one["text"], ", ".join(one.get("known_by", [])), one.get("when")]
            for one in _authored(world, "facts")
        )

    @column(gettext_lazy("Actions"))
    def deeds(self, world: World) -> SafeString:
        return _table(
            [one["name"], one.get("description"), ", ".join(one.get("actors") or ["*"]), one.get("when")]
            for one in _authored(world, "actions")
        )

    @column(gettext_lazy("Changes since the version before"))
    def changes(self, world: World) -> SafeString:
        """By path, as `GET worlds/{slug}/diff/` tells them."""
        before = world.versions.filter(number=world.newest.number - 1).first()
        found = differences(before.document, world.newest.document) if before else ()
        return _table(
            [one["path"], *(_json(one[name]) if name in one else "" for name in ("before", "after"))] for one in found
        )

    @column(gettext_lazy("Initial state"))
    def initial_state(self, world: World) -> SafeString:
        return _json(world.newest.document.get("initial_state", {}))


@admin.register(GameSession)
class GameSessionAdmin(ReadOnlyTenantAdmin):
    """One play: where it stands and what happened last."""

    list_display = ["player_name", "player_id", "world", "opened_at"]
    list_select_related = ["world"]
    search_fields = ["player_id", "player_name"]
    list_filter = ["world"]
    ordering = ["-opened_at"]
    fields = ["player_name", "player_id", "world", "seed", "opened_at", "state", "places", "affinity", "log"]
    readonly_fields = ["state", "places", "affinity", "log"]

    @column(gettext_lazy("State"))
    def state(self, session: GameSession) -> SafeString:
        return _json(_play(session).state)

    @column(gettext_lazy("Who is where"))
    def places(self, session: GameSession) -> SafeString:
        return _table(sorted(_play(session).scenes.items()))

    @column(gettext_lazy("Affinity"))
    def affinity(self, session: GameSession) -> SafeString:
        axes = _play(session).affinity
        return _table([who, axis, number] for who in sorted(axes) for axis, number in sorted(axes[who].items()))

    @column(gettext_lazy("What happened"))
    def log(self, session: GameSession) -> SafeString:
        """The newest entries of the branch that is played, newest first."""
        entries: LogEntryQuerySet = LogEntry.objects.on(session.live)
        newest = entries.order_by("-seq")[:SHOWN_ENTRIES]
        return _table([entry.seq, entry.at.strftime("%H:%M:%S"), entry.kind, _json(entry.data)] for entry in newest)


def _authored(world: World, name: str) -> list[dict[str, Any]]:
    return list(world.newest.document.get(name, []))


def _persona_name(persona: Any) -> str:
    return str(persona["name"] if isinstance(persona, dict) else persona)


def _goals(character: dict[str, Any]) -> str:
    return ", ".join(goal if isinstance(goal, str) else goal["id"] for goal in character.get("goals", []))


def _play(session: GameSession) -> Play:
    return Play.model_validate(session.live.head)


def _json(value: Any) -> SafeString:
    return format_html('<pre class="whitespace-pre-wrap">{}</pre>', json.dumps(value, ensure_ascii=False, indent=2))


def _table(rows: Iterable[Sequence[Any]]) -> SafeString:
    """Rows as they come, escaped, the first `SHOWN_ROWS` of them."""
    kept = [["" if cell is None else cell for cell in row] for row in rows]
    if not kept:
        return format_html("{}", "–")
    lines = [[format_html_join("", '<td class="pr-4 py-1 align-top">{}</td>', zip(row))] for row in kept[:SHOWN_ROWS]]
    more = len(kept) - SHOWN_ROWS
    note = _("… and %(count)s more.") % {"count": more} if more > 0 else ""
    return format_html("<table>{}</table>{}", format_html_join("", "<tr>{}</tr>", lines), note)
