"""The evidence of an alert as a chart: inline SVG, drawn here, so that it needs no script and prints well.

Strategy. Each point has a panel of its own above one shared time axis: units differ, and a state is not a curve.
A gauge is a line that breaks where readings no longer speak (`holds_s`); a state is a bar while it is 1. What an
alert rests on comes first; what only goes with it is half as tall, from 0, so that a trifle looks like one. Readings
are thinned to four a pixel column (first, least, most, last), so peaks stay whatever the length. The drawing has a
fixed size in pixels; a page holds one for phones and one for desks and shows the one that fits.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import floor, log10
from typing import NamedTuple

from markupsafe import Markup, escape

from dashboard.reader import Reader, number
from rules.model import Point, Reading
from rules.quantity import QUANTITIES, Kind

WIDE_PX, NARROW_PX = 820, 340

_RIGHT_PX, _DIGIT_PX, _HAN_PX = 10, 7, 12
_TITLE_PX, _FOOT_PX, _DAY_PX = 24, 18, 14  # the foot holds the times, and the days where it is not all today
_GAUGE_PX, _STATE_PX = 132, 24
_LABEL_PX = 72  # room that a time label takes
_TIME_STEPS_S = (5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)

Dot = tuple[float, float]  # (at, value) of a reading, or (x, y) on the drawing


class Frame(NamedTuple):
    """What a chart shows: its times, the hold `(since, raised)` to shade, the limit of the first point."""

    since: float
    until: float
    hold: tuple[float, float] | None = None
    threshold: float | None = None


class Series(NamedTuple):
    """A point with its readings by time."""

    point: Point
    readings: Sequence[Reading]


def runs(readings: Iterable[Reading], holds_s: float) -> list[list[Dot]]:
    """Readings as stretches without a gap: within one, each reading still speaks when the next comes."""
    found: list[list[Dot]] = []
    for reading in readings:
        if not found or reading.at - found[-1][-1][0] > holds_s:
            found.append([])
        found[-1].append((reading.at, reading.value))
    return found


def thinned(run: Sequence[Dot], column_s: float) -> list[Dot]:
    """At most four dots for each `column_s` seconds: the first, the least, the most and the last."""
    kept: list[Dot] = []
    column: list[Dot] = []
    for dot in run:
        if column and dot[0] // column_s != column[0][0] // column_s:
            kept += _extremes(column)
            column = []
        column.append(dot)
    return kept + _extremes(column)


def _extremes(column: list[Dot]) -> list[Dot]:
    if len(column) <= 4:
        return column
    least, most = min(column, key=lambda dot: dot[1]), max(column, key=lambda dot: dot[1])
    return sorted({column[0], least, most, column[-1]})


def value_ticks(least: float, most: float, steps: int = 4) -> list[float]:
    """Round values that enclose a range, in about so many steps: two to `steps` + 3 of them."""
    span = most - least
    if span < max(1e-6, 1e-9 * abs(most)):  # as good as constant: the noise of floats is not to be blown up
        span = max(1.0, abs(most))
    rough = span / steps
    power = 10.0 ** floor(log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * 0.999)
    first, last = floor(least / step + 1e-9), -floor(-most / step + 1e-9)
    return [round(step * n, 9) for n in range(first, max(last, first + 1) + 1)]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """The ticks in digits, as many as tell one from the next."""
    digits = max(0, -floor(log10(ticks[1] - ticks[0]) + 1e-9))
    return [f"{tick:.{digits}f}" for tick in ticks]


def time_ticks(frame: Frame, reader: Reader, width_px: float) -> list[float]:
    """Round times of the site's own clock, as many as their labels leave room for."""
    calendar, span = reader.site.calendar, frame.until - frame.since
    most = max(1.0, width_px / _LABEL_PX)
    step = next((step for step in _TIME_STEPS_S if span / step <= most), _TIME_STEPS_S[-1])
    step *= max(1, round(span / step / most))  # beyond the list: whole numbers of days
    midnight = calendar.at_minute(calendar.local(frame.since).date(), 0)
    at = midnight + step * floor((frame.since - midnight) / step)
    ticks = []
    while at <= frame.until:
        if at >= frame.since:
            ticks.append(at)
        at += step
    return ticks


def text_px(text: str) -> int:
    """The room that a text takes at most."""
    return sum(_DIGIT_PX if letter.isascii() else _HAN_PX for letter in text)


def chart(series: Sequence[Series], frame: Frame, reader: Reader, *, width_px: int) -> Markup:
    """The drawing of these series, one below the other."""
    panels = [
        _Panel(item, reader, None if index else frame.threshold, is_beside=bool(index and frame.hold))
        for index, item in enumerate(series)
    ]
    drawing = _Drawing(frame, reader, width_px, left_px=max(panel.left_px for panel in panels))
    top = 18.0 if frame.hold else 2.0
    parts: list[str] = []
    for panel in panels:
        parts.append(drawing.heading(panel.point, top))
        top += _TITLE_PX
        parts.append(drawing.state(panel, top) if panel.is_state else drawing.gauge(panel, top))
        top += panel.height_px + 10
    parts = [drawing.shade(top), drawing.raised(top), *parts, drawing.axis(top)]
    label = reader.say(
        "alert.chart", points=reader.names(item.point for item in series),
        since=reader.clock(frame.since), until=reader.clock(frame.until),
    )  # fmt: skip
    height = f"{top + _FOOT_PX + (0 if drawing.is_today else _DAY_PX):.0f}"
    size = f'viewBox="0 0 {width_px} {height}" width="{width_px}" height="{height}"'
    name = "wide" if width_px > NARROW_PX else "narrow"
    return Markup(f'<svg class="chart {name}" {size} role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>')


class _Panel:
    """One series with its limit and its scale; one that only stands beside the evidence takes less room."""

    def __init__(self, series: Series, reader: Reader, limit: float | None, *, is_beside: bool) -> None:
        self.point, self.limit = series.point, limit
        self.runs = runs(series.readings, series.point.holds_s)
        kind = QUANTITIES[series.point.quantity].kind
        self.is_state = kind is Kind.STATE
        if self.is_state:
            self.height_px = _STATE_PX
            self.labels = [reader.value(series.point, value)[0] for value in (0.0, 1.0)]
        else:
            self.height_px = _GAUGE_PX // 2 if is_beside else _GAUGE_PX
            least, most = _span(series.readings, limit)
            if is_beside and kind is Kind.GAUGE:  # a counter's own value says nothing, its rise does
                least = min(least, 0.0)
            self.ticks = value_ticks(least, most, 2 if is_beside else 4)
            self.labels = tick_labels(self.ticks)
        self.left_px = 12 + max(text_px(label) for label in self.labels)


class _Drawing:
    """The parts of one chart, as SVG text; x is the same for all of them."""

    def __init__(self, frame: Frame, reader: Reader, width_px: int, *, left_px: int) -> None:
        self._frame, self._reader, self._width, self._left = frame, reader, width_px, left_px
        self._plot = width_px - left_px - _RIGHT_PX
        self._column_s = max(0.001, (frame.until - frame.since) / self._plot)
        local = reader.site.calendar.local
        self.is_today = local(frame.since).date() == local(reader.now).date()

    def x(self, at: float) -> float:
        inside = min(max(at, self._frame.since), self._frame.until)
        return self._left + (inside - self._frame.since) / self._column_s

    def heading(self, point: Point, top: float) -> str:
        unit = QUANTITIES[point.quantity].unit
        name = self._reader.point(point)
        return _text(self._left, top + 14, f"{name} ({unit})" if unit else name, "heading")

    def gauge(self, panel: _Panel, top: float) -> str:
        """A line over a grid, and the limit as a dashed line with its value."""
        low, high, height = panel.ticks[0], panel.ticks[-1], panel.height_px

        def y(value: float) -> float:
            return top + height * (high - value) / (high - low)

        left, right = self._left, self._left + self._plot
        parts = [
            f'<path class="grid" d="M{left} {y(tick):.1f}H{right}"/>'
            + _text(left - 6, y(tick) + 4, name, "tick", "end")
            for tick, name in zip(panel.ticks, panel.labels, strict=True)
        ]
        lines = "".join(self._line(run, y) for run in panel.runs)
        clip = f'x="{left}" y="{top - 2}" width="{self._plot}" height="{height + 4}"'
        view = f'viewBox="{left} {top - 2} {self._plot} {height + 4}"'
        parts.append(f'<svg {clip} {view}><path class="line" d="{lines}"/></svg>')
        if panel.limit is not None:
            at = y(panel.limit)
            unit = QUANTITIES[panel.point.quantity].unit
            text = self._reader.say("alert.limit", value=f"{number(panel.limit)} {unit}".strip())
            parts.append(f'<path class="limit" d="M{left} {at:.1f}H{right}"/>')
            parts.append(_text(right - 2, at - 5 if at - top > 14 else at + 14, text, "limit-label", "end"))
        return "".join(parts)

    def _line(self, run: Sequence[Dot], y: Callable[[float], float]) -> str:
        dots = [f"{self._free_x(at):.1f} {y(value):.1f}" for at, value in thinned(run, self._column_s)]
        return f"M{'L'.join(dots)}" if len(dots) > 1 else f"M{dots[0]}h.01"

    def _free_x(self, at: float) -> float:
        """x also outside the plot, for a line that comes in from before; the plot clips it."""
        return self._left + (at - self._frame.since) / self._column_s

    def state(self, panel: _Panel, top: float) -> str:
        """A bar while the state is 1, a thin base line while it is 0, nothing while it is unknown; both in words."""
        parts = [
            _text(self._left - 6, top + y, name, "tick", "end")
            for y, name in zip((_STATE_PX, 10), panel.labels, strict=True)
        ]
        for begin, end, value in _stretches(panel.runs, panel.point.holds_s):
            x, width = self.x(begin), self.x(end) - self.x(begin)
            if width <= 0:
                continue
            height = _STATE_PX if value else 2
            where = f'x="{x:.1f}" y="{top + _STATE_PX - height:.1f}" width="{max(width, 0.8):.1f}" height="{height}"'
            parts.append(f'<rect class="{"on" if value else "off"}" {where}/>')
        return "".join(parts)

    def shade(self, bottom: float) -> str:
        """The hold: the time in which the condition held without being an alert yet."""
        if self._frame.hold is None:
            return ""
        begin, end = (self.x(at) for at in self._frame.hold)
        return f'<rect class="hold" x="{begin:.1f}" y="18" width="{end - begin:.1f}" height="{bottom - 22:.1f}"/>'

    def raised(self, bottom: float) -> str:
        """A line at the time of the alert, with its time above."""
        if self._frame.hold is None:
            return ""
        x = self.x(self._frame.hold[1])
        anchor = "end" if x > self._width * 0.7 else "start" if x < self._width * 0.3 else "middle"
        text = self._reader.say("alert.raised", when=f"{self._reader.site.calendar.local(self._frame.hold[1]):%H:%M}")
        return f'<path class="raised" d="M{x:.1f} 18V{bottom - 4:.1f}"/>' + _text(x, 12, text, "raised-label", anchor)

    def axis(self, bottom: float) -> str:
        """The times, and below them the day wherever it begins."""
        calendar = self._reader.site.calendar
        y = bottom - 4
        parts = [f'<path class="axis" d="M{self._left} {y:.1f}H{self._left + self._plot}"/>']
        shown_day = None
        ticks = time_ticks(self._frame, self._reader, self._plot)
        clock = "%H:%M" if all(at % 60 == 0 for at in ticks) else "%H:%M:%S"
        for at in ticks:
            local, x = calendar.local(at), self.x(at)
            parts.append(f'<path class="axis" d="M{x:.1f} {y:.1f}v4"/>')
            parts.append(self._time(x, y + 16, local.strftime(clock), "tick"))
            if local.date() != shown_day and not self.is_today:
                parts.append(self._time(x, y + 30, self._reader.date(local), "day"))
            shown_day = local.date()
        return "".join(parts)

    def _time(self, x: float, y: float, text: str, kind: str) -> str:
        """A text below its time, moved inwards as far as it takes to be whole."""
        half = text_px(text) / 2
        return _text(min(max(x, half), self._width - half), y, text, kind, "middle")


def _span(readings: Sequence[Reading], threshold: float | None) -> tuple[float, float]:
    """The range of values to show; zero is part of it unless the values are far from it."""
    values = [reading.value for reading in readings] + ([] if threshold is None else [threshold])
    least, most = min(values, default=0.0), max(values, default=1.0)
    if 0 < least < most * 0.6:
        least = 0.0
    return least, most


def _stretches(found: Sequence[Sequence[Dot]], holds_s: float) -> Iterator[tuple[float, float, float]]:
    """`(begin, end, value)` for each time a state does not change; the last reading of a run speaks for `holds_s`."""
    for index, run in enumerate(found):
        begin, value = run[0]
        for at, other in run[1:]:
            if other != value:
                yield begin, at, value
                begin, value = at, other
        ends = run[-1][0] + holds_s
        yield begin, min(ends, found[index + 1][0][0]) if index + 1 < len(found) else ends, value


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
