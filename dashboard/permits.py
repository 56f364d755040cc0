"""Permits from the panel: whoever is signed in allows an appliance in a room for some days, or takes that back."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from dashboard.sign_in import form_of
from dashboard.view import Campus
from rules.calendar import Calendar
from rules.fact import Fact, Permit
from rules.quantity import QUANTITIES

Declare = Callable[[Fact], None]


def permit_routes(campus: Campus, declare: Declare) -> APIRouter:
    """The route `/permits` that the form of a place sends to; it answers with the page of that place."""
    router = APIRouter()

    @router.post("/permits")
    async def change(request: Request) -> Response:
        form = await form_of(request)
        place = form.get("place", "")
        wanted = permit_of(form, campus.site.calendar, campus.now()) if place in campus.site.places else None
        if wanted is not None:
            await run_in_threadpool(declare, wanted)
        page = f"/places/{quote(place)}" if place in campus.site.places else "/places"
        return RedirectResponse(f"{page}{'' if wanted else '?permit=wrong'}#permit", status_code=303)

    return router


def permit_of(form: Mapping[str, str], calendar: Calendar, now: float) -> Permit | None:
    """What a form asks for: whole days by the site's clock, the last included; None when it cannot be used."""
    place = form.get("place", "")
    if "revoke" in form:
        return Permit(place, 0.0, 0.0, 0.0)
    try:
        watts = float(form.get("watts", ""))
        first, last = (date.fromisoformat(form.get(name, "")) for name in ("from", "until"))
        begin, end = calendar.at_minute(first, 0), calendar.at_minute(last, 1440)
    except (ValueError, OverflowError):
        return None
    earliest, latest = QUANTITIES["permit_from"].least, QUANTITIES["permit_until"].most
    is_plausible = 0 < watts <= QUANTITIES["permit_w"].most and earliest <= begin and max(begin, now) < end <= latest
    return Permit(place, watts, begin, end) if is_plausible else None


def today(calendar: Calendar, now: float) -> str:
    """The day that the form begins with, as a date field takes it."""
    local: datetime = calendar.local(now)
    return local.date().isoformat()
