"""Failures of imports that are not in the file itself (those are in `reading.errors`)."""

from django.utils.translation import gettext_lazy as _

from analytics.reading.errors import TableUnreadable
from analytics.reading.texts import gettext_noop
from tenants.errors import Conflict


class RowTooWide(TableUnreadable):
    code = "too_many_columns"
    text = gettext_noop(
        "A row of «%(table)s» is wider than PostgreSQL can store, which is about 8 000 bytes without its long texts. "
        "Leave out columns that you do not ask about, or turn columns that repeat into rows."
    )


class ValueRefused(TableUnreadable):
    text = gettext_noop("PostgreSQL did not take a value of «%(table)s»: %(why)s")


class NotImporting(Conflict):
    default_detail = _("Nothing is being done with this file, so there is nothing to stop.")


class NotStopped(Conflict):
    default_detail = _("Only a file that failed or was cancelled can be tried again.")


class BeingRead(Conflict):
    default_detail = _("This table is being read again; wait until that is done.")


class FileGone(Conflict):
    default_detail = _("The file of this table is no longer kept, so it cannot be read again. Upload it once more.")


class ValuesWouldBeLost(Conflict):
    """`extra` says how many, of how many, and a few of them."""

    code = "values_lost"
    default_detail = _("With this type some values would become empty. Send `force` to change it all the same.")
