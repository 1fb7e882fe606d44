"""Failures of the chat. Codes are those of the public contract."""

from django.utils.translation import gettext_lazy as _

from tenants.errors import Conflict, Invalid, NotFound, PlatformError, RateLimited


class TextTooLong(Invalid):
    default_detail = _("A message may have 8,000 characters.")


class ConversationNotFound(NotFound):
    default_detail = _("There is no such conversation.")


class ConversationClosed(Conflict):
    default_detail = _("This conversation is closed; start a new one.")


class TooManyWaiting(RateLimited):
    default_detail = _("Several messages wait for an answer already; wait for one of them.")


class TurnRunning(Conflict):
    default_detail = _("An answer is being written; stop it first.")


class NotTheLast(Conflict):
    default_detail = _("Only the last message can be edited, and only its answer written anew.")


class TurnInterrupted(PlatformError):
    code = "turn_interrupted"
    status = 503
    default_detail = _("The answer was interrupted. Try again.")


class TurnBroken(PlatformError):
    """A fault of ours."""

    code = "internal_error"
    status = 500
    default_detail = _("The answer failed in an unexpected way. Try again; if it stays, tell the operator.")


class Superseded(Exception):
    """The turn is not this process's any more: it was taken for dead. What it has to say is not stored."""


class TakenOver(PlatformError):
    code = "taken_over"
    status = 409
    default_detail = _("A person has taken over this conversation.")


class StillSpeaking(Conflict):
    default_detail = _("The answer that is being written does not stop yet; try again in a moment.")


class HistoryGone(PlatformError):
    code = "gone"
    status = 410
    default_detail = _("Too much has happened since; fetch the messages again.")
