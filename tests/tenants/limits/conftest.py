from collections.abc import Callable
from typing import Any

import pytest

from tenants.limits.policies import forget_limits
from tenants.models import RateLimit
from tests.conftest import Business


def limited(business: Business, of: str, limit: int, window_s: int = 3600, subject_id: Any = None) -> None:
    """A tenant chooses a limit, and this process knows of it at once."""
    with business.scope():
        RateLimit.objects.create(of=of, limit=limit, window_s=window_s, subject_id=subject_id)
    forget_limits(business.id)


@pytest.fixture
def limit() -> Callable[..., None]:
    return limited
