"""The designer's bench: what a character would answer in any state, and why; nothing of it stays."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from npc.bench.trying import SEED
from npc.models import GameSession, LogEntry, World
from personas.models import Memory
from tests.admin.conftest import *  # noqa: F403 - the people of Acme
from tests.npc.conftest import inn, open_game, put
from tests.npc.turns.conftest import answered, reply, sale

pytestmark = pytest.mark.usefixtures("world")


def bench(acme) -> str:
    with acme.scope():
        return f"/admin/npc/world/{World.objects.get().pk}/bench/"


def tried(worker, acme, **fields):
    fields = {"act": "try", "character": "bram", "source": "", "state": "", "text": "An ale, please.", **fields}
    return worker.posts(bench(acme), **fields)


def test_an_editor_hears_the_answer_and_sees_why(acme, edda, scripted_llm):
    scripted_llm.will_say(reply("Here you are.", "happy", sale(), {"name": "fly", "arguments": {}}))

    page = tried(edda, acme).content.decode()

    assert "Here you are." in page
    assert "unknown_action" in page
    assert "The ford floods in spring." in page
    assert "state.stage &gt;= 2" in page  # why the tunnel is withheld
    assert "You keep the inn at the ford." in page  # the prompt itself


def test_it_is_said_why_an_action_is_not_possible(acme, edda):
    page = tried(edda, acme, state='{"stage": 0, "gold": 10, "stock": [], "night": false}').content.decode()
    assert "item: state.stock" in page
    page = tried(edda, acme, state='{"stage": 0, "gold": 10, "stock": ["ale"], "night": true}').content.decode()
    assert "!state.night &amp;&amp;" in page
    assert "We are closed." in page
    page = tried(edda, acme, character="mira").content.decode()
    assert "Others do this:" in page


def test_a_state_that_the_world_does_not_take_is_named_by_path(acme, edda):
    page = tried(edda, acme, state='{"stage": "late", "gold": 10, "stock": []}').content.decode()
    assert "<code>state.stage</code>" in page
    page = tried(edda, acme, state="{").content.decode()
    assert "This is not JSON" in page
    assert 'id="answer"' not in page


def test_nothing_of_it_stays(acme, edda):
    game = open_game(acme)
    answered(game, "Any rooms?")
    before = game.log()
    with acme.scope():
        memories = Memory.objects.count()

    page = tried(edda, acme, source=f"session:{game.id}", text="Do you remember me?").content.decode()

    assert 'id="answer"' in page
    assert game.log() == before
    with acme.scope():
        assert GameSession.objects.count() == 1
        assert LogEntry.objects.count() == len(before)
        assert Memory.objects.count() == memories


def test_what_a_crashed_process_left_is_cleared_away_and_no_players_game_with_it(acme, edda):
    open_game(acme, player={"id": "[player]", "name": "[bench]"})
    left = open_game(acme)
    with acme.scope():
        GameSession.objects.update(opened_at=timezone.now() - timedelta(hours=1))
        GameSession.objects.filter(pk=left.id).update(seed=SEED)

    assert left.id not in edda.sees(bench(acme)).content.decode()
    tried(edda, acme)

    with acme.scope():
        assert [session.player_name for session in GameSession.objects.all()] == ["[bench]"]


def test_the_state_of_a_session_is_loaded_into_the_editor(acme, edda):
    game = open_game(acme)
    game.patch({"gold": 77})

    page = edda.posts(bench(acme), act="load", source=f"session:{game.id}").content.decode()

    assert "&quot;gold&quot;: 77" in page


def test_viewers_are_not_let_in_and_see_no_way_to_it(acme, vera, edda):
    assert vera.client.get(bench(acme)).status_code == 403
    assert tried(vera, acme).status_code == 403
    assert bench(acme) not in vera.sees(bench(acme).replace("bench", "change")).content.decode()
    assert bench(acme) in edda.sees(bench(acme).replace("bench", "change")).content.decode()


def test_a_neighbours_session_is_as_good_as_none(acme, globex, edda):
    put(globex, inn())
    theirs = open_game(globex)
    page = tried(edda, acme, source=f"session:{theirs.id}").content.decode()
    assert 'id="answer"' not in page
    assert edda.client.get(bench(globex)).status_code == 404


def test_a_worlds_page_shows_what_its_newest_version_changed(acme, vera):
    put(acme, inn(facts=[{**inn()["facts"][0], "text": "The ford floods <i>each</i> spring."}, *inn()["facts"][2:]]))

    page = vera.sees(bench(acme).replace("bench", "change")).content.decode()

    assert "facts.ford.text" in page
    assert "floods in spring" in page
    assert "floods &lt;i&gt;each" in page
    assert "Mira took the silver cup." in page  # which is gone


@pytest.fixture
def case(acme, edda, scripted_llm, tmp_path):
    """An exchange in which Bram sells ale, as a file; and the world as one."""
    scripted_llm.will_say(reply("Here you are.", "happy", sale()))
    page = tried(edda, acme)
    saved = edda.posts(bench(acme), act="save", case=page.context["case"])
    assert saved.headers["Content-Disposition"].startswith("attachment")
    (tmp_path / "case.yaml").write_bytes(saved.content)
    (tmp_path / "inn.yaml").write_text(yaml.safe_dump(inn(), allow_unicode=True))
    return tmp_path


def test_an_exchange_becomes_a_test_that_runs_without_a_server(case, capsys):
    call_command("npc_test", str(case / "case.yaml"), world=case / "inn.yaml")
    assert "1 of 1 cases pass" in capsys.readouterr().out


def test_the_guides_cases_pass_in_the_guides_world(tmp_path):
    """In a process of its own, to which nobody has given a database."""
    guides = Path(__file__).parents[2] / "docs" / "guides"
    [world] = re.findall(r"<<'WORLD'\n(.*?)\nWORLD", (guides / "first-npc.md").read_text(), re.DOTALL)
    (tmp_path / "forge.yaml").write_text(world)
    for page in ("npc-bench.md", "npc-bench.zh.md"):
        [case] = re.findall(r"```yaml\n(.*?)```", (guides / page).read_text(), re.DOTALL)
        (tmp_path / f"{page}.yaml").write_text(case)
    cases = map(str, tmp_path.glob("npc-bench*.yaml"))
    services = ("DATABASE", "REDIS", "TROUPE")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(services)}

    command = [sys.executable, guides.parents[1] / "manage.py", "npc_test", "--world", tmp_path / "forge.yaml", *cases]
    done = subprocess.run(command, capture_output=True, text=True, env=environ)

    assert done.stdout == "2 of 2 cases pass\n", done.stdout + done.stderr


def test_the_test_fails_when_the_world_no_longer_allows_it(case, capsys):
    sell, bow = inn()["actions"]
    (case / "inn.yaml").write_text(yaml.safe_dump(inn(actions=[{**sell, "check": "args.price < 2"}, bow])))

    with pytest.raises(CommandError, match="1 of 1 cases fail"):
        call_command("npc_test", str(case / "case.yaml"), world=case / "inn.yaml")

    assert "expect.actions" in capsys.readouterr().out
