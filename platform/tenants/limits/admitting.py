"""Letting a call of the API in: whose key it shows, and whether he has not called too often."""

from collections.abc import Mapping
from uuid import UUID

from django.http import HttpRequest

from tenants.authentication import Caller, authenticate, bearer
from tenants.errors import RateLimited, Unauthenticated
from tenants.limits.headers import headers_of
from tenants.limits.policies import Asker, buckets_of_call, buckets_of_stranger
from tenants.limits.taking import take
from tenants.limits.visitors import address_of_request
from tenants.tokens import API_KEY, parse_token


def admitted(request: HttpRequest) -> Caller:
    """The caller of this request, from whose buckets it was taken. Raises Unauthenticated, RateLimited."""
    try:
        caller = authenticate(request.headers.get("Authorization"))
    except Unauthenticated:
        take(*buckets_of_stranger(address_of_request(request)))
        raise
    count_call(request, caller.tenant_id, caller.key_id)
    return caller


class Admission:
    """A call that is let in by whoever answers it, in the transaction in which that is begun."""

    def __init__(self, request: HttpRequest, scope: str) -> None:
        self._request, self._scope = request, scope
        self._caller: Caller | None = None
        self.was_asked = False

    @property
    def tenant_id(self) -> UUID:
        """Of the key that is shown, be it one or not. Raises Unauthenticated for what cannot be a key."""
        return parse_token(bearer(self._request.headers.get("Authorization")), API_KEY).tenant_id

    def admit(self) -> Caller:
        """As `admitted`, once. Raises ScopeMissing too."""
        self.was_asked = True
        if self._caller is None:
            caller = admitted(self._request)
            caller.require(self._scope)
            self._caller = caller
        return self._caller


def count_call(request: HttpRequest, tenant_id: UUID, key_id: UUID | None = None) -> None:
    """Take one call from its buckets, and note for the answer how they stand. Raises RateLimited."""
    try:
        standings = take(
            *buckets_of_call(tenant_id, Asker(key_id) if key_id else Asker(address=address_of_request(request)))
        )
    except RateLimited as refused:
        note_limits(request, refused.headers)
        raise
    note_limits(request, headers_of(standings))


def note_limits(request: HttpRequest, headers: Mapping[str, str]) -> None:
    request.limit_headers = headers  # type: ignore[attr-defined]  # added by `config.middleware` to any answer
