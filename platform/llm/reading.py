"""The reader as a provider: the engine's answer, streamed word by word as a model's would be."""

import asyncio
import re
from collections.abc import AsyncGenerator

from llm.embedding import bundled, off_loop
from llm.errors import NoModelConnected
from llm.reader import ReaderAnswer, ReaderTask, read
from llm.tokens import count_tokens
from llm.types import ChatRequest, Finished, StreamItem, TextDelta, Usage

# A word with the blanks before it; in Chinese, two characters and the punctuation behind them.
_PIECES = re.compile(r"\s*(?:[\u3040-\u9fff]{1,2}[^\w\s]*|[^\s\u3040-\u9fff]+)|\s+")


async def stream_reader(request: ChatRequest) -> AsyncGenerator[StreamItem, None]:
    """As `llm.door.stream_chat`, where no model is connected. Without a task it raises NoModelConnected."""
    if request.reader is None:
        raise NoModelConnected
    answer = await off_loop(_read, request.reader)
    for piece in pieces(answer.text):
        yield TextDelta(piece)
        await asyncio.sleep(0)  # other streams of this process go on meanwhile
    usage = _usage(request.reader, answer)
    yield Finished("stop", usage, cited=answer.cited, declined=answer.declined, trace=answer.trace)


def pieces(text: str) -> list[str]:
    """Cut a text into words that, joined, are the text."""
    return _PIECES.findall(text)


def _read(task: ReaderTask) -> ReaderAnswer:
    model = bundled()
    return read(task, model.embed_query, model.embed_passages)


def _usage(task: ReaderTask, answer: ReaderAnswer) -> Usage:
    read_texts = [task.question, *(passage.text for passage in task.passages)]
    return Usage(sum(map(count_tokens, read_texts)), count_tokens(answer.text), is_estimate=True)
