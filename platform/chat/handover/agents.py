"""Who speaks for the business: one of its members, or a server of its by its key."""

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from chat.models import Conversation
from tenants.authentication import Caller
from tenants.errors import Invalid, ScopeMissing
from tenants.models import ApiKey, Member

# A viewer looks on.
HANDLERS = frozenset({Member.Role.OWNER, Member.Role.EDITOR, Member.Role.AGENT})


@dataclass(frozen=True, slots=True)
class Agent:
    """Who acts, and the name that visitors see. An operator who helps out has neither id."""

    tenant_id: UUID
    name: str
    member_id: UUID | None = None
    key_id: UUID | None = None
    user_id: int | None = None  # for the audit log

    def has(self, conversation: Conversation) -> bool:
        """Whether this one has the conversation. All of a tenant's keys are its servers, and stand for each other."""
        if conversation.state != Conversation.State.HUMAN:
            return False
        if self.member_id or conversation.agent_id:
            return self.member_id == conversation.agent_id
        return True


def agent_of(caller: Caller, name: str = "") -> Agent:
    """The agent behind a call. In the tenant's scope. Raises ScopeMissing for a member who may only look."""
    if caller.member_id is not None:
        return agent_of_member(caller.tenant_id, caller.member_id)
    if not name and caller.key_id:
        name = ApiKey.objects.filter(pk=caller.key_id).values_list("name", flat=True).first() or ""
    return Agent(caller.tenant_id, name or caller.tenant_name, key_id=caller.key_id)


def agent_of_member(tenant_id: UUID, member_id: UUID) -> Agent:
    """A member as an agent. In the tenant's scope. Raises ScopeMissing unless he may answer people."""
    found = Member.objects.filter(tenant_id=tenant_id).select_related("user")
    member: Member | None = found.filter(pk=member_id).first()
    if member is None or member.role not in HANDLERS or not member.user.is_active:
        raise ScopeMissing(_("Your role in this tenant does not allow this."))
    return Agent(tenant_id, name_of(member), member_id=member.pk, user_id=member.user_id)


def colleague(tenant_id: UUID, member_id: UUID) -> Member:
    """The member to whom a conversation may be given. Raises Invalid, alike for a neighbour's and a made-up one."""
    found = Member.objects.filter(tenant_id=tenant_id).select_related("user").filter(pk=member_id)
    member: Member | None = found.filter(role__in=HANDLERS, user__is_active=True).first()
    if member is None:
        raise Invalid.field("to", _("There is no colleague with this id who may answer people."))
    return member


def name_of(member: Member) -> str:
    """What visitors see: a name, never a whole address."""
    return member.user.get_full_name() or member.user.email.partition("@")[0]
