"""Why a file cannot become tables. Each sentence tells the person who uploaded it what to do."""

from typing import Any

from analytics.reading.texts import gettext_noop, told
from tenants.errors import PlatformError


class TableUnreadable(PlatformError):
    """`text` is a sentence for gettext with places for `values`, so that it can be said again in any language."""

    code = "file_broken"
    status = 422
    text = gettext_noop("The file is damaged and cannot be read. Save it again and upload it once more.")

    def __init__(self, text: str = "", **values: Any) -> None:
        self.text = text or type(self).text
        self.values = values
        super().__init__(told(self.text, values))


class TooLarge(TableUnreadable):
    code = "file_too_large"
    status = 413
    text = gettext_noop("Reading the file takes too much memory. Save it as Parquet or split it into parts.")


class TooManyColumns(TableUnreadable):
    code = "too_many_columns"
    text = gettext_noop(
        "«%(table)s» has %(columns)d columns; a table holds at most %(limit)d. Leave out those that you do not ask "
        "about, or turn columns that repeat, such as one for each day, into rows."
    )


class NoTable(TableUnreadable):
    code = "unsupported_media_type"
    status = 415
    text = gettext_noop("This kind of file holds no table that can be read. Send CSV, XLSX or Parquet.")


class FileEncrypted(TableUnreadable):
    code = "file_encrypted"
    text = gettext_noop("The file is protected by a password. Remove the password and upload it again.")


class TableEmpty(TableUnreadable):
    code = "document_empty"
    text = gettext_noop("No rows were found in the file: below the column names there must be at least one.")


class ColumnsDiffer(TableUnreadable):
    """Rows cannot be appended. `values["differences"]` are sentences."""

    code = "columns_differ"
    status = 409
    text = gettext_noop("The rows cannot be appended, the columns differ: %(differences)s")


class ReadingFailed(TableUnreadable):
    """The reader hung, crashed or ran out of its time."""

    text = gettext_noop("Reading the file took too long or failed. Save it in a simpler form and try again.")


ERRORS = {
    error.__name__: error
    for error in (
        TableUnreadable,
        TooLarge,
        TooManyColumns,
        NoTable,
        FileEncrypted,
        TableEmpty,
        ColumnsDiffer,
        ReadingFailed,
    )
}
