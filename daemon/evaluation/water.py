"""Water: taps, leaks and bursts added to what meters drew, at several pulses; the rules and naive ones beside them.

Strategy. A *supply* is the litres of each minute behind one meter, and when water is known to have run away there:
real households, sums of them that stand for floors and buildings, and made-up groups of 4 to 600 people. It is read
through a register of 1, 10 or 100 L a pulse, once a minute. The rules run over it once; what they raise outside the
known losses is false. At random times their states are taken aside and run on with a loss added: that gives the share
found, how long it took and how much was lost until then. The known losses are taken from the data by what no rule here
uses: an hour in which no minute drew less than a litre, and days on which each hour from midnight to six drew one.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

from daemon.evaluation.naive_water import NAIVE
from daemon.evaluation.row import OURS, Row
from daemon.evaluation.water_use import (
    DAY,
    DAY_S,
    MINUTE_S,
    PLACES,
    ZONE,
    Supply,
    feeds,
    households,
    made_up,
    together,
)  # fmt: skip
from rules.burst import Burst
from rules.calendar import Calendar
from rules.check import Check
from rules.engine import Engine
from rules.leak import Leak
from rules.model import Event, Place, Point, Sample, Site, Turn
from rules.night_flow import NightFlow
from rules.running_water import RunningWater
from rules.watch import Watch

PULSES_L = (1.0, 10.0, 100.0)
LOSSES_LPH: Mapping[str, tuple[float, ...]] = {  # what each rule is for
    "running_water": (360.0,), "leak": (5.0, 20.0, 60.0), "night_flow": (20.0, 60.0, 360.0), "burst": (3000.0,),
}  # fmt: skip
WITHIN_H: Mapping[str, float] = {"running_water": 24.0, "leak": 24.0, "night_flow": 54.0, "burst": 3.0}
TRIALS = {"semi-synthetic": {"room": 3, "floor": 10, "building": 10}, "simulated": dict.fromkeys(PLACES, 12)}
DAYS, LEARN_DAYS, SEED = 42, 16, 20
SHIFTS = (0, 1, 3, 7, 8, 12, 14, 17, 19, 22, 24, 26)  # days; irregular, or each day would be the same sum
MONTH_S = 30 * DAY_S
FEED_S, FEED_APART, FEED_DENSE = 10.0, 500, 300  # interval; samples between two trials, and of one
EARLIEST_S = 946_684_800.0                       # the year 2000: a clock that stood at 1970


class Trial(NamedTuple):
    """A loss from `begin` on, and how many seconds until each rule told it; None: not in time."""

    lph: float
    begin: float
    told_s: Mapping[str, float | None]


class Measured(NamedTuple):
    """One supply read through one pulse: trials and false alarms, by method."""

    trials: Sequence[Trial]
    false: Mapping[str, int]
    sound_s: float


def rows(data: Path, *, progress: Callable[[str], None]) -> list[Row]:
    """How the four rules do on the supplies of a folder of recordings and on made-up ones."""
    out: list[Row] = []
    for who, basis, supplies in _supplies(data):
        for pulse in PULSES_L:
            progress(f"{who} ({basis}), {pulse:.0f} L a pulse")
            measured = [_measured(supply, pulse) for supply in supplies]
            out += _rows(f"{who}, {pulse:.0f} L a pulse", basis, measured, is_first=pulse == PULSES_L[0])
    progress("whole houses as they were sent")
    out += _feed_rows(data)
    return sorted(out, key=lambda row: list(LOSSES_LPH).index(row.task))


def _supplies(data: Path) -> Iterator[tuple[str, str, Sequence[Supply]]]:
    homes = households(data)
    if homes:
        yield "room", "semi-synthetic", homes
        yield "floor", "semi-synthetic", [together(homes, "floor", (0, 7, 14, 21))]
        yield "building", "semi-synthetic", [together(homes, "building", SHIFTS)]
    for index, who in enumerate(PLACES):
        yield who, "simulated", [made_up(who, DAYS, SEED + index)]


# -- reading a supply through a register


def _register(litres: Iterable[float], pulse: float, start: float) -> list[float]:
    """The register after each minute, in whole pulses (L)."""
    return [total // pulse * pulse for total in accumulate(litres, initial=start)][1:]


def _site(supply: Supply) -> tuple[Site, str]:
    place, kind = PLACES[supply.who]
    places = {"dorm": Place("dorm", "dorm", "dormitory", "dorm"), place: Place(place, place, kind, "dorm")}
    point = Point(f"{place}/volume_m3", place, "", "volume_m3", place, "bus", 2.5 * MINUTE_S)
    return Site("s", "s", places, {point.id: point}, Calendar(timezone=supply.zone)), point.id


def _watches(site: Site) -> list[Watch]:
    return [watch for kind in (RunningWater(), Leak(), NightFlow(), Burst()) for watch in kind.watches(site)]


def _told(engine: Engine, point: str, begin: float, register: Sequence[float]) -> list[Event]:
    """What the rules say of a register whose first minute ends a minute after `begin`."""
    at = begin
    for litres in register:
        at += MINUTE_S
        engine.take(Sample(at, "meter", {point: litres / 1000.0}))
    return engine.advance(at)


def _measured(supply: Supply, pulse: float) -> Measured:
    """False alarms over the whole supply, and trials that branch off at random times of it."""
    rng = random.Random(f"{supply.name} {pulse}")
    site, point = _site(supply)
    watches = _watches(site)
    engine, phase = Engine(watches, mark=supply.begin), rng.random() * pulse
    whole = _register(supply.litres, pulse, phase)
    false: dict[str, int] = {}
    trials: list[Trial] = []
    begins = sorted(_begins(supply, rng))
    for first, last in pairwise([0, *begins, len(whole)]):
        begin = supply.begin + first * MINUTE_S
        if first in begins:
            trials += [_trial(supply, engine, watches, point, first, pulse, phase, lph) for lph in _sizes()]
        for event in _told(engine, point, begin, whole[first:last]):
            if event.turn in (Turn.RAISED, Turn.UPDATED) and supply.is_sound(event.evidence.since, event.at):
                name = "burst.page" if event.why == "burst.raised" else event.why
                false[name] = false.get(name, 0) + 1
    drawn = [now - before for before, now in pairwise([phase // pulse * pulse, *whole])]
    for rule, (_, naive) in NAIVE.items():
        alarms = (supply.begin + index * MINUTE_S for index in naive(drawn, 0))
        false[f"naive {rule}"] = sum(supply.is_sound(at - MINUTE_S, at) for at in alarms)
    return Measured(trials, false, supply.sound_s)


def _sizes() -> list[float]:
    return sorted({lph for sizes in LOSSES_LPH.values() for lph in sizes})


def _within_s(lph: float) -> float:
    return 3600.0 * max(WITHIN_H[rule] for rule, sizes in LOSSES_LPH.items() if lph in sizes)


def _begins(supply: Supply, rng: random.Random) -> Iterator[int]:
    """Minutes at which a loss may begin: a learned profile before, sound water for two days around."""
    wanted = TRIALS[supply.basis][supply.who]
    latest = len(supply.litres) - int(max(WITHIN_H.values()) * 60) - 1
    for _ in range(100 * wanted):
        minute = rng.randrange(LEARN_DAYS * DAY, latest)
        at = supply.begin + minute * MINUTE_S
        if supply.is_sound(at - DAY_S, at + max(WITHIN_H.values()) * 3600.0):
            yield minute
            wanted -= 1
            if not wanted:
                return


def _trial(
    supply: Supply, engine: Engine, watches: Sequence[Watch], point: str, first: int, pulse: float, phase: float,
    lph: float,
) -> Trial:  # fmt: skip
    """One loss added from a minute on: what each rule and each naive one made of it."""
    begin = supply.begin + first * MINUTE_S
    minutes = int(_within_s(lph) // MINUTE_S)
    branch = Engine(watches, mark=begin)
    for watch in watches:
        branch.adopt(watch.rule, watch.key, engine.state(watch.rule, watch.key))
    start = phase + sum(supply.litres[:first])
    lossy = [drew + lph / 60.0 for drew in supply.litres[first : first + minutes]]
    told: dict[str, float | None] = dict.fromkeys([*LOSSES_LPH, *(f"naive {rule}" for rule in NAIVE)])
    register = _register(lossy, pulse, start)
    for event in reversed(_told(branch, point, begin, register)):
        if event.turn in (Turn.RAISED, Turn.UPDATED) and event.why != "night_flow.always":
            told[event.rule] = event.at - begin
    before = _register(supply.litres[first - DAY : first], pulse, phase + sum(supply.litres[: first - DAY]))
    drawn = [now - then for then, now in pairwise([*before, *register])]
    for rule, (_, naive) in NAIVE.items():
        late = (index - DAY + 1 for index in naive(drawn, (first + 1) % DAY) if index >= DAY)
        alarm = next(late, None)
        told[f"naive {rule}"] = None if alarm is None else (alarm + 1) * MINUTE_S
    return Trial(lph, begin, told)


# -- flows as they were sent, each 10 s


def _feed_rows(data: Path) -> Iterator[Row]:
    """Running water on flows with raw defects, behind the stateless check; taps added where readings are dense."""
    for lines in feeds(data).values():
        place, kind = PLACES["room"]
        places = {"dorm": Place("dorm", "dorm", "dormitory", "dorm"), place: Place(place, place, kind, "dorm")}
        point = Point(f"{place}/flow_lpm", place, "", "flow_lpm", place, "bus", 2.5 * FEED_S)
        site = Site("s", "s", places, {point.id: point}, Calendar(timezone=ZONE))
        sent = (Sample(at, place, {point.id: lpm}) for at, lpm in lines if at > EARLIEST_S)
        check = Check([point])
        samples = [sample for sample in sent if check.values(sample, sample.at)[0]]
        watches = list(RunningWater().watches(site))
        false = _raised(watches, samples)
        begins = [
            index for index in range(0, len(samples), FEED_APART)
            if index + FEED_DENSE < len(samples)
            and samples[index + FEED_DENSE].at - samples[index].at < 1.2 * FEED_DENSE * FEED_S
        ]  # fmt: skip
        delays = [_tap_delay(watches, samples[index : index + FEED_DENSE], point.id) for index in begins]
        found = [delay for delay in delays if delay is not None]
        covered_s = sum(min(after.at - sample.at, point.holds_s) for sample, after in pairwise(samples))
        yield Row(
            "running_water", OURS, "room, flow each 10 s with raw defects, 360 L/h", len(begins), None,
            len(found) / len(begins) if begins else None, len(false) * MONTH_S / covered_s, "meter-month",
            median(found) if found else None, "semi-synthetic", f"{covered_s / 3600:.0f} h of readings",
        )  # fmt: skip


def _tap_delay(watches: Sequence[Watch], samples: Sequence[Sample], point: str) -> float | None:
    """How long a tap runs that is opened at the first of these samples until it is told."""
    opened = [sample._replace(values={point: sample.values[point] + 6.0}) for sample in samples]
    told = _raised(watches, opened)
    return told[0].at - opened[0].at if told else None


def _raised(watches: Sequence[Watch], samples: Sequence[Sample]) -> list[Event]:
    engine = Engine(watches)
    for sample in samples:
        engine.take(sample)
    return [event for event in engine.advance(samples[-1].at) if event.turn is Turn.RAISED]


# -- the table


def _rows(setting: str, basis: str, measured: Sequence[Measured], *, is_first: bool) -> Iterator[Row]:
    months = sum(part.sound_s for part in measured) / MONTH_S
    for rule, sizes in LOSSES_LPH.items():
        for lph in sizes:
            trials = [trial for part in measured for trial in part.trials if trial.lph == lph]
            for method, key in ((OURS, rule), (NAIVE[rule][0], f"naive {rule}")):
                if method == OURS or is_first:
                    yield _row(rule, method, f"{setting}, {_spelled(lph)}", basis, key, trials, measured, months)


def _row(
    rule: str, method: str, setting: str, basis: str, key: str, trials: Sequence[Trial], measured: Sequence[Measured],
    months: float,
) -> Row:  # fmt: skip
    limit_s = WITHIN_H[rule] * 3600.0
    found = [s for trial in trials if (s := trial.told_s[key]) is not None and s <= limit_s]
    whys = FALSE_WHYS[rule] if method == OURS else (key,)
    counts = {why: sum(part.false.get(why, 0) for part in measured) for why in (*whys, *ALSO.get(rule, ()))}
    notes = [f"{median(found) * trials[0].lph / 3600:.0f} L lost"] if found else []
    if method == OURS:
        notes += [f"{counts[why] / months:.2f} {why} a month beside" for why in ALSO.get(rule, ())]
    return Row(
        rule, method, setting, len(trials), None, len(found) / len(trials) if trials else None,
        sum(counts[why] for why in whys) / months, "meter-month", median(found) if found else None, basis,
        ", ".join(notes),
    )  # fmt: skip


FALSE_WHYS: Mapping[str, tuple[str, ...]] = {
    "running_water": ("running_water.raised",), "leak": ("leak.updated",), "night_flow": ("night_flow.raised",),
    "burst": ("burst.page",),
}  # fmt: skip
ALSO: Mapping[str, tuple[str, ...]] = {"leak": ("leak.raised",), "burst": ("burst.more",)}


def _spelled(lph: float) -> str:
    return f"{lph / 1000:.0f} m3/h" if lph >= 1000 else f"{lph:.0f} L/h"
