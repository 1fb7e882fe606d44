"""Writers check their worlds in their own repository, without a server."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.npc.conftest import inn


def check(*files: Path) -> str:
    out = StringIO()
    call_command("npc_check", *map(str, files), stdout=out)
    return out.getvalue()


def test_a_good_world_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "inn.json"
    file.write_text(json.dumps(inn()), encoding="utf-8")

    assert check(file) == f"{file}: The Inn at the Ford: 3 characters, 2 scenes, 3 facts, 2 actions\n"


def test_a_wrong_world_fails_the_build_and_names_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, wrong, broken = tmp_path / "good.yaml", tmp_path / "wrong.yaml", tmp_path / "broken.yml"
    good.write_text("slug: good\nname: 好", encoding="utf-8")
    wrong.write_text("slug: wrong\nname: W\nfacts:\n  - {id: a, text: b, when: 'state.x >'}\n", encoding="utf-8")
    broken.write_text("slug: x\n  name: y\n", encoding="utf-8")

    out = StringIO()
    with pytest.raises(CommandError, match="2 of 3 worlds"):
        call_command("npc_check", str(good), str(wrong), str(broken), stdout=out)

    told = out.getvalue()
    assert f"{wrong}: facts.0.when: line 1, column 10: Syntax error" in told
    assert f"{broken}: line 2, column 7: " in told
    assert f"{good}: 好: 0 characters" in told


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        check(tmp_path / "none.yaml")
