"""The statements of `hostile.txt` and `benign.txt`, as data for every test that runs them."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Statement:
    """`{acme}` and `{globex}` in the file stand for the schemas of theirs."""

    kind: str
    text: str

    def of(self, acme: str, globex: str = "globex") -> str:
        return self.text.replace("{acme}", acme).replace("{globex}", globex)


def statements(name: str) -> list[Statement]:
    read, kind = [], ""
    for line in (Path(__file__).parent / f"{name}.txt").read_text().split("\n"):
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            kind = line[1:-1]
        else:
            read.append(Statement(kind, json.loads(line) if line.startswith('"') else line))
    return read


HOSTILE = statements("hostile")
BENIGN = statements("benign")
