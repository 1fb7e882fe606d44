"""Why a question was not answered."""

from django.utils.translation import gettext_lazy as _

from tenants.errors import Conflict, PlatformError


class NeedsModel(PlatformError):
    code = "needs_model"
    status = 422
    default_detail = _(
        "Without a model only verified questions are answered, and none of them is near enough to this one. A model "
        "would write SQL for any question about these tables. To connect one, add a model route in the admin, or set "
        "OPENAI_BASE_URL and TROUPE_CHAT_MODEL."
    )


class CannotAnswer(PlatformError):
    code = "cannot_answer"
    status = 422
    default_detail = _("I cannot answer this from these tables.")


class ReplyInvalid(PlatformError):
    code = "provider_invalid"
    status = 502
    default_detail = _("The model answered twice with something that is no SQL; try again, or connect another one.")


class NotAskedBack(Conflict):
    default_detail = _("Nothing was asked back about this question.")


class NotUnderWay(Conflict):
    default_detail = _("This question is over, so there is nothing to stop.")


class NotAnswered(Conflict):
    default_detail = _("Only a question that has an answer can be judged.")
