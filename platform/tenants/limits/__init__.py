"""How much may be asked at once: token buckets, shared by all processes through Redis.

Whoever is about to do something for somebody takes from the buckets that stand for it, of all of them or of none:

    take(*buckets_of_turn(tenant_id, persona_id=…, end_user_id=…))  # raises RateLimited

Which buckets there are and how large they are, `tenants.limits.policies` says.
"""

from tenants.limits.buckets import Bucket, Limit, Standing
from tenants.limits.taking import take, take_meanwhile

__all__ = ["Bucket", "Limit", "Standing", "take", "take_meanwhile"]
