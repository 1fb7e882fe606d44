"""Who asks: for rights, for the audit, and for the language of the answer."""

from dataclasses import dataclass
from uuid import UUID

from tenants.authentication import Caller


@dataclass(frozen=True, slots=True)
class Asker:
    """A member, a server by its key, or an end user whom a persona answers: one of the three ids is set."""

    tenant_id: UUID
    member_id: UUID | None = None
    key_id: UUID | None = None
    end_user_id: UUID | None = None
    # "zh" or "en": of what is said in answer where the question itself does not tell.
    language: str = "en"

    @classmethod
    def of_caller(cls, caller: Caller, language: str = "en") -> "Asker":
        return cls(caller.tenant_id, caller.member_id, caller.key_id, language=language)
