"""Bob answers people for Acme."""

from typing import Any

import pytest

from chat.handover import Agent, agent_of_member
from personas.access import access_persona
from personas.publishing import edit_persona, publish
from tenants.models import Member
from tenants.provisioning import add_member
from tests.conftest import Business


@pytest.fixture
def bob(acme: Business) -> Agent:
    """An agent at Acme's desk."""
    return hire(acme, "bob")


def hire(business: Business, name: str, role: str = Member.Role.AGENT) -> Agent:
    member = add_member(tenant=business.tenant, email=f"{name}-{business.id.hex[-8:]}@example.com", role=role)
    with business.scope():
        return agent_of_member(business.id, member.pk)


class Desk:
    """What Acme's server may do in one conversation, off the event loop."""

    def __init__(self, business: Business, conversation_id: str, off_loop: Any) -> None:
        self.business, self._off_loop = business, off_loop
        self.path = f"/api/v1/conversations/{conversation_id}/"

    async def does(self, what: str, **body: Any) -> Any:
        return await self._off_loop(self.business.api.post, f"{self.path}{what}/", body)

    async def sees(self, what: str = "") -> Any:
        answer = await self._off_loop(self.business.api.get, f"{self.path}{what}")
        assert answer.status_code == 200, answer.content
        return answer.json()


@pytest.fixture
def desk(carol: Any, off_loop: Any) -> Desk:
    return Desk(carol.business, carol.conversation_id, off_loop)


@pytest.fixture
def offers(acme: Any, innkeeper: Any) -> Any:
    """Let the innkeeper offer a person, in this way."""

    def offer(**handoff: Any) -> None:
        with acme.scope():
            edited = edit_persona(
                access_persona(acme.id, "innkeeper"), settings={"handoff": {"enabled": True, **handoff}}
            )
            publish(edited)

    return offer
