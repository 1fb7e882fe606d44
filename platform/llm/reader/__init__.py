"""The reader: the provider that answers when no model endpoint is configured.

It only ever says authored words: quotations from the passages that a search found, with their citation
marks, or lines that the persona's author wrote. `read` is its one entry; it is pure and deterministic.
"""

from llm.reader.reading import read
from llm.reader.types import Example, Passage, ReaderAnswer, ReaderTask

__all__ = ["Example", "Passage", "ReaderAnswer", "ReaderTask", "read"]
