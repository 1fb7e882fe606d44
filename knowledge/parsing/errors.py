"""Why a file cannot become a document. Each sentence tells the person who uploaded it what to do."""

from django.utils.translation import gettext_lazy as _

from tenants.errors import PlatformError


class UnreadableFile(PlatformError):
    """A file that will never become a document, however often it is tried."""


class FileTooLarge(UnreadableFile):
    code = "file_too_large"
    status = 413
    default_detail = _("The file is too large. Split it into parts of at most 50 MB.")


class UnsupportedMediaType(UnreadableFile):
    code = "unsupported_media_type"
    status = 415
    default_detail = _("This kind of file cannot be read. Send text, Markdown, HTML, PDF, DOCX, CSV or XLSX.")


class FileEncrypted(UnreadableFile):
    code = "file_encrypted"
    status = 422
    default_detail = _("The file is protected by a password. Remove the password and upload it again.")


class FileBroken(UnreadableFile):
    code = "file_broken"
    status = 422
    default_detail = _("The file is damaged and cannot be read. Save it again and upload it once more.")


class DocumentEmpty(UnreadableFile):
    code = "document_empty"
    status = 422
    default_detail = _("No text was found in the file. Scanned pages need text recognition first.")
