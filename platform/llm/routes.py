"""Which endpoint a call goes to, and what it costs there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, Func, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from llm.errors import ProviderUnavailable
from llm.models import Route
from llm.prices import tariffs_for
from llm.tariffs import Tariff, tariff_at
from llm.types import BUNDLED_EMBEDDINGS, RouteConfig, Usage
from tenants.errors import NotFound, PlatformError
from tenants.secrets import SecretUnreadable
from tenants.statements import Asked, Param, Select, read

PLATFORM_SLUG = "platform"
READER_SLUG = "reader"
# What a fallback may name besides the tenant's own routes: the operator's model, and no model at all.
BUILT_IN_SLUGS = frozenset({PLATFORM_SLUG, READER_SLUG})
OPENAI_URL = "https://api.openai.com/v1"

_NAMED: Select[Route] = Select(lambda: Route.objects.filter(tenant_id=Param("tenant_id"), slug=Param("slug")))
_DEFAULT: Select[Route] = Select(lambda: Route.objects.filter(tenant_id=Param("tenant_id"), is_default=True))
_ALL: Select[Route] = Select(lambda: Route.objects.filter(tenant_id=Param("tenant_id")))


def resolve_route(tenant_id: UUID, slug: str | None = None) -> RouteConfig:
    """The tenant's route of this name; without a name its default, else the platform's, else the reader.

    Call it inside the tenant's scope, before the model is called. Raises NotFound for a name that the tenant
    has no route of, and ProviderUnavailable when the route's key cannot be decrypted.
    """
    (found,) = read(asked_route(tenant_id, slug))
    return route_found(found, slug)


def asked_route(tenant_id: UUID, slug: str | None) -> Asked:
    """The question of `resolve_route`, to be read together with something else."""
    return _NAMED.of(tenant_id=tenant_id, slug=slug) if slug else _DEFAULT.of(tenant_id=tenant_id)


def route_found(found: Sequence[Route], slug: str | None) -> RouteConfig:
    """The answer of `resolve_route` from these rows."""
    if found:
        return _config(found[0])
    if slug:
        raise NotFound(_("There is no model route of this name."))
    return platform_route()


class RowVersion(Func):
    """What PostgreSQL writes anew with each change of a row: which transaction wrote it, and where it lies."""

    output_field = CharField()

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> Any:
        (column,) = self.get_source_expressions()
        table = compiler.quote_name_unless_alias(column.alias)
        return f"{table}.xmin || ' ' || {table}.ctid", []


def routes_version() -> ArraySubquery:
    """Of the routes of a row's tenant, as part of a statement that is asked anyway: another one after any change."""
    own = Route.objects.filter(tenant_id=OuterRef("tenant_id")).order_by("pk")
    return ArraySubquery(own.values(version=RowVersion("pk")))


class KnownRoutes:
    """All routes of tenants, as they were last read in this process. As good as read now where the version is the same.

    Safe between threads: rows are replaced, never changed.
    """

    MOST_TENANTS = 1_000

    def __init__(self) -> None:
        self._kept: dict[UUID, tuple[Sequence[str], list[Route]]] = {}

    def of(self, tenant_id: UUID, version: Sequence[str] | None) -> list[Route] | None:
        kept = self._kept.get(tenant_id)
        return kept[1] if kept and kept[0] == version else None

    def keep(self, tenant_id: UUID, version: Sequence[str] | None, routes: list[Route]) -> None:
        """`version` was asked for before the routes were: a change in between makes them be read again."""
        if version is not None:
            if len(self._kept) >= self.MOST_TENANTS:
                self._kept = {}
            self._kept[tenant_id] = (version, routes)


known_routes = KnownRoutes()


def routes_of(tenant_id: UUID, version: Sequence[str] | None = None) -> list[Route]:
    """All of the tenant's, read only if they are not known in this version; None is none that could be known."""
    known = known_routes.of(tenant_id, version)
    if known is None:
        (known,) = read(asked_routes(tenant_id))
        known_routes.keep(tenant_id, version, known)
    return known


@dataclass(frozen=True, slots=True)
class Routes:
    """Whom to ask, one after the other; and what is named but cannot be asked, with the reason."""

    usable: tuple[RouteConfig, ...]
    unusable: tuple[tuple[str, PlatformError], ...] = ()
    has_own: bool = True

    @property
    def first(self) -> RouteConfig:
        return self.usable[0]

    @property
    def own(self) -> RouteConfig | None:
        """The one whose fallbacks the others are, if it can be asked. A persona's choice of a model is for it."""
        return self.first if self.has_own else None


def asked_routes(tenant_id: UUID) -> Asked:
    """The question of `routes_found`, to be read together with something else.

    A tenant has a handful of routes, and which of them are fallbacks stands in their own rows.
    """
    return _ALL.of(tenant_id=tenant_id)


def routes_found(found: Sequence[Route], slug: str | None, fallbacks: Sequence[str] = ()) -> Routes:
    """As `route_found`, from all rows of a tenant, with the fallbacks behind: those given, else the route's own.

    Raises as `resolve_route` only if nobody is left to ask.
    """
    rows = {route.slug: route for route in found}
    own = rows.get(slug) if slug else next((route for route in found if route.is_default), None)
    finders = [(own.slug if own else slug or "", partial(route_found, [own] if own else [], slug))]
    names = list(fallbacks) or (own.fallback_routes if own else [])
    finders += [(name, partial(_fallback_found, rows.get(name), name)) for name in names]
    usable: dict[str, RouteConfig] = {}
    unusable: list[tuple[str, PlatformError]] = []
    for name, find in finders:
        try:
            config = find()
            usable.setdefault(config.slug, config)
        except PlatformError as error:
            unusable.append((name, error))
    if not usable:
        raise unusable[0][1]
    has_own = not unusable or unusable[0][0] != finders[0][0]
    return Routes(tuple(usable.values()), tuple(unusable), has_own)


def _fallback_found(row: Route | None, slug: str) -> RouteConfig:
    if row is None and slug in BUILT_IN_SLUGS:
        return _built_in(slug)
    return route_found([row] if row else [], slug)


def _built_in(slug: str) -> RouteConfig:
    platform = platform_route()
    return platform if slug == PLATFORM_SLUG else replace(platform, slug=READER_SLUG, provider="reader", chat_model="")


def reader_route() -> RouteConfig:
    """No model at all: the documents, or authored words."""
    return _built_in(READER_SLUG)


def platform_route() -> RouteConfig:
    """What the environment configures for all tenants; the reader and the bundled embeddings without that."""
    environment = settings.ENVIRONMENT
    has_endpoint = bool(environment.openai_base_url or environment.openai_api_key)
    chat_model = environment.chat_model if has_endpoint else ""
    slug = PLATFORM_SLUG if chat_model else READER_SLUG
    return RouteConfig(
        slug=slug,
        provider="openai" if chat_model else "reader",
        base_url=environment.openai_base_url or OPENAI_URL,
        api_key=environment.openai_api_key,
        chat_model=chat_model,
        embedding_model=environment.embedding_model if has_endpoint else "",
        tariffs=tariffs_for(slug) if has_endpoint else (),
    )


def route_for_embedding(tenant_id: UUID, model: str, routes: Sequence[Route] | None = None) -> RouteConfig:
    """The route that serves this embedding model: vectors of one model must be made by it for good.

    `routes`: all of the tenant's, where they are read already. Raises ProviderUnavailable when none has it any more.
    """
    platform = platform_route()
    if model == BUNDLED_EMBEDDINGS:
        return replace(platform, embedding_model="")
    if platform.embedding_model == model:
        return platform
    rows = read(asked_routes(tenant_id))[0] if routes is None else routes
    having = [route for route in rows if route.embedding_model == model]
    if not having:
        detail = _("No route has the embedding model of this knowledge base any more.")
        raise ProviderUnavailable(detail, retryable=False)
    return _config(min(having, key=lambda route: route.pk))


def routes_for_embedding(
    tenant_id: UUID, models: Sequence[str], routes: Sequence[Route] | None = None
) -> dict[str, RouteConfig]:
    """As `route_for_embedding`, for each of the models."""
    return {model: route_for_embedding(tenant_id, model, routes) for model in models}


def cost_of(usage: Usage, route: RouteConfig, model: str = "") -> Decimal:
    """The price of a call that is made now, in the currency of `tariff_of`."""
    return tariff_of(route, model).cost(usage.input_tokens, usage.output_tokens, usage.cached_tokens)


def tariff_of(route: RouteConfig, model: str = "", at: datetime | None = None) -> Tariff:
    """What a model costs on a route now, or then; `model` empty means the route's own.

    A route's own prices hold for all of its models. What nobody has put a price on costs nothing.
    """
    own = Tariff(model, route.price_input, route.price_cached, route.price_output, route.currency)
    if not own.is_free:
        return own
    return tariff_at(route.tariffs, model or route.chat_name, at or timezone.now()) or own


def _config(route: Route) -> RouteConfig:
    try:
        api_key = route.api_key
    except SecretUnreadable:
        detail = _("The API key of this model route cannot be read, since TROUPE_SECRET_KEY changed; enter it again.")
        raise ProviderUnavailable(detail, retryable=False) from None
    return RouteConfig(
        owner=route.tenant_id.hex,
        slug=route.slug,
        provider="openai" if route.chat_model else "reader",
        base_url=route.base_url,
        api_key=api_key,
        chat_model=route.chat_model,
        embedding_model=route.embedding_model,
        timeout_s=route.timeout_s,
        stall_timeout_s=route.stall_timeout_s,
        price_input=route.price_input,
        price_cached=route.price_cached,
        price_output=route.price_output,
        currency=route.currency,
        tariffs=tariffs_for(route.slug),
    )
