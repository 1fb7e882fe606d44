"""Uploads coming in: looked at from outside, stored in pieces and put in line."""

from collections.abc import Iterator, Sequence

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from analytics.datasets.limits import refuse_too_many_bytes
from analytics.models import Dataset, DatasetFile, DatasetFileSource
from analytics.reading.limits import MAX_FILE_BYTES
from jobs.queueing import enqueue
from knowledge.parsing.cleaning import clean_text
from knowledge.parsing.errors import FileBroken, FileTooLarge, UnsupportedMediaType
from tenants.errors import Conflict, Invalid

IMPORT = "analytics.import"
MAX_FILES_AT_ONCE = 20
PIECE_BYTES = 4 * 1024 * 1024

# What begins like one of these is no table, whatever it is called. A workbook and Parquet have their own beginnings.
_NO_TABLE = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"{\\rtf", b"\x7fELF")


def take_in(
    dataset: Dataset, uploads: "Sequence[UploadedFile[bytes]]", mode: DatasetFile.Mode = DatasetFile.Mode.NEW
) -> list[DatasetFile]:
    """Store the files and put their import in line, one job a file, in the order given. All of them or none.

    What is wrong inside a file, it says in its own status once a worker has read it.
    Raises Conflict for a dataset that takes no files, Invalid for none or too many, FileTooLarge, FileBroken for an
    empty one, UnsupportedMediaType, DatasetLimitReached.
    """
    if dataset.kind != Dataset.Kind.FILES:
        raise Conflict(_("This dataset is not made of files, so it takes none."))
    if not uploads:
        raise Invalid.field("files[]", _("Send at least one file: CSV, XLSX or Parquet."))
    if len(uploads) > MAX_FILES_AT_ONCE:
        raise Invalid.field("files[]", _("Send at most %(count)d files at once.") % {"count": MAX_FILES_AT_ONCE})
    for upload in uploads:
        _refuse_by_its_outside(upload)
    refuse_too_many_bytes(uploads)
    with transaction.atomic():
        return [_store(dataset, upload, mode) for upload in uploads]


def put_in_line(file: DatasetFile) -> None:
    Dataset.objects.filter(pk=file.dataset_id, status=Dataset.Status.FAILED).update(
        status=Dataset.Status.IMPORTING, error_code="", error_detail=""
    )
    enqueue(tenant_id=file.tenant_id, kind=IMPORT, queue="analytics", subject_id=file.pk)


def _refuse_by_its_outside(upload: "UploadedFile[bytes]") -> None:
    if (upload.size or 0) > MAX_FILE_BYTES:
        raise FileTooLarge(
            _("The file is larger than 100 MB. Save it as Parquet, which is far smaller, or send it in parts.")
        )
    if not upload.size:
        raise FileBroken(_("The file is empty."))
    beginning = upload.read(16)
    upload.seek(0)
    if beginning.startswith(_NO_TABLE):
        raise UnsupportedMediaType(_("This kind of file holds no table that can be read. Send CSV, XLSX or Parquet."))


def _store(dataset: Dataset, upload: "UploadedFile[bytes]", mode: DatasetFile.Mode) -> DatasetFile:
    name = clean_text(upload.name or "").strip() or _("Untitled")
    file = DatasetFile.objects.create(dataset=dataset, name=name[:300], size=upload.size or 0, mode=mode)
    for ordinal, piece in enumerate(_pieces(upload)):
        DatasetFileSource.objects.create(file=file, ordinal=ordinal, data=piece)
    put_in_line(file)
    return file


def _pieces(upload: "UploadedFile[bytes]") -> Iterator[bytes]:
    return iter(lambda: upload.read(PIECE_BYTES), b"")
