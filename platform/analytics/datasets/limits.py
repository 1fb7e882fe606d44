"""What one tenant may keep here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _

from analytics.errors import DatasetLimitReached
from analytics.models import Dataset, DatasetFile
from tenants.models import Tenant

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile


def refuse_one_too_many() -> None:
    """Raise DatasetLimitReached where one dataset more would be too many. In the tenant's scope."""
    _hold()
    if Dataset.objects.exclude(kind=Dataset.Kind.CONVERSATIONS).count() >= settings.ANALYTICS_MAX_DATASETS:
        raise DatasetLimitReached


def refuse_too_many_bytes(uploads: "Sequence[UploadedFile[bytes]]") -> None:
    """Raise DatasetLimitReached where the tenant's uploads would take more than they may. In the tenant's scope."""
    _hold()
    kept = DatasetFile.objects.aggregate(total=Sum("size"))["total"] or 0
    if kept + sum(upload.size or 0 for upload in uploads) > settings.ANALYTICS_MAX_BYTES:
        raise DatasetLimitReached(
            _("Your files take as much room as they may: delete datasets that nobody asks about.")
        )


def _hold() -> None:
    """The tenant's row, so that of two at once the second counts what the first has added."""
    list(Tenant.objects.select_for_update(no_key=True).values_list("pk"))
