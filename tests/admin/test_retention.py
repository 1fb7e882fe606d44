"""Owners erase people by hand, and hand out what is kept of them."""

import json

from chat.models import EndUser, Erasure, RetentionPolicy
from tenants.models import AuditEntry
from tests.chat.conftest import open_inn
from tests.chat.retention.test_retention import SAID, talk
from tests.knowledge.conftest import work_off


def test_alice_hands_carol_what_is_kept_and_erases_her(acme, alice):
    open_inn(acme, None)
    talk(acme, "carol")
    with acme.scope():
        carol = EndUser.objects.get()
    page = alice.sees(f"/admin/chat/enduser/{carol.pk}/change/").content.decode()
    assert f"/admin/chat/enduser/{carol.pk}/kept/" in page

    kept = json.loads(alice.sees(f"/admin/chat/enduser/{carol.pk}/kept/").content)
    assert kept["messages"][0]["text"] == SAID

    assert alice.posts(f"/admin/chat/enduser/{carol.pk}/delete/", post="yes").status_code == 302
    work_off(acme)
    with acme.scope():
        assert not EndUser.objects.exists()
        receipt = Erasure.objects.get()
        assert list(AuditEntry.objects.order_by("at").values_list("action", flat=True)) == ["export", "delete"]
    page = alice.sees(f"/admin/chat/erasure/{receipt.pk}/change/").content.decode()
    assert receipt.signature in page


def test_the_policy_is_set_once(acme, alice, vera):
    form = {"conversations_days": "90", "traces_days": ""}
    assert vera.client.get("/admin/chat/retentionpolicy/add/").status_code == 403
    assert alice.posts("/admin/chat/retentionpolicy/add/", **form).status_code == 302

    assert alice.client.get("/admin/chat/retentionpolicy/add/").status_code == 403
    with acme.scope():
        policy = RetentionPolicy.objects.get()
    assert (policy.conversations_days, policy.traces_days) == (90, None)
    page = alice.posts(f"/admin/chat/retentionpolicy/{policy.pk}/change/", conversations_days="0", traces_days="")
    assert page.status_code == 200, "refused, with the form"


def test_a_viewer_takes_nothing_away(acme, vera):
    open_inn(acme, None)
    talk(acme, "carol")
    with acme.scope():
        carol = EndUser.objects.get()

    vera.sees(f"/admin/chat/enduser/{carol.pk}/change/")
    assert vera.client.get(f"/admin/chat/enduser/{carol.pk}/kept/").status_code == 403
    assert vera.posts(f"/admin/chat/enduser/{carol.pk}/delete/", post="yes").status_code == 403
