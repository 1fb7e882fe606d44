"""What stands around the admin's pages: header, sidebar, styles. `config.look` names these functions."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _

from chat.handover.agents import HANDLERS
from tenants.adminsite.base import OWNERS
from tenants.adminsite.seats import seat_of


def stylesheet(request: HttpRequest) -> str:
    return static("tenantsadmin/desk.css")


def icon(request: HttpRequest) -> str:
    return static("chat/icon.svg")


def script(request: HttpRequest) -> str:
    return static("tenantsadmin/desk.js")


def header(request: HttpRequest) -> str:
    seat = seat_of(request)
    return seat.tenant.name if seat else "Troupe"


def subheader(request: HttpRequest) -> str:
    seat = seat_of(request)
    return "Troupe" if seat else ""


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: only what this role may see, in the order in which a newcomer needs it."""
    groups = _tenant_groups(request) if seat_of(request) else []
    if request.user.is_superuser:
        groups.append(
            _group(
                _("Operator"),
                [
                    _item(_("Tenants"), "apartment", reverse("admin:choose")),
                    _model_item(request, "tenants.user", "person"),
                    _model_item(request, "llm.platformprice", "price_change"),
                ],
            )
        )
    return groups


def _tenant_groups(request: HttpRequest) -> list[dict[str, Any]]:
    return [
        _group(
            "",
            [
                _item(_("Dashboard"), "space_dashboard", reverse("admin:index")),
                _item(_("Ask your data"), "query_stats", reverse("ask")),
                _item(_("Usage and cost"), "payments", reverse("usage-page")),
            ],
        ),
        _group(
            _("Content"),
            [
                _model_item(request, "knowledge.knowledgebase", "menu_book"),
                _model_item(request, "knowledge.document", "description"),
                _model_item(request, "personas.persona", "theater_comedy"),
                _model_item(request, "chat.answertest", "fact_check"),
                _model_item(request, "npc.world", "castle"),
            ],
        ),
        _group(
            _("Conversations"),
            [
                *_desk_item(request),
                _model_item(request, "chat.conversation", "forum"),
                _model_item(request, "chat.contactrequest", "contact_mail"),
                _model_item(request, "chat.cannedreply", "quickreply"),
                _model_item(request, "chat.handoff", "sync_alt"),
                _model_item(request, "chat.enduser", "group"),
                _model_item(request, "chat.retentionpolicy", "auto_delete"),
                _model_item(request, "chat.erasure", "verified_user"),
                _model_item(request, "npc.gamesession", "sports_esports"),
                _model_item(request, "llm.modelcall", "monitoring"),
            ],
        ),
        _group(
            _("Data"),
            [
                _model_item(request, "analytics.dataset", "database"),
                _model_item(request, "analytics.question", "query_stats"),
                _model_item(request, "analytics.savedquestion", "bookmark"),
                _model_item(request, "analytics.sqlrun", "receipt_long"),
            ],
        ),
        _group(
            _("Settings"),
            [
                _model_item(request, "llm.route", "alt_route"),
                _model_item(request, "llm.budget", "savings"),
                _model_item(request, "llm.price", "sell"),
                _model_item(request, "tenants.ratelimit", "speed"),
                _model_item(request, "tenants.apikey", "key"),
                _model_item(request, "webhooks.endpoint", "webhook"),
                _model_item(request, "webhooks.delivery", "outbox"),
                _model_item(request, "tenants.member", "badge"),
                _model_item(request, "jobs.job", "pending_actions"),
                _model_item(request, "tenants.auditentry", "history"),
                _own_tenant(request),
            ],
        ),
    ]


def _own_tenant(request: HttpRequest) -> dict[str, Any] | None:
    seat = seat_of(request)
    if seat is None or seat.role not in OWNERS:
        return None
    return _item(_("Tenant"), "tune", reverse("admin:tenants_tenant_change", args=[seat.tenant.pk]))


def _desk_item(request: HttpRequest) -> list[dict[str, Any]]:
    """Where people answer, for those who may."""
    seat = seat_of(request)
    return [_item(_("Agent desk"), "support_agent", reverse("desk"))] if seat and seat.role in HANDLERS else []


def _group(title: str, items: list[dict[str, Any] | None]) -> dict[str, Any]:
    return {"title": title, "items": [item for item in items if item]}


def _item(title: Any, icon: str, link: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link}


def _model_item(request: HttpRequest, label: str, icon: str) -> dict[str, Any] | None:
    """A model's list, if there is one and this role may see it."""
    app, name = label.split(".")
    for model, model_admin in admin.site._registry.items():
        if model._meta.label_lower == label and model_admin.has_module_permission(request):
            title = str(model._meta.verbose_name_plural)
            return _item(title[:1].upper() + title[1:], icon, reverse(f"admin:{app}_{name}_changelist"))
    return None
