"""Lights in daylight: lamps and sun on one sensor, and lamps that burn while the sun is high."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from recordings import at, local, replay, restarted, series, site

from rules.calendar import Period, PeriodKind
from rules.lights_in_daylight import LightsInDaylight
from rules.model import Event, Sample
from rules.sun import Sun
from rules.watch import Watch

ROOM = "teach/1"
POWER, LUX, OCCUPIED = f"{ROOM}/lighting/power_w", f"{ROOM}/illuminance_lx", f"{ROOM}/occupied"
BEIJING = Sun(39.9, 116.4)
BEGIN = at("2026-06-01 08:00")  # the sun stands at 36 degrees


def one(
    quantities: Sequence[str], kind: str = "classroom", *, sun: Sun | None = BEIJING, **calendar: object
) -> list[Watch]:
    return list(LightsInDaylight().watches(replace(site({ROOM: (kind, quantities)}, **calendar), sun=sun)))


def told(events: Sequence[Event]) -> list[tuple[str, str]]:
    return [(event.why.partition(".")[2], local(event.at)[11:]) for event in events]


def room(rows: Sequence[tuple[int, float, float]], begin: float) -> list[Sample]:
    """A sample a minute from (minutes, W, lx of sun); lamps of 240 W give 400 lx."""
    out, when = [], begin
    for minutes, watts, sun in rows:
        for _ in range(minutes):
            out.append(Sample(when, ROOM, {POWER: watts, LUX: sun + watts / 240 * 400}))
            when += 60.0
    return out


TAUGHT = [(10, 240.0, 50.0), (10, 0.0, 60.0)] * 2   # the switch is seen three times, in forty minutes


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([*TAUGHT, (90, 240.0, 800.0)], [("raised", "09:40")]),
        ([*TAUGHT, (90, 240.0, 800.0), (5, 0.0, 800.0)], [("raised", "09:40"), ("cleared_off", "10:10")]),
        ([*TAUGHT, (90, 240.0, 800.0), (5, 240.0, 100.0)], [("raised", "09:40"), ("cleared_dark", "10:10")]),
        ([*TAUGHT, (55, 240.0, 800.0), (60, 0.0, 800.0)], []),
        ([*TAUGHT, (30, 240.0, 800.0), (5, 240.0, 500.0), (60, 240.0, 800.0)], [("raised", "09:40")]),  # a cloud
        ([*TAUGHT, (30, 240.0, 800.0), (5, 240.0, 200.0), (50, 240.0, 800.0)], []),                     # a dark one
        ([*TAUGHT, (90, 240.0, 400.0)], []),             # 800 lx in all, but half of it is the lamps'
        ([(90, 240.0, 800.0)], []),                      # what the lamps give is not known
        ([*TAUGHT, (90, 0.0, 2000.0)], []),
    ],
)  # fmt: skip
def test_lamps_in_a_bright_room(rows: list[tuple[int, float, float]], expected: list[tuple[str, str]]) -> None:
    assert told(replay(one(["lighting/power_w", "illuminance_lx"]), room(rows, BEGIN))) == expected


@pytest.mark.parametrize(
    ("kind", "begin", "expected"),
    [
        ("corridor", "2026-06-01 08:00", [("raised_sun", "09:00")]),
        ("outdoor", "2026-06-01 08:00", [("raised_sun", "09:00")]),
        ("corridor", "2026-12-21 07:00", [("raised_sun", "09:45")]),  # above 10 degrees from 08:45 on
        ("corridor", "2026-06-01 20:00", []),
        ("classroom", "2026-06-01 08:00", []),                        # blinds, north side: nobody knows
    ],
)
def test_where_no_light_is_measured_the_sun_alone_tells(
    kind: str, begin: str, expected: list[tuple[str, str]]
) -> None:
    rows = series(POWER, at(begin), 60.0, [(200, 240.0)])
    assert told(replay(one(["lighting/power_w"], kind), rows)) == expected


def test_light_and_presence_do_without_a_meter() -> None:
    """People come in the dark of a winter morning, switch on, and leave it on under a bright noon."""
    begin = at("2026-06-01 04:00")
    light = [(10, 5.0, 0.0), (60, 405.0, 1.0), (120, 700.0, 1.0), (120, 1300.0, 1.0)]
    rows, when = [], begin
    for minutes, lux, occupied in light:
        for _ in range(minutes):
            rows.append(Sample(when, ROOM, {LUX: lux, OCCUPIED: occupied}))
            when += 60.0
    assert told(replay(one(["illuminance_lx", "occupied"]), rows)) == [("raised", "08:10")]


def test_it_waits_for_the_summary_and_states_the_energy() -> None:
    (raised,) = replay(one(["lighting/power_w"], "corridor"), series(POWER, BEGIN, 60.0, [(65, 240.0)]))
    assert raised.delivery == "digest"
    assert raised.values["wasted_kwh"] == pytest.approx(0.24, abs=0.01)


def test_exam_rooms_are_only_kept() -> None:
    exam = Period("exam", PeriodKind.EXAM, date(2026, 6, 1), date(2026, 6, 1))
    rows = room([*TAUGHT, (70, 240.0, 800.0)], BEGIN)
    (raised,) = replay(one(["lighting/power_w", "illuminance_lx"], periods=(exam,)), rows)
    assert raised.delivery == "record"


def test_without_the_place_of_the_site_it_is_quiet_and_says_so() -> None:
    (watch,) = one(["lighting/power_w"], "corridor", sun=None)
    assert replay([watch], series(POWER, BEGIN, 60.0, [(200, 240.0)])) == []
    assert watch.explain(watch.start, BEGIN).why == "lights_in_daylight.no_sun"


def test_it_explains_where_it_stands() -> None:
    (watch,) = one(["lighting/power_w", "illuminance_lx"])
    state, whys = watch.start, []
    for sample in room([(5, 240.0, 400.0), *TAUGHT, (5, 240.0, 100.0), (70, 240.0, 800.0)], BEGIN):
        state, _ = watch.step(state, sample.at, {"power": sample.values[POWER], "lux": sample.values[LUX]})
        whys.append(watch.explain(state, sample.at).why.partition(".")[2])
    assert list(dict.fromkeys(whys)) == ["learning", "off", "needed", "waiting", "open"]


def test_a_restart_loses_nothing() -> None:
    rows = room([*TAUGHT, (90, 240.0, 800.0), (5, 0.0, 800.0)], BEGIN)
    watches = one(["lighting/power_w", "illuminance_lx"])
    whole = replay(watches, rows)
    assert len(whole) == 2
    assert restarted(watches, rows, every=7, until=rows[-1].at) == whole
