"""The process that draws, run as a script: it holds 100 MB of V8 that a web process need not.

Reads lines of JSON `{"spec", "config", "format"}`; answers each with a line of JSON, `{"size"}` and as many bytes, or
`{"error"}`. It ends with its input, or when it had nothing to do for IDLE_S. No address is ever fetched.
"""

import json
import select
import sys
from typing import Any

import vl_convert

VEGA_LITE = "6.4"
IDLE_S = 300


def drawn(asked: dict[str, Any]) -> bytes:
    options: dict[str, Any] = {"vl_version": VEGA_LITE, "config": asked["config"], "allowed_base_urls": []}
    if asked["format"] == "png":
        return vl_convert.vegalite_to_png(asked["spec"], scale=2, **options)
    return vl_convert.vegalite_to_svg(asked["spec"], **options).encode()


def main() -> None:
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while select.select([source], [], [], IDLE_S)[0] and (line := source.readline()):
        try:
            picture = drawn(json.loads(line))
            sink.write(json.dumps({"size": len(picture)}).encode() + b"\n" + picture)
        except ValueError as error:
            sink.write(json.dumps({"error": str(error)}).encode() + b"\n")
        sink.flush()


if __name__ == "__main__":
    main()
