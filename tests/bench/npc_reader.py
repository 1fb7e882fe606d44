"""How often the reader takes the action that a player means, beside two simple ways to choose."""

from tests.npc.reader_set import by_majority, by_nearest_description, by_reader, lines, score


def measure() -> list[tuple[str, str]]:
    """Rows of the table: exact matches of action or none, and of arguments where the action was right."""
    rows = []
    ways = {"the reader": by_reader, "the nearest description": by_nearest_description(), "always none": by_majority()}
    for split, of in (("report", "unseen lines"), ("tune", "lines it was tuned by")):
        for lang in (None, "zh", "en"):
            among = lines(split, lang)
            for name, choose in ways.items():
                found = score(choose, among)
                right = f"{found.actions:.1%}" + (f", args {found.arguments:.1%}" if choose is by_reader else "")
                rows.append((f"{len(among)} {of}, {lang or 'zh and en'}: {name}", right))
    return rows
