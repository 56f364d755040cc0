"""An incident, folded from its events: how grave it ever was, and whether people may put it off."""

import pytest
from ledger import NOON, event

from rules import RULES
from rules.incident import BOILER_SAFETY, fold
from rules.model import Event, Severity, Turn


def story(rule: str, *grades: Severity, is_over: bool = False) -> list[tuple[int, Event]]:
    turns = [Turn.RAISED, *[Turn.UPDATED] * (len(grades) - 1)]
    events = [
        event(turn, at=NOON + n, severity=grade)._replace(rule=rule)
        for n, (turn, grade) in enumerate(zip(turns, grades, strict=True))
    ]
    if is_over:
        events.append(events[-1]._replace(turn=Turn.CLEARED, at=NOON + 99, severity=Severity.INFO))
    return [(7, one) for one in events]


@pytest.mark.parametrize(
    ("rule", "grades", "may_be_shelved"),
    [
        ("running_water", [Severity.MINOR], True),
        ("running_water", [Severity.MAJOR], True),
        ("running_water", [Severity.CRITICAL], False),
        ("freeze", [Severity.MINOR, Severity.MAJOR, Severity.CRITICAL], False),
        ("boiler_temperature", [Severity.MINOR], False),
        ("boiler_door", [Severity.MAJOR], False),
        ("boiler_unattended", [Severity.MINOR], False),
        ("short_cycling", [Severity.MINOR], True),       # costs fuel, not safety
        ("flue_drift", [Severity.MINOR], True),
        ("drinking_boiler", [Severity.CRITICAL], False),
        ("drinking_boiler", [Severity.MINOR], True),     # left on
        ("pressure_hold", [Severity.MAJOR], True),
    ],
)
@pytest.mark.parametrize("is_over", [False, True])
def test_what_is_critical_or_about_a_boilers_safety_cannot_be_put_off(
    rule: str, grades: list[Severity], may_be_shelved: bool, is_over: bool
) -> None:
    incident = fold(story(rule, *grades, is_over=is_over))[7]
    assert rule in RULES
    assert incident.severity == max(grades)
    assert incident.may_be_shelved is may_be_shelved


def test_every_rule_about_the_safety_of_boilers_is_named_so() -> None:
    named = {name for name in RULES if name.startswith(BOILER_SAFETY)}
    assert named >= {"boiler_temperature", "boiler_unattended", "boiler_door"}
    assert {kind.__module__.removeprefix("rules.") for name, kind in RULES.items() if name in named} == named
