"""The guide to embedding: its commands make a bot that the shop may show, and its scripts are those that there are."""

import hashlib
import hmac
import json
import re
from pathlib import Path

import pytest
from django.test import Client

from chat.widget.files import STATIC
from personas.models import Persona
from tests.chat.conftest import server as server
from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.docs.pages import page
from tests.docs.test_ask_guide import run

GUIDES = {"en": "docs/guides/embedding.md", "zh": "docs/guides/embedding.zh.md"}


@pytest.mark.parametrize("language", GUIDES)
def test_the_guide_leads_to_a_widget_on_the_shops_page(
    server: InProcessServer, acme: Business, tmp_path: Path, language: str
) -> None:
    published, signature = (
        run(block.text, server, acme, tmp_path) for block in page(GUIDES[language]).blocks("sh run")
    )

    key = json.loads(published)["publishable_key"]
    card = Client().get(f"/api/v1/public/{key}/widget/", headers={"Origin": "https://shop.example"})
    assert card.json()["widget"]["accent"] == "#0a5bd3"
    with acme.scope():
        secret = Persona.objects.get(slug="shop").widget_secret
    assert signature.strip() == hmac.new(secret.encode(), b"carol", hashlib.sha256).hexdigest()
    end_user = {"id": "carol", "signature": signature.strip()}
    opened = Client().post(
        f"/api/v1/public/{key}/sessions/",
        {"end_user": end_user},
        content_type="application/json",
        headers={"Origin": "https://shop.example"},
    )
    assert opened.status_code == 201


def test_both_guides_tell_of_every_attribute_and_call() -> None:
    element = (STATIC / "widget" / "element.js").read_text()
    loader = (STATIC / "widget" / "loader.js").read_text()
    observed = re.search(r"observedAttributes = \[(.*?)\]", element, re.DOTALL)
    assert observed
    attributes = set(re.findall(r'"([\w-]+)"', observed[1]))
    calls = set(re.findall(r"^    (\w+)[:(]", loader, re.MULTILINE))
    events = set(re.findall(r'#tell\("(\w+)"', element))
    for guide in GUIDES.values():
        text = page(guide).text
        assert {name for name in attributes if f"`data-{name}`" not in text} == set(), guide
        assert {name for name in calls if f"Troupe.{name}(" not in text} == set(), guide
        assert {name for name in events if f"`{name}`" not in text} == set(), guide
        # What is written as a script is the same in both, and calls nothing else.
        assert set(re.findall(r"Troupe\.(\w+)\(", text)) == calls, guide
