"""What can go wrong behind the models' door."""

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.errors import PlatformError


class ProviderError(PlatformError):
    """A model endpoint failed us.

    `retryable`: the same call may well succeed later. `retry_after_s`: when the endpoint said so itself.
    `upstream` is its own words, shortened, for traces and logs; clients do not see it: it may tell of keys.
    """

    is_retryable: ClassVar[bool] = True

    def __init__(
        self,
        detail: str | Promise | None = None,
        *,
        retryable: bool | None = None,
        retry_after_s: float | None = None,
        upstream: str = "",
    ) -> None:
        self.retryable = self.is_retryable if retryable is None else retryable
        self.retry_after_s = retry_after_s
        self.upstream = upstream[:500]
        headers = {} if retry_after_s is None else {"Retry-After": str(int(retry_after_s) + 1)}
        super().__init__(detail, headers=headers, retryable=self.retryable)


class ProviderUnavailable(ProviderError):
    """Down, overloaded, or it refuses us."""

    code = "provider_unavailable"
    status = 502
    default_detail = _("The model endpoint cannot be reached or is overloaded; try again in a moment.")


class StreamCut(ProviderUnavailable):
    """The connection broke in mid-answer: what came before it is real, and less than the whole."""

    default_detail = _("The model endpoint broke off in the middle of the answer; try again.")


class NoModelConnected(ProviderUnavailable):
    """Something that only a model can do was asked of the reader."""

    is_retryable = False
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
    default_detail = _("The model ended its answer without saying anything; try again.")
