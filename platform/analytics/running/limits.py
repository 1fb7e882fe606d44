"""How much one run may take. All of it is outside the SQL: a LIMIT inside would make sums and counts wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunLimits:
    timeout_s: float = 20
    rows: int = 10_000
    # Of the values as they are held here, about.
    size_bytes: int = 8 * 1024 * 1024
    # As EXPLAIN estimates, in pages read in a row: a million rows summed up are 20 000, and take a quarter of a second.
    cost: float = 20_000_000


DEFAULT_LIMITS = RunLimits()
# From here on a person reads back what will be asked before it is run: some seconds of work.
READ_BACK_COST = 500_000
# Of one value, in characters: what a cell of a spreadsheet may hold.
LONGEST_CELL = 32_767
