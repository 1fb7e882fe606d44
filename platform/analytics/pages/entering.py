"""Who may come in at /ask/: every member; who edits counts as a key that manages."""

from tenants.adminsite.base import EDITORS
from tenants.adminsite.seats import Seat
from tenants.members import MemberPages
from tenants.models import Scope


def scopes_of(seat: Seat) -> frozenset[str]:
    return frozenset({Scope.ANALYTICS, Scope.MANAGE} if seat.role in EDITORS else {Scope.ANALYTICS})


ask_pages = MemberPages(not_found="ask/not_found.html", scopes_of=scopes_of)
