"""What a process has read of a log is not read again, and is never more than the log has."""

from typing import Any
from uuid import uuid4

from npc.models import Branch, GameSession
from npc.sessions import logbook
from npc.sessions.logbook import newest_told, opening_page
from tenants.statements import Select


def branch_of(game: Any) -> Branch:
    return GameSession.objects.select_related("live").get(pk=game.id).live


def test_a_page_goes_on_where_it_was_left(acme: Any, game: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(logbook, "TOLD_ENTRIES", 4)
    monkeypatch.setattr(logbook, "_NEWEST", Select(logbook._NEWEST._make))  # which writes its SQL but once
    for number in range(6):
        game.tell("knock", text=f"Knock {number}. 敲门。")
        with acme.scope():
            branch = branch_of(game)
            _, page = opening_page(branch, uuid4())
            assert page == newest_told(branch)[-4:]
            assert page[-1][1].text == f"Knock {number}. 敲门。"


def test_a_page_of_a_log_that_has_become_shorter_is_read_anew(acme: Any, game: Any) -> None:
    game.tell("knock", text="Before the backup was brought back.")
    with acme.scope():
        branch = branch_of(game)
        logbook._pages.keep(branch, [(99, opening_page(branch, uuid4())[1][0][1])])

        assert opening_page(branch, uuid4())[1] == newest_told(branch)
