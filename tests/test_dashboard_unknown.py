"""Unknown topics on the panel: who sees them, who may adopt one, and what the form may hold."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from campus import NOW, busy_campus
from desk import Desk, text_of

from dashboard.pages import MOST_UNKNOWN
from dashboard.unknown import Choice, Unknown, Value, Waiting, Wish, channels, choices, field_name

PLUG = Unknown(
    "0a1b", "broker", "zigbee2mqtt/plug", "zigbee2mqtt",
    (Value("power", "power_w", "W"), Value("energy", "energy_kwh", None), Value("x.y", None, None)),
    "", 12, NOW - 30, 30.2, '{"power":61.7,"energy":3,"x":{"y":1}}',
)  # fmt: skip
STRIP = PLUG._replace(key="0a1c", name="zigbee2mqtt/strip", values=(
    Value("state_l1", "on", "", "l1"), Value("state_l2", "on", "", "l2"),
))  # fmt: skip
NOISE = Unknown("0a1d", "broker", "noise/1", "", (), "", 1, NOW, None, "??")
PLACE, PART = field_name("place", ""), field_name("part", "")
POWER, ENERGY, OTHER = (value.name for value in PLUG.values)
GOOD = {PLACE: "dorm-3/402", PART: "sockets", POWER: "power_w|W", ENERGY: "energy_kwh|Wh", OTHER: "-", "every": "31"}


@dataclass
class FakeFinder:
    """Implements `dashboard.unknown.Finder`, and writes down what it is asked."""

    found: list[Unknown] = field(default_factory=lambda: [PLUG, STRIP, NOISE])
    wishes: list[tuple[str, Wish]] = field(default_factory=list)
    searches: int = 0
    problems: tuple[str, ...] = ()
    waits: Waiting | None = None

    def search(self) -> None:
        self.searches += 1

    def left_s(self) -> float:
        return 540.0 if self.searches else 0.0

    def troubles(self) -> Sequence[str]:
        return ["broker: refused"] if self.problems else []

    def unknown(self) -> Sequence[Unknown]:
        return self.found

    def adopt(self, key: str, wish: Wish, language: str) -> Sequence[str]:
        self.wishes.append((key, wish))
        return self.problems

    def file(self) -> str:
        return "/c/adopted.toml"

    def waiting(self) -> Waiting | None:
        return self.waits


def test_what_is_heard_stands_on_the_page_of_sources() -> None:
    desk = Desk(busy_campus(), finder=FakeFinder()).sign_in()
    answer = desk.ask("GET", "/sources")
    said = text_of(answer)
    assert "zigbee2mqtt/plug" in said
    assert "power (W), energy meter, x.y" in said
    assert "not recognised" in said
    assert 'href="/unknown/0a1b"' in answer.text
    assert 'href="/unknown/0a1d"' not in answer.text  # nothing of it could be read
    assert "无法识别" in text_of(desk.ask("GET", "/sources?lang=zh"))


def test_a_search_is_begun_and_said() -> None:
    finder = FakeFinder()
    desk = Desk(busy_campus(), finder=finder).sign_in()
    assert desk.ask("POST", "/unknown/search").headers["location"] == "/sources#unknown"
    assert finder.searches == 1
    assert "Searching, 9 min left" in text_of(desk.ask("GET", "/sources"))


def test_without_a_password_it_is_shown_and_cannot_be_adopted() -> None:
    finder = FakeFinder()
    desk = Desk(busy_campus(), has_password=False, finder=finder)
    answer = desk.ask("GET", "/sources")
    assert "zigbee2mqtt/plug" in answer.text
    assert "/unknown/" not in answer.text
    assert desk.ask("POST", "/unknown/search").status_code in (404, 405)
    assert desk.ask("POST", "/unknown/0a1b", data=GOOD).status_code in (404, 405)
    assert (finder.searches, finder.wishes) == (0, [])


@pytest.mark.parametrize("path", ["/unknown/search", "/unknown/0a1b"])
def test_a_stranger_changes_nothing(path: str) -> None:
    finder = FakeFinder()
    answer = Desk(busy_campus(), finder=finder).ask("POST", path, data=GOOD)
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in")
    assert (finder.searches, finder.wishes) == (0, [])


def test_a_gateway_without_brokers_has_no_such_thing() -> None:
    assert 'id="unknown"' not in Desk(busy_campus()).sign_in().ask("GET", "/sources").text


@pytest.mark.parametrize(
    ("changed", "wish", "wrong"),
    [
        ({}, Wish({"": ("dorm-3/402", "sockets")}, {("power", ""): Choice("power_w", "W"),
                                                    ("energy", ""): Choice("energy_kwh", "Wh")}, 31.0, False), ""),
        ({ENERGY: "-", OTHER: "flow_lpm|m3/h", "how": "change", PART: ""},
         Wish({"": ("dorm-3/402", "")}, {("power", ""): Choice("power_w", "W"),
                                         ("x.y", ""): Choice("flow_lpm", "m3/h")}, 31.0, True), ""),
        ({ENERGY: ""}, None, "Choose the unit of each value"),         # never guessed silently
        ({ENERGY: "power_w|W"}, None, "Choose the unit of each value"),
        ({POWER: "power_w|kW"}, None, "Choose the unit of each value"),  # the convention knows better
        ({POWER: "-", ENERGY: "-"}, None, "Choose at least one value"),
        ({PLACE: "dorm-3/999"}, None, "There is no such place"),
        ({PLACE: ""}, None, "Say where it is"),
        ({"every": "0"}, None, "Say how often"),
        ({"every": "nan"}, None, "Say how often"),
    ],
)  # fmt: skip
def test_what_a_form_may_hold(changed: dict[str, str], wish: Wish | None, wrong: str) -> None:
    finder = FakeFinder()
    desk = Desk(busy_campus(), finder=finder).sign_in()
    answer = desk.ask("POST", "/unknown/0a1b", data=GOOD | changed)
    assert finder.wishes == ([("0a1b", wish)] if wish else [])
    assert answer.status_code == (303 if wish else 422)
    assert wrong in text_of(answer)
    if not wish and (GOOD | changed)[PLACE]:
        assert f'value="{(GOOD | changed)[PLACE]}"' in answer.text  # what was typed is kept


def test_each_circuit_has_a_place_of_its_own() -> None:
    finder = FakeFinder()
    desk = Desk(busy_campus(), finder=finder).sign_in()
    first, second = (value.name for value in STRIP.values)
    form = {field_name("place", "l2"): "dorm-3/402", first: "on|", second: "on|", "every": "60"}
    assert desk.ask("POST", "/unknown/0a1c", data=form).status_code == 303
    assert finder.wishes == [
        ("0a1c", Wish({"l2": ("dorm-3/402", "")}, {("state_l2", "l2"): Choice("on", "")}, 60.0, False))
    ]
    assert channels(STRIP.values) == ["l1", "l2"]


def test_what_the_configuration_refuses_is_told() -> None:
    finder = FakeFinder(problems=("adopted.toml:3: source.topic: <no>",))
    answer = Desk(busy_campus(), finder=finder).sign_in().ask("POST", "/unknown/0a1b", data=GOOD)
    assert answer.status_code == 422
    assert "adopted.toml:3: source.topic: &lt;no&gt;" in answer.text


def test_what_waits_for_a_restart_is_said() -> None:
    finder = FakeFinder([PLUG._replace(is_adopted=True)], waits=Waiting(1, "/c/adopted.toml", "adopted.toml"))
    answer = Desk(busy_campus(), finder=finder).sign_in().ask("GET", "/sources")
    said = text_of(answer)
    assert "1 adopted, in /c/adopted.toml" in said
    assert 'include = ["adopted.toml"]' in said
    assert 'href="/unknown/0a1b"' not in answer.text


def test_nothing_is_adopted_twice() -> None:
    finder = FakeFinder([PLUG._replace(is_adopted=True)])
    desk = Desk(busy_campus(), finder=finder).sign_in()
    for answer in (desk.ask("GET", "/unknown/0a1b"), desk.ask("POST", "/unknown/0a1b", data=GOOD)):
        assert (answer.status_code, answer.headers["location"]) == (303, "/sources?adopted=0a1b#unknown")
    assert finder.wishes == []


def test_each_row_has_its_button_and_what_is_adopted_looks_different() -> None:
    found = [PLUG, STRIP._replace(is_adopted=True), NOISE, PLUG._replace(key="0a1f", is_heard=False)]
    for language, word, told in (("en", "Adopt", "only announced, not heard yet"), ("zh", "接入", "只有通告")):
        answer = Desk(busy_campus(), finder=FakeFinder(found)).sign_in().ask("GET", f"/sources?lang={language}")
        buttons = re.findall(r'<a class="button[^"]*" href="/unknown/(\w+)"[^>]*>([^<]*)</a>', answer.text)
        assert buttons == [("0a1b", word), ("0a1f", word)]
        assert answer.text.count('<tr class="adopted">') == 1
        assert text_of(answer).count(told) == 1


def test_what_has_no_room_on_the_page_is_counted() -> None:
    found = [PLUG._replace(key=f"{number:04x}") for number in range(MOST_UNKNOWN + 7)]
    desk = Desk(busy_campus(), finder=FakeFinder(found)).sign_in()
    assert "and 7 more" in text_of(desk.ask("GET", "/sources"))
    desk = Desk(busy_campus(), finder=FakeFinder(found[:MOST_UNKNOWN])).sign_in()
    assert "more" not in text_of(desk.ask("GET", "/sources")).split("Topics that nobody reads")[1].split("plug")[-1]


def test_the_form_says_which_file_is_written() -> None:
    answer = Desk(busy_campus(), finder=FakeFinder()).sign_in().ask("GET", "/unknown/0a1b")
    assert "It is written to /c/adopted.toml" in text_of(answer)


def test_what_is_not_there_is_not_found() -> None:
    desk = Desk(busy_campus(), finder=FakeFinder()).sign_in()
    assert desk.ask("GET", "/unknown/ffff").status_code == 404
    assert desk.ask("POST", "/unknown/ffff", data=GOOD).status_code == 404


@pytest.mark.parametrize(
    ("value", "offered"),
    [
        (Value("", "power_w", "kW"), {"power_w|kW"}),
        (Value("", "energy_kwh", None), {"energy_kwh|kWh", "energy_kwh|Wh", "energy_kwh|MWh"}),
        (Value("", "occupied", ""), {"occupied|"}),
    ],
)
def test_what_a_value_may_be(value: Value, offered: set[str]) -> None:
    assert {choice.name for choice in choices(value)} == offered


def test_a_value_that_nobody_knows_may_be_anything_that_is_measured() -> None:
    offered = {choice.name for choice in choices(Value("x", None, None))}
    assert {"power_w|W", "power_w|kW", "occupied|", "volume_m3|L"} <= offered
    assert not any("permit" in name or "backlog" in name for name in offered)
