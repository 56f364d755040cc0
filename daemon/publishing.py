"""What the gateway publishes: its points, open alerts and own state, in the site's language."""

import sqlite3
from collections.abc import Mapping

from adapters.publish import (
    Alert,
    Gateway,
    Names,
    Publishing,
    Retained,
    alert,
    chosen,
    discovery,
    gateway,
    readings,
    source_states,
)
from dashboard.reader import Reader
from dashboard.view import Campus
from rules.incident import Incident

MOST_ALERTS = 10_000
_OPEN_ALERTS = {"zh": "未结束的报警", "en": "open alerts"}


class Publication:
    """Makes all that is to be there; what does not change is made once."""

    def __init__(self, publishing: Publishing, campus: Campus, *, language: str) -> None:
        self._publishing = publishing
        self._campus = campus
        self._reader = Reader(language, campus.site, campus.now())
        self._points = chosen(publishing, campus.site)
        self._configs: dict[str, Retained] | None = None
        self._readings: dict[str, Retained] = {}
        self._read_at = 0.0

    def wanted(self) -> Mapping[str, Retained] | None:
        """Topics and payloads as they are to be now; None when the gateway cannot tell just now."""
        try:
            now = self._campus.now()
            opened = [item for item in self._campus.incidents(only_open=True, limit=MOST_ALERTS)
                      if item.raised.place in self._publishing.places]  # fmt: skip
            sources = {source.name: source.online for source in self._campus.sources()}
            notices = tuple(self._campus.notices())
            if not self._read_at <= now < self._read_at + self._publishing.every_s:
                newest = self._campus.latest()
                self._readings, self._read_at = dict(readings(self._publishing, self._points, newest, now)), now
        except (TimeoutError, sqlite3.Error):  # the pipeline is held up, the disk is full
            return None
        worst = max((item.severity for item in opened), default=None)
        offline = tuple(name for name, is_online in sources.items() if is_online is False)
        told = Gateway(len(opened), worst.name.lower() if worst is not None else "", offline, notices)
        if self._configs is None:
            self._configs = dict(discovery(self._publishing, self._campus.site, sources, self._names()))
        return {
            **dict(alert(self._publishing, self._alert(item)) for item in opened),
            **dict([gateway(self._publishing, told)]),
            **self._configs,
            **dict(source_states(self._publishing, sources)),
            **self._readings,
        }

    def _alert(self, incident: Incident) -> Alert:
        raised, last = incident.raised, incident.events[-1]
        reader, site = self._reader, self._campus.site
        since = site.calendar.local(raised.evidence.since).isoformat(timespec="seconds")
        return Alert(
            incident.number, raised.rule, reader.title(raised.rule), raised.place, reader.place(raised.place),
            incident.severity.name.lower(), since, reader.sentence(last),
        )  # fmt: skip

    def _names(self) -> Names:
        reader, site = self._reader, self._campus.site
        places = {point.place: reader.place(point.place) for point in self._points}
        points = {point.id: reader.point(point) for point in self._points}
        return Names(f"Caretaker {site.name}", _OPEN_ALERTS[reader.language], places, points)
