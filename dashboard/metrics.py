"""What a monitor asks for: the state of sources, buses and the pipeline, in the text format of Prometheus.

Strategy. Nothing is counted here: each request reads what the panel shows too. Counters begin again at 0 with each
start, which Prometheus expects. Of points there are too many for labels, so rejected readings are counted by reason.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from dashboard.view import Bus, Campus, SourceState

CONTENT_TYPE = CONTENT_TYPE_LATEST
TYPICAL, LONGEST = "0.5", "1"   # quantiles of a latency

Rows = Iterable[tuple[Sequence[str], float | None]]


def text(campus: Campus) -> bytes:
    """All metrics of a campus."""
    return generate_latest(_Collector(campus))


class _Collector:
    def __init__(self, campus: Campus) -> None:
        self._campus = campus

    def collect(self) -> Iterator[Metric]:
        sources = self._campus.sources()
        yield from _of_sources(sources)
        yield from _of_buses([(source.name, source.bus) for source in sources if source.bus])
        yield from _of_devices(sources, self._campus)
        yield from _of_pipeline(self._campus)


def _of_sources(sources: Sequence[SourceState]) -> Iterator[Metric]:
    yield _gauge("source_online", "Whether a source is reachable.", ["source", "kind"], (
        ([s.name, s.kind], None if s.online is None else float(s.online)) for s in sources
    ))  # fmt: skip
    yield _counter("source_samples", "Samples from a source.", ["source"], (([s.name], s.samples) for s in sources))
    yield _counter("source_faults", "Input of a source that could not be read.", ["source", "reason"], (
        ([s.name, reason], count) for s in sources for reason, count in s.faults.items()
    ))  # fmt: skip


def _of_buses(buses: Sequence[tuple[str, Bus]]) -> Iterator[Metric]:
    yield _gauge("bus_busy_ratio", "How much of the last ten minutes a bus was busy.", ["source"], (
        ([name], bus.busy) for name, bus in buses
    ))  # fmt: skip
    yield _counter("bus_strangers_heard", "Answers of devices that are not configured.", ["source", "address"], (
        ([name, address], count) for name, bus in buses for address, count in bus.unknown.items()
    ))  # fmt: skip


def _of_devices(sources: Sequence[SourceState], campus: Campus) -> Iterator[Metric]:
    now, places = campus.now(), {point.device: point.place for point in campus.site.points.values()}
    labels = ["source", "device", "place"]
    devices = [
        ([source.name, device.name, places.get(device.name, "")], device)
        for source in sources if source.bus for device in source.bus.devices
    ]  # fmt: skip
    yield _counter("device_questions", "Questions to a device on a bus, each try.", labels, (
        (at, device.asked) for at, device in devices
    ))  # fmt: skip
    yield _counter("device_answers", "Answers of a device on a bus.", labels, (
        (at, device.answered) for at, device in devices
    ))  # fmt: skip
    yield _counter("device_faults", "What went wrong with a device on a bus.", [*labels, "reason"], (
        ([*at, reason], count) for at, device in devices for reason, count in device.faults.items()
    ))  # fmt: skip
    yield _gauge("device_latency_seconds", "From a question to its answer.", [*labels, "quantile"], (
        ([*at, quantile], value) for at, device in devices
        for quantile, value in ((TYPICAL, device.typical_s), (LONGEST, device.longest_s))
    ))  # fmt: skip
    yield _gauge("device_silent_seconds", "How long a device has not answered; 0: it answers.", labels, (
        (at, 0.0 if device.silent_since is None else now - device.silent_since) for at, device in devices
    ))  # fmt: skip


def _of_pipeline(campus: Campus) -> Iterator[Metric]:
    work, opened = campus.work(), campus.incidents(only_open=True, limit=10_000)
    yield _gauge("mark_lag_seconds", "How far behind the clock all is judged.", [], [([], work.lag_s)])
    yield _counter("commits", "Batches written to disk.", [], [([], work.commits)])
    yield _gauge("uncommitted_samples", "Samples that wait for their commit.", [], [([], work.uncommitted)])
    yield _gauge("outbox_waiting", "Messages to staff that wait to be sent.", [], [([], work.waiting)])
    yield _gauge("alerts_open", "Alerts that are open.", [], [([], len(opened))])
    yield _counter("readings_rejected", "Readings that no rule was to see.", ["reason"], (
        ([reason], count) for reason, count in _by_reason(campus.rejected()).items()
    ))  # fmt: skip


def _by_reason(rejected: Mapping[str, Mapping[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for reasons in rejected.values():
        found.update(reasons)
    return found


def _gauge(name: str, about: str, labels: Sequence[str], rows: Rows) -> Metric:
    return _filled(GaugeMetricFamily(f"caretaker_{name}", about, labels=labels), rows)


def _counter(name: str, about: str, labels: Sequence[str], rows: Rows) -> Metric:
    return _filled(CounterMetricFamily(f"caretaker_{name}", about, labels=labels), rows)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, rows: Rows) -> Metric:
    """A metric with its values; one that is not known yet has none."""
    for labels, value in rows:
        if value is not None:
            family.add_metric(labels, value)
    return family
