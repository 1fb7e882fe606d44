"""LangChain's ChatOpenAI through a whole visit, run in an environment of its own. Prints one JSON object."""

import asyncio
import json
import os

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, Field

URL, KEY = os.environ["TROUPE_URL"], os.environ["TROUPE_KEY"]


class Offer(BaseModel):
    """An offer."""

    rooms: int = Field(description="how many")


@tool
def free_rooms(night: str) -> int:
    """How many rooms are free."""
    return len(night)


def main() -> None:
    chat = ChatOpenAI(model="innkeeper", base_url=URL, api_key=KEY, max_retries=0)
    ask = [HumanMessage("有房间吗？")]
    seen = {"whole": chat.invoke(ask).text}
    seen["pieces"] = [chunk.text for chunk in chat.stream(ask) if chunk.text]
    called = chat.bind_tools([free_rooms]).invoke(ask)
    (call,) = called.tool_calls
    seen["call"] = [call["name"], call["args"]]
    answered = [*ask, called, ToolMessage(free_rooms.invoke(call["args"]), tool_call_id=call["id"])]
    seen["answered"] = asyncio.run(chat.ainvoke(answered)).text
    seen["offer"] = chat.with_structured_output(Offer).invoke(ask).rooms
    vectors = OpenAIEmbeddings(
        model="multilingual-e5-small", base_url=URL, api_key=KEY, check_embedding_ctx_length=False, max_retries=0
    )
    seen["vector"] = len(vectors.embed_query("a room"))
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
