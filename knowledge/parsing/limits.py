"""How much work one file may cause."""

import time
from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from knowledge.parsing.errors import FileBroken, FileTooLarge

MAX_FILE_BYTES = 50 * 1024 * 1024
MAX_TEXT_CHARACTERS = 10_000_000  # some 15 000 printed pages; embedding them would take days
MAX_PAGES = 5_000
MAX_PARSE_SECONDS = 120.0
# Of a process that reads one file: parsers look at the clock now and then, and this is for those that do not.
READING_TIMEOUT_S = 150.0
# A thousand pages with pictures take a quarter of it.
MAX_MEMORY_BYTES = 1024 * 1024 * 1024
OUT_OF_MEMORY = b"out of memory"  # its answer then

TOOK_TOO_LONG = _("Reading the file took too long. Save it in a simpler form and try again.")
TOO_MUCH_MEMORY = _("Reading the file takes too much memory. Split it into parts.")


@dataclass(slots=True)
class Budget:
    """What is left of the text and the time that one file may take. Parsers spend it as they go."""

    characters: int = MAX_TEXT_CHARACTERS
    ends_at: float = field(default_factory=lambda: time.monotonic() + MAX_PARSE_SECONDS)

    def spend(self, text: str) -> str:
        """Return the text, or raise FileTooLarge or FileBroken once the file has used up its share."""
        self.characters -= len(text)
        if self.characters < 0:
            raise FileTooLarge(_("The file holds more text than one document may. Split it into parts."))
        if time.monotonic() > self.ends_at:
            raise FileBroken(TOOK_TOO_LONG)
        return text
