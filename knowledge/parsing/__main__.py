"""The process of which `apart.parse_apart` gets a copy for each file. It has loaded the parsers."""

import json
import traceback
from collections.abc import Iterator

from knowledge.parsing import load_parsers, parse
from knowledge.parsing.copying import serve_copies
from knowledge.parsing.errors import FileBroken, UnreadableFile


def main() -> None:
    serve_copies(load_parsers, answer)


def answer(data: bytes, filename: str, declared_type: str) -> Iterator[bytes]:
    """The answer as JSON, whatever the file does to its parser, short of killing us. Raises MemoryError."""
    try:
        document = parse(data, filename, declared_type)
        blocks = [[block.text, block.kind, block.level, block.page] for block in document.blocks]
        yield json.dumps({"title": document.title, "blocks": blocks}).encode()
    except UnreadableFile as error:
        yield refusal(error)
    except MemoryError:
        raise
    except Exception:  # a fault of ours, but what its owner can do about it is the same
        yield refusal(FileBroken(), fault=traceback.format_exc()[-4000:])


def refusal(error: UnreadableFile, **more: str) -> bytes:
    return json.dumps({"code": error.code, "detail": str(error.detail), **more}).encode()


if __name__ == "__main__":
    main()
