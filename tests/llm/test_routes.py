"""Where a tenant's calls go, what they cost, and who may see that."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from llm.errors import ProviderUnavailable
from llm.metering import Payer, record_call
from llm.models import ModelCall, Route
from llm.routes import cost_of, resolve_route
from llm.types import Usage
from tenants.errors import NotFound


def add_route(slug: str, **fields: object) -> Route:
    """A route of the tenant in whose scope we are."""
    key = fields.pop("api_key", "")
    given = {"name": slug, "base_url": "https://models.example/v1", "chat_model": "large", **fields}
    route = Route(slug=slug, **given)
    route.api_key = key
    route.save()
    return route


class TestWhichRoute:
    def test_the_one_that_the_persona_names(self, acme):
        with acme.scope():
            add_route("fast", chat_model="small", api_key="sk-fast", timeout_s=3.0)
            add_route("good", is_default=True)

            route = resolve_route(acme.id, "fast")

        assert (route.slug, route.provider, route.chat_name, route.api_key) == (
            "fast",
            "openai",
            "small",
            "sk-fast",
        )
        assert route.timeout_s == 3.0

    def test_else_the_tenants_default(self, acme):
        with acme.scope():
            add_route("fast")
            add_route("good", is_default=True)

            assert resolve_route(acme.id).slug == "good"

    def test_else_the_platforms(self, acme, scripted_llm):
        with acme.scope():
            add_route("fast")

            route = resolve_route(acme.id, None)

        assert (route.slug, route.base_url, route.api_key) == (
            "platform",
            scripted_llm.base_url,
            "sk-scripted",
        )

    def test_else_the_reader_with_the_bundled_embeddings(self, acme):
        with acme.scope():
            route = resolve_route(acme.id)

        assert route.is_reader
        assert (route.chat_name, route.embedding_name) == ("reader", "multilingual-e5-small")

    def test_a_key_alone_connects_openai_only_once_a_model_is_named(self, acme, settings):
        settings.ENVIRONMENT = replace(settings.ENVIRONMENT, openai_api_key="sk-shell")
        with acme.scope():
            assert resolve_route(acme.id).is_reader

            settings.ENVIRONMENT = replace(settings.ENVIRONMENT, chat_model="large")
            assert resolve_route(acme.id).base_url == "https://api.openai.com/v1"

    def test_a_name_that_is_not_there(self, acme):
        with acme.scope(), pytest.raises(NotFound):
            resolve_route(acme.id, "nowhere")

    def test_mallory_cannot_use_acmes_route(self, acme, globex):
        with acme.scope():
            add_route("fast", api_key="sk-acme", is_default=True)

        with globex.scope():
            assert list(Route.objects.all()) == []
            assert resolve_route(globex.id).is_reader
            with pytest.raises(NotFound):
                resolve_route(globex.id, "fast")
            with pytest.raises(NotFound):
                resolve_route(acme.id, "fast")


class TestTheKey:
    def test_the_database_holds_nothing_readable(self, acme):
        with acme.scope():
            route = add_route("fast", api_key="sk-very-secret")
            with connection.cursor() as cursor:
                cursor.execute("SELECT llm_route::text, sealed_api_key FROM llm_route WHERE id = %s", [route.pk])
                as_text, sealed = cursor.fetchone()

            assert "sk-very-secret" not in as_text
            assert b"sk-very-secret" not in bytes(sealed)
            assert Route.objects.get(pk=route.pk).api_key == "sk-very-secret"

    def test_it_opens_for_its_own_row_alone(self, acme):
        with acme.scope():
            stolen, thief = add_route("fast", api_key="sk-very-secret"), add_route("good")
            Route.objects.filter(pk=thief.pk).update(sealed_api_key=stolen.sealed_api_key)

            with pytest.raises(ProviderUnavailable):
                resolve_route(acme.id, "good")

    def test_another_secret_key_asks_for_it_again_and_a_kept_one_opens_it(self, acme, settings):
        with acme.scope():
            add_route("fast", api_key="sk-very-secret")
            former, settings.SECRET_KEY = settings.SECRET_KEY, "x" * 50

            with pytest.raises(ProviderUnavailable) as caught:
                resolve_route(acme.id, "fast")
            assert not caught.value.retryable
            assert "TROUPE_SECRET_KEY" in str(caught.value.detail)

            settings.SECRET_KEY_FALLBACKS = [former]
            assert resolve_route(acme.id, "fast").api_key == "sk-very-secret"

    def test_no_log_line_shows_it(self, acme):
        with acme.scope():
            add_route("fast", api_key="sk-very-secret")

            assert "sk-very-secret" not in repr(resolve_route(acme.id, "fast"))


class TestWhatARouteMayBe:
    @pytest.mark.parametrize(
        "base_url",
        [
            "",
            "models.example/v1",
            "ftp://models.example",
            "file:///etc/passwd",
            "http://",
            "http://[::1",
            "javascript:1",
            "http://models.example:99999/v1",
            "https://key@models.example/v1",
            "https://models.example/v1?key=1",
        ],
    )
    def test_addresses_that_are_refused(self, base_url):
        with pytest.raises(ValidationError) as caught:
            Route(slug="fast", name="Fast", base_url=base_url, chat_model="large").full_clean(exclude=["tenant"])

        assert "base_url" in caught.value.message_dict

    @pytest.mark.parametrize(
        "base_url", ["http://vllm:8000/v1", "http://127.0.0.1:11434/v1", "https://models.example/v1"]
    )
    def test_addresses_that_are_taken(self, acme, base_url):
        with acme.scope():
            Route(slug="fast", name="Fast", base_url=base_url, chat_model="large").full_clean()

    def test_one_without_any_model(self):
        with pytest.raises(ValidationError) as caught:
            Route(slug="fast", name="Fast", base_url="https://models.example/v1").clean()

        assert "chat_model" in caught.value.message_dict

    def test_a_tenant_has_one_default_and_a_slug_once(self, acme, globex):
        with acme.scope():
            add_route("fast", is_default=True)
            for slug, is_default in (("fast", False), ("good", True)):
                with pytest.raises(IntegrityError), transaction.atomic():
                    add_route(slug, is_default=is_default)
        with globex.scope():
            add_route("fast", is_default=True)


class TestMetering:
    def test_a_call_leaves_its_row_with_its_cost(self, acme):
        with acme.scope():
            add_route(
                "fast",
                price_input=Decimal("2.5"),
                price_cached=Decimal("0.25"),
                price_output=Decimal(10),
                currency="CNY",
            )
            route = resolve_route(acme.id, "fast")
            record_call(
                route=route,
                usage=Usage(1000, 200, cached_tokens=400),
                duration_ms=950,
                first_token_ms=120,
                payer=Payer(end_user="carol"),
            )

            call = ModelCall.objects.get()

        # 600 × 2.5 + 400 × 0.25 + 200 × 10, per million
        assert (call.cost, call.currency) == (Decimal("0.0036"), "CNY")
        assert (call.route, call.model, call.operation, call.outcome) == ("fast", "large", "chat", "ok")
        assert (call.input_tokens, call.cached_tokens, call.output_tokens) == (1000, 400, 200)
        assert (call.duration_ms, call.first_token_ms, call.end_user) == (950, 120, "carol")

    def test_a_failed_call_says_why(self, acme):
        with acme.scope():
            record_call(
                route=resolve_route(acme.id),
                usage=Usage(10, 0),
                duration_ms=5000,
                payer=Payer(),
                outcome=ModelCall.Outcome.FAILED,
                error_code="provider_timeout",
            )

            call = ModelCall.objects.get()

        assert (call.outcome, call.error_code, call.model, call.cost) == (
            "failed",
            "provider_timeout",
            "reader",
            0,
        )

    def test_an_embedding_is_recorded_under_its_model(self, acme):
        with acme.scope():
            route = resolve_route(acme.id)
            record_call(route=route, usage=Usage(10, 0), duration_ms=20, payer=Payer(), operation="embed")

            assert ModelCall.objects.get().model == "multilingual-e5-small"

    def test_mallory_sees_no_call_of_acme(self, acme, globex):
        with acme.scope():
            record_call(route=resolve_route(acme.id), usage=Usage(10, 5), duration_ms=20, payer=Payer())

        with globex.scope():
            assert ModelCall.objects.count() == 0
            assert ModelCall.objects.for_tenant(acme.id).count() == 0

    def test_cost_is_exact_where_floats_are_not(self, acme):
        with acme.scope():
            add_route("fast", price_input=Decimal("0.1"))
            route = resolve_route(acme.id, "fast")

        assert cost_of(Usage(3, 0), route) == Decimal("0.0000003")
