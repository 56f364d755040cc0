"""Flood control: an alert that comes again and again pages a few times; after that it is a line in the day's summary.

It is part of what the engine says, in event time, so that a replay tells exactly whom the live run paged. What is
critical pages on, but is not raised faster than anybody can go and look; the first time it is, and an alert that rises
to it, always page.

After a start there is no grace: no watch tells anything by its first reading, and what pages has shown a hold before.
"""

from rules.model import Change, Delivery, Severity, Turn

APART_S = 300.0     # two pages of one alert come no closer than this
AGAIN_S = 3600.0    # and in this time
MOST_PAGES = 3      # no more than these


def settled(change: Change, at: float, pages: tuple[float, ...]) -> tuple[Change, tuple[float, ...]]:
    """The change as it is told, and the times of its pages in the last hour; those of critical ones are negative.

    From the last page before silence on, `again` among the values is the number of pages.
    """
    if change.turn not in (Turn.RAISED, Turn.UPDATED) or change.delivery is not Delivery.PAGE:
        return change, pages
    recent = tuple(page for page in pages if at - abs(page) < AGAIN_S)
    is_critical = change.severity is Severity.CRITICAL
    alike = [page for page in recent if page < 0] if is_critical else recent
    is_close = change.turn is Turn.RAISED and bool(alike) and at - abs(alike[-1]) < APART_S
    is_often = len(alike) >= MOST_PAGES
    if (is_close and is_often) if is_critical else (is_close or is_often):
        return change._replace(delivery=Delivery.DIGEST), recent
    recent = (*recent, -at if is_critical else at)[-MOST_PAGES:]
    if len(recent) == MOST_PAGES:
        change = change._replace(values={**change.values, "again": float(MOST_PAGES)})
    return change, recent
