"""How much work one file may cause."""

import time
from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from knowledge.parsing.errors import FileBroken, FileTooLarge

MAX_FILE_BYTES = 50 * 1024 * 1024
MAX_TEXT_CHARACTERS = 10_000_000  # some 15 000 printed pages; embedding them would take days
MAX_PAGES = 5_000
MAX_PARSE_SECONDS = 120.0


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
            raise FileBroken(_("Reading the file took too long. Save it in a simpler form and try again."))
        return text
