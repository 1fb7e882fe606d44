"""The virtual environment is made once, by uv or by pip, and again when what is pinned changes."""

from pathlib import Path

import pytest

from config.environment import BadEnvironment
from embedded import browser, install


class Repository:
    """A checkout without an environment, where `uv` and `python` only note that they are called."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.called = folder / "troupe", folder / "called"
        (self.root / "requirements").mkdir(parents=True)
        for name in ("requirements/base.txt", "requirements/dev.txt", "pyproject.toml"):
            (self.root / name).write_text(name)
        self.commands = folder / "bin"
        self.commands.mkdir()
        venv = self.root / ".venv"
        monkeypatch.setattr(install, "REPOSITORY", self.root)
        monkeypatch.setattr(install, "VENV", venv)
        monkeypatch.setattr(install, "PYTHON", venv / "bin/python")
        monkeypatch.setattr(install, "STAMP", venv / "troupe-installed.json")
        monkeypatch.setattr(install.sys, "executable", str(self.commands / "python3"))
        monkeypatch.setenv("PATH", f"{self.commands}:/usr/bin:/bin")
        self.has("python3", does='mkdir -p "$3/bin"; cp "$0" "$3/bin/python"')

    def has(self, name: str, does: str = "") -> None:
        script = self.commands / name
        script.write_text(f'#!/bin/sh\necho "$(basename "$0") $*" >> {self.called}\n{does}\n')
        script.chmod(0o755)

    def has_uv(self, does: str = "") -> None:
        python = 'mkdir -p "$5/bin"; printf "#!/bin/sh\nexit 1\n" > "$5/bin/python"; chmod +x "$5/bin/python"'
        make = f'if [ "$1" = venv ]; then {python}; fi'  # it has no pip
        self.has("uv", f"{make}\n{does}")

    def calls(self) -> list[str]:
        """What was called since the last time, paths cut off."""
        if not self.called.exists():
            return []
        lines = self.called.read_text().replace(f"{self.root}/", "").replace(f"{self.commands}/", "")
        self.called.unlink()
        return lines.splitlines()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    return Repository(tmp_path, monkeypatch)


BY_UV = [
    "uv venv --quiet --python python3 .venv",
    "uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements/base.txt",
    "uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .",
]
BY_PIP = [
    "python3 -m venv .venv",
    "python -m pip install --quiet --disable-pip-version-check --use-pep517 --require-hashes -r requirements/base.txt",
    "python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .",
]


def test_uv_is_used_if_there_is_one(repository):
    repository.has_uv()

    install.ensure_installed("base")

    assert repository.calls() == BY_UV


def test_pip_is_used_if_there_is_no_uv(repository):
    install.ensure_installed("base")

    assert repository.calls() == BY_PIP


def test_pip_is_used_if_uv_cannot(repository, capfd):
    repository.has_uv(does='[ "$1" = venv ]')

    install.ensure_installed("base")

    calls = repository.calls()
    assert calls[:2] == BY_UV[:2]
    assert calls[-2:] == BY_PIP[-2:]
    assert "uv could not; trying pip." in capfd.readouterr().out


def test_the_second_time_nothing_is_done(repository):
    repository.has_uv()
    install.ensure_installed("dev")
    repository.calls()

    install.ensure_installed("dev")
    install.ensure_installed("base")

    assert repository.calls() == [], "the tests' packages hold all of Troupe's"


@pytest.mark.parametrize("changed", ["requirements/base.txt", "pyproject.toml"])
def test_a_changed_pin_is_installed_into_what_is_there(repository, changed):
    repository.has_uv()
    install.ensure_installed("base")
    repository.calls()
    (repository.root / changed).write_text("django==6")

    install.ensure_installed("base")

    assert repository.calls() == BY_UV[1:]


def test_a_failure_is_one_sentence_and_tried_again_the_next_time(repository):
    repository.has("python3", does="exit 1")

    with pytest.raises(BadEnvironment, match="python3-venv on Debian, and a package index"):
        install.ensure_installed("base")
    repository.has_uv()
    repository.calls()
    install.ensure_installed("base")

    assert repository.calls() == BY_UV


def test_without_a_browser_it_says_what_to_install(repository, monkeypatch):
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(repository.commands))

    with pytest.raises(BadEnvironment, match="the browser tests need Chromium: install it"):
        browser.ensure_browser()

    repository.has("chromium")
    browser.ensure_browser()
