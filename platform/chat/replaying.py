"""Bringing a subscription up to date."""

from uuid import UUID

from chat.history import has_open_turn, stored_events
from chat.hub import Subscription, hub
from tenants.scope import in_tenant


async def replay(subscription: Subscription, tenant_id: UUID, after: int) -> None:
    """Hand out all that came behind `after`, then go on live.

    From the log; where that does not reach back, from the database; raises HistoryGone when that is too much.
    """
    conversation_id = subscription.room.conversation_id
    items, is_complete = await hub().logged(subscription, after)
    if not is_complete:
        stored = await in_tenant(tenant_id, stored_events, conversation_id, after)
        known = {item.last for item in stored}
        items = sorted([*stored, *(item for item in items if item.last not in known)], key=lambda item: item.last)
    subscription.rewind(after, items)
    subscription.release()
    if await in_tenant(tenant_id, has_open_turn, conversation_id):
        hub().follow(subscription)
