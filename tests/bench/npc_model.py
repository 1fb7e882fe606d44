"""The scripted model of the game's benchmarks, in a process of its own: always the same reply, if it does not stall.

`python -m tests.bench.npc_model --stalls 0.3` is silent, breaks off or dawdles in so many of its answers, by seed.
"""

import argparse
import json
import random
import threading
from contextlib import suppress
from typing import Any

from tests.fakes.openai_server import PIECE, FakeOpenAI, Reply, say

REPLY = json.dumps(
    {
        "say": "Fresh from the oven. Two coins, since it is you.",
        "emotion": "happy",
        "actions": [{"name": "point_to", "arguments": {"place": "shore"}}],
    }
)
SEED = 20_261_122


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--stalls", type=float, default=0.0)
    parser.add_argument("--dawdle-s", type=float, default=0.05)
    options = parser.parse_args()
    chance = random.Random(SEED)

    def answer(_: Any) -> Reply:
        if chance.random() >= options.stalls:
            return say(REPLY)
        match chance.randrange(3):
            case 0:
                return say("", ending="stall")
            case 1:
                return say(REPLY[: chance.randrange(1, len(REPLY))], ending="stall")
            case _:
                return say(REPLY, chunks=len(REPLY) // PIECE, delay_s=options.dawdle_s * chance.random())

    fake = FakeOpenAI()
    fake.will_answer_with(answer, times=None)
    with fake:
        print(fake.base_url, flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
