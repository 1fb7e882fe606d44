"""Files that come in by a form, looked into before any transaction begins."""

from django.core.files.uploadedfile import UploadedFile
from django.db import connection
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _

from knowledge.parsing import MAX_FILE_BYTES
from knowledge.parsing.apart import refuse_unreadable
from knowledge.parsing.errors import FileTooLarge
from tenants.errors import Invalid


def refuse_bad_upload(request: HttpRequest) -> None:
    """Say what is wrong with the form's `file`, if that can be told while its sender waits.

    Raises Invalid, FileTooLarge or another UnreadableFile. A form without a file is for the caller to refuse.
    Call it outside of transactions: it gives the database connection back.
    """
    for upload in _sent_files(request):
        if (upload.size or 0) > MAX_FILE_BYTES:
            raise FileTooLarge
        data = upload.read()
        upload.seek(0)
        connection.close()  # others may have it while this is read
        refuse_unreadable(data, upload.name or "", upload.content_type or "")


def _sent_files(request: HttpRequest) -> "list[UploadedFile[bytes]]":
    """None or one. Django would give the last of several, and its sender believe that all were taken."""
    try:
        files = request.FILES.getlist("file")
    except MultiPartParserError as failure:
        raise Invalid(_("The body could not be read: %(why)s") % {"why": failure}) from None
    if len(files) > 1:
        raise Invalid.field("file", _("Send one file at a time."))
    return files
