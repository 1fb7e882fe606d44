"""What a process has seen of a play is not read again, and is what would be read."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npc.errors import SessionNotFound
from npc.models import GameSession
from npc.models.fields import JSONField
from npc.sessions import logbook
from npc.sessions.changing import patch_state
from npc.sessions.entries import ActionOutcome, ProposedAction, TurnClosed, TurnOpened
from npc.sessions.logbook import newest_told
from npc.sessions.recent import as_kept, recent
from npc.sessions.situations import MOST_VIEWS
from npc.sessions.writing import Writer, reading, writing
from npc.worlds.conditions import MOST_KNOWN
from tenants.statements import Select
from tests.npc.test_memories import load

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("aäb中_", max_size=3), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(autouse=True)
def _knows_nothing_before() -> Iterator[None]:
    recent._seen.clear()
    yield
    recent._seen.clear()


def exchange(writer: Writer, number: int, **closed: Any) -> UUID:
    """Somebody asks, and Bram answers."""
    turn_id = uuid4()
    opened = TurnOpened(turn_id=str(turn_id), character="bram", speaker="carol", text=f"敲门 {number}")
    writer.add(opened.model_copy(update={"read": {"route": "main"}}), subject=turn_id)
    answer = TurnClosed(turn_id=str(turn_id), character="bram", say="Come in.", chunks=["Come", " in."], **closed)
    writer.add(answer, subject=turn_id)
    return turn_id


def test_a_page_goes_on_where_it_was_left(acme: Any, game: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(logbook, "TOLD_ENTRIES", 4)
    monkeypatch.setattr("npc.sessions.writing.TOLD_ENTRIES", 4)
    monkeypatch.setattr(logbook, "_NEWEST", Select(logbook._NEWEST._make))  # which writes its SQL but once
    for number in range(6):
        game.tell("knock", text=f"Knock {number}. 敲门。")  # by the API, which reads no page
        with writing(acme.id, UUID(game.id)) as writer:
            writer.open_page(uuid4())
            exchange(writer, number, emotion="joy")
        with writing(acme.id, UUID(game.id)) as writer:
            page = writer.open_page(uuid4())
            assert page == newest_told(writer.branch)[-4:]
            assert [data.text for _, data in page if isinstance(data, TurnOpened)][-1] == f"敲门 {number}"


@pytest.mark.parametrize("way", ["nothing changes", "the state", "an action", "a branch"])
def test_a_play_that_is_known_is_the_play_that_would_be_read(acme: Any, game: Any, way: str) -> None:
    def step(writer: Writer) -> None:
        match way:
            case "the state":
                patch_state(writer, {"gold": 7, "stock": ["bread", "ale"], "night": True})
            case "an action":
                arguments = {"price": 1e16, "item": "ale", "to": -0.0, "zz": {"b": 1, "aa": 2, "a": 0.5}}
                exchange(writer, 1, actions=[proposed(arguments)])
            case _:
                exchange(writer, 1, emotion="joy")

    if way == "a branch":
        save = game.save()
        game.patch({"gold": 1})
        load(game, save)
    for _ in range(2):
        with writing(acme.id, UUID(game.id)) as writer:
            writer.open_page(uuid4())
            step(writer)
        known = recent._seen[UUID(game.id)]
        with acme.scope():
            read = reading(acme.id, UUID(game.id))
        assert (known.branch_id, known.seq) == (read.branch.pk, read.branch.head_seq)
        assert repr(known.play) == repr(read.play)  # with the order of what it holds, and 1 apart from 1.0
        assert repr(list(known.page)) == repr(newest_told_of(acme, read.branch))


def proposed(arguments: dict[str, Any]) -> ProposedAction:
    return ProposedAction(
        id=str(uuid4()), name="sell", arguments=arguments, timing="after_speech", ttl_s=30,
        expires_at="2026-11-22T09:00:00Z",
    )  # fmt: skip


def newest_told_of(acme: Any, branch: Any) -> list[Any]:
    with acme.scope():
        return list(newest_told(branch))


def test_of_a_turn_that_goes_on_nothing_is_read_again(acme: Any, game: Any) -> None:
    with writing(acme.id, UUID(game.id)) as writer:
        turn_id = uuid4()
        writer.open_page(turn_id)
        writer.add(TurnOpened(turn_id=str(turn_id), character="bram", speaker="carol", text="Hi"), subject=turn_id)
    with CaptureQueriesContext(connection) as asked, writing(acme.id, UUID(game.id)) as writer:
        assert writer.find(TurnClosed, turn_id) is None
        assert writer.opening_of(turn_id).text == "Hi"  # type: ignore[union-attr]

    selects = [one["sql"] for one in asked if one["sql"].startswith("SELECT") and "set_config" not in one["sql"]]
    assert len(selects) == 1
    assert "FOR NO KEY UPDATE" in selects[0]


def test_what_another_process_wrote_is_read(acme: Any, game: Any) -> None:
    with writing(acme.id, UUID(game.id)) as writer:
        writer.open_page(uuid4())
    known = recent._seen[UUID(game.id)]
    with writing(acme.id, UUID(game.id)) as writer:
        patch_state(writer, {"gold": 3})
        turn_id = exchange(writer, 1)
    recent.keep(UUID(game.id), known)  # as a process knows it that did not write this

    with writing(acme.id, UUID(game.id)) as writer:
        assert writer.play.state["gold"] == 3
        assert writer.find(TurnClosed, turn_id)
        assert writer.open_page(uuid4()) == newest_told(writer.branch)


def test_what_was_rolled_back_is_not_known(acme: Any, game: Any) -> None:
    class Failure(Exception): ...

    with writing(acme.id, UUID(game.id)) as writer:
        before = writer.play.state["gold"]
    with pytest.raises(Failure), acme.scope():
        with writing(acme.id, UUID(game.id)) as writer:
            patch_state(writer, {"gold": 99})
        raise Failure
    with writing(acme.id, UUID(game.id)) as writer:
        patch_state(writer, {"night": True})

    assert writer.play.state["gold"] == before


def test_a_log_that_has_become_shorter_is_read_anew(acme: Any, game: Any) -> None:
    game.tell("knock", text="Before the backup was brought back.")
    with writing(acme.id, UUID(game.id)) as writer:
        page = writer.open_page(uuid4())
    known = recent._seen[UUID(game.id)]
    lost = (known.seq + 9, page[0][1])
    recent.keep(UUID(game.id), known._replace(seq=known.seq + 9, page=[lost], told_seq=known.seq + 9))

    with writing(acme.id, UUID(game.id)) as writer:
        assert writer.open_page(uuid4()) == newest_told(writer.branch) == page


def test_situations_are_made_anew_when_the_play_has_changed(acme: Any, game: Any) -> None:
    with writing(acme.id, UUID(game.id)) as writer:
        poor = writer.sees(actor="bram")
        assert writer.sees(actor="bram") is poor
        exchange(writer, 1, emotion="joy")
        assert writer.sees(actor="bram") is poor  # what anybody feels no condition sees
        patch_state(writer, {"gold": 77})
        rich = writer.sees(actor="bram")

    assert (poor.names["state"]["gold"], rich.names["state"]["gold"]) == (10, 77)


def test_situations_are_not_kept_without_end(acme: Any, game: Any) -> None:
    with writing(acme.id, UUID(game.id)) as writer:
        for number in range(3 * MOST_VIEWS):
            seen = writer.sees(actor="bram", present=["bram", f"guest {number}"])
            for one in range(3 * MOST_KNOWN):
                assert seen.once(one, lambda one=one: one + 1) == one + 1
            assert seen.names["present"] == ["bram", f"guest {number}"]
        assert len(writer._views._made) <= MOST_VIEWS
        assert len(seen._known) <= MOST_KNOWN


def test_a_neighbours_play_is_not_known_to_anybody_else(acme: Any, globex: Any, game: Any) -> None:
    with writing(acme.id, UUID(game.id)) as writer:
        writer.open_page(uuid4())

    with pytest.raises(SessionNotFound), writing(globex.id, UUID(game.id)):
        pass


def test_an_action_that_has_expired_is_not_proposed_any_more(acme: Any, game: Any) -> None:
    with writing(acme.id, UUID(game.id)) as writer:
        action = proposed({})
        exchange(writer, 1, actions=[action])
    with writing(acme.id, UUID(game.id)) as writer:
        writer.add(ActionOutcome(action_id=action.id, outcome="expired"), subject=UUID(action.id))
    with acme.scope():
        assert GameSession.objects.get(pk=game.id).live_id == recent._seen[UUID(game.id)].branch_id
        assert recent._seen[UUID(game.id)].play.proposed == reading(acme.id, UUID(game.id)).play.proposed == {}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON)
def test_a_value_is_known_as_postgresql_gives_it_back(acme: Any, value: Any) -> None:
    """Also in the order of its names, and with 1 apart from 1.0."""
    field = JSONField()
    with acme.scope(), connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb", [field.get_db_prep_value(value, connection)])
        (stored,) = cursor.fetchone()

    assert repr(as_kept(value)) == repr(field.from_db_value(stored, None, connection))
