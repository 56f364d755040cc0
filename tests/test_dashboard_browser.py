"""The panel in a real browser, at the width of a phone: it fits, a thumb can hit it, and it is live."""

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from campus import NOW, FakeCampus, busy_campus, campus_site, event
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dashboard.panel import panel
from dashboard.server import PanelServer
from dashboard.sign_in import hash_password
from rules.fact import Declaration, Fact
from rules.incident import Incident
from rules.model import Place, Point, Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CALM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"]  # fmt: skip
PHONE = {"width": 390, "height": 844}
PAGES = ["/", "/alerts/9", "/alerts/12", "/places", "/places/dorm-3", "/places/dorm-3/1F-wash", "/sources", "/nothing"]
TOO_LOW = """() => [...document.querySelectorAll("a, button, input, summary")]
    .filter(e => e.type !== "hidden" && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"""
TOO_WIDE_PX = "document.documentElement.scrollWidth - window.innerWidth"
CUT_OFF = """() => [...document.querySelectorAll("body *")]
    .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1).map(e => e.outerHTML.slice(0, 200))"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CALM)
        yield chromium
        chromium.close()


@pytest.fixture
def campus() -> FakeCampus:
    """A busy campus with names longer than any screen."""
    site = campus_site()
    places = dict(site.places)
    places["dorm-3"] = places["dorm-3"]._replace(owner="13800138000" * 8, note="https://example.org/" + "x" * 120)
    places["dorm-3/402"] = places["dorm-3/402"]._replace(name="4" * 90)
    return busy_campus(Site(site.id, "第一中学" * 12, places, site.points, site.calendar))


@pytest.fixture
def server(campus: FakeCampus) -> Iterator[PanelServer]:
    running = PanelServer(
        panel(campus, language="zh", password_hash=None, secret=b"s" * 32, banner="短计时 " * 20), "127.0.0.1", 0
    )
    running.start()
    yield running
    running.stop()


def address(server: PanelServer, path: str = "/") -> str:
    return "http://{}:{}".format(*server.address) + path


def opened(browser: Browser, **how: object) -> Page:
    """A page on a phone that notes what the browser complains about."""
    page = browser.new_page(viewport=PHONE, **how)  # type: ignore[arg-type]
    page.set_default_timeout(10_000)
    return page


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_fit_a_phone_and_a_thumb(browser: Browser, server: PanelServer, language: str) -> None:
    page = opened(browser)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in PAGES:
        page.goto(address(server, f"{path}?lang={language}"))
        assert page.evaluate(TOO_WIDE_PX) <= 0, path
        assert page.evaluate(CUT_OFF) == [], path
        assert page.evaluate(TOO_LOW) == [], path
    page.close()
    assert [text for text in complaints if "404" not in text] == []


def test_an_alert_appears_and_goes_without_a_reload(browser: Browser, server: PanelServer, campus: FakeCampus) -> None:
    page = opened(browser)
    with page.expect_response("**/live"):
        page.goto(address(server, "/?lang=en"))
    page.evaluate("window.isTheSamePage = true")
    values = {"ran_s": 1800.0, "litres": 180.0, "lpm": 6.0}
    story = (event("running_water", "teach-1/105", NOW, why="running_water.raised", values=values),)
    expect(page.locator("#opened li")).to_have_count(2)
    campus.stories.append(Incident(13, story))
    campus.tell("incidents")
    expect(page.locator("#opened a[href='/alerts/13']")).to_contain_text("water has run for 30 min")
    expect(page).to_have_title("(3) Alerts · " + "第一中学" * 12)
    campus.stories.pop()
    campus.tell("incidents")
    expect(page.locator("a[href='/alerts/13']")).to_have_count(0)
    assert page.evaluate("window.isTheSamePage")
    page.close()


def test_readings_move_by_themselves(browser: Browser, server: PanelServer, campus: FakeCampus) -> None:
    page = opened(browser)
    with page.expect_response("**/live"):
        page.goto(address(server, "/places?lang=en"))
    point = "dorm-3/402/power_w"
    campus.newest[point] = campus.newest[point]._replace(value=777.0)
    campus.tell("readings")
    expect(page.get_by_text("777 W")).to_be_visible()
    page.close()


def test_a_lost_gateway_is_said(browser: Browser, server: PanelServer) -> None:
    page = opened(browser)
    with page.expect_response("**/live"):
        page.goto(address(server, "/?lang=en"))
    expect(page.locator(".lost")).to_be_hidden()
    server.stop()
    expect(page.locator(".lost")).to_be_visible()
    page.close()


def test_without_script_the_pages_say_the_same(browser: Browser, server: PanelServer) -> None:
    page = opened(browser, java_script_enabled=False)
    page.goto(address(server, "/?lang=en"))
    expect(page.locator("#opened li")).to_have_count(2)
    page.locator("a[href='/alerts/12']").click()
    expect(page.locator("svg.chart.narrow")).to_be_visible()
    expect(page.locator("svg.chart.wide")).to_be_hidden()
    page.close()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_thumb_says_what_is_so(browser: Browser, campus: FakeCampus, language: str) -> None:
    boiler = Place("dorm-3/boiler", "锅炉房" * 9, "boiler_room", "dorm-3")
    kpa = Point("dorm-3/boiler/pressure_kpa", boiler.id, "", "pressure_kpa", "b", "broker", 75.0)
    places, points = dict(campus.site.places) | {boiler.id: boiler}, dict(campus.site.points) | {kpa.id: kpa}
    campus.site = replace(campus.site, places=places, points=points)
    declared: list[Fact] = []
    running = PanelServer(
        panel(campus, language=language, password_hash=hash_password("pw"), secret=b"s" * 32, declare=declared.append),
        "127.0.0.1", 0,
    )  # fmt: skip
    running.start()
    page = opened(browser)
    try:
        page.goto(address(running, "/places/dorm-3/boiler"))
        page.locator("input[type=password]").fill("pw")
        page.locator("main button").click()
        for what in ("round", "on-duty", "pressure-test-begin"):
            assert [page.evaluate(asked) for asked in (TOO_LOW, CUT_OFF)] == [[], []]
            assert page.evaluate(TOO_WIDE_PX) <= 0
            with page.expect_navigation():
                page.locator(f"button[value={what}]").click()
    finally:
        page.close()
        running.stop()
    assert declared == [
        Declaration(boiler.id, what, campus.now()) for what in ("round", "on-duty", "pressure-test-begin")
    ]


def test_signing_in_by_hand(browser: Browser, campus: FakeCampus) -> None:
    app = panel(campus, language="en", password_hash=hash_password("correct horse"), secret=b"s" * 32)
    running = PanelServer(app, "127.0.0.1", 0)
    running.start()
    page = opened(browser)
    try:
        page.goto(address(running, "/alerts/12"))
        assert page.evaluate(TOO_WIDE_PX) <= 0
        assert page.evaluate(TOO_LOW) == []
        page.get_by_label("Password").fill("wrong horse")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("not right")
        page.get_by_label("Password").fill("correct horse")
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(address(running, "/alerts/12"))
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Password")).to_be_visible()
    finally:
        page.close()
        running.stop()
