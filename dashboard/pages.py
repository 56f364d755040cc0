"""The pages that people read: what each one shows, and the language it shows it in."""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dashboard import words
from dashboard.chart import NARROW_PX, WIDE_PX, Frame, Series, chart
from dashboard.declarations import standings
from dashboard.permits import today
from dashboard.reader import Reader
from dashboard.unknown import MOST_VALUES, Finder, Unknown, channels, choices, field_name
from dashboard.view import Campus, Latest
from rules.account import Account, as_raised, seen_of
from rules.fact import Permit, permits
from rules.incident import Incident
from rules.model import Event, Place, Point, Reading

BEFORE_S = 30 * 60.0           # what the chart of an alert shows before its condition began
LONGEST_CHART_S = 3 * 86400.0
PAST_S = 6 * 3600.0            # what the charts of a place show
RECENT_ALERTS = 30
MOST_HOLDS = 12
MOST_UNKNOWN = 100             # devices that nobody reads
MOST_REJECTED = 50             # points with rejected readings
MOST_POINTS_AT_ONCE = 250      # a larger campus is shown a building at a time
NUMBER = re.compile(r"[0-9]{1,18}")   # of an alert; a store counts no further
YEAR_S = 365 * 86400


class Value(NamedTuple):
    """A point with its newest value, for a table."""

    point: Point
    latest: Latest | None


class Building(NamedTuple):
    """A building, its places where something is measured, and how many of its alerts are open."""

    place: Place
    places: Sequence[Place]
    open: int


class Rejected(NamedTuple):
    """A point whose readings were rejected, why, and how often."""

    point: Point
    reasons: Mapping[str, int]


class Values:
    """The newest values by place, read once for a page."""

    def __init__(self, campus: Campus) -> None:
        self._site, self._latest = campus.site, campus.latest()

    def at(self, place: str) -> list[Value]:
        return [Value(point, self._latest.get(point.id)) for point in self._site.points_at(place)]


class Pages:
    """Draws the pages of a campus in the language of who asks."""

    def __init__(
        self, campus: Campus, *, language: str, banner: str, has_password: bool, finder: Finder | None = None
    ) -> None:
        self._campus, self._language, self._finder = campus, language, finder
        self._templates = Environment(
            loader=PackageLoader("dashboard"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._has_password = has_password
        self._templates.globals.update(banner=banner, has_password=has_password, version=_version())

    def routes(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/", self.alerts)
        router.add_api_route("/alerts/{number}", self.alert)
        router.add_api_route("/alerts/{number}/case.json", self.case)
        router.add_api_route("/places", self.places)
        router.add_api_route("/places/{place_id:path}", self.place)
        router.add_api_route("/sources", self.sources)
        return router

    def alerts(self, request: Request) -> Response:
        """What is open, what is about to be, what ended lately, and whether we can see at all."""
        incidents = self._campus.incidents()
        holds = sorted(self._campus.holds(), key=lambda run: run.hold.covered_s / max(1.0, run.hold.needed_s))
        sources = self._campus.sources()
        return self._page(
            request, "alerts.html",
            opened=sorted((i for i in incidents if i.is_open), key=lambda i: (-i.severity, -i.raised.at)),
            ended=[i for i in incidents if not i.is_open][:RECENT_ALERTS],
            holds=holds[: -MOST_HOLDS - 1 : -1], more_holds=max(0, len(holds) - MOST_HOLDS),
            sources=sources, offline=[source for source in sources if source.online is False],
            has_readings=bool(self._campus.latest()), notices=self._campus.notices(),
        )  # fmt: skip

    def alert(self, request: Request, number: str) -> Response:
        """One alert with its evidence and its story."""
        incident = self._incident(number)
        reader = self._reader(request)
        points = [self._campus.site.points[p] for p in incident.raised.evidence.points if p in self._campus.site.points]
        frame, series = self._evidence(incident, points)
        end = incident.ended.at if incident.ended else reader.now
        name = incident.raised.rule, incident.raised.key
        now = [item for item in self._campus.accounts(incident.raised.place) if (item.rule, item.key) == name]
        return self._page(
            request, "alert.html", incident=incident, event=incident.events[-1],
            then=self._then(incident.raised), accounts=now,
            told=self._campus.told(incident.number), place=self._campus.site.places.get(incident.raised.place),
            charts=_charts(series, frame, reader), cut_s=LONGEST_CHART_S if end - frame.since > LONGEST_CHART_S else 0,
        )  # fmt: skip

    def case(self, number: str) -> Response:
        """One alert as a file to replay."""
        incident = self._incident(number)
        file = self._campus.case(incident.number)
        if file is None:
            raise HTTPException(404)
        name = f"case-{incident.number}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(file, media_type="application/json", headers=headers)

    def places(self, request: Request) -> Response:
        """All buildings; with their places where there are not too many."""
        site = self._campus.site
        open_at = [incident.raised.place for incident in self._campus.incidents(only_open=True, limit=10_000)]
        buildings = [
            Building(place, self._measured(place.id), sum(1 for at in open_at if _is_within(at, place.id)))
            for place in site.places.values()
            if place.id == place.building
        ]
        count = sum(len(site.points_at(place.id)) for building in buildings for place in building.places)
        return self._page(
            request, "places.html", buildings=buildings, values=Values(self._campus),
            is_whole=count <= MOST_POINTS_AT_ONCE,
        )  # fmt: skip

    def place(self, request: Request, place_id: str) -> Response:
        """One place, or one building with its places."""
        site = self._campus.site
        place = site.places.get(place_id)
        if place is None:
            raise HTTPException(404)
        reader = self._reader(request)
        frame = Frame(reader.now - PAST_S, reader.now)
        incidents = [i for i in self._campus.incidents() if _is_within(i.raised.place, place_id)]
        return self._page(
            request, "place.html", place=place, incidents=incidents, values=Values(self._campus), past_s=PAST_S,
            rooms=self._measured(place_id) if place.id == place.building else [],
            rejected=self._rejected(site.points_at(place_id)), accounts=self._campus.accounts(place_id),
            charts=_charts(self._series(site.points_at(place_id), frame), frame, reader),
            permits=self._permits(place_id), has_permit_form=self._has_password and place.id != place.building,
            is_permit_wrong="permit" in request.query_params, today=today(site.calendar, reader.now),
            standings=standings(self._campus, place_id),
        )  # fmt: skip

    def sources(self, request: Request) -> Response:
        """Each source: whether it is reachable, what came from it, what could not be read or believed, and why."""
        rejected = self._rejected(self._campus.site.points.values())
        unknown = self._finder.unknown() if self._finder else []
        return self._page(
            request, "sources.html", sources=self._campus.sources(), rejected=rejected[:MOST_REJECTED],
            more_rejected=max(0, len(rejected) - MOST_REJECTED),
            measured={point.device: point for point in self._campus.site.points.values()}, finder=self._finder,
            unknown=unknown[:MOST_UNKNOWN], more_unknown=max(0, len(unknown) - MOST_UNKNOWN),
        )  # fmt: skip

    def adopt_page(
        self, request: Request, found: Unknown | None, *, form: Mapping[str, str] | None = None, wrong: str = "",
        problems: Sequence[str] = (),
    ) -> Response:  # fmt: skip
        """The form that takes an unknown device into a place."""
        if found is None:
            return self._page(request, "missing.html", 404)
        return self._page(
            request, "adopt.html", 422 if wrong or problems else 200, found=found, form=form or {}, wrong=wrong,
            problems=problems, channels=channels(found.values), choices=choices, field_name=field_name,
            most=MOST_VALUES, places=self._campus.site.places, file=self._finder.file() if self._finder else "",
        )  # fmt: skip

    def language_of(self, request: Request) -> str:
        """The language of who asks."""
        return self._reader(request).language

    def sign_in(self, request: Request, *, next: str, wait_s: int = 0, is_wrong: bool = False) -> Response:
        """The form that asks for the password."""
        status = 429 if wait_s else 401 if is_wrong else 200
        return self._page(request, "sign_in.html", status, next=next, wait_s=wait_s, is_wrong=is_wrong)

    def missing(self, request: Request, error: Exception) -> Response:
        """What is shown where there is nothing."""
        return self._page(request, "missing.html", 404)

    # -- what they are made of

    def _page(self, request: Request, name: str, status: int = 200, **shown: Any) -> Response:
        reader = self._reader(request)
        html = self._templates.get_template(name).render(t=reader, path=request.url.path, **shown)
        answer = HTMLResponse(html, status, headers={"Content-Language": reader.language})
        if request.query_params.get("lang") in words.LANGUAGES:
            answer.set_cookie("lang", reader.language, max_age=YEAR_S, samesite="lax", httponly=True)
        return answer

    def _reader(self, request: Request) -> Reader:
        asked = (request.query_params.get("lang"), request.cookies.get("lang"), self._language)
        language = next(language for language in (*asked, "en") if language in words.LANGUAGES)
        return Reader(str(language), self._campus.site, self._campus.now())

    def _incident(self, number: str) -> Incident:
        incident = self._campus.incident(int(number)) if NUMBER.fullmatch(number) else None
        if incident is None:
            raise HTTPException(404)
        return incident

    def _then(self, raised: Event) -> Account:
        """What the rule saw when it raised, as far as its evidence tells."""
        since = min(raised.evidence.since, raised.at - BEFORE_S)
        last: dict[str, Reading] = {}
        for reading in self._campus.readings(raised.evidence.points, since, raised.at):
            last[reading.point] = reading
        points = self._campus.site.points
        holds = {p: points[p].holds_s for p in raised.evidence.points if p in points}
        return as_raised(raised, [
            seen_of("", p, (last[p].at, last[p].value) if p in last else None, holds.get(p, 0.0), raised.at)
            for p in raised.evidence.points
        ])  # fmt: skip

    def _permits(self, place_id: str) -> list[Permit]:
        """What is permitted at a place, or in the rooms of a building."""
        newest = {point: latest.value for point, latest in self._campus.latest().items()}
        places = [place for place in self._campus.site.places if _is_within(place, place_id)]
        return permits(newest, places, self._campus.now())

    def _measured(self, building: str) -> list[Place]:
        """The places of a building where something is measured, itself first."""
        site = self._campus.site
        places = [place for place in site.places.values() if place.building == building and site.points_at(place.id)]
        return sorted(places, key=lambda place: place.id != building)

    def _rejected(self, points: Iterable[Point]) -> list[Rejected]:
        """Those of the points that had readings rejected, the most first."""
        found = self._campus.rejected()
        rows = [Rejected(point, found[point.id]) for point in points if point.id in found]
        return sorted(rows, key=lambda row: -sum(row.reasons.values()))

    def _evidence(self, incident: Incident, points: Sequence[Point]) -> tuple[Frame, list[Series]]:
        """The frame of an alert's chart, and what to draw in it.

        Where nothing was recorded before the condition there is nothing to show either, so the chart begins later.
        """
        raised = incident.raised
        end = incident.ended.at if incident.ended else self._campus.now()
        since = raised.evidence.since - BEFORE_S
        until = min(max(end, raised.at), since + LONGEST_CHART_S)
        frame = Frame(since, until, (raised.evidence.since, raised.at), raised.evidence.threshold)
        series = self._series(points, frame)
        first = min((item.readings[0].at for item in series if item.readings), default=since)
        if first > since:
            lead = 0.1 * (until - raised.evidence.since)
            frame = frame._replace(since=min(first, raised.evidence.since - lead))
        return frame, series

    def _series(self, points: Iterable[Point], frame: Frame) -> list[Series]:
        """The readings of points, each from the one that still speaks when the frame begins."""
        chosen = list(points)
        before = max((point.holds_s for point in chosen), default=0.0)
        found: dict[str, list[Reading]] = {point.id: [] for point in chosen}
        for reading in self._campus.readings(found, frame.since - before, frame.until) if found else ():
            found[reading.point].append(reading)
        return [Series(point, found[point.id]) for point in chosen]


def _charts(series: Sequence[Series], frame: Frame, reader: Reader) -> list[Markup]:
    """The drawing for phones and the one for desks; none when there is nothing to draw."""
    shown = [item for item in series if item.readings]
    return [chart(shown, frame, reader, width_px=width) for width in (NARROW_PX, WIDE_PX)] if shown else []


def _is_within(place: str, outer: str) -> bool:
    return place == outer or place.startswith(f"{outer}/")


def _version() -> str:
    """A name for the style and script as they are now, so that a browser keeps them until they change."""
    files = sorted((Path(__file__).parent / "static").iterdir())
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:10]
