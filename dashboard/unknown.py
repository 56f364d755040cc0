"""Topics that nobody reads yet: what they seem to be, and the form that takes one into a place."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol
from urllib.parse import quote
from zlib import crc32

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from dashboard.sign_in import form_of
from rules.quantity import QUANTITIES, UNITS

SKIPPED = "-"
MOST_VALUES = 40  # of one device in a form
_NOT_MEASURED = ("online", "backlog", "attended", "clock_offset_s", "permit_w", "permit_from", "permit_until")


class Value(NamedTuple):
    """A value that a device seems to tell; what is None somebody must say. `unit` "" is of a quantity without.

    `channel` tells the circuits of one device apart.
    """

    path: str
    quantity: str | None
    unit: str | None
    channel: str = ""

    @property
    def name(self) -> str:
        """What a form calls it, whatever else the device tells meanwhile."""
        return field_name("value", f"{self.channel}#{self.path}")


class Unknown(NamedTuple):
    """A device or topic that nobody reads, as it is guessed: `kind` names its convention, empty if there is no guess.

    `every_s` is how often it spoke, if that is known; `sample` is for people.
    One that is not heard was only announced by another system.
    """

    key: str
    source: str
    name: str
    kind: str
    values: tuple[Value, ...]
    why: str
    messages: int
    last: float
    every_s: float | None
    sample: str
    is_adopted: bool = False
    is_heard: bool = True


class Choice(NamedTuple):
    """What a value may be taken for."""

    quantity: str
    unit: str

    @property
    def name(self) -> str:
        return f"{self.quantity}|{self.unit}"


class Wish(NamedTuple):
    """What somebody wants: the place and part of each channel, and what each value is, by path and channel.

    It speaks every `every_s`, or, with `on_change`, at the latest after that time.
    """

    placed: Mapping[str, tuple[str, str]]
    wanted: Mapping[tuple[str, str], Choice]
    every_s: float
    on_change: bool


class Waiting(NamedTuple):
    """Devices that were adopted and are read after a restart; `include` must be written first, empty: it is."""

    devices: int
    file: str
    include: str


class Finder(Protocol):
    """What finds unknown topics and adopts them; calls come from any thread."""

    def search(self) -> None:
        """Listen to everything for some minutes."""

    def left_s(self) -> float:
        """For how long it still listens; 0: it does not."""

    def troubles(self) -> Sequence[str]:
        """Why it cannot listen."""

    def unknown(self) -> Sequence[Unknown]:
        """What nobody reads: what can be adopted first, and of that what was heard before what was only announced."""

    def adopt(self, key: str, wish: Wish, language: str) -> Sequence[str]:
        """Write it down for the next start; why that cannot be, in sentences."""

    def file(self) -> str:
        """Where it is written down."""

    def waiting(self) -> Waiting | None: ...


def field_name(kind: str, of: str) -> str:
    """The name of a field of the form."""
    return f"{kind}-{crc32(of.encode()):08x}"


def choices(value: Value) -> list[Choice]:
    """What a value may be: one choice where the guess is sure, else all that fit; nothing is chosen silently."""
    if value.quantity is None:
        return [item for name in QUANTITIES if name not in _NOT_MEASURED for item in _units(name)]
    return _units(value.quantity) if value.unit is None else [Choice(value.quantity, value.unit)]


def _units(quantity: str) -> list[Choice]:
    """A quantity in each unit that differs from the others."""
    by_factor = {factor: unit for unit, factor in reversed(UNITS.get(quantity, {"": 1.0}).items())}
    return [Choice(quantity, unit) for unit in reversed(by_factor.values())]


def channels(values: Sequence[Value]) -> list[str]:
    """The circuits that have a place of their own."""
    return sorted({value.channel for value in values}) or [""]


def wish_of(form: Mapping[str, str], found: Unknown, places: Mapping[str, object]) -> Wish | str:
    """What a form asks for, or the key of what is missing or wrong in it."""
    placed: dict[str, tuple[str, str]] = {}
    for channel in channels(found.values):
        place = form.get(field_name("place", channel), "").strip()
        if place and place not in places:
            return "unknown.no_such_place"
        if place:
            placed[channel] = place, form.get(field_name("part", channel), "").strip()
    if not placed:
        return "unknown.place_needed"
    wanted: dict[tuple[str, str], Choice] = {}
    for value in found.values[:MOST_VALUES]:
        told = form.get(value.name, "")
        chosen = next((item for item in choices(value) if item.name == told), None)
        if value.channel not in placed or told == SKIPPED:
            continue
        if chosen is None:
            return "unknown.unit_needed"
        wanted[value.path, value.channel] = chosen
    if not wanted:
        return "unknown.value_needed"
    try:
        every_s = float(form.get("every", ""))
    except ValueError:
        every_s = 0.0
    if not 1 <= every_s <= 7 * 86400:
        return "unknown.period_needed"
    return Wish(placed, wanted, every_s, form.get("how") == "change")


class Draws(Protocol):
    """Draws the form of an unknown device, or that there is none; `wrong` is the key of what was wrong in it."""

    def adopt_page(
        self, request: Request, found: Unknown | None, *, form: Mapping[str, str] | None = None, wrong: str = "",
        problems: Sequence[str] = (),
    ) -> Response: ...  # fmt: skip

    def language_of(self, request: Request) -> str: ...


def unknown_routes(finder: Finder, places: Mapping[str, object], pages: Draws) -> APIRouter:
    """The routes `/unknown/search` and `/unknown/<key>`, which the forms about unknown topics send to."""
    router = APIRouter()

    def listed(key: str) -> Response:
        return RedirectResponse(f"/sources?adopted={quote(key)}#unknown", status_code=303)

    @router.post("/unknown/search")
    async def search(request: Request) -> Response:
        await run_in_threadpool(finder.search)
        return RedirectResponse("/sources#unknown", status_code=303)

    @router.get("/unknown/{key}")
    def show(request: Request, key: str) -> Response:
        found = _found(finder, key)
        return listed(key) if found and found.is_adopted else pages.adopt_page(request, found)

    @router.post("/unknown/{key}")
    async def adopt(request: Request, key: str) -> Response:
        form = await form_of(request)

        def work() -> Response:
            found = _found(finder, key)
            if found is None:
                return pages.adopt_page(request, None)
            if found.is_adopted:  # a button pressed twice, or somebody else was faster
                return listed(key)
            wish = wish_of(form, found, places)
            if isinstance(wish, str):
                return pages.adopt_page(request, found, form=form, wrong=wish)
            problems = finder.adopt(key, wish, pages.language_of(request))
            if problems:
                return pages.adopt_page(request, found, form=form, problems=problems)
            return listed(key)

        return await run_in_threadpool(work)

    return router


def _found(finder: Finder, key: str) -> Unknown | None:
    return next((item for item in finder.unknown() if item.key == key), None)
