"""History read from the middle on: what people declared before still holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streams import SOURCE, START, Arrival, Rig, VirtualClock

from daemon.backtest import backtest
from daemon.case import case_of
from daemon.history import History, HistoryError, StoredHistory, TableHistory
from daemon.pipeline import Batch
from daemon.readings_table import Table
from daemon.store import incident
from rules.calendar import Calendar
from rules.fact import PEOPLE, permit, permit_points
from rules.high_power import HighPower
from rules.model import Place, Point, Received, Sample, Site
from rules.night_flow import NightFlow

DAY_S = 86_400.0
POWER = Point("d/1/power_w", "d/1", "", "power_w", f"{SOURCE}/d/1", SOURCE, 25.0)
FLOW = Point("d/wash/flow_lpm", "d/wash", "", "flow_lpm", f"{SOURCE}/d/wash", SOURCE, 150.0)
PERMITTED = permit("d/1", 1200.0, begin=START, end=START + 90 * DAY_S, at=START + 60.0)
ELSEWHERE = permit("d/2", 1200.0, begin=START, end=START + 90 * DAY_S, at=START + 70.0)
HEATER = START + 11 * DAY_S  # from then on measured; ten minutes later it runs


def dorm() -> Site:
    places = {"d": Place("d", "3号楼", "dormitory", "d")} | {
        name: Place(name, name, "dorm_room", "d") for name in ("d/1", "d/2")
    }
    places["d/wash"] = Place("d/wash", "wash", "washroom", "d")
    return Site("s", "一中", places, {p.id: p for p in (POWER, FLOW, *permit_points(places.values()))}, Calendar())


def powers(watts: float) -> Iterator[Sample]:
    for index in range(400):
        yield Sample(HEATER + 10 * index, POWER.device, {POWER.id: watts if 60 < index < 300 else 50.0})


def of_table(path: Path, watts: float) -> History:
    points, table = dorm().points, Table()
    for sample in (PERMITTED, ELSEWHERE, *powers(watts)):
        for point, value in sample.values.items():
            table.add(sample.at, points[point], value)
    return TableHistory(table)


def of_log(path: Path, watts: float) -> History:
    campus = dorm()
    rig = Rig(path / "a.db", VirtualClock(START), list(HighPower().watches(campus)), of=campus)
    for number, said in enumerate((PERMITTED, ELSEWHERE), start=1):
        rig.clock.at = said.at
        rig.pipeline.consume(Batch(PEOPLE, [Received(said.at, said, packet=number, digest=number)], window=1))
    rig.clock.at = HEATER
    rig.feed((number, Arrival(sample.at + 1.0, sample)) for number, sample in enumerate(powers(watts), start=1))
    rig.finish(HEATER + 5000.0)
    return StoredHistory(path / "a.db")


@pytest.mark.parametrize("history_of", [of_table, of_log])
@pytest.mark.parametrize(("watts", "alerts"), [(1150.0, 0), (2000.0, 1)])
def test_a_permit_holds_however_long_before_the_stretch_it_was_given(
    tmp_path: Path, history_of: type[of_table], watts: float, alerts: int
) -> None:
    history = history_of(tmp_path, watts)
    alone = ((HighPower(), ("d/1", "d/2")),)
    beside = (*alone, (NightFlow(), ("d", "d/wash")))  # for which history begins much earlier
    for since, rules in ((START, alone), (HEATER, alone), (HEATER, beside)):
        tally = backtest(rules, dorm(), history, since=since, until=HEATER + 4000.0).tally
        assert len(tally.alerts()) == alerts, (since, rules)
    first = next(iter(history.batches(HEATER, HEATER + 4000.0, frozenset({POWER.id, *PERMITTED.values}))))
    told = [sample for sample, _ in first.entries if sample.at < HEATER]
    assert [(sample.at, dict(sample.values)) for sample in told] == [(PERMITTED.at, dict(PERMITTED.values))]


def test_a_case_holds_the_permit_that_was_given_long_before(tmp_path: Path) -> None:
    history = of_log(tmp_path, 2000.0)
    assert isinstance(history, StoredHistory)
    told = incident(history.connection, 1)
    assert told is not None
    case = case_of(((HighPower(), ("d/1", "d/2")),), dorm(), history, told)
    assert case.is_same()
    assert case.log[0].entries[0][0] == PERMITTED


@pytest.mark.parametrize(("language", "said"), [("en", "no gateway has run"), ("zh", "还没有过记录")])
def test_that_there_is_no_log_is_said_in_the_language_of_the_reader(tmp_path: Path, language: str, said: str) -> None:
    with pytest.raises(HistoryError, match=said):
        StoredHistory(tmp_path / "none.db", language)
