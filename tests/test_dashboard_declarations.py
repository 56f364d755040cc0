"""What people say of a place on the panel: which buttons there are, who may press them, and what they declare."""

from dataclasses import replace

import pytest
from campus import NOW, FakeCampus, busy_campus, campus_site, event
from desk import Desk, text_of

from dashboard.view import Latest
from rules.fact import DECLARABLE, Declaration, fact_point
from rules.incident import Incident
from rules.model import Evidence, Place, Point, Reading

BOILER, PUMPS, KETTLE = "plant/boiler", "plant/pumps", "plant/kettle"
HOUR = 3600.0
NOON_AT = NOW - 2 * HOUR


def plant(*, duty_source: str = "", **said: float) -> FakeCampus:
    """A campus with a boiler room and a pump room; `duty_source` is of a card reader at the boiler."""
    site = campus_site()
    places = {
        "plant": Place("plant", "锅炉楼", "plant", "plant"),
        BOILER: Place(BOILER, "锅炉房", "boiler_room", "plant"),
        PUMPS: Place(PUMPS, "泵房", "pump_room", "plant"),
        KETTLE: Place(KETTLE, "开水器", "drinking_boiler", "plant"),
    }
    points = [Point(f"{PUMPS}/pressure_kpa", PUMPS, "", "pressure_kpa", "p", "broker", 75.0)]
    if duty_source:
        points.append(Point(f"{BOILER}/on_duty", BOILER, "", "on_duty", "card", duty_source, 75.0))
    known = dict(site.points) | {point.id: point for point in points}
    campus = busy_campus(replace(site, places=dict(site.places) | places, points=known))
    for quantity, value in said.items():
        place = PUMPS if quantity == "pressure_test" else BOILER
        campus.newest[fact_point(place, quantity)] = Latest(NOW - HOUR, value)
    return campus


def offered(page: str) -> list[str]:
    return [what for what in DECLARABLE if f'value="{what}"' in page]


@pytest.mark.parametrize(
    ("campus", "place", "said", "offers"),
    [
        (plant(), BOILER, "No round has been declared yet.", ["round", "on-duty", "off-duty"]),
        (plant(round=1.0), BOILER, "Last round: 12:38", ["round", "on-duty", "off-duty"]),
        (plant(on_duty=1.0), BOILER, "On duty since 12:38", ["round", "on-duty", "off-duty"]),
        (plant(on_duty=0.0), BOILER, "Nobody on duty since 12:38", ["round", "on-duty"]),
        (plant(duty_source="broker"), BOILER, "No round has been declared", ["round"]),
        (plant(duty_source="people"), BOILER, "No round has been declared", ["round", "on-duty", "off-duty"]),
        (plant(), PUMPS, "No pressure test yet.", ["pressure-test-begin"]),
        (plant(pressure_test=1.0), PUMPS, "Pressure test since 12:38", ["pressure-test-end"]),
        (plant(pressure_test=0.0), PUMPS, "the last ended 12:38", ["pressure-test-begin"]),
    ],
)
def test_what_was_said_last_stands_there_and_what_can_be_said_now(
    campus: FakeCampus, place: str, said: str, offers: list[str]
) -> None:
    answer = Desk(campus).sign_in().ask("GET", f"/places/{place}")
    assert said in text_of(answer)
    assert offered(answer.text) == offers


@pytest.mark.parametrize("place", ["dorm-3/402", "plant", "teach-1/105", KETTLE])
def test_where_nothing_can_be_said_there_is_nothing(place: str) -> None:
    answer = Desk(plant()).sign_in().ask("GET", f"/places/{place}")
    assert "Say what is so" not in answer.text
    assert offered(answer.text) == []


def test_the_steps_of_a_pressure_test_stand_beside_its_button() -> None:
    page = Desk(plant()).sign_in().ask("GET", f"/places/{PUMPS}").text
    assert page.count("<li>", page.index("How to test the pipes"), page.index("</ol>")) == 6
    assert page.index("Fill the pipes slowly") < page.index("Pump up") < page.index("Press “Begin the test”")


@pytest.mark.parametrize(
    ("place", "what", "is_declared"),
    [
        (BOILER, "round", True), (BOILER, "on-duty", True), (BOILER, "off-duty", True),
        (PUMPS, "pressure-test-begin", True), (PUMPS, "pressure-test-end", True),
        (BOILER, "pressure-test-begin", False), (PUMPS, "round", False), (KETTLE, "round", False),
        ("dorm-3/402", "round", False), (BOILER, "nonsense", False), (BOILER, "", False),
    ],
)  # fmt: skip
def test_a_button_declares_what_can_be_said_there_and_nothing_else(place: str, what: str, is_declared: bool) -> None:
    desk = Desk(plant()).sign_in()
    answer = desk.ask("POST", "/declarations", data={"place": place, "what": what})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/places/{place}#declare")
    assert desk.declared == ([Declaration(place, what, NOW)] if is_declared else [])


def test_what_a_device_tells_is_not_for_people_to_say() -> None:
    desk = Desk(plant(duty_source="broker")).sign_in()
    desk.ask("POST", "/declarations", data={"place": BOILER, "what": "on-duty"})
    assert desk.declared == []


@pytest.mark.parametrize("place", ["gone/1", "", "//elsewhere.example", f"{BOILER}/../x"])
def test_a_place_that_is_none_leads_nowhere_else(place: str) -> None:
    desk = Desk(plant()).sign_in()
    answer = desk.ask("POST", "/declarations", data={"place": place, "what": "round"})
    assert answer.headers["location"] == "/places"
    assert desk.declared == []


def test_without_a_password_it_is_shown_and_cannot_be_said() -> None:
    desk = Desk(plant(on_duty=1.0), has_password=False)
    answer = desk.ask("GET", f"/places/{BOILER}")
    assert "On duty since 12:38" in text_of(answer)
    assert offered(answer.text) == []
    assert desk.ask("POST", "/declarations", data={"place": BOILER, "what": "round"}).status_code in (404, 405)
    assert desk.declared == []


def test_an_alert_that_rests_on_what_people_said_has_its_page() -> None:
    campus = plant(on_duty=0.0)
    points = tuple(f"{BOILER}/{quantity}" for quantity in ("flame", "round", "on_duty"))
    values = {"since_at": NOON_AT, "unseen_s": 7200.0}
    raised = event(
        "boiler_unattended", BOILER, NOW - 60, why="boiler_unattended.raised", values=values,
        evidence=Evidence(NOON_AT, points, None, 7200.0),
    )  # fmt: skip
    campus.stories.append(Incident(77, (raised,)))
    campus.log.append(Reading(f"{BOILER}/on_duty", NOW - HOUR, 0.0))
    answer = Desk(campus).sign_in().ask("GET", "/alerts/77")
    assert answer.status_code == 200
    assert "it fires with nobody on duty, and nobody has looked since 11:38: 2 h of firing" in text_of(answer)


def test_a_stranger_says_nothing() -> None:
    desk = Desk(plant())
    answer = desk.ask("POST", "/declarations", data={"place": BOILER, "what": "round"})
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in")
    assert desk.declared == []
