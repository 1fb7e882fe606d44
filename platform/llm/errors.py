"""What can go wrong behind the models' door."""

from typing import TYPE_CHECKING, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.errors import PlatformError

if TYPE_CHECKING:
    from llm.types import Usage


class ProviderError(PlatformError):
    """A model endpoint failed us.

    `retryable`: the same call may well succeed later. `retry_after_s`: when the endpoint said so itself.
    `upstream` is its own words, shortened, for traces and logs; clients do not see it: it may tell of keys.
    `is_endpoints_fault`: other calls would meet it too, so that it counts against the endpoint (`llm.breaker`).
    `usage`: what the endpoint counted all the same.
    """

    is_retryable: ClassVar[bool] = True
    is_endpoints_fault: bool = True
    usage: "Usage | None" = None

    def __init__(
        self,
        detail: str | Promise | None = None,
        *,
        retryable: bool | None = None,
        retry_after_s: float | None = None,
        upstream: str = "",
        is_endpoints_fault: bool | None = None,
    ) -> None:
        self.retryable = self.is_retryable if retryable is None else retryable
        if is_endpoints_fault is not None:
            self.is_endpoints_fault = is_endpoints_fault
        self.retry_after_s = retry_after_s
        self.upstream = upstream[:500]
        headers = {} if retry_after_s is None else {"Retry-After": str(int(retry_after_s) + 1)}
        super().__init__(detail, headers=headers, retryable=self.retryable)


class ProviderUnavailable(ProviderError):
    """Down, overloaded, or it refuses us."""

    code = "provider_unavailable"
    status = 502
    default_detail = _("The model endpoint cannot be reached or is overloaded; try again in a moment.")


class EndpointResting(ProviderUnavailable):
    """It failed again and again, so that it is not asked for a few seconds."""

    is_endpoints_fault = False
    default_detail = _("The model endpoint failed several times and is left alone for some seconds; try again then.")


class StreamCut(ProviderUnavailable):
    """The connection broke in mid-answer: what came before it is real, and less than the whole."""

    default_detail = _("The model endpoint broke off in the middle of the answer; try again.")


class NoModelConnected(ProviderUnavailable):
    """Something that only a model can do was asked of the reader."""

    is_retryable = False
    is_endpoints_fault = False
    default_detail = _("No model is connected. Add a model route, or set OPENAI_BASE_URL and TROUPE_CHAT_MODEL.")


class ProviderTimeout(ProviderError):
    code = "provider_timeout"
    status = 504
    default_detail = _("The model endpoint did not answer in time; try again, or raise the time limit of its route.")


class ProviderInvalid(ProviderError):
    """It answered with something that is no answer, or takes our request for a wrong one."""

    is_retryable = False
    code = "provider_invalid"
    status = 502
    default_detail = _("The model endpoint answered with something that is not a model's answer; check its route.")


class NothingSaid(ProviderInvalid):
    """A whole answer without one word, such as that of a model which spent all its tokens on thinking."""

    is_retryable = True
    is_endpoints_fault = False
    default_detail = _("The model ended its answer without saying anything; try again.")
