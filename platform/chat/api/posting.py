"""A message that comes over HTTP, and the events of the turn that answers it."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from chat.engine import engine
from chat.errors import ConversationNotFound, HistoryGone, TakenOver
from chat.events import ENDINGS, Event, Item
from chat.history import turn_ending
from chat.hub import hub
from chat.models import Turn
from chat.posting import post_message, regenerate
from chat.subscription import Ended
from personas.context import Said
from personas.lookups import OnBehalf
from tenants.authentication import Caller
from tenants.errors import PlatformError
from tenants.limits.policies import Asker
from tenants.models import Scope
from tenants.scope import in_tenant


class TurnFailed(PlatformError):
    """A turn that failed, as the answer to who waited for it, with the code of what made it fail."""

    STATUS = {
        "provider_timeout": 504, "turn_interrupted": 503, "taken_over": 409, "internal_error": 500,
        "not_found": 404, "invalid": 422, "budget_exhausted": 402, "quota_exhausted": 429,
        "rate_limited": 429,
    }  # fmt: skip

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(body["detail"], retryable=body["retryable"], text=body["text"], turn_id=body["turn_id"])
        self.code = body["code"]  # type: ignore[misc]
        self.status = self.STATUS.get(body["code"], 502)  # type: ignore[misc]


def behalf_of(caller: Caller) -> OnBehalf | None:
    """A server may look up what its key may ask for."""
    return OnBehalf(key_id=caller.key_id) if caller.key_id and Scope.ANALYTICS in caller.scopes else None


class Posting:
    """A message posted over HTTP, and the turn that answers it.

    `history`: what was said before, kept by the caller. `key_id`: the key whose turn it is. `anew`: the turn in whose
    place this one answers, to a message that is stored already. `after`: the last that was heard of the turn, where it
    was posted before.
    """

    def __init__(
        self,
        tenant_id: UUID,
        conversation_id: UUID,
        *,
        client_id: UUID,
        text: str,
        variables: dict[str, str] | None = None,
        knobs: dict[str, Any] | None = None,
        history: tuple[Said, ...] | None = None,
        on_behalf: OnBehalf | None = None,
        key_id: UUID | None = None,
        anew: UUID | None = None,
        after: int | None = None,
    ) -> None:
        self.tenant_id = tenant_id
        self.conversation_id = conversation_id
        self._history = history
        self._client_id = client_id
        self._after = after
        self._post = regenerate if anew else post_message
        said = {"client_id": client_id, "text": text, "variables": variables or {}}
        self._said = {
            **({"turn_id": anew} if anew else said),
            "knobs": knobs,
            "on_behalf": on_behalf,
            "asker": Asker(key_id),
        }

    async def completed(self) -> dict[str, Any]:
        """The completed turn. Raises what made it fail."""
        async for item in self.items():
            if item.type in ENDINGS and isinstance(item, Event):
                if item.type == "turn.failed":
                    raise TurnFailed(item.body)
                return {**item.body, "client_id": str(self._client_id)}
        raise HistoryGone

    async def items(self) -> AsyncIterator[Item]:
        """The events of this turn, from its first to its last. A turn that is over already is told from its
        rows: by its last, or by all that came behind what was heard.

        Raises what forbids the turn, before the first event.
        """
        # Followed before it is posted, so that nothing of it is missed.
        following = hub().subscription(self.tenant_id, self.conversation_id, outlasts_drain=True)
        async with following as subscription:
            posted = await engine().post(
                self.tenant_id,
                self._post,
                history=self._history,
                conversation_id=self.conversation_id,
                **self._said,
            )
            if posted.turn is None:  # it is stored, and a person will read it
                raise TakenOver(_("A person answers here; your message was passed on."))
            heard = posted.turn.first_seq - 1
            if not posted.is_new:
                heard = max(heard, self._after or 0)
                ending = await in_tenant(self.tenant_id, _ending, posted.turn.pk)
                if ending and self._after is None:
                    yield ending
                    return
                if ending and ending.last <= heard:
                    return
            if posted.runs_here:
                subscription.rewind(heard)
                subscription.release()
            else:
                await hub().replay(subscription, heard)
            turn_id = str(posted.turn.pk)
            try:
                async for item in subscription:
                    if turn_of(item) in (None, turn_id):
                        yield item
                        if item.type in ENDINGS:
                            return
            except Ended:  # erased meanwhile
                raise ConversationNotFound from None


def _ending(turn_id: UUID) -> Event | None:
    turn = Turn.objects.select_related("answer").get(pk=turn_id)
    return turn_ending(turn) if turn.last_seq else None


def turn_of(item: Item) -> str | None:
    """The turn that an event tells of, if any."""
    return item.turn_id if not isinstance(item, Event) else item.body.get("turn_id")
