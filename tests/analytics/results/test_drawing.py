"""Charts become pictures in a process of their own."""

import os
import signal
import xml.etree.ElementTree as ET

import pytest

from analytics.results import chart_for, drawing
from analytics.results.cells import StoredColumn
from analytics.results.drawing import ChartNotDrawn, draw

COLUMNS = [StoredColumn("城市", "text"), StoredColumn("销售额", "decimal")]


def chart(**numbers):
    return chart_for(COLUMNS, [[city, number] for city, number in numbers.items()], "zh")


@pytest.fixture(scope="module", autouse=True)
def _no_drawer_is_left():
    yield
    drawing._drawer.end()


@pytest.fixture
def nothing_kept(monkeypatch):
    monkeypatch.setattr(drawing, "_kept", drawing._Kept())


def test_a_chart_is_drawn_with_its_chinese_in_fonts_that_know_it():
    picture = ET.fromstring(draw(chart(北京=3, 上海=5)))
    texts = [each for each in picture.iter() if each.tag.endswith("text")]

    assert {"北京", "上海", "城市", "销售额"} <= {each.text for each in texts}
    assert all("PingFang SC" in each.get("font-family") for each in texts)
    assert not [each for each in picture.iter() if each.tag.endswith(("script", "image", "}a", "foreignObject"))]


def test_it_suits_a_light_and_a_dark_page():
    light, dark = draw(chart(北京=3, 上海=5)), draw(chart(北京=3, 上海=5), theme="dark")

    assert b"#5b6372" in light
    assert b"#5b6372" not in dark
    assert b"#aab2c0" in dark


def test_for_a_chat_or_a_file_it_is_a_png():
    assert draw(chart(北京=3, 上海=5), format="png").startswith(b"\x89PNG")


def test_what_was_drawn_is_not_drawn_again(monkeypatch, nothing_kept):
    first = draw(chart(北京=1, 上海=2))
    monkeypatch.setattr(drawing, "_drawer", None)

    assert draw(chart(北京=1, 上海=2)) == first


def test_a_drawer_that_is_killed_starts_anew(nothing_kept):
    draw(chart(北京=1, 上海=2))
    process = drawing._drawer._process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    assert draw(chart(北京=1, 上海=2)).startswith(b"<svg")


def test_one_that_hangs_is_ended_and_the_next_chart_is_drawn(monkeypatch, nothing_kept):
    draw(chart(北京=1, 上海=2))
    monkeypatch.setattr(drawing, "TIMEOUT_S", 0.05)
    os.kill(drawing._drawer._process.pid, signal.SIGSTOP)
    with pytest.raises(ChartNotDrawn):
        draw(chart(北京=5, 上海=2))
    monkeypatch.undo()

    assert draw(chart(北京=1, 上海=2)).startswith(b"<svg")


def test_what_vega_refuses_is_an_error_and_the_drawer_lives():
    with pytest.raises(ChartNotDrawn):
        draw({"mark": "nothing"})

    assert draw(chart(北京=1, 上海=2)).startswith(b"<svg")


def test_no_address_is_fetched():
    spec = chart(北京=1, 上海=2) | {"data": {"url": "http://127.0.0.1:9/secret.csv"}}

    try:
        picture = draw(spec)
    except ChartNotDrawn:
        return
    assert "北京".encode() not in picture
