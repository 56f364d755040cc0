"""Flood control: an alert that comes again and again pages a few times; after that it is a line in the day's summary.

It is part of what the engine says, in event time, so that a replay tells exactly whom the live run paged. What is
critical always pages: it may stay open for hours after a raise that came close behind another.

After a start there is no grace: no watch tells anything by its first reading, and what pages has shown a hold before.
"""

from rules.model import Change, Delivery, Severity, Turn

APART_S = 300.0     # two pages of one alert come no closer than this
AGAIN_S = 3600.0    # and in this time
MOST_PAGES = 3      # no more than these


def settled(change: Change, at: float, pages: tuple[float, ...]) -> tuple[Change, tuple[float, ...]]:
    """The change as it is told, and the times of its pages in the last hour.

    From the last page before silence on, `again` among the values is the number of pages.
    """
    if change.turn not in (Turn.RAISED, Turn.UPDATED) or change.delivery is not Delivery.PAGE:
        return change, pages
    recent = tuple(page for page in pages if at - page < AGAIN_S)
    is_close = change.turn is Turn.RAISED and bool(recent) and at - recent[-1] < APART_S
    if change.severity is not Severity.CRITICAL and (is_close or len(recent) >= MOST_PAGES):
        return change._replace(delivery=Delivery.DIGEST), recent
    recent = (*recent, at)[-MOST_PAGES:]
    if len(recent) == MOST_PAGES:
        change = change._replace(values={**change.values, "again": float(MOST_PAGES)})
    return change, recent
