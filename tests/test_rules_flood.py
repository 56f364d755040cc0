"""Flood control: what an alert that comes again and again still pages, live, replayed and after a restart."""

from collections.abc import Sequence

import pytest
from pack_streams import campus, pack
from recordings import replay, restarted, site

from dashboard.words import sentence
from rules.engine import Engine
from rules.flood import settled
from rules.limit import Limit
from rules.model import Change, Delivery, Evidence, Sample, Severity, Turn
from rules.overload import Overload
from rules.quality import refiners

ROOM = "dorm/101"
MINUTE = 60.0


def raised(severity: Severity, delivery: Delivery = Delivery.PAGE, turn: Turn = Turn.RAISED) -> Change:
    return Change(turn, severity, delivery, "x", {"a": 1.0}, Evidence(0.0))


def told(minutes: Sequence[float], severity: Severity) -> str:
    """Raised at these minutes: P for a page, A for one that says again, - for a line in the summary."""
    pages: tuple[float, ...] = ()
    said = ""
    for minute in minutes:
        change, pages = settled(raised(severity), 1e6 + minute * MINUTE, pages)
        is_page = change.delivery is Delivery.PAGE
        said += "A" if is_page and "again" in change.values else "P" if is_page else "-"
        assert change.values["a"] == 1.0
        assert is_page or change.delivery is Delivery.DIGEST
        assert len(pages) <= 3  # what an alert costs in a snapshot
    return said


@pytest.mark.parametrize(
    ("minutes", "major", "critical"),
    [
        ([0], "P", "P"),
        ([0, 4.9], "P-", "PP"),                           # closer than anybody can go and look
        ([0, 5], "PP", "PP"),
        ([0, 10, 20], "PPA", "PPA"),
        ([0, 10, 20, 30, 40, 59], "PPA---", "PPAAAA"),    # often: what is critical pages on
        ([0, 10, 20, 30, 60], "PPA-A", "PPAAA"),          # the first was an hour ago
        ([0, 10, 20, 30, 90, 100], "PPA-PP", "PPAAPP"),
        ([0, 1, 2, 3, 4, 5, 6], "P----P-", "PPAAAAA"),    # chatter
        ([n / 10 for n in range(100)], "P" + "-" * 49 + "P" + "-" * 49, "PP" + "A" * 98),
        ([0, 61, 122], "PPP", "PPP"),
    ],
)  # fmt: skip
def test_what_still_pages(minutes: list[float], major: str, critical: str) -> None:
    assert told(minutes, Severity.MAJOR) == major
    assert told(minutes, Severity.INFO) == major
    assert told(minutes, Severity.CRITICAL) == critical


@pytest.mark.parametrize(
    "change",
    [raised(Severity.MAJOR, Delivery.DIGEST), raised(Severity.MAJOR, Delivery.RECORD),
     raised(Severity.MAJOR, Delivery.DIGEST, Turn.UPDATED), raised(Severity.MAJOR, turn=Turn.CLEARED),
     raised(Severity.MAJOR, turn=Turn.WITHDRAWN)],
)  # fmt: skip
def test_only_a_raise_or_update_that_pages_is_held_or_counted(change: Change) -> None:
    pages = (1e6, 1e6 + 1, 1e6 + 2)
    assert settled(change, 1e6 + 3, pages) == (change, pages)


@pytest.mark.parametrize(
    ("turn", "severity", "minutes", "expected"),
    [
        (Turn.UPDATED, Severity.MAJOR, (), "page"),
        (Turn.UPDATED, Severity.MAJOR, (1,), "page"),             # what got worse right after its page
        (Turn.UPDATED, Severity.MAJOR, (20, 10, 1), "digest"),    # three within the hour
        (Turn.UPDATED, Severity.CRITICAL, (20, 10, 1), "page"),   # nothing keeps this back
        (Turn.RAISED, Severity.MAJOR, (1,), "digest"),            # an update before it counts as a page
        (Turn.RAISED, Severity.CRITICAL, (20, 10, 1), "page"),    # critical for the first time
    ],
)  # fmt: skip
def test_an_update_pages_and_counts_like_a_raise(
    turn: Turn, severity: Severity, minutes: Sequence[float], expected: str
) -> None:
    pages: tuple[float, ...] = ()
    for ago in minutes:
        _, pages = settled(raised(Severity.MAJOR, turn=Turn.UPDATED), 1e6 - ago * MINUTE, pages)
    change, pages = settled(raised(severity, turn=turn), 1e6, pages)
    assert change.delivery.value == expected
    assert (pages[-1] == 1e6) is (expected == "page")


def test_what_was_milder_keeps_no_critical_page_back_and_counts_on_after_it() -> None:
    pages: tuple[float, ...] = ()
    said = []
    for minute, severity in enumerate([*[Severity.MAJOR] * 3, *[Severity.CRITICAL] * 5, Severity.MAJOR]):
        change, pages = settled(raised(severity), 1e6 + minute * MINUTE, pages)
        said.append(change.delivery.value)
    assert said == ["page", "digest", "digest", "page", "page", "page", "page", "page", "digest"]


def test_an_overload_that_comes_and_goes_pages_three_times_an_hour() -> None:
    """Near its limit, then over it for half a minute, every 200 s: each time a line that becomes a page."""
    (watch,) = Overload(limit_w=1000.0).watches(site({ROOM: ("dorm_room", ["power_w"])}, every_s=10.0))
    levels = [950.0] * 8 + [1100.0] * 3 + [100.0] * 9
    stream = [Sample(1000.0 + n * 10, ROOM, {f"{ROOM}/power_w": levels[n % 20]}) for n in range(360)]
    events = [event for event in replay([watch], stream) if event.turn is Turn.UPDATED]
    assert len(events) == 18
    assert [event.delivery.value for event in events] == ["page"] * 3 + ["digest"] * 15


LOUD = {
    "power_w": 5000.0, "current_a": 40.0, "flow_lpm": 200.0, "temperature_c": 95.0, "illuminance_lx": 900.0,
    "voltage_v": 230.0, "energy_kwh": 100.0, "volume_m3": 100.0, "clock_offset_s": 900.0,
}  # fmt: skip


@pytest.mark.parametrize("hour", [0, 6, 12, 18])
def test_after_a_start_the_whole_pack_pages_only_what_it_showed_as_running(hour: int) -> None:
    """Everything is on, flows and is hot from the first reading on, for two hours."""
    of, begin = campus(60.0), 1.8e9 + hour * 3600.0
    engine, told, paged = Engine(pack(of), refiners(of)), set(), set()
    for minute in range(120):
        shown = {(hold.rule, hold.key) for hold in engine.holds()}
        for point in of.points.values():
            if not point.of:
                rise = minute * 0.5 * (point.quantity in ("energy_kwh", "volume_m3"))
                value = LOUD.get(point.quantity, 0.0) + rise
                engine.take(Sample(begin + minute * MINUTE, point.device, {point.id: value}))
        events = engine.advance(begin + minute * MINUTE)
        assert minute or not events
        pages = {(event.rule, event.key) for event in events if event.delivery is Delivery.PAGE}
        assert pages <= shown | told  # what was told in the summary first had been shown by then
        told |= {(event.rule, event.key) for event in events}
        assert told <= shown | told
        paged |= pages
    assert {rule for rule, _ in paged} >= {"overload", "expression"}


def test_a_flickering_meter_pages_three_times_an_hour_and_says_so() -> None:
    """A limit without hysteresis on a value that crosses it every minute, for two hours."""
    (watch,) = Limit(name="总表", quantity="power_w", above=100.0).watches(site({ROOM: ("dorm_room", ["power_w"])}))
    stream = [Sample(1000.0 + n * MINUTE, ROOM, {f"{ROOM}/power_w": 101.0 - n % 2}) for n in range(121)]
    events = replay([watch], stream)
    pages = [event for event in events if event.turn is Turn.RAISED and event.delivery is Delivery.PAGE]
    assert len(events) == 119
    assert [(page.at - 1000.0) / MINUTE for page in pages] == [2, 8, 14, 62, 68, 74]
    assert ["again" in page.values for page in pages] == [False, False, True, True, True, True]
    assert restarted([watch], stream, every=7, until=stream[-1].at) == events
    assert sentence(pages[1], "zh") == "总表：101 W，高于 100 W"
    assert sentence(pages[2], "zh") == "总表：101 W，高于 100 W（一小时内已 3 次，再有不逐次通知）"
    assert sentence(pages[2], "en") == (
        "总表: 101 W, above 100 W (3 times within the hour; not each further one is told)"
    )
