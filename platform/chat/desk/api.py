"""What the desk's pages ask for, besides the views of the API that they share with servers."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.access import access_conversation
from chat.desk.entering import issue_pass
from chat.desk.listing import as_rows, in_view, matching, row_of
from chat.desk.showing import page_of_messages, whole
from chat.handover.agents import HANDLERS, agent_of, name_of
from chat.posting import storable
from personas.models import Persona
from tenants.errors import Invalid
from tenants.models import Member, Scope
from tenants.rest import caller_of

SEARCH_CHARACTERS = 100


class DeskView(APIView):
    required_scope = Scope.MANAGE
    # Of the pages, not of the public API.
    schema = None


class SocketPass(DeskView):
    def post(self, request: Request) -> Response:
        """What opens one socket of this page."""
        http = request._request
        scheme = "wss" if http.is_secure() else "ws"
        return Response(
            {
                "token": issue_pass(http, caller_of(request).tenant_id),
                "websocket_url": f"{scheme}://{http.get_host()}/ws/v1/desk/",
            }
        )


class Rows(DeskView):
    def get(self, request: Request) -> Response:
        """`?view=waiting|mine|open|closed&persona=&q=`: a page of the list."""
        asked = {name: storable(str(value)) for name, value in request.query_params.items()}
        found, pager = in_view(asked.get("view", ""), agent_of(caller_of(request)))
        if persona := asked.get("persona"):
            found = found.of_persona(persona)
        if text := asked.get("q", "").strip()[:SEARCH_CHARACTERS]:
            found = matching(found, text)
        pages = pager()
        rows: Any = pages.paginate_queryset(as_rows(found), request, view=self)
        return pages.get_paginated_response([row_of(row) for row in rows or ()])


class Whole(DeskView):
    def get(self, request: Request, conversation_id: UUID) -> Response:
        return Response(whole(caller_of(request).tenant_id, conversation_id))


class EarlierMessages(DeskView):
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """Those before the number `?before=`."""
        before = request.query_params.get("before", "")
        if not before.isdecimal() or len(before) > 18:
            raise Invalid.field("before", _("A number is needed."))
        conversation = access_conversation(caller_of(request).tenant_id, conversation_id)
        messages, has_earlier = page_of_messages(conversation, before=int(before))
        return Response({"results": messages, "has_earlier": has_earlier})


class Colleagues(DeskView):
    def get(self, request: Request) -> Response:
        """Those to whom a conversation may be given."""
        members = Member.objects.filter(role__in=HANDLERS, user__is_active=True).select_related("user")
        people: list[dict[str, Any]] = [{"id": str(member.pk), "name": name_of(member)} for member in members]
        return Response({"results": sorted(people, key=lambda person: person["name"].casefold())})


class Personas(DeskView):
    def get(self, request: Request) -> Response:
        return Response({"results": list(Persona.objects.order_by("name").values("slug", "name"))})
