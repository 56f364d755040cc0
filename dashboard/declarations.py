"""What is so at a place, said with one button: a round done, somebody on duty, a pressure test begun."""

from typing import NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from dashboard.permits import Declare
from dashboard.sign_in import form_of
from dashboard.view import Campus, Latest
from rules.fact import DECLARABLE, Declaration, declarable, declared_points
from rules.model import Point


class Standing(NamedTuple):
    """What people said last of one thing at a place, and what they may say now, in words of DECLARABLE."""

    quantity: str
    latest: Latest | None
    offers: tuple[str, ...]


def standings(campus: Campus, place: str) -> list[Standing]:
    """All that can be said about a place; what holds already is not offered again, but a round and a new shift are."""
    newest = campus.latest()
    found = []
    for point in declared_points(campus.site, place):
        latest = newest.get(point.id)
        words = (what for what, (quantity, _) in DECLARABLE.items() if quantity == point.quantity)
        offers = tuple(what for what in words if what not in _idle(point, latest))
        found.append(Standing(point.quantity, latest, offers))
    return found


def _idle(point: Point, latest: Latest | None) -> tuple[str, ...]:
    """What would say nothing new."""
    if point.quantity == "pressure_test":
        return ("pressure-test-begin",) if latest is not None and latest.value else ("pressure-test-end",)
    return ("off-duty",) if latest is not None and not latest.value else ()


def declaration_routes(campus: Campus, declare: Declare) -> APIRouter:
    """The route `/declarations` that the buttons of a place send to; it answers with the page of that place."""
    router = APIRouter()

    @router.post("/declarations")
    async def change(request: Request) -> Response:
        form = await form_of(request)
        place, what = form.get("place", ""), form.get("what", "")
        is_known = place in campus.site.places
        if is_known and what in declarable(campus.site, place):
            await run_in_threadpool(declare, Declaration(place, what, campus.now()))
        page = f"/places/{quote(place)}#declare" if is_known else "/places"
        return RedirectResponse(page, status_code=303)

    return router
