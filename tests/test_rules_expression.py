"""A condition of your own: what may be written, and how it is judged."""

import random

import pytest
from recordings import replay, restarted, site
from spoken import spoken

from rules.expression import LONGEST, Expression
from rules.model import Sample
from rules.rule import ParameterError

ROOMS = {"dorm/101": ("dorm_room", ["power_w", "door_open"]), "dorm/102": ("dorm_room", ["power_w"])}
POINTS = (("p1", "dorm/101/power_w"), ("p2", "dorm/102/power_w"), ("open", "dorm/101/door_open"))
START = 1000.0


def rule(when: str, *, points: tuple[tuple[str, str], ...] = POINTS, **given: object) -> Expression:
    return Expression(name="两间", points=points, when=when, **given)


def holds(when: str, p: float, q: float = 0.0) -> bool:
    """Whether a condition over p and q holds for these values, as an alert says."""
    points = (("p", "dorm/101/power_w"), ("q", "dorm/102/power_w"))
    used = tuple(row for row in points if row[0] in when)
    stream = [
        Sample(at, room, {f"{room}/power_w": value})
        for at in (1.0, 2.0) for room, value in (("dorm/101", p), ("dorm/102", q))
    ]  # fmt: skip
    return bool(replay(list(rule(when, points=used).watches(site(ROOMS))), stream))


@pytest.mark.parametrize(
    ("when", "p", "q", "expected"),
    [
        ("p > 3", 4.0, 0.0, True), ("p > 3", 3.0, 0.0, False), ("3 < p <= 4", 4.0, 0.0, True),
        ("p + q > 3000", 2000.0, 1001.0, True), ("p + q > 3000", 2000.0, 1000.0, False),
        ("p - q * 2 == 0", 4.0, 2.0, True), ("p / q > 2", 5.0, 2.0, True), ("p % 2 == 1", 5.0, 0.0, True),
        ("-p < -3 and not q", 4.0, 0.0, True), ("-p < -3 and not q", 4.0, 1.0, False), ("p or q", 0.0, 1.0, True),
        ("p", 1.0, 0.0, True), ("not p", 1.0, 0.0, False), ("max(p, q) - min(p, q) > 1", 1.0, 3.0, True),
        ("abs(p) >= 3 and round(q) == 2", -3.0, 1.6, True), ("(p > 1) + (q > 1) >= 2", 2.0, 2.0, True),
        ("p != 3 or q < +1e3", 3.0, 999.0, True), ("p > 3  # 三", 4.0, 0.0, True),
        (f"p > {'(' * 180}3{')' * 180}", 4.0, 0.0, True),
    ],
)  # fmt: skip
def test_what_can_be_written(when: str, p: float, q: float, *, expected: bool) -> None:
    assert holds(when, p, q) is expected


@pytest.mark.parametrize(
    "when",
    [
        "", " ", "3", "p + 1", "p > x", "p > 'a'", "p ** 2 > 1", "p.real > 1", "p > [1]", "p[0] > 1",
        "__import__('os').system('true') > p", "(lambda: p)() > 1", "p if p else p", "p > 1; p > 2", "x := p",
        "p is 3", "p in (1, 2)", "p << 9 > 1", "p & 1 > 0", "~p > 0", "p // 2 > 1", "exec(p) > 1", "pow(p, 9) > 1",
        "round(p, 10) > 1", "min(p) > 1", "abs(p, p) > 1", "max(*p) > 1", "min(p, key=p) > 1", "min > p", "p > None",
        "p > 1e999", "p > 1j", f"p > {'9' * 40}", "p > 1 and", "(p > 1", "p > ...", "f'{p}' > 1", "await p > 1",
        f"{'not ' * 90}p", "+".join(["p"] * 100) + " > 1", "p>1" + " " * LONGEST,
        "9 > 3", "p() > 1", "p > 1\nimport os", "[p for p in p] > 1", "min(p, 1)(p) > 1",
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused(when: str) -> None:
    points = (("p", "dorm/101/power_w"),)
    with pytest.raises(ParameterError) as refused:
        rule(when, points=points)
    assert refused.value.parameter == "when"
    assert not refused.value.chinese.isascii()


def test_anything_typed_is_a_condition_or_refused() -> None:
    chance = random.Random(3)
    pieces = ["p", "q", "1", "9e9", "+", "*", "**", "/", "(", ")", "<", ">", " and ", " not ", "min", ",", ".", "'",
              "[", "]", "{", "=", "\n", "\\", "\x00", "µ", "，", "if ", "lambda ", "_", "0x", "%", "@"]  # fmt: skip
    likely = ["p", "1", "9e9", "+", "/", "<", " and ", " not "]
    accepted = 0
    for turn in range(6000):
        words, most = (pieces, 30) if turn % 2 else (likely, 5)
        when = "".join(chance.choices(words, k=chance.randint(1, most)))
        try:
            made = rule(when, points=(("p", "dorm/101/power_w"),))
        except ParameterError:
            continue
        (watch,) = made.watches(site(ROOMS))
        state, _ = watch.step(watch.start, 1.0, {"p": 3.0})
        assert state.failures in (0, 1)  # it can be computed, or says that it cannot
        accepted += 1
    assert 50 < accepted < 3000


def test_letters_and_signs_of_a_chinese_keyboard_are_the_same() -> None:
    points = (("p1", POINTS[0][1]), ("ｐ２", POINTS[1][1]), POINTS[2])
    wide = rule("ｐ１　＋ p２ ＞ ３０００ and not open", points=points)
    assert wide == rule("p1 + p2 > 3000 and not open")
    rows = [(float(n), HIGH) for n in range(3)]
    assert turns(wide, rows, 2) == turns(rule("p1 + p2 > 3000 and not open"), rows, 2) != []
    for named, when in [((("p", POINTS[0][1]), ("ｐ", POINTS[1][1])), "p > 1"), ((POINTS[0],), "p1² > 3"),
                         ((("ｍｉｎ", POINTS[0][1]),), "min > 1")]:  # fmt: skip
        with pytest.raises(ParameterError):
            rule(when, points=named)


@pytest.mark.parametrize("name", ["", "1p", "a b", "min", "_p", "if", "a.b"])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(ParameterError) as refused:
        rule("p > 1", points=((name, "dorm/101/power_w"), ("p", "dorm/102/power_w")))
    assert refused.value.parameter == "points"


def stream(rows: list[tuple[float, dict[str, float]]]) -> list[Sample]:
    """Readings by minute and point name."""
    ids = dict(POINTS)
    return [
        Sample(START + minute * 60, "dorm", {ids[name]: value for name, value in values.items()})
        for minute, values in rows
    ]


def turns(when: Expression, rows: list[tuple[float, dict[str, float]]], until: float) -> list[tuple[str, float]]:
    watches = list(when.watches(site(ROOMS)))
    end = START + until * 60
    events = replay(watches, stream(rows), until=end)
    assert restarted(watches, stream(rows), every=2, until=end) == events
    return [(event.turn.value, (event.at - START) / 60) for event in events]


LOW, HIGH = {"p1": 100.0, "p2": 100.0, "open": 0.0}, {"p1": 2000.0, "p2": 2000.0, "open": 0.0}


@pytest.mark.parametrize(
    ("rows", "until", "expected"),
    [
        ([(n, LOW) for n in range(20)], 20, []),
        ([(0, LOW)] + [(n, HIGH) for n in range(1, 10)], 9, [("raised", 6.0)]),
        ([(0, LOW)] + [(n, HIGH) for n in range(1, 10)] + [(10, LOW)], 10, [("raised", 6.0), ("cleared", 10.0)]),
        ([(0, LOW)] + [(n, HIGH | {"open": 1.0}) for n in range(1, 10)], 10, []),
        ([(n, HIGH) for n in range(10)], 9, [("raised", 5.0)]),
        ([(0, HIGH)], 20, []),                                            # the first verdict alone proves nothing
        ([(n, {"p1": 2000.0, "p2": 2000.0}) for n in range(20)], 20, []),   # one input never spoke
        ([(0, LOW)] + [(n, {"p1": 2000.0, "p2": 2000.0}) for n in range(1, 20)], 20, []),  # or is not fresh
        ([(0, LOW), (1, HIGH), (2, HIGH), (3, HIGH), (8, HIGH), (9, HIGH)], 9, [("raised", 8.5)]),  # a gap of 2.5 min
        ([(0, LOW), (1, HIGH), (2, HIGH), (30, HIGH), (31, HIGH), (32, HIGH)], 32, []),  # a long one: begun anew
        ([(0, LOW)] + [(n, HIGH) for n in range(1, 10)] + [(40, {"p1": 1.0})], 60, [("raised", 6.0)]),  # no evidence
    ],
)  # fmt: skip
def test_it_holds_for_a_time_while_all_inputs_are_fresh(
    rows: list[tuple[float, dict[str, float]]], until: float, expected: list[tuple[str, float]]
) -> None:
    assert turns(rule("p1 + p2 > 3000 and not open", for_min=5.0), rows, until) == expected


def test_a_gap_is_not_said_to_be_covered() -> None:
    (watch,) = rule("p1 + p2 > 3000 and not open", for_min=5.0).watches(site(ROOMS))
    rows = [(0, LOW), (1, HIGH), (2, HIGH), (3, HIGH), (8, HIGH), (9, HIGH), (60, LOW)]
    raised, cleared = replay([watch], stream(rows), until=START + 3600.0)
    assert raised.values["held_s"] == raised.evidence.covered_s == 300.0
    assert cleared.values["held_s"] == cleared.evidence.covered_s == (2 + 2.5 + 1 + 2.5) * 60


def test_what_cannot_be_computed_is_no_verdict_and_counted() -> None:
    made = rule("p1 / p2 > 2", points=POINTS[:2])
    rows = [(n, {"p1": 100.0, "p2": 0.0}) for n in range(5)]
    assert turns(made, rows, 5) == []
    raised = [(0, {"p1": 100.0, "p2": 10.0}), (1, {"p1": 100.0, "p2": 10.0})]
    assert turns(made, raised + [(n + 2.0, values) for n, values in rows], 9) == [("raised", 1.0)]  # ends nothing
    (watch,) = made.watches(site(ROOMS))
    state = watch.start
    for at in (1.0, 2.0):
        state, _ = watch.step(state, at, {"p1": 1.0, "p2": 0.0})
    why, values = watch.explain(state, 2.0)
    assert (why, values["failures"]) == ("expression.impossible", 2.0)
    assert values["readings"] == "p1 = 1, p2 = 0"


def test_it_stands_where_its_points_are() -> None:
    places = {
        "p1": ("dorm/101/power_w", "dorm/101/door_open"),
        "p2": ("dorm/101/power_w", "dorm/102/power_w"),
    }
    found = []
    for ids in places.values():
        made = rule("a > b", points=tuple(zip("ab", ids, strict=True)))
        found += [watch.place for watch in made.watches(site(ROOMS))]
    assert found == ["dorm/101", "dorm"]
    assert list(rule("p > 1", points=(("p", "gone/1/power_w"),)).watches(site(ROOMS))) == []


def test_it_explains_where_it_stands() -> None:
    (watch,) = rule("p1 > 50", points=POINTS[:1], for_min=2.0).watches(site(ROOMS))
    state, said = watch.start, [watch.explain(watch.start, 0.0).why]
    for at, value in ((0.0, 1.0), (60.0, 99.0), (120.0, 99.0), (180.0, 99.0)):
        state, _ = watch.step(state, at, {"p1": value})
        said.append(watch.explain(state, at).why)
    said.append(watch.explain(state, 9999.0).why)
    assert [why.removeprefix("expression.") for why in said] == ["stale", "no", "waiting", "waiting", "yes", "stale"]


def test_a_condition_that_need_not_last_is_told_as_of_now() -> None:
    (watch,) = rule("p1 > 50", points=POINTS[:1]).watches(site(ROOMS))
    stream = [Sample(at, "dorm/101", {"dorm/101/power_w": value}) for at, value in ((1.0, 3.0), (61.0, 99.0))]
    (event,) = replay([watch], stream)
    assert event.why == "expression.raised_now"
    assert spoken("expression", event.why, event.values)["en"].startswith("两间: p1 > 50 holds (")
