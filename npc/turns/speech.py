"""Speech as it is heard: without the stage directions and script marks that models like to write. Streams."""

# What stands between two stars further apart than this is no stage direction, and stays.
LONGEST_DIRECTION = 160
MAX_SPEECH_CHARACTERS = 4_000
_BLANKS = " \t\r\n"


class Speech:
    """Feed it text as it comes; it gives back what is said for certain, however the text was cut.

    A name before the line ("Bram: Come in.") and directions (*wipes a mug*) are dropped, emphasis (**never**) loses
    its stars. `said` is all that was given back, joined; it neither begins nor ends with a blank.
    """

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.said = ""
        self.repairs: list[str] = []
        self._labels = tuple(f"{name}{colon}" for name in names if name for colon in ":：")
        self._beginning: str | None = ""  # while it may still be a name
        self._blanks = ""  # wait until something follows them
        self._starred = ""  # waits for its other star
        self._last = ""
        self._given: list[str] = []

    def feed(self, text: str) -> str:
        if self._beginning is None:
            self._hear(text)
        else:
            self._beginning = (self._beginning + text).lstrip(_BLANKS)
            self._begin(is_last=False)
        return self._give()

    def finish(self) -> str:
        if self._beginning is not None:
            self._begin(is_last=True)
        if self._starred:
            self._leave_star(is_direction=len(self._starred) > 1)
        return self._give()

    def _begin(self, *, is_last: bool) -> None:
        text = self._beginning or ""
        if not is_last and any(label.startswith(text) for label in (*self._labels, "")):
            return
        self._beginning = None
        for label in self._labels:
            if text.startswith(label):
                text = text[len(label) :]
                self._repair("name_dropped")
                break
        self._hear(text)

    def _hear(self, text: str) -> None:
        for letter in text:
            if self._starred:
                self._hear_starred(letter)
            elif letter == "*" and not self._last.isdigit():
                self._starred = "*"
            else:
                self._say(letter)

    def _hear_starred(self, letter: str) -> None:
        if letter == "*":
            self._leave_star(is_direction=True)
        elif letter == "\n" or (self._starred == "*" and letter in _BLANKS) or len(self._starred) > LONGEST_DIRECTION:
            self._leave_star(is_direction=False)
            self._say(letter)
        else:
            self._starred += letter

    def _leave_star(self, *, is_direction: bool) -> None:
        """What began with a star has ended: as a direction or as the mark of emphasis, or as neither."""
        starred, self._starred = self._starred, ""
        if not is_direction:
            for letter in starred:
                self._say(letter)
        elif len(starred) > 1:
            self._repair("stage_direction_dropped")
            # The blank before it does for both sides.
            self._last = " " if self._blanks or not (self.said or self._given) else ""

    def _say(self, letter: str) -> None:
        if letter in _BLANKS:
            is_doubled = letter == " " == self._last
            self._blanks += "" if is_doubled else letter
        else:
            self._given.append((self._blanks if self.said or self._given else "") + letter)
            self._blanks = ""
        self._last = letter

    def _give(self) -> str:
        given = "".join(self._given)
        self._given = []
        room = MAX_SPEECH_CHARACTERS - len(self.said)
        if len(given) > room:
            self._repair("speech_cut")
            given = given[:room].rstrip(_BLANKS)
        self.said += given
        return given

    def _repair(self, rule: str) -> None:
        if rule not in self.repairs:
            self.repairs.append(rule)
