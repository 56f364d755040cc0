"""The days of the simulated school: its readings, minute by minute, as transports deliver them.

Strategy. Each day's habits and faults are put on the courses of the meters; then each minute reads all devices whose
time has come. Readings get lost, devices fall silent for a while, buses and buildings die as the faults say.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import radians, sin
from random import Random

from daemon.evaluation import school_campus, school_meters
from daemon.evaluation.school_campus import FULL, Campus, Size
from daemon.evaluation.school_faults import Injected, injected
from daemon.evaluation.school_life import Day, Load
from daemon.evaluation.school_meters import Bend, Device
from rules.model import Sample, Site, source_device, stamp, state_point

LOST = 0.003              # readings that never arrive
GAPS_A_DAY = 0.02         # stretches of some minutes in which one device is not heard, per device and day


@dataclass(frozen=True, slots=True)
class School:
    """A school of a seed: its site, its faults, and its readings, which can be drawn once."""

    campus: Campus
    site: Site
    days: Sequence[Day]
    truth: Sequence[Injected]
    _frozen: dict[str, dict[str, float]] = field(default_factory=dict, repr=False)

    @property
    def begin(self) -> float:
        return self.days[0].midnight

    @property
    def end(self) -> float:
        return self.days[-1].midnight + 86_400

    def minutes(self) -> Iterator[tuple[float, list[Sample]]]:
        """The end of each minute, and its samples in order of time."""
        yield self.begin + 2, [*self.campus.facts, *self._words(self.begin, is_first=True)]
        for day in self.days:
            self._plan(day)
            yield from self._day(day)

    def samples(self) -> Iterator[Sample]:
        """All samples in order of time."""
        for _, block in self.minutes():
            yield from block

    def _plan(self, day: Day) -> None:
        """Put the loads of a day on their courses, and mark the devices that are broken on it."""
        loads: dict[str, list[Load]] = {}
        for habit in self.campus.habits:
            for load in habit.loads(day, Random(f"{self.campus.seed} {day.date} {habit.place}")):
                loads.setdefault(load.course, []).append(load)
        tonight = [fault for fault in self.truth if fault.begin < day.midnight + 86_400 and fault.end >= day.midnight]
        for fault in tonight:
            for stay in fault.stays:
                loads[stay.course] = list(_staying(loads.get(stay.course, []), *stay[1:]))
            for load in fault.loads:
                if day.midnight <= load.begin < day.midnight + 86_400:
                    loads.setdefault(load.course, []).append(load)
        for course, pipe in self.campus.pipes.items():
            loads.setdefault(pipe, []).extend(loads.get(course, ()))
        for name, planned in self.campus.courses.items():
            planned.plan(loads.get(name, ()))
        self._bend(day)

    def _bend(self, day: Day) -> None:
        chance = Random(f"{self.campus.seed} {day.date} gaps")
        bends = [pair for fault in self.truth for pair in fault.bends if pair[1].begin < day.midnight + 86_400]
        for device in self.campus.devices:
            device.bent.clear()
            if chance.random() < GAPS_A_DAY:
                begin = day.midnight + chance.uniform(0, 86_400)
                device.bent.append(Bend("dead", begin, begin + chance.uniform(240, 720)))
        by_name = {device.name: device for device in self.campus.devices}
        for point, bend in bends:
            if bend.end >= day.midnight or bend.how == "falling":
                by_name[self.site.points[point].device].bent.append(bend)

    def _day(self, day: Day) -> Iterator[tuple[float, list[Sample]]]:
        random = Random(f"{self.campus.seed} {day.date} arrival")
        often = sorted(
            ((phase, device) for device in self.campus.devices if device.period_s <= 60
             for phase in _phases(device)), key=lambda pair: pair[0],
        )  # fmt: skip
        rarely = [(device.phase_s, device) for device in self.campus.devices if device.period_s > 60]
        cloud = Random(f"sky {self.campus.seed} {day.date}").uniform(0.3, 1.0)
        for minute in range(1440):
            begin = day.midnight + 60 * minute
            self._shine(begin, cloud)
            dead = {f.dead for f in self.truth if f.dead and f.begin <= begin < f.end}
            block = list(self._words(begin)) if minute else []
            for phase, device in often + rarely if minute % 60 == 0 else often:
                if dead and (device.source in dead or _building(device) in dead):
                    continue
                if device.supply is not None and not device.supply[0] <= minute < device.supply[1]:
                    continue
                chance = random.random()
                if chance < LOST:
                    continue
                at = int((begin + phase + chance) * 1000) / 1000
                values = device.read(at)
                if device.bent:
                    values = school_meters.bent(device, at, values, self._frozen)
                if values:
                    block.append(Sample(at, device.name, values))
            block.sort(key=lambda sample: sample.at)
            yield begin + 60, block

    def _shine(self, at: float, cloud: float) -> None:
        sun = self.site.sun
        elevation = sun.elevation(at) if sun else 0.0
        passing = 0.85 + 0.15 * sin(at / 700)
        self.campus.sky.lux = 600 * max(0.0, sin(radians(elevation))) * cloud * passing

    def _words(self, begin: float, *, is_first: bool = False) -> Iterator[Sample]:
        """What transports say of themselves in the minute from `begin` on."""
        names = sorted({device.source for device in self.campus.devices})
        if is_first:
            for name in names:
                yield Sample(begin + 1, source_device(name), {state_point(name, "online"): 1.0})
        for fault in self.truth:
            for at, online in ((fault.begin, 0.0), (fault.end, 1.0)):
                if fault.is_offline and begin <= at < begin + 60 and not is_first:
                    yield Sample(stamp(at), source_device(fault.dead), {state_point(fault.dead, "online"): online})


def _phases(device: Device) -> Iterator[float]:
    phase = device.phase_s
    while phase < 60:
        yield phase
        phase += device.period_s


def _building(device: Device) -> str:
    return device.name.split("/")[1]


def _staying(loads: Iterable[Load], around: float, until: float) -> Iterator[Load]:
    """The loads of a course when what is on around a time stays on, and nobody else touches the switch."""
    for load in loads:
        if around <= load.begin < until:
            continue
        if load.begin < around <= load.end + 60:
            load = load._replace(end=until)
        yield load


def simulate(seed: int, days: int = 30, size: Size = FULL) -> School:
    """A school of a seed, for some days from a Monday in April on, with its faults."""
    campus = school_campus.campus(seed, size)
    calendar_days = tuple(school_campus.days(campus, days))
    return School(campus, campus.site(), calendar_days, tuple(injected(campus, calendar_days)))
