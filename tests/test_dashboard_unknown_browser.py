"""Adopting a device by hand, on a phone."""

import os
from pathlib import Path

import pytest
from campus import busy_campus
from desk import PASSWORD, PASSWORD_HASH
from playwright.sync_api import Browser
from test_dashboard_browser import CHROMIUM, CUT_OFF, TOO_LOW, TOO_WIDE_PX, address, browser, opened
from test_dashboard_unknown import NOISE, PLUG, STRIP, FakeFinder

from dashboard.panel import panel
from dashboard.server import PanelServer
from dashboard.unknown import Choice, Value, Waiting, Wish

__all__ = ["browser"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
LONG = PLUG._replace(key="0a1e", name="zigbee2mqtt/" + "x" * 90, sample='{"x":"' + "y" * 290, values=(
    *PLUG.values, Value("z" * 80, None, None),
))  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_thumb_adopts_a_device(browser: Browser, language: str) -> None:
    waits = Waiting(1, "/var/lib/caretaker/adopted.toml", "/var/lib/" * 9)
    finder = FakeFinder([PLUG, STRIP, LONG, NOISE], waits=waits)
    server = PanelServer(
        panel(busy_campus(), language=language, password_hash=PASSWORD_HASH, secret=b"s" * 32, finder=finder),
        "127.0.0.1", 0,
    )  # fmt: skip
    server.start()
    page = opened(browser)
    try:
        page.goto(address(server, "/sources"))
        page.fill("input[type=password]", PASSWORD)
        page.click(".sign-in button")
        for key, path in (("sources", "/sources"), ("plug", "/unknown/0a1b"), ("strip", "/unknown/0a1c"),
                          ("long", "/unknown/0a1e")):  # fmt: skip
            page.goto(address(server, path))
            assert page.evaluate(TOO_WIDE_PX) <= 0, path
            assert page.evaluate(CUT_OFF) == [], path
            assert page.evaluate(TOO_LOW) == [], path
            if folder := os.environ.get("CARETAKER_SHOTS"):
                page.screenshot(path=str(Path(folder) / f"{key}-{language}.png"), full_page=True)
        page.goto(address(server, "/sources"))
        page.click(".search button")
        page.click('a[href="/unknown/0a1b"]')
        page.fill("input[name^=place]", "dorm-3/402")
        energy = page.locator(f"select[name={PLUG.values[1].name}]")
        energy.select_option("energy_kwh|Wh")
        page.click(".adopt button")
        page.wait_for_url("**/sources?adopted=0a1b#unknown")
    finally:
        page.close()
        server.stop()
    assert finder.searches == 1
    assert finder.wishes == [("0a1b", Wish(
        {"": ("dorm-3/402", "")},
        {("power", ""): Choice("power_w", "W"), ("energy", ""): Choice("energy_kwh", "Wh")}, 31.0, False,
    ))]  # fmt: skip
