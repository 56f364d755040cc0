"""Permits on the panel: who sees them, who may change them, and what a form may hold."""

import pytest
from campus import NOW, FakeCampus, busy_campus
from desk import Desk, text_of

from dashboard.view import Latest
from rules.calendar import Calendar
from rules.fact import PERMIT, Permit, fact_point

ROOM = "dorm-3/402"
DAY = 86_400.0
MIDNIGHT = Calendar().next_minute(NOW - DAY, 0)  # of Thu 5 Feb 2026 in Shanghai


def permitted(*, watts: float = 560.0, end: float = NOW + DAY) -> FakeCampus:
    campus = busy_campus()
    for name, value in zip(PERMIT, (watts, NOW - DAY, end), strict=True):
        campus.newest[fact_point(ROOM, name)] = Latest(NOW - DAY, value)
    return campus


@pytest.mark.parametrize("path", ["/places/dorm-3/402", "/places/dorm-3"])
def test_what_is_permitted_stands_at_the_place_and_its_building(path: str) -> None:
    answer = Desk(permitted()).sign_in().ask("GET", path)
    assert "3号宿舍楼 402: up to 560 W, from 4 Feb 13:38 until 6 Feb 13:38" in text_of(answer)
    assert 'name="revoke"' in answer.text
    assert ('name="watts"' in answer.text) == (path == "/places/dorm-3/402")


@pytest.mark.parametrize("campus", [permitted(watts=0.0), permitted(end=NOW - 1), busy_campus()])
def test_what_is_over_or_taken_back_does_not(campus: FakeCampus) -> None:
    said = text_of(Desk(campus).sign_in().ask("GET", f"/places/{ROOM}"))
    assert "up to 560 W" not in said
    assert "Permitted appliances None." in said


def test_without_a_password_it_is_shown_and_cannot_be_changed() -> None:
    desk = Desk(permitted(), has_password=False)
    answer = desk.ask("GET", f"/places/{ROOM}")
    assert "up to 560 W" in text_of(answer)
    assert 'name="revoke"' not in answer.text
    assert 'name="watts"' not in answer.text
    assert desk.ask("POST", "/permits", data={"place": ROOM, "revoke": "1"}).status_code in (404, 405)
    assert desk.declared == []


def test_a_stranger_changes_nothing() -> None:
    desk = Desk(permitted())
    answer = desk.ask("POST", "/permits", data={"place": ROOM, "revoke": "1"})
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in")
    assert desk.declared == []


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"watts": "560", "from": "2026-02-05", "until": "2026-02-06"},
         Permit(ROOM, 560.0, MIDNIGHT, MIDNIGHT + 2 * DAY)),
        ({"watts": "1e3", "from": "2026-01-01", "until": "2026-02-05"},
         Permit(ROOM, 1000.0, MIDNIGHT - 35 * DAY, MIDNIGHT + DAY)),
        ({"revoke": "1"}, Permit(ROOM, 0.0, 0.0, 0.0)),
        ({"watts": "560", "from": "2026-02-04", "until": "2026-02-04"}, None),   # over
        ({"watts": "560", "from": "2026-02-07", "until": "2026-02-06"}, None),
        ({"watts": "0", "from": "2026-02-05", "until": "2026-02-06"}, None),
        ({"watts": "nan", "from": "2026-02-05", "until": "2026-02-06"}, None),
        ({"watts": "1e9", "from": "2026-02-05", "until": "2026-02-06"}, None),
        ({"watts": "560", "from": "soon", "until": "2026-02-06"}, None),
        ({"watts": "560", "from": "2026-02-05", "until": "9999-12-31"}, None),
        ({"watts": "560", "from": "1969-12-31", "until": "2026-02-06"}, None),
        ({"watts": "560", "from": "0001-01-01", "until": "2026-02-06"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_what_a_form_may_hold(form: dict[str, str], expected: Permit | None) -> None:
    desk = Desk(busy_campus()).sign_in()
    answer = desk.ask("POST", "/permits", data={"place": ROOM} | form)
    assert answer.status_code == 303
    assert desk.declared == ([expected] if expected else [])
    target = f"/places/{ROOM}#permit" if expected else f"/places/{ROOM}?permit=wrong#permit"
    assert answer.headers["location"] == target
    assert ("Not accepted" in desk.ask("GET", target.split("#")[0]).text) == (expected is None)


@pytest.mark.parametrize("place", ["gone/1", "", "//elsewhere.example", "dorm-3/402/../x"])
def test_a_place_that_is_none_leads_nowhere_else(place: str) -> None:
    desk = Desk(busy_campus()).sign_in()
    answer = desk.ask("POST", "/permits", data={"place": place, "revoke": "1"})
    assert answer.headers["location"] == "/places?permit=wrong#permit"
    assert desk.declared == []
