"""Balance of a main meter and those behind it: days and nights, both ways, missing registers, declarations."""

import random
from collections.abc import Sequence

import pytest
from recordings import at, local, replay, restarted, site

from rules.engine import Engine
from rules.meter_balance import MeterBalance
from rules.model import Delivery, Event, Sample
from rules.rule import ParameterError
from rules.watch import Watch

BEGIN = at("2026-03-02 00:00")
PARENT, CHILDREN = "dorm/main/volume_m3", ("dorm/1F/volume_m3", "dorm/2F/volume_m3")


def rule(**given: object) -> MeterBalance:
    named = {"parent": ((PARENT, PARENT),), "children": tuple((child, child) for child in CHILDREN)}
    return MeterBalance(name="dorm 3", **(named | given))  # type: ignore[arg-type]


def watches(**given: object) -> list[Watch]:
    where = site({
        "dorm/main": ("pump_room", ["volume_m3"]), "dorm/1F": ("washroom", ["volume_m3"]),
        "dorm/2F": ("washroom", ["volume_m3"]),
    })  # fmt: skip
    return list(rule(**given).watches(where))


def registers(
    lost: Sequence[float], *, missing: tuple[str, int] | None = None, night: Sequence[float] = ()
) -> list[Sample]:
    """Registers read every 10 min for as many days; two floors draw 20 m3 a day with errors, and so much is lost a day.

    `night` is lost from midnight to six only; `missing` is a point that is silent in the last hour before a day.
    """
    rng, totals, out = random.Random(3), dict.fromkeys((PARENT, *CHILDREN), 0.0), []
    for step in range(len(lost) * 144 + 1):
        day, when = step // 144, BEGIN + 600.0 * step
        values = {
            point: total for point, total in totals.items()
            if missing is None or point != missing[0] or not missing[1] * 144 - 6 <= step <= missing[1] * 144
        }
        out.append(Sample(when, "meters", {point: round(total, 3) for point, total in values.items()}))
        if day < len(lost):
            drew = [10.0 / 144 * rng.uniform(0.8, 1.2) for _ in CHILDREN]
            for child, more in zip(CHILDREN, drew, strict=True):
                totals[child] += more
            by_night = night[day] / 36 if night and step % 144 < 36 else 0.0
            totals[PARENT] += sum(drew) * rng.uniform(0.99, 1.01) + lost[day] / 144 + by_night
    return out


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.why.partition(".")[2], local(event.at)) for event in events]


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ([0.0] * 14, []),
        ([0.0] * 6 + [3.0] * 4 + [0.0] * 2, [("raised", "2026-03-11 00:00"), ("cleared", "2026-03-13 00:00")]),
        ([0.0] * 6 + [3.0, 3.0, 0.0, 3.0, 3.0, 0.0], []),                       # not three in a row
        ([0.0] * 6 + [0.6] * 6, []),                                            # 3 %
        ([0.0] * 6 + [-5.0] * 4 + [0.0], [("less", "2026-03-11 00:00"), ("cleared", "2026-03-13 00:00")]),
        ([4.0] * 10, [("raised", "2026-03-11 00:00")]),                         # it was there from the beginning
        ([0.0] * 6 + [3.0, 3.0, -5.0, 3.0, 3.0, 0.0], []),
    ],
)  # fmt: skip
def test_three_days_in_a_row_are_told(lost: list[float], expected: list[tuple[str, str]]) -> None:
    events = replay(watches(), registers(lost))
    assert told(events) == expected
    assert {event.delivery for event in events} <= {Delivery.DIGEST}


def test_it_says_how_much() -> None:
    (raised,) = replay(watches(), registers([0.0] * 6 + [3.0] * 3))
    assert raised.values["difference"] == pytest.approx(3.0, abs=0.1)
    assert raised.values["percent"] == pytest.approx(13.0, abs=1.0)
    assert raised.values["unit"] == "m³"


def test_nights_alone_show_a_smaller_loss() -> None:
    """0.9 m3 between midnight and six are 4 % of a day, and a sixth of the night."""
    heard = registers([0.0] * 11, night=[0.0] * 6 + [0.9] * 5)
    assert replay(watches(), heard) == []
    assert [event.why for event in replay(watches(over="night"), heard)] == ["meter_balance.raised"]


@pytest.mark.parametrize("point", [PARENT, CHILDREN[1]])
def test_a_day_without_a_register_counts_neither_way(point: str) -> None:
    heard = registers([0.0] * 6 + [3.0] * 6, missing=(point, 7))
    (raised,) = replay(watches(), heard)
    assert local(raised.at) == "2026-03-13 00:00"   # two days have no difference


@pytest.mark.parametrize(
    "given",
    [
        {"parent": ()},
        {"children": ()},
        {"parent": ((PARENT, PARENT), (CHILDREN[0], CHILDREN[0]))},
        {"children": ((PARENT, PARENT),)},
        {"children": (("p", "dorm/1F/power_w"),)},
        {"children": (("e", "dorm/1F/energy_kwh"),)},
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        rule(**given)


def test_electricity_balances_as_well() -> None:
    where = site({"dorm": ("dormitory", ["energy_kwh"]), "dorm/1": ("corridor", ["energy_kwh"])})
    pair = {"parent": (("p", "dorm/energy_kwh"),), "children": (("c", "dorm/1/energy_kwh"),)}
    (watch,) = rule(**pair).watches(where)
    assert (watch.key, watch.place) == ("dorm 3", "dorm")


@pytest.mark.parametrize(
    ("lost", "why"),
    [([0.0] * 3, "learning"), ([0.0] * 7, "calm"), ([0.0] * 6 + [3.0], "over")],
)
def test_it_says_where_it_stands(lost: list[float], why: str) -> None:
    engine = Engine(watches())
    for sample in registers(lost):
        engine.take(sample)
    engine.advance(BEGIN + 86_400 * len(lost))
    (watch,) = watches()
    assert watch.explain(engine.state("meter_balance", watch.key), engine.mark).why == f"meter_balance.{why}"


def test_a_restart_loses_nothing() -> None:
    pack, heard = watches(), registers([0.0] * 6 + [3.0] * 4 + [0.0] * 2)
    whole = replay(pack, heard)
    assert len(whole) == 2
    assert restarted(pack, heard, every=37, until=heard[-1].at) == whole
