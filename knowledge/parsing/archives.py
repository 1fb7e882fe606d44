"""Office files are ZIP archives, and archives can lie: everything is weighed before it is unpacked."""

import io
import zipfile
import zlib
from typing import Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from django.utils.translation import gettext_lazy as _

from knowledge.parsing.errors import FileBroken, FileTooLarge

MAX_MEMBERS = 10_000
MAX_UNPACKED_BYTES = 300 * 1024 * 1024
# Office XML shrinks to a twentieth or so. Small archives may do better without doing harm.
MAX_RATIO = 200
RATIO_MATTERS_ABOVE_BYTES = 20 * 1024 * 1024
_BITE_BYTES = 64 * 1024
# What each line of the table of contents begins with.
_ENTRY = b"PK\x01\x02"
_UNPACKS_TO_TOO_MUCH = _("The file unpacks to far more than it should and was refused.")

_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


def member_names(data: bytes) -> set[str]:
    """The names in the archive. Raises FileBroken, or FileTooLarge for what would unpack to too much."""
    with _open_weighed(data) as archive:
        return set(archive.namelist())


def open_archive(data: bytes) -> zipfile.ZipFile:
    """The archive, once it is known that its members are as large as its table of contents says.

    Raises FileBroken, or FileTooLarge for what would unpack to too much.
    """
    archive = _open_weighed(data)
    try:
        for member in archive.infolist():
            with archive.open(member) as contents:
                # In small bites, since `read()` unpacks everything before it looks at the stated size.
                while contents.read(_BITE_BYTES):
                    pass
    except _UNREADABLE as error:
        raise FileBroken from error
    return archive


def _open_weighed(data: bytes) -> zipfile.ZipFile:
    """The archive, if its table of contents promises nothing excessive."""
    if data.count(_ENTRY) > MAX_MEMBERS:  # before a million of them become objects
        raise FileTooLarge(_UNPACKS_TO_TOO_MUCH)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _UNREADABLE as error:
        raise FileBroken from error
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    is_bomb = unpacked > RATIO_MATTERS_ABOVE_BYTES and unpacked > MAX_RATIO * len(data)
    if unpacked > MAX_UNPACKED_BYTES or is_bomb:
        raise FileTooLarge(_UNPACKS_TO_TOO_MUCH)
    return archive


def read_xml(archive: zipfile.ZipFile, name: str) -> Any:
    """The root element of one member. Entities and document types are refused: office files have none."""
    try:
        return ElementTree.fromstring(archive.read(name), forbid_dtd=True)
    except (*_UNREADABLE, DefusedXmlException, ElementTree.ParseError) as error:
        raise FileBroken from error
