"""The bundled model's vectors of everything the demo's questions need, kept in a file beside this one.

To embed it all takes a minute of processor time, and each run of the suite would get the same numbers. When texts or
the model change, write them anew: `PYTHONPATH=platform python -m tests.demo.vectors`.
"""

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path

import numpy as np

from llm.embedding import BundledEmbedder
from llm.types import Matrix, Vector

FILE = Path(__file__).with_name("vectors.npz")
QUERY, PASSAGE = "query", "passage"


class KeepingEmbedder(BundledEmbedder):
    """The bundled model, except for what is kept: its vectors are rounded to half precision."""

    def __init__(self, kept: dict[bytes, Vector]) -> None:
        super().__init__()
        self.kept = kept
        self.computed: dict[bytes, Vector] = {}

    def embed_query(self, text: str) -> Vector:
        key = key_of(QUERY, text)
        if key not in self.kept and key not in self.computed:
            self.computed[key] = super().embed_query(text)
        return self.kept[key] if key in self.kept else self.computed[key]

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        keys = {key_of(PASSAGE, text): text for text in texts}
        missing = {key: text for key, text in keys.items() if key not in self.kept and key not in self.computed}
        self.computed |= dict(zip(missing, super().embed_passages(list(missing.values())), strict=True))
        known = self.computed | self.kept
        return np.stack([known[key_of(PASSAGE, text)] for text in texts]) if texts else super().embed_passages([])


def key_of(kind: str, text: str) -> bytes:
    return blake2b(f"{kind}: {text}".encode(), digest_size=8).digest()


@cache
def embedder() -> KeepingEmbedder:
    with np.load(FILE) as stored:
        keys, vectors = stored["keys"], stored["vectors"].astype(np.float32)
    return KeepingEmbedder({key.tobytes(): vector for key, vector in zip(keys, vectors, strict=True)})


def main() -> None:
    """Ask everything of the model itself, and keep what it said."""
    from tests.demo import fit_confidence, test_reader_quality, vectors

    embedder = vectors.embedder  # what they ask: this module is run under another name
    embedder().kept.clear()
    fit_confidence.cases()
    fit_confidence.common_question()
    test_reader_quality.outcomes("report")
    computed = dict(sorted(embedder().computed.items()))
    keys = np.frombuffer(b"".join(computed), dtype=np.uint8).reshape(-1, 8)
    np.savez(FILE, keys=keys, vectors=np.stack(list(computed.values())).astype(np.float16))
    print(f"{len(computed)} vectors, {FILE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
