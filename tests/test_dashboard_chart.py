"""Charts: gaps stay gaps, peaks survive thinning, and what is drawn lies where it must."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from campus import NOW, busy_campus, campus_site
from hypothesis import given
from hypothesis import strategies as st

from dashboard.chart import (
    NARROW_PX,
    WIDE_PX,
    Dot,
    Frame,
    Series,
    chart,
    runs,
    text_px,
    thinned,
    tick_labels,
    time_ticks,
    value_ticks,
)
from dashboard.reader import Reader
from rules.model import Reading

SITE = campus_site()
READER = Reader("en", SITE, NOW)
FLOW, OCCUPIED = SITE.points["dorm-3/1F-wash/flow_lpm"], SITE.points["teach-1/105/occupied"]

times = st.lists(st.floats(0, 1e5, allow_nan=False), min_size=1, max_size=300, unique=True).map(sorted)


def readings(dots: list[Dot]) -> list[Reading]:
    return [Reading("p", at, value) for at, value in dots]


def drawn(series: list[Series], frame: Frame, width_px: int = WIDE_PX) -> ElementTree.Element:
    return ElementTree.fromstring(chart(series, frame, READER, width_px=width_px))


def by_class(drawing: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in drawing.iter() if element.get("class") == name]


def axis_words(drawing: ElementTree.Element) -> list[str | None]:
    """What stands left of the plot."""
    return [tick.text for tick in by_class(drawing, "tick") if tick.get("text-anchor") == "end"]


def plot_of(drawing: ElementTree.Element) -> tuple[float, float]:
    """Where the plot begins, and how wide it is: the time axis."""
    begin, end = re.findall(r"M([\d.]+) [\d.]+H([\d.]+)", by_class(drawing, "axis")[0].get("d", ""))[0]
    return float(begin), float(end) - float(begin)


@given(times, st.floats(0.1, 1e4))
def test_runs_keep_every_reading_and_break_exactly_at_gaps(at: list[float], holds_s: float) -> None:
    found = runs(readings([(t, 1.0) for t in at]), holds_s)
    assert [dot[0] for run in found for dot in run] == at
    assert all(b[0] - a[0] <= holds_s for run in found for a, b in pairwise(run))
    assert all(after[0][0] - before[-1][0] > holds_s for before, after in pairwise(found))


@given(times, st.floats(10.0, 1e4), st.randoms(use_true_random=False))
def test_thinning_keeps_ends_and_extremes_of_each_column(at: list[float], column_s: float, random) -> None:
    run = [(t, random.uniform(-5, 5)) for t in at]
    kept = thinned(run, column_s)
    assert set(kept) <= set(run)
    assert kept == sorted(kept)
    columns: dict[float, list[Dot]] = {}
    for dot in run:
        columns.setdefault(dot[0] // column_s, []).append(dot)
    for column in columns.values():
        mine = [dot for dot in kept if dot in column]
        assert len(mine) <= 4
        assert (mine[0], mine[-1]) == (column[0], column[-1])
        assert {min(v for _, v in column), max(v for _, v in column)} <= {v for _, v in mine}


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_value_ticks_enclose_the_range_with_few_even_steps(least: float, span: float) -> None:
    ticks = value_ticks(least, least + span)
    slack = 1e-6 * max(1.0, abs(least), span)
    assert ticks[0] <= least + slack
    assert ticks[-1] >= least + span - slack
    assert 2 <= len(ticks) <= 7
    assert ticks == sorted(set(ticks))
    assert len(set(tick_labels(ticks))) == len(ticks)


@pytest.mark.parametrize("hours", [0.01, 0.5, 1, 6, 24, 72, 24 * 60])
@pytest.mark.parametrize("width_px", [NARROW_PX - 56, WIDE_PX - 56])
def test_time_ticks_are_round_on_the_sites_clock_and_have_room(hours: float, width_px: int) -> None:
    frame = Frame(NOW - hours * 3600, NOW)
    ticks = time_ticks(frame, READER, width_px)
    assert all(frame.since <= at <= frame.until for at in ticks)
    assert len(ticks) <= width_px / 72 + 1
    if hours >= 0.5:
        assert ticks
        assert all(SITE.calendar.local(at).second == 0 and SITE.calendar.local(at).minute % 5 == 0 for at in ticks)
    if hours >= 72:
        assert all(SITE.calendar.local(at).hour % 6 == 0 for at in ticks)


def test_a_gap_in_the_data_is_a_gap_in_the_line() -> None:
    dots = [(NOW - 600 + 30 * n, 5.0) for n in range(20) if not 5 <= n <= 12]
    line = by_class(drawn([Series(FLOW, readings(dots))], Frame(NOW - 600, NOW)), "line")[0].get("d")
    assert line is not None
    assert line.count("M") == 2


def test_a_single_reading_is_a_visible_dot() -> None:
    line = by_class(drawn([Series(FLOW, readings([(NOW - 60, 5.0)]))], Frame(NOW - 600, NOW)), "line")[0].get("d")
    assert re.fullmatch(r"M[\d.]+ [\d.]+h\.01", line or "")


def test_the_hold_is_shaded_and_the_limit_drawn_where_they_are() -> None:
    frame = Frame(NOW - 3600, NOW, (NOW - 1800, NOW - 900), 2.0)
    drawing = drawn([Series(FLOW, readings([(NOW - 3600 + 30 * n, n / 20) for n in range(121)]))], frame)
    hold = by_class(drawing, "hold")[0]
    left, plot = plot_of(drawing)
    assert float(hold.get("x", "")) == pytest.approx(left + plot / 2, abs=0.1)
    assert float(hold.get("width", "")) == pytest.approx(plot / 4, abs=0.1)
    assert [text.text for text in by_class(drawing, "limit-label")] == ["limit 2 L/min"]
    assert [text.text for text in by_class(drawing, "raised-label")] == ["alert 13:23"]
    grid = {float(re.findall(r" ([\d.]+)H", g.get("d", ""))[0]) for g in by_class(drawing, "grid")}
    limit = float(re.findall(r" ([\d.]+)H", by_class(drawing, "limit")[0].get("d", ""))[0])
    assert limit in grid  # values 0 to 6 have a grid line at 2
    drawn_in_order = [element.get("class") for element in drawing.iter()]
    assert all(drawn_in_order.index(name) < drawn_in_order.index("limit-label") for name in ("line", "limit", "raised"))


def test_a_state_is_a_step_until_its_last_reading_no_longer_speaks() -> None:
    dots = [(NOW - 6000, 0.0), (NOW - 5700, 1.0), (NOW - 5400, 1.0), (NOW - 3000, 1.0)]  # holds_s is 600
    drawing = drawn([Series(OCCUPIED, readings(dots))], Frame(NOW - 7200, NOW))
    left, plot = plot_of(drawing)
    second_px = plot / 7200
    bars = [(float(b.get("x", "")), float(b.get("width", ""))) for b in by_class(drawing, "on")]
    assert bars == [
        (pytest.approx(left + 1500 * second_px, abs=0.1), pytest.approx(900 * second_px, abs=0.1)),
        (pytest.approx(left + 4200 * second_px, abs=0.1), pytest.approx(600 * second_px, abs=0.1)),
    ]
    assert len(by_class(drawing, "off")) == 1
    assert axis_words(drawing) == ["empty", "occupied"]


@pytest.mark.parametrize("width_px", [NARROW_PX, WIDE_PX])
def test_a_long_chart_stays_small_and_within_its_frame(width_px: int) -> None:
    dots = [(NOW - 86400 + 2 * n, float(n % 97)) for n in range(43200)]
    markup = chart([Series(FLOW, readings(dots))], Frame(NOW - 86400, NOW), READER, width_px=width_px)
    assert len(markup) < 70 * width_px
    for text in ElementTree.fromstring(markup).iter("text"):
        assert 0 <= float(text.get("x", "")) <= width_px


def test_a_large_meter_reading_has_room_for_its_labels() -> None:
    meter = SITE.points["dorm-3/402/energy_kwh"]
    dots = [(NOW - 3600 + 60 * n, 1_234_567.01 + n / 1000) for n in range(60)]
    drawing = drawn([Series(meter, readings(dots))], Frame(NOW - 3600, NOW))
    labels = [tick for tick in by_class(drawing, "tick") if tick.get("text-anchor") == "end"]
    assert all(float(tick.get("x", "")) >= 6.5 * len(tick.text or "") for tick in labels)
    assert len({tick.text for tick in labels}) == len(labels) >= 3


def test_every_series_of_a_busy_campus_is_well_formed_and_says_what_it_is() -> None:
    campus = busy_campus()
    series = [
        Series(point, [reading for reading in campus.log if reading.point == point.id])
        for point in campus.site.points.values()
    ]
    drawing = drawn(series, Frame(NOW - 21600, NOW, (NOW - 2820, NOW - 1020), 40.0))
    assert "flow" in drawing.get("aria-label", "")
    assert len(by_class(drawing, "heading")) == len(series)


@pytest.mark.parametrize("seconds", [20, 60, 200, 3600, 40_000])
def test_each_time_on_the_axis_reads_differently(seconds: float) -> None:
    drawing = drawn([Series(FLOW, readings([(NOW - seconds, 1.0), (NOW, 2.0)]))], Frame(NOW - seconds, NOW))
    times = [tick.text for tick in by_class(drawing, "tick") if tick.get("text-anchor") == "middle"]
    assert len(times) >= 2
    assert len(set(times)) == len(times)


@pytest.mark.parametrize("width_px", [NARROW_PX, WIDE_PX])
@pytest.mark.parametrize("seconds", [20, 75, 200, 3600, 40_000, 200_000])
@pytest.mark.parametrize("ago_s", [0, 400 * 86400])
def test_times_are_whole_and_do_not_touch(width_px: int, seconds: float, ago_s: float) -> None:
    for shift_s in range(0, 60, 7):
        end = NOW + shift_s - ago_s
        drawing = drawn([Series(FLOW, readings([(end - seconds, 1.0)]))], Frame(end - seconds, end), width_px)
        times = [tick for tick in by_class(drawing, "tick") if tick.get("text-anchor") == "middle"]
        for row in (times, by_class(drawing, "day")):
            sides = [(float(t.get("x", "")), text_px(t.text or "") / 2) for t in row]
            assert all(half <= x + 0.1 and x + half <= width_px + 0.1 for x, half in sides)
            assert all(x + half <= other - half_other + 0.1 for (x, half), (other, half_other) in pairwise(sides))


def test_what_only_goes_with_the_evidence_is_smaller_and_counts_from_zero() -> None:
    watts, beside = SITE.points["dorm-3/402/power_w"], SITE.points["teach-1/105/lighting/power_w"]
    dots = [(NOW - 600 + 30 * n, 200.0 + n) for n in range(20)]
    series = [Series(point, readings(dots)) for point in (watts, beside)]
    frame = Frame(NOW - 600, NOW)
    heights = {}
    for name, hold in (("alert", (NOW - 300, NOW - 200)), ("place", None)):
        drawing = drawn(series, frame._replace(hold=hold))
        heights[name] = [float(plot.get("height", "")) for plot in drawing if plot.tag == "svg"]
        assert ("0" in axis_words(drawing)) is (hold is not None)
    assert heights == {"alert": [136, 70], "place": [136, 136]}
