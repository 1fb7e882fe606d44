"""Tenants never meet, and the database sees to it."""

from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from tenants.models import ApiKey, Tenant
from tenants.provisioning import issue_key
from tenants.scope import ScopeConflict, in_tenant, tenant_scope


def test_each_scope_shows_its_own_rows_only(acme: Any, globex: Any) -> None:
    with acme.scope():
        assert [key.tenant_id for key in ApiKey.objects.all()] == [acme.id]
        assert [tenant.pk for tenant in Tenant.objects.all()] == [acme.id]
    with globex.scope():
        assert [key.tenant_id for key in ApiKey.objects.all()] == [globex.id]


def test_outside_a_scope_there_is_nothing(acme: Any) -> None:
    assert not ApiKey.objects.exists()
    assert not Tenant.objects.exists()


def test_after_a_scope_its_transaction_sees_nothing_any_more(acme: Any) -> None:
    with transaction.atomic():
        with acme.scope():
            assert ApiKey.objects.exists()
        assert not ApiKey.objects.exists()


def test_a_row_for_a_neighbour_is_refused(acme: Any, globex: Any) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), globex.scope():
        ApiKey.objects.create(tenant=acme.tenant, digest="x", scopes=[])


def test_a_row_cannot_move_to_a_neighbour(acme: Any, globex: Any) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), acme.scope():
        ApiKey.objects.update(tenant=globex.tenant)


def test_a_scope_inside_anothers_is_a_fault(acme: Any, globex: Any) -> None:
    with acme.scope(), pytest.raises(ScopeConflict), globex.scope():
        pass


def test_a_scope_may_be_entered_again(acme: Any) -> None:
    with acme.scope(), acme.scope():
        assert ApiKey.objects.exists()


def test_a_callback_after_the_commit_may_enter_the_scope_again(acme: Any) -> None:
    seen = []

    def look() -> None:
        with tenant_scope(acme.id):
            seen.append(ApiKey.objects.count())

    with acme.scope():
        transaction.on_commit(look)

    assert seen == [1]


async def test_threads_of_sockets_keep_tenants_apart(acme: Any, globex: Any) -> None:
    mine = await in_tenant(acme.tenant, lambda: list(ApiKey.objects.values_list("tenant_id", flat=True)))
    theirs = await in_tenant(globex.tenant, lambda: list(ApiKey.objects.values_list("tenant_id", flat=True)))

    assert (mine, theirs) == ([acme.id], [globex.id])


def test_two_keys_stand_side_by_side(acme: Any) -> None:
    issue_key(tenant=acme.tenant, scopes=["chat"])

    with acme.scope():
        assert ApiKey.objects.count() == 2


def test_a_setting_made_by_hand_does_not_outlive_its_transaction(acme: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant', %s, true)", [str(acme.id)])
    assert not ApiKey.objects.exists()


def test_a_slug_is_taken_once(acme: Any, globex: Any) -> None:
    with pytest.raises(IntegrityError), globex.scope(), transaction.atomic():
        Tenant.objects.filter(pk=globex.id).update(slug=acme.tenant.slug)
