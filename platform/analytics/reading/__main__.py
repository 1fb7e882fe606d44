"""The process of which `apart.reading` gets a copy for each file. It has loaded what reads tables.

The answer comes in frames: a letter, the length of what follows in four bytes, and that. `D` are the drafts of all
tables as JSON; `T` begins the rows of one, by its place among the drafts; `R` are rows: their number in four bytes,
then CSV for COPY; `Z` is the end of a whole answer, and `E` of one that failed: `{"error", "text", "values",
"fault"?}`.
"""

import io
import json
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv

from analytics.reading.drafts import known_of
from analytics.reading.errors import TableUnreadable, TooLarge
from analytics.reading.files import read_tables
from analytics.reading.inferring import Cells
from analytics.reading.limits import MAX_UNPACKED_BYTES
from analytics.reading.texts import gettext_noop
from knowledge.parsing.copying import serve_copies

_UNPACKS_TO_TOO_MUCH = gettext_noop("The rows of the file take more than 2 GB. Leave out long columns, or split it.")
# NULL is nothing, and an empty text is "".
_AS_COPY_READS = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")


def main() -> None:
    serve_copies(load, answer)


def load() -> None:
    # Arrow's own allocators claim gigabytes of addresses beforehand, which count against a copy's limit.
    pa.set_memory_pool(pa.system_memory_pool())
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


def answer(
    data: bytes, filename: str, mode: str, known: list[dict[str, Any]], only: str | None, only_drafts: bool
) -> Iterator[bytes]:
    """The frames."""
    room = MAX_UNPACKED_BYTES
    try:
        tables = read_tables(data, filename, mode, [known_of(table) for table in known], only)
        del data
        yield frame(b"D", _json([table.draft.as_json() for table in tables]))
        for place, table in enumerate([] if only_drafts else tables):
            yield frame(b"T", _json(place))
            for batch in table.batches():
                rows = rows_frame(batch)
                room -= len(rows)
                if room < 0:
                    raise TooLarge(_UNPACKS_TO_TOO_MUCH)
                yield rows
        yield frame(b"Z")
    except TableUnreadable as error:
        yield refusal(error)
    except MemoryError:
        yield refusal(TooLarge())
    except Exception:  # a fault of ours, but what its owner can do about it is the same
        yield refusal(TableUnreadable(), fault=traceback.format_exc()[-4000:])


def refusal(error: TableUnreadable, **more: str) -> bytes:
    return frame(b"E", _json({"error": type(error).__name__, "text": error.text, "values": error.values, **more}))


def rows_frame(columns: Sequence[Cells]) -> bytes:
    batch = pa.RecordBatch.from_arrays(list(columns), names=[str(place) for place in range(len(columns))])
    written = io.BytesIO()
    pyarrow.csv.write_csv(batch, written, _AS_COPY_READS)
    return frame(b"R", batch.num_rows.to_bytes(4) + written.getvalue())


def frame(kind: bytes, content: bytes = b"") -> bytes:
    return kind + len(content).to_bytes(4) + content


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


if __name__ == "__main__":
    main()
