"""A database that takes its time: what is being written is held up until the test lets it go on, or fail."""

import threading
from types import ModuleType
from typing import Any

import pytest


class Storing:
    """Holds up calls of a module's function that writes. Let it go on in the end: `ends`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> None:
        self._may_go_on = threading.Event()
        self._failure: Exception | None = None
        self._write = getattr(module, name)
        monkeypatch.setattr(module, name, self._held_write)

    def _held_write(self, *statements: Any) -> None:
        assert self._may_go_on.wait(30)
        if self._failure:
            raise self._failure
        self._write(*statements)

    def ends(self, failure: Exception | None = None) -> None:
        self._failure = failure
        self._may_go_on.set()
