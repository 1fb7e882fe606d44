"""Everything that is kept of a person, as one JSON document for him."""

from typing import Any

from django.utils import timezone

from chat.models import Conversation, EndUser
from chat.retention.holdings import Subject, holdings


def export_of(end_user: EndUser) -> dict[str, Any]:
    """`{made_at, <kind of thing>: [rows]}`, in the tenant's scope; without colleagues' notes."""
    mine = Conversation.objects.filter(end_user=end_user).order_by("pk").values_list("pk", flat=True)
    subject = Subject(end_user.tenant_id, list(mine), end_user.pk, end_user.external_id)
    rows = {holding.name: holding.hand_out(subject) for holding in holdings()}
    return {"made_at": timezone.now(), **{name: found for name, found in rows.items() if found}}
