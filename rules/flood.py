"""Flood control: an alert that comes again and again pages a few times, then is only kept.

It is part of what the engine says, in event time, so that a replay tells exactly whom the live run paged. What is
critical is never held back.
"""

from rules.model import Change, Delivery, Severity, Turn

APART_S = 300.0     # two pages of one alert come no closer than this
AGAIN_S = 3600.0    # and in this time
MOST_PAGES = 3      # no more than these


def settled(change: Change, at: float, pages: tuple[float, ...]) -> tuple[Change, tuple[float, ...]]:
    """The change as it is told, and the times of its pages in the last hour.

    The last page before silence carries `again`, the number of pages, among its values.
    """
    if change.turn is not Turn.RAISED or change.delivery is not Delivery.PAGE:
        return change, pages
    recent = tuple(page for page in pages if at - page < AGAIN_S)
    is_held = bool(recent) and (at - recent[-1] < APART_S or len(recent) >= MOST_PAGES)
    if is_held and change.severity is not Severity.CRITICAL:
        return change._replace(delivery=Delivery.RECORD), recent
    recent = (*recent, at)[-MOST_PAGES:]
    if len(recent) == MOST_PAGES:
        change = change._replace(values={**change.values, "again": float(MOST_PAGES)})
    return change, recent
