"""The pages: what they say, to whom, and that nothing in the data can make them say anything else."""

import re
from collections.abc import Callable

import pytest
from campus import NOW, FakeCampus, busy_campus, campus_site, event
from visitor import PAGES, client, text_of

from dashboard.view import Latest, SourceState, Told
from rules.calendar import Calendar
from rules.incident import Incident
from rules.model import Site, Turn

LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_speaks_both_languages_and_needs_no_inline_script_or_style(path: str, language: str) -> None:
    answer = client(busy_campus(), banner="short holds").get(path, params={"lang": language})
    assert answer.status_code == 200
    assert f'<html lang="{LANGUAGE_TAGS[language]}">' in answer.text
    assert "short holds" in answer.text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=\"/static/panel\.js)", answer.text)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "None" not in text_of(answer.text)


def test_a_rule_shows_what_it_reads_for_people() -> None:
    """Inputs of other rooms by their name, rejected readings only where there were any, durations as such."""
    text = text_of(client(busy_campus(campus_site())).get("/places/teach-1/105").text)
    other = campus_site().places["dorm-3/402"].name
    assert f"{other} · 功率 61" in text
    assert "数值不变" not in text
    assert "still_s 1 天" in text


def test_the_language_is_the_sites_until_someone_chooses_and_is_then_remembered() -> None:
    browser = client(busy_campus(), language="en")
    headers = {"accept-language": "zh-CN"}
    assert '<html lang="en">' in browser.get("/", headers=headers).text
    assert '<html lang="zh-CN">' in browser.get("/?lang=zh", headers=headers).text
    assert '<html lang="zh-CN">' in browser.get("/places", headers=headers).text
    assert '<html lang="zh-CN">' in browser.get("/?lang=xx", headers=headers).text


def test_the_alerts_page_says_what_where_since_when_and_how_much() -> None:
    text = text_of(client(busy_campus(), language="en").get("/").text)
    assert "3号宿舍楼 1F-wash: water has run for 42 min" in text
    assert "261 L" in text
    assert "more severe 13:33, going on for 47 min · Running water · #12" in text
    assert "raised 13:34, going on for 5 min · " in text
    assert "12 of 30 min" in text
    assert "dorm-3 bus is not reachable, since 13:25 (13 min)" in text
    assert text.index("#12") < text.index("Recently ended") < text.index("#9")


def test_an_open_alert_says_when_its_sentence_was_true_and_one_that_ended_asks_nobody_to_act() -> None:
    campus = busy_campus()
    raised = campus.stories[0].raised
    cleared = raised._replace(at=NOW - 60, turn=Turn.CLEARED, why="running_water.cleared")
    campus.stories = [Incident(1, (raised,)), *(
        Incident(number, (raised, cleared._replace(turn=turn)))
        for number, turn in ((2, Turn.CLEARED), (3, Turn.WITHDRAWN))
    )]  # fmt: skip
    campus.at = NOW + 10 * 3600
    browser = client(campus)
    for path in ("/", "/alerts/1"):
        assert "13:21 报警，已持续 10 小时 47 分钟" in text_of(browser.get(path).text)
    for number in (1, 2, 3):
        text = text_of(browser.get(f"/alerts/{number}").text)
        assert text.count("需要处理") == 1, "of the raised turn alone"
        assert ("已持续" in text) is (number == 1)


def test_the_sources_page_tells_how_a_bus_and_each_of_its_devices_do() -> None:
    text = text_of(client(busy_campus(), language="en").get("/sources").text)
    bus = text[text.index("31 % busy") : text.index("Rejected readings")]
    assert "3号宿舍楼 402 402 not reachable 12,340 of 12,345" in bus, "of whose line nothing is known now"
    for part in (
        "31 % busy in the last ten minutes · asked 12,655 times, 12,340 answers · an answer takes 182 ms, the longest "
        "1.4 s", "line noise 7", "3号宿舍楼 402 402 answers 12,340 of 12,345 182 ms / 431 ms wrong checksum 2",
        "000000012345 no answer since 11:38 0 of 310 – no answer 41",
        "Heard and not configured", "dlt645-2007 000000000777 12",
    ):  # fmt: skip
        assert part in bus, part
    assert "11:38 起无应答" in text_of(client(busy_campus()).get("/sources").text)
    campus = busy_campus()
    campus.states = [state._replace(kind="serial", online=True) for state in campus.states if state.bus]
    polled = text_of(client(campus, language="en").get("/sources").text)
    assert "no answer since 11:38; asked every 5 minutes at most 0 of 310" in polled, "who is heard is not asked by us"




def test_an_alert_page_tells_the_whole_story() -> None:
    html = client(busy_campus(), language="en").get("/alerts/12").text
    text = text_of(html)
    for part in ("close the tap", "宿管一组", "总阀在门后", "limit 2 L/min", "alert 13:21", "more severe", "值班群",
                 "errcode 310000", "Readings cover 27 min of 30 min"):  # fmt: skip
        assert part in text, part
    assert "since 12:51 · more severe 13:33, going on for 47 min" in text
    assert html.count('class="chart wide"') == html.count('class="chart narrow"') == 1


def test_an_alert_whose_place_and_points_are_gone_still_has_a_page() -> None:
    campus = FakeCampus(campus_site())
    evidence = event("x", "y", NOW).evidence._replace(points=("dorm-9/1/power_w",))
    campus.stories = [Incident(1, (event("gone", "dorm-9/1", NOW - 60, key="dorm-9/1", evidence=evidence),))]
    text = text_of(client(campus, language="en").get("/alerts/1").text)
    assert "dorm-9/1" in text
    assert "No readings are stored" in text


@pytest.mark.parametrize(
    "path", ["/nothing", "/alerts/77", "/alerts/x", "/alerts/" + "9" * 19, "/alerts/" + "9" * 6000,
     "/alerts/-1", "/alerts/١٢", "/alerts/12/", "/static/zz", "/static/%00", "/places/dorm-3/999", "/docs"]
)
def test_what_is_not_there_is_said_on_a_page(path: str) -> None:
    answer = client(busy_campus(), language="en").get(path)
    assert answer.status_code == 404
    assert "Back to the alerts" in answer.text


def _no_sources(campus: FakeCampus) -> None:
    campus.states = []


def _no_readings(campus: FakeCampus) -> None:
    campus.newest = {}


def _quiet(campus: FakeCampus) -> None:
    campus.stories = []


@pytest.mark.parametrize(
    ("change", "expected"),
    [(_no_sources, "Add a [[source]]"), (_no_readings, "No reading has come in yet"), (_quiet, "No tap, lamp")],
)
def test_an_empty_page_says_what_to_do_next(change: Callable[[FakeCampus], None], expected: str) -> None:
    campus = FakeCampus(campus_site())
    campus.states = [SourceState("broker", "mqtt", True, NOW, 1, {}, "")]
    campus.newest = {"dorm-3/402/power_w": Latest(NOW, 1.0)}
    change(campus)
    assert expected in text_of(client(campus, language="en").get("/").text)


def test_a_campus_of_nothing_has_all_its_pages() -> None:
    browser = client(FakeCampus(Site("x", "x", {}, {}, Calendar())))
    assert [browser.get(path).status_code for path in ("/", "/places", "/sources")] == [200] * 3


def test_notices_are_said_and_an_unknown_one_keeps_its_key() -> None:
    campus = busy_campus()
    campus.keys = ["clock_waiting", "something_new"]
    text = text_of(client(campus, language="en").get("/").text)
    assert "nothing is judged until the time is known" in text
    assert "something_new" in text


def test_values_carry_units_ages_and_what_is_no_evidence() -> None:
    text = text_of(client(busy_campus(), language="en").get("/places").text)
    assert "lighting · power 4 W 30 s ago" in text
    assert "energy meter 12,345.67 kWh 11 h ago shown only" in text
    assert "occupancy occupied 5 min ago" in text


def test_faults_are_counted_by_reason_the_most_frequent_first() -> None:
    text = text_of(client(busy_campus(), language="en").get("/sources").text)
    assert text.index("unknown topic 218") < text.index("broken JSON 3")
    assert "no word yet" in text


HOSTILE = '<script>alert("x")</script>'


@pytest.mark.parametrize("path", PAGES)
def test_names_from_outside_stay_text(path: str) -> None:
    site = campus_site(room_name=HOSTILE)
    places = {key: place._replace(name=HOSTILE, owner=HOSTILE, note=HOSTILE) for key, place in site.places.items()}
    campus = busy_campus(Site(site.id, HOSTILE, places, site.points, site.calendar))
    campus.keys = [HOSTILE]
    campus.states = [SourceState(HOSTILE, HOSTILE, False, NOW, 1, {HOSTILE: 1}, HOSTILE)]
    campus.messages = {12: [Told(HOSTILE, HOSTILE, NOW, False, HOSTILE)]}
    html = client(campus, banner=HOSTILE).get(path).text
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def test_a_large_campus_is_shown_a_building_at_a_time() -> None:
    site = campus_site()
    room, point = site.places["dorm-3/402"], site.points["dorm-3/402/power_w"]
    places, points = dict(site.places), dict(site.points)
    for n in range(500):
        place = f"dorm-3/{1000 + n}"
        places[place] = room._replace(id=place, name=f"R{1000 + n}")
        points[f"{place}/power_w"] = point._replace(id=f"{place}/power_w", place=place)
    browser = client(FakeCampus(Site("x", "x", places, points, Calendar())), language="en")
    assert "R1000" not in browser.get("/places").text
    assert "502 places" in text_of(browser.get("/places").text)
    assert "R1499" in browser.get("/places/dorm-3").text


def test_an_alert_says_what_the_rule_saw_then_and_sees_now_and_gives_itself_as_a_file() -> None:
    browser = client(busy_campus(), language="en")
    text = text_of(browser.get("/alerts/12").text)
    then, now = text[text.index("When it was raised, 13:21") :].split(" Now ", 1)
    assert "water has run for 30 min" in then
    assert "Readings cover 27 min of 30 min" in then
    assert re.search(r"flow 6\.\d L/min 13:2[01]", then)
    assert "flow 6.2 L/min 40 s ago" in now
    assert "limit_lpm 2 L/min" in now
    assert 'href="/alerts/12/case.json" download' in browser.get("/alerts/12").text
    file = browser.get("/alerts/12/case.json")
    assert file.json() == {"caretaker_case": 1}
    assert file.headers["content-disposition"] == 'attachment; filename="case-12.json"'
    for path in ("/alerts/9/case.json", "/alerts/99/case.json", "/alerts/x/case.json"):
        assert browser.get(path).status_code == 404


def test_an_alert_whose_rule_is_gone_says_so_and_offers_no_file() -> None:
    html = client(busy_campus(), language="en").get("/alerts/11").text
    assert "no longer has this rule here" in html
    assert "case.json" not in html


def test_a_file_of_an_alert_is_behind_the_password() -> None:
    assert client(busy_campus(), has_password=True).get("/alerts/12/case.json").status_code in (303, 401)


def test_a_place_says_where_its_rules_stand() -> None:
    text = text_of(client(busy_campus(), language="en").get("/places/teach-1/105").text)
    for part in ("Rules here", "lights on in an empty room for 12 min", "12 of 30 min",
                 "No readings for 9 min since 13:16", "lighting · power 312 W 20 s ago",
                 "occupancy empty 21 min ago stale",
                 "broker · reachable – no reading yet", "limit_w 40.5 W changed"):  # fmt: skip
        assert part in text, part
    text = text_of(client(busy_campus(), language="zh").get("/places/dorm-3/1F-wash").text)
    assert "这里的规则 长流水 未结束" in text
    assert "这里的规则" not in client(busy_campus()).get("/places/dorm-3/402").text


STRANGE_NAMES = [
    "%2e%2e/x", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%00", "%ff%fe", "%ED%A0%80", "x" * 10_000, "9" * 19,
    "9" * 10_000, "-1", "%D9%A3", "中" * 3000, "dorm-3//402", "dorm-3/402/", "{{7*7}}", "%0d%0aSet-Cookie:a=b",
]  # fmt: skip


@pytest.mark.parametrize("pattern", ["/places/{}", "/alerts/{}", "/alerts/{}/case.json"])
def test_what_is_not_there_is_never_a_failure_of_ours_and_strangers_learn_nothing(pattern: str) -> None:
    at_home, stranger = client(busy_campus()), client(busy_campus(), has_password=True)
    for name in STRANGE_NAMES:
        answer = at_home.get(pattern.format(name))
        assert answer.status_code == 404, name
        assert at_home.post(pattern.format(name)).status_code in (404, 405), name
        assert "set-cookie" not in answer.headers
        for asked in (stranger.get, stranger.post):
            told = asked(pattern.format(name))
            assert (told.status_code, told.headers["location"].partition("?")[0]) == (303, "/sign-in"), name
