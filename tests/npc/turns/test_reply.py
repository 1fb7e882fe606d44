"""A model's reply, read while it streams: whole, cut anywhere, or broken in the ways that models break it."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from npc.turns.reply import ReplyReader
from npc.turns.speech import MAX_SPEECH_CHARACTERS, Speech

WELCOME = {"say": "One left, traveller.", "emotion": "happy", "actions": [{"name": "bow", "arguments": {}}]}


def read(text, *, size=1, names=()):
    """The reply, and the speech as it was streamed."""
    reader = ReplyReader(names)
    streamed = [reader.feed(text[start : start + size]) for start in range(0, len(text), size)]
    reply = reader.finish()
    assert "".join(streamed) + reply.tail == reply.say
    return reply, streamed


def test_speech_streams_out_of_the_unfinished_object():
    reader = ReplyReader()

    assert reader.feed('{"say": "One le') == "One le"
    assert reader.feed("ft, trav") == "ft, trav"
    assert reader.feed('eller.", "emotion": "hap') == "eller."
    assert reader.feed('py", "actions": []}') == ""
    assert reader.finish().emotion == "happy"


def test_escapes_that_come_in_pieces_are_put_together():
    say = 'He said: "房间 \\ 还有"\n— \U0001f37a!'
    for ascii_only in (True, False):
        for size in range(1, 9):
            reply, _ = read(json.dumps({"say": say, "emotion": "sad"}, ensure_ascii=ascii_only), size=size)
            assert (reply.say, reply.emotion, reply.repairs) == (say, "sad", [])


def test_what_no_text_can_hold_is_left_out():
    reply, _ = read(r'{"say": "a\u0000b\ud800c\ud83dx\q", "emotion": "sad"}')

    assert reply.say == "abcxq"


def test_speech_is_found_where_it_comes_last():
    text = '{"note": {"say": "not me", "list": ["say", ":"]}, "emotion": "say", "actions": [], "say": "Hm."}'
    reply, streamed = read(text)

    assert (reply.say, reply.emotion, reply.repairs) == ("Hm.", "say", [])
    assert "".join(streamed) == "Hm."


@pytest.mark.parametrize(
    ("text", "say", "emotion", "actions", "repairs"),
    [
        ("One left.", "One left.", "", 0, ["taken_as_speech"]),
        ("还有一间，客官。", "还有一间，客官。", "", 0, ["taken_as_speech"]),
        ("{smiles} Come in.", "{smiles} Come in.", "", 0, ["taken_as_speech"]),
        ('```json\n{"say": "Hm.", "emotion": "sad"}\n```', "Hm.", "sad", 0, ["opening_dropped"]),
        ('<think>\nA {guest}?\n</think>\n{"say": "Hm.", "emotion": "sad"}', "Hm.", "sad", 0, ["opening_dropped"]),
        ('{"say": "Hm.", "emotion": "sad"} I hope that helps!', "Hm.", "sad", 0, ["trailing_text_dropped"]),
        ('{"say": "Hm.", "emotion": "sad", "actions": [],}', "Hm.", "sad", 0, ["trailing_commas_dropped"]),
        ('{"say": "Hm.", "emotion": "sad", "actions": [{"name": "bow"', "Hm.", "sad", 1, ["broken_object_closed"]),
        ('{"say": "Hm.", "emotion": "sa', "Hm.", "sa", 0, ["broken_object_closed"]),
        ('{"say": "Hm', "Hm", "", 0, ["broken_object_closed"]),
        ("{'say': 'It\\'s late.', 'emotion': 'sad'}", "It's late.", "sad", 0, ["python_read_as_json"]),
        ('{say: "Hm.", emotion: "sad"}', "Hm.", "sad", 0, ["names_quoted"]),
        ('{"say": "Hm.", "actions": {"name": "bow"}}', "Hm.", "", 1, ["actions_made_a_list"]),
        ('{"say": 3, "emotion": ["sad"], "actions": null}', "", "", 0, []),
        ('{"say": "Hm.\nYes."}', "Hm.\nYes.", "", 0, []),
        ("{}", "", "", 0, []),
        ("", "", "", 0, ["taken_as_speech"]),
        ("<think>Who is it", "", "", 0, ["taken_as_speech", "opening_dropped"]),
        ("[1, 2]", "[1, 2]", "", 0, ["taken_as_speech"]),
        ('{"say": ' * 5_000, "", "", 0, None),
    ],
)
def test_a_broken_reply_is_mended_by_a_rule_with_a_name(text, say, emotion, actions, repairs):
    for size in (1, 3, 10_000):
        reply, _ = read(text, size=size)
        assert (reply.say, reply.emotion, len(reply.actions)) == (say, emotion, actions)
        if repairs is not None:
            assert reply.repairs == repairs


def test_a_reply_without_end_is_cut():
    reply, _ = read('{"say": "' + "ha" * 100_000, size=1000)

    assert len(reply.say) == MAX_SPEECH_CHARACTERS
    assert {"cut_to_length", "speech_cut"} <= set(reply.repairs)


@pytest.mark.parametrize(
    ("text", "heard", "repairs"),
    [
        ("*wipes a mug* One left.", "One left.", ["stage_direction_dropped"]),
        ("One left. *winks*", "One left.", ["stage_direction_dropped"]),
        ("One *winks* left.", "One left.", ["stage_direction_dropped"]),
        ("还有一间。*擦杯子*请进。", "还有一间。请进。", ["stage_direction_dropped"]),
        ("**Never** go there.", "Never go there.", []),
        ("That is 2*3*4 coins.", "That is 2*3*4 coins.", []),
        ("a * b * c", "a * b * c", []),
        ("Bram: Come in.", "Come in.", ["name_dropped"]),
        ("布拉姆：请进。", "请进。", ["name_dropped"]),
        ("Bramble: a berry.", "Bramble: a berry.", []),
        ("Bram", "Bram", []),
        ("*never closed", "", ["stage_direction_dropped"]),
        ("  \n ", "", []),
    ],
)
def test_only_what_is_heard_is_speech(text, heard, repairs):
    for size in (1, 2, 5, 100):
        speech = Speech(("Bram", "布拉姆"))
        given_back = [speech.feed(text[start : start + size]) for start in range(0, len(text), size)]
        given_back.append(speech.finish())
        assert "".join(given_back) == speech.said == heard
        assert speech.repairs == repairs


PIECES = [*' *{}[]"\\:,\n\t`', '"say"', "say", "Bram:", "说：", "<think>", "</think>", "```json\n", "\\u00", "\\ud83c"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@example("{*{* *")
@given(TEXTS | st.builds(lambda say, emotion: json.dumps({"say": say, "emotion": emotion}), TEXTS, TEXTS))
def test_however_the_chunks_are_cut_the_reply_is_the_same(text):
    whole, _ = read(text, size=len(text) or 1, names=("Bram",))

    for size in (1, 2, 5):
        cut, _ = read(text, size=size, names=("Bram",))
        assert (cut.say, cut.emotion, cut.actions) == (whole.say, whole.emotion, whole.actions)
        assert sorted(cut.repairs) == sorted(whole.repairs)


@given(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="*"), max_size=60))
def test_speech_of_a_sound_reply_comes_through_as_it_is(say):
    reply, _ = read(json.dumps({"say": say, "emotion": "sad", "actions": []}))

    assert (reply.say, reply.emotion, reply.repairs) == (say, "sad", [])
