"""The limits of a call as HTTP headers: structured fields of the IETF's draft for them, the tenth."""

from collections.abc import Sequence

from tenants.limits.buckets import MILLION, Standing


def headers_of(standings: Sequence[Standing]) -> dict[str, str]:
    """In one what there is, `q` in `w` seconds; in the other what is left, `r`, and in how many seconds all is, `t`."""
    if not standings:
        return {}
    policies = (
        f'"{standing.bucket.name}";q={standing.bucket.limit.limit};w={standing.bucket.limit.window_s}'
        for standing in standings
    )
    left = (
        f'"{standing.bucket.name}";r={standing.left};t={-(-standing.full_in_us // MILLION)}' for standing in standings
    )
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}
