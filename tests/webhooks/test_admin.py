"""Alice looks after Acme's webhooks in the admin."""

import html
import re

from tests.admin.conftest import alice, hire  # noqa: F401 - fixtures
from tests.webhooks.conftest import hook_at, tell
from webhooks.models import Delivery, Endpoint

LIST = "/admin/webhooks/endpoint/"


def secret_on(page):
    return html.unescape(re.search(r"whsec_[\w+/=&#;]+", page.content.decode())[0])


def test_a_webhook_is_made_tried_and_its_secret_rotated(acme, alice, receiver):  # noqa: F811
    made = alice.posts(
        f"{LIST}add/", url=receiver.url, description="商城", event_types=["document.ready"], is_enabled="on"
    )
    secret = secret_on(made)
    with acme.scope():
        endpoint = Endpoint.objects.get()
    assert secret not in alice.sees(f"{LIST}{endpoint.pk}/change/").content.decode()
    assert alice.posts(f"{LIST}{endpoint.pk}/test/").status_code == 302
    tell(acme)

    assert receiver.verified(secret)["type"] == "webhook.test"
    with acme.scope():
        delivery = Delivery.objects.get()
    page = alice.sees(f"/admin/webhooks/delivery/{delivery.pk}/change/").content.decode()
    assert "· 204 · " in page
    assert alice.posts(f"/admin/webhooks/delivery/{delivery.pk}/resend/").status_code == 302
    new = secret_on(alice.posts(f"{LIST}{endpoint.pk}/rotate/"))
    tell(acme)
    assert new != secret
    assert receiver.verified(secret) == receiver.verified(new)


def test_an_address_that_may_not_be_called_is_refused_in_the_form(acme, alice):  # noqa: F811
    page = alice.posts(f"{LIST}add/", url="http://169.254.169.254/", is_enabled="on")

    assert "This address is in a network that webhooks may not reach." in page.content.decode()
    with acme.scope():
        assert not Endpoint.objects.exists()


def test_one_is_switched_off_and_on_with_what_waits(acme, alice, receiver):  # noqa: F811
    hook = hook_at(acme, receiver.url)
    acme.api.post(f"{hook.path}test/")
    page = f"{LIST}{hook.id}/change/"
    assert alice.posts(page, url=receiver.url).status_code == 302
    assert tell(acme) == 0
    assert hook.shown["disabled_reason"] == "by_person"

    assert alice.posts(page, url=receiver.url, is_enabled="on").status_code == 302
    tell(acme)
    assert len(receiver.events) == 1


def test_what_failed_is_sent_again_from_the_page(acme, alice, receiver):  # noqa: F811
    hook = hook_at(acme, receiver.url)
    acme.api.post(f"{hook.path}test/")
    with acme.scope():
        Delivery.objects.update(status="dead", next_try_at=None)

    assert alice.posts(f"{LIST}{hook.id}/resend/").status_code == 302
    tell(acme)
    assert len(receiver.events) == 1
