"""The demo: three small businesses from `demo/`, so that a fresh start has something to talk to.

Seeding again changes nothing that is there, so a demo that people have edited stays as they left it.
"""

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from analytics.datasets.keeping import dataset_from_files
from analytics.models import Approval, Dataset, VerifiedPair
from config.environment import write_private
from knowledge.collecting import add_file, create_base
from knowledge.models import KnowledgeBase
from npc.models import World
from npc.worlds.files import parse_world
from npc.worlds.putting import put_world
from personas.language import is_chinese
from personas.models import Persona
from personas.publishing import create_persona, publish
from tenants.models import Member, Tenant, User
from tenants.provisioning import add_member, create_tenant
from tenants.scope import tenant_scope
from tenants.system import tenant_by_slug

FOLDER = settings.ROOT / "demo"
OPERATOR = "operator@troupe.example"
GAME = "听泉村 Hearkenwell"


@dataclass
class Seeded:
    """What a newcomer is told: who may sign in, and whom to talk to."""

    logins: list[dict[str, str]] = field(default_factory=list)
    chats: list[dict[str, str]] = field(default_factory=list)
    games: list[dict[str, str]] = field(default_factory=list)


def seed(folder: Path = FOLDER) -> Seeded:
    """Make what is missing of the demo. Documents are put in line; a worker embeds them."""
    seeded = Seeded()
    password = _kept_password()
    for business in json.loads((folder / "demo.json").read_text())["tenants"]:
        tenant = tenant_by_slug(business["slug"]) or create_tenant(name=business["name"], slug=business["slug"])
        email = f"owner@{tenant.slug}.example"
        with tenant_scope(tenant):
            add_member(tenant=tenant, email=email, role=Member.Role.OWNER, password=password)
            seeded.logins.append({"who": tenant.name, "email": email, "password": password})
            for base in business["knowledge_bases"]:
                _seed_base(base, folder / "documents" / base["slug"])
            for slug in business["personas"]:
                wanted = json.loads((folder / "personas" / f"{slug}.json").read_text())
                seeded.chats.append(_seed_persona(tenant, wanted))
            for slug in business.get("datasets", ()):
                seed_dataset(folder / "datasets" / slug)
            for name in business.get("worlds", ()):
                _seed_world(tenant, folder / "worlds" / name)
            if "worlds" in business and tenant.slug == settings.PLAY_TENANT:
                seeded.games.append({"name": f"{tenant.name} · {GAME}", "url": reverse("play")})
    if not User.objects.filter(email=OPERATOR).exists():
        User.objects.create_superuser(OPERATOR, password)
    seeded.logins.append({"who": "Operator of all tenants", "email": OPERATOR, "password": password})
    _tell(seeded)
    return seeded


def _seed_base(wanted: dict[str, str], documents: Path) -> None:
    if KnowledgeBase.objects.filter(slug=wanted["slug"]).exists():
        return
    base = create_base(**wanted)
    for path in sorted(documents.iterdir()):
        add_file(base=base, filename=path.name, data=path.read_bytes())


def _seed_persona(tenant: Tenant, wanted: dict[str, Any]) -> dict[str, str]:
    persona = Persona.objects.filter(slug=wanted["slug"]).first()
    if persona is None:
        persona = create_persona(tenant_id=tenant.pk, **wanted)
        publish(persona, by="demo")
    return {"name": f"{tenant.name} · {persona.name}", "url": persona.chat_path}


def seed_dataset(path: Path) -> None:
    """A dataset from `path.csv`, with the verified questions of `path.json`. In the tenant's scope."""
    wanted = json.loads(path.with_suffix(".json").read_text())
    if Dataset.objects.filter(name=wanted["name"]).exists():
        return
    upload = SimpleUploadedFile(wanted["upload"], path.with_suffix(".csv").read_bytes(), content_type="text/csv")
    dataset = dataset_from_files(name=wanted["name"], uploads=[upload])
    VerifiedPair.objects.bulk_create(
        VerifiedPair(
            dataset=dataset,
            **pair,
            language="zh" if is_chinese(pair["question"]) else "en",
            origin=VerifiedPair.Origin.SEED,
            status=Approval.APPROVED,
        )
        for pair in wanted["pairs"]
    )


def _seed_world(tenant: Tenant, file: Path) -> None:
    raw = parse_world(file.read_bytes(), is_yaml=True)
    if not World.objects.filter(slug=raw["slug"]).exists():
        put_world(tenant_id=tenant.pk, slug=raw["slug"], raw=raw, by="demo")


def _kept_password() -> str:
    """One password for all demo logins, made at the first seeding."""
    try:
        return str(json.loads(_file().read_text())["logins"][0]["password"])
    except (OSError, ValueError, LookupError):
        return secrets.token_urlsafe(9)


def _tell(seeded: Seeded) -> None:
    """For the launcher, which prints it when everything is up."""
    text = json.dumps(
        {"logins": seeded.logins, "chats": seeded.chats, "games": seeded.games}, ensure_ascii=False, indent=2
    )
    write_private(_file(), text)


def _file() -> Path:
    return settings.ENVIRONMENT.home / "demo.json"
