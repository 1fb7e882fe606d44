"""Alice takes results away as files and pictures, and chooses the chart herself."""

import io

import pytest
from django.utils import timezone
from python_calamine import load_workbook

from analytics.models import Question
from analytics.results import drawing

ASK = "/api/v1/analytics/questions"
COLUMNS = [{"name": "城市", "type": "text"}, {"name": "销售额", "type": "decimal"}]
ROWS = [["上海", 900.5], ["=1+1", "12345678901234567890.5"]]


@pytest.fixture(scope="module", autouse=True)
def _no_drawer_is_left():
    yield
    drawing._drawer.end()


@pytest.fixture
def answered(acme, shop):
    """A question of Acme's with a result."""

    def answer(**fields):
        told = {
            "question": "各城市/销售额？",
            "status": "ready",
            "language": "zh",
            "columns": COLUMNS,
            "rows": ROWS,
            "finished_at": timezone.now(),
        }
        with acme.scope():
            return Question.objects.create(dataset=shop, **told | fields)

    return answer


def test_a_result_is_taken_home_as_csv(acme, answered):
    answer = acme.api.get(f"{ASK}/{answered().pk}/result.csv")

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "%E5%90%84%E5%9F%8E%E5%B8%82-%E9%94%80%E5%94%AE%E9%A2%9D" in answer["Content-Disposition"]
    assert answer.content.decode() == "\ufeff城市,销售额\r\n上海,900.5\r\n'=1+1,12345678901234567890.5\r\n"
    assert "X-Result-Truncated" not in answer


def test_a_result_is_taken_home_as_a_sheet(acme, answered):
    answer = acme.api.get(f"{ASK}/{answered(truncated=True).pk}/result.xlsx")

    page = load_workbook(io.BytesIO(answer.content)).get_sheet_by_index(0)
    assert page.name == "各城市 销售额？"
    assert page.to_python() == [["城市", "销售额"], ["上海", 900.5], ["=1+1", "12345678901234567890.5"]]
    assert answer["X-Result-Truncated"] == "true"


@pytest.mark.parametrize("what", ["result.csv", "result.xlsx", "chart.svg", "chart.png"])
def test_what_has_no_result_has_no_file(acme, answered, what):
    answer = acme.api.get(f"{ASK}/{answered(status='failed', rows=[]).pk}/{what}")

    assert answer.status_code == 409
    assert answer.json()["code"] == "conflict"


@pytest.mark.parametrize("what", ["result.csv", "result.xlsx", "chart.svg?kind=bar&x=城市&y=销售额", "chart.png"])
def test_mallory_gets_nothing_of_it(globex, answered, what):
    assert globex.api.get(f"{ASK}/{answered().pk}/{what}").status_code == 404


def test_a_chart_is_a_picture_in_which_nothing_can_run(acme, answered):
    question = answered()

    light = acme.api.get(f"{ASK}/{question.pk}/chart.svg?kind=bar&x=城市&y=销售额")
    dark = acme.api.get(f"{ASK}/{question.pk}/chart.svg?kind=pie&x=城市&y=销售额&theme=dark")
    png = acme.api.get(f"{ASK}/{question.pk}/chart.png?kind=bar&x=城市&y=销售额")

    assert (light.status_code, light["Content-Type"]) == (200, "image/svg+xml")
    assert "上海" in light.content.decode()
    assert "sandbox" in light["Content-Security-Policy"]
    assert dark.status_code == 200
    assert dark.content != light.content
    assert png.content.startswith(b"\x89PNG")


def test_without_a_choice_the_chart_of_the_question_is_drawn(acme, answered):
    assert acme.api.get(f"{ASK}/{answered().pk}/chart.svg").status_code == 404

    question = answered()
    chosen = acme.api.post(f"{ASK}/{question.pk}/chart/", {"kind": "bar", "x": "城市", "y": ["销售额"]})

    assert chosen.json()["chart"]["usermeta"]["kind"] == "bar"
    assert acme.api.get(f"{ASK}/{question.pk}/chart.svg").status_code == 200
    assert acme.api.post(f"{ASK}/{question.pk}/chart/", {"kind": "none"}).json() == {"chart": None}
    assert acme.api.get(f"{ASK}/{question.pk}/chart.svg").status_code == 404


@pytest.mark.parametrize(
    "choice",
    [
        {"kind": "bar", "x": "nobody", "y": ["销售额"]},
        {"kind": "bar", "x": "城市", "y": ["城市"]},
        {"kind": "bar", "x": "城市", "y": []},
        {"kind": "geoshape", "x": "城市", "y": ["销售额"]},
        {"kind": "bar", "x": "城市", "y": ["销售额"], "series": "datum"},
        {"kind": "bar", "x": {"field": "城市"}, "y": ["销售额"]},
        {"data": {"url": "http://evil.example"}},
        {},
    ],
)
def test_only_a_kind_and_columns_are_taken(acme, answered, choice):
    question = answered()

    answer = acme.api.post(f"{ASK}/{question.pk}/chart/", choice)

    assert answer.status_code == 422
    with acme.scope():
        assert Question.objects.get(pk=question.pk).chart is None
