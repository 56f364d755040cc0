"""What is drawn behind a water meter, minute by minute: real households, sums of them, and made-up groups of people."""

import csv
import gzip
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE_S, DAY_S, DAY = 60.0, 86_400.0, 1440
ZONE = "Europe/Brussels"        # of the households
SHANGHAI = "Asia/Shanghai"
MONDAY = 1_772_380_800.0        # 2026-03-02 00:00 in Shanghai
PLACES: Mapping[str, tuple[str, str]] = {  # who is behind the meter -> place and its kind
    "room": ("dorm/101", "dorm_room"),
    "corridor": ("dorm/1F-east", "corridor"),
    "floor": ("dorm/1F", "washroom"),
    "building": ("dorm", "dormitory"),
}
PEOPLE: Mapping[str, int] = {"room": 4, "corridor": 30, "floor": 120, "building": 600}
RUN_MINUTES, RUN_LPM = 60, 1.0
NIGHT_HOURS, NIGHT_L = 6, 1.0

HOUR_WEIGHTS = (
    0.15, 0.1, 0.08, 0.08, 0.1, 0.4, 4.0, 3.0, 0.8, 0.9, 0.9, 1.3, 3.0, 1.5, 0.8, 0.9, 1.0, 1.8, 2.0, 1.0, 1.0,
    3.5, 3.0, 0.6,
)  # fmt: skip


class Fixture(NamedTuple):
    """Uses a person and day, litres a use (exponential; fixed where `is_flush`), and L/min from and to."""

    uses: float
    litres: float
    least_lpm: float
    most_lpm: float
    is_flush: bool = False


FIXTURES = (
    Fixture(14.0, 1.0, 4.0, 8.0), Fixture(5.0, 6.0, 6.0, 8.0, is_flush=True), Fixture(1.5, 8.0, 5.0, 8.0),
    Fixture(0.5, 40.0, 7.0, 10.0),
)  # fmt: skip


class Supply(NamedTuple):
    """Litres of each minute from `begin` on behind one meter, and the stretches in which water ran away there."""

    name: str
    who: str
    basis: str
    begin: float
    zone: str
    litres: Sequence[float]
    losses: Sequence[tuple[float, float]] = ()

    @property
    def end(self) -> float:
        return self.begin + MINUTE_S * len(self.litres)

    def is_sound(self, begin: float, end: float) -> bool:
        return not any(begin < last and first < end for first, last in self.losses)

    @property
    def sound_s(self) -> float:
        return self.end - self.begin - sum(last - first for first, last in self.losses)


def meters(data: Path) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The one-minute meters of a folder of recordings: meter -> (time, L/min)."""
    found: dict[str, Sequence[tuple[float, float]]] = {}
    for path in sorted((data / "water").glob("*_min.csv.gz")):
        with gzip.open(path, "rt") as file:
            header, *rows = csv.reader(file)
        times = [datetime.fromisoformat(row[0]).timestamp() for row in rows]
        for column, name in enumerate(header[1:], start=1):
            found[name] = [(at, float(row[column])) for at, row in zip(times, rows, strict=True) if row[column]]
    return found


def feeds(data: Path) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The flows of whole houses as they were sent, with all that went wrong: name -> (time, L/min) in order of time."""
    found = {}
    for path in sorted((data / "water").glob("feed_*.csv")):
        rows = (line.split()[:2] for line in path.read_text().splitlines())
        found[path.name] = sorted((float(at), float(lpm)) for at, lpm in rows)
    return found


def households(data: Path) -> list[Supply]:
    """Real meters that are sound on most days; a meter that leaks nearly always has no false alarms to count."""
    out = []
    for name, rows in meters(data).items():
        first = datetime.fromtimestamp(rows[0][0], ZoneInfo(ZONE)).replace(hour=0, minute=0, second=0)
        begin = first.timestamp()
        litres = [0.0] * (int((rows[-1][0] - begin) // MINUTE_S) + 1)
        for at, lpm in rows:
            litres[int((at - begin) // MINUTE_S)] = lpm
        losses = sorted([*_runs(litres, begin), *_leaky_days(litres, begin)])
        if sum(last - first for first, last in losses) < 0.5 * len(litres) * MINUTE_S:
            out.append(Supply(name, "room", "semi-synthetic", begin, ZONE, litres, losses))
    return out


def _runs(litres: Sequence[float], begin: float) -> Iterator[tuple[float, float]]:
    """Stretches of an hour or more in which no minute drew less than a litre."""
    since = None
    for index, drew in enumerate([*litres, 0.0]):
        if drew >= RUN_LPM:
            since = index if since is None else since
        elif since is not None:
            if index - since >= RUN_MINUTES:
                yield begin + since * MINUTE_S, begin + index * MINUTE_S
            since = None


def _leaky_days(litres: Sequence[float], begin: float) -> Iterator[tuple[float, float]]:
    """Days on which each hour from midnight to six drew at least a litre."""
    for day in range(0, len(litres) - DAY + 1, DAY):
        hours = (sum(litres[day + 60 * hour : day + 60 * (hour + 1)]) for hour in range(NIGHT_HOURS))
        if all(drew >= NIGHT_L for drew in hours):
            yield begin + day * MINUTE_S, begin + (day + DAY) * MINUTE_S


def together(homes: Sequence[Supply], who: str, shifts: Sequence[int]) -> Supply:
    """Households shifted by days and added up, without what ran away in them: a meter of many."""
    weeks = min(len(home.litres) for home in homes) // (7 * DAY)
    minutes = weeks * 7 * DAY
    total = [0.0] * minutes
    for home in homes:
        sound = list(home.litres[:minutes])
        for first, last in home.losses:
            for index in range(max(0, int((first - home.begin) // 60)), min(minutes, int((last - home.begin) // 60))):
                sound[index] = 0.0
        for shift in shifts:
            turn = shift * DAY % minutes
            total = [drew + more for drew, more in zip(total, sound[turn:] + sound[:turn], strict=True)]
    name = f"{len(homes) * len(shifts)} households"
    return Supply(name, who, "semi-synthetic", homes[0].begin, homes[0].zone, total)


def made_up(who: str, days: int, seed: int) -> Supply:
    """What a group of a boarding school draws: taps, toilets, washing, showers, at the hours of its day."""
    rng = random.Random(seed)
    people = PEOPLE[who]
    litres = [0.0] * (days * DAY)
    hours = range(24)
    for day in range(days):
        for fixture in FIXTURES:
            expected = people * fixture.uses
            for _ in range(max(0, round(rng.gauss(expected, expected**0.5)))):
                minute = day * DAY + 60 * rng.choices(hours, HOUR_WEIGHTS)[0] + 60 * rng.random()
                left = fixture.litres if fixture.is_flush else rng.expovariate(1 / fixture.litres)
                lpm = rng.uniform(fixture.least_lpm, fixture.most_lpm)
                index, share = int(minute), 1.0 - minute % 1.0
                while left > 0.0 and index < len(litres):
                    drew = min(left, lpm * share)
                    litres[index] += drew
                    left, index, share = left - drew, index + 1, 1.0
    return Supply(f"{people} people", who, "simulated", MONDAY, SHANGHAI, litres)
