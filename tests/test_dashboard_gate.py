"""Who is let in to the panel: names of this machine, passwords, sessions, monitors."""

import pytest
from campus import busy_campus, campus_site
from desk import Desk
from test_dashboard_unknown import FakeFinder
from visitor import PAGES, PASSWORD, PASSWORD_HASH, Browser, client

from dashboard.panel import panel
from dashboard.sign_in import hash_password

METRICS = [
    'caretaker_source_online{kind="mqtt",source="broker"} 1.0',
    'caretaker_source_online{kind="serial",source="dorm-3 bus"} 0.0',
    'caretaker_source_samples_total{source="broker"} 1.284511e+06',
    'caretaker_source_faults_total{reason="no_answer",source="dorm-3 bus"} 41.0',
    'caretaker_bus_busy_ratio{source="dorm-3 bus"} 0.314',
    'caretaker_bus_strangers_heard_total{address="dlt645-2007 000000000777",source="dorm-3 bus"} 12.0',
    'caretaker_device_questions_total{device="dorm-3/402",place="dorm-3/402",source="dorm-3 bus"} 12345.0',
    'caretaker_device_answers_total{device="dorm-3/402",place="dorm-3/402",source="dorm-3 bus"} 12340.0',
    'caretaker_device_faults_total{device="bus/000000012345",place="",reason="no_answer",source="dorm-3 bus"} 41.0',
    'caretaker_device_latency_seconds{device="dorm-3/402",place="dorm-3/402",quantile="0.5",source="dorm-3 bus"} 0.182',
    'caretaker_device_latency_seconds{device="dorm-3/402",place="dorm-3/402",quantile="1",source="dorm-3 bus"} 0.431',
    'caretaker_device_silent_seconds{device="bus/000000012345",place="",source="dorm-3 bus"} 7200.0',
    'caretaker_device_silent_seconds{device="dorm-3/402",place="dorm-3/402",source="dorm-3 bus"} 0.0',
    "caretaker_mark_lag_seconds 12.5", "caretaker_commits_total 1440.0", "caretaker_uncommitted_samples 37.0",
    "caretaker_outbox_waiting 2.0", "caretaker_alerts_open 2.0",
    'caretaker_readings_rejected_total{reason="spike"} 3.0',
]  # fmt: skip


def test_metrics_for_monitors() -> None:
    answer = client(busy_campus()).get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    told = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert set(METRICS) <= set(told)
    assert all(line.startswith("caretaker_") for line in told), "nothing of Python or the process"
    assert not [line for line in told if "boiler house" in line and "online" in line], "of which there is no word yet"


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {"host": "[::1]:8080"}, 200),
        ("127.0.0.1", {"host": "localhost"}, 200),
        ("192.168.1.9", {}, 401),
        ("192.168.1.9", {"host": "localhost"}, 401),
        ("127.0.0.1", {"host": "evil.example"}, 401),                    # a web site under our address
        ("127.0.0.1", {"host": "[::1]evil.example"}, 401),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, 401),          # through a proxy
        ("127.0.0.1", {"forwarded": "for=203.0.113.9"}, 401),
    ],
)
def test_with_a_password_metrics_are_for_this_machine_and_for_who_signed_in(
    address: str, headers: dict[str, str], status: int
) -> None:
    browser = client(busy_campus(), has_password=True)
    browser.address = address
    assert browser.get("/metrics", headers=headers).status_code == status
    assert browser.get("/sources", headers=headers).status_code == 303, "and nothing else is"
    browser.post("/sign-in", data={"password": PASSWORD})
    assert browser.get("/metrics", headers=headers).status_code == 200


def test_without_a_password_metrics_need_the_name_of_this_machine() -> None:
    assert client(busy_campus()).get("/metrics", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:8080", 200), ("localhost", 200), ("LOCALHOST:1", 200), ("[::1]:8080", 200),
     ("evil.example", 400), ("localhost.evil.example", 400), ("127.0.0.1.evil.example:8080", 400), ("", 400)],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/live-not", "/healthz"])
def test_without_a_password_only_this_machines_own_names_are_served(host: str, status: int, path: str) -> None:
    answer = client(busy_campus()).get(path, headers={"host": host})
    assert answer.status_code == (404 if status == 200 and path == "/live-not" else status)


def test_with_a_password_any_name_is_served_but_nothing_is_shown() -> None:
    browser = client(busy_campus(), has_password=True)
    for path in [*PAGES, "/nothing"]:
        answer = browser.get(path, headers={"host": "panel.school.example"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")
    assert browser.get("/live").status_code == 401
    assert browser.get("/healthz").text == "ok"
    assert browser.get("/static/panel.css").status_code == 200
    assert browser.get("/static/..%2fpanel.py").status_code == 303


@pytest.mark.parametrize(
    "path", ["/sign-inx", "/sign-in/", "/sign-in/x", "/healthz/x", "/static/zz", "/static/", "/static",
             "/static//panel.css", "//healthz"]
)  # fmt: skip
def test_with_a_password_nothing_beside_an_open_path_is_open(path: str) -> None:
    answer = client(busy_campus(), has_password=True).get(path)
    assert (answer.status_code, answer.text) == (303, "")
    assert answer.headers["cache-control"] == "no-store"


def test_strangers_learn_nothing_of_the_campus() -> None:
    site = campus_site()
    for page in ("/sign-in", "/sign-in?lang=en"):
        answer = client(busy_campus(), has_password=True).get(page)
        assert answer.status_code == 200
        assert [word for word in (site.name, site.calendar.timezone, "/places") if word in answer.text] == []


def test_signing_in_leads_back_and_signing_out_closes_the_door() -> None:
    browser = client(busy_campus(), has_password=True)
    form = {"password": PASSWORD, "next": "/alerts/12"}
    answer = browser.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts/12")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert browser.get("/alerts/12").status_code == 200
    assert browser.post("/sign-out").status_code == 303
    assert browser.get("/alerts/12").status_code == 303


OWN, OTHER = "http://127.0.0.1:8080", "http://evil.example"
FORMS = ["/sign-in", "/sign-out", "/permits", "/declarations", "/unknown/search", "/unknown/0a1b"]


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({}, True),                                                        # no browser
        ({"origin": OWN}, True),
        ({"origin": OWN, "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"origin": "https://panel.school", "host": "panel.school"}, True),  # a proxy with TLS
        ({"origin": "https://panel.school", "host": "panel.school:443"}, True),
        ({"origin": "http://PANEL.school", "host": "panel.school:80"}, True),
        ({"origin": "https://panel.school", "x-forwarded-host": "panel.school"}, True),
        ({"origin": "https://panel.school", "sec-fetch-site": "same-origin"}, True),  # a proxy that renames us
        ({"origin": OTHER}, False),
        ({"origin": "null"}, False),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, False),
        ({"origin": ""}, False),
        ({"origin": "http://["}, False),
        ({"origin": "file://127.0.0.1:8080"}, False),
        ({"origin": "http://127.0.0.1:8081"}, False),
        ({"origin": "https://panel.school:80", "host": "panel.school"}, False),
        ({"origin": "http://127.0.0.1:8080.evil.example"}, False),
        ({"origin": OTHER, "sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"origin": OWN, "sec-fetch-site": "same-site"}, False),
    ],
)
@pytest.mark.parametrize("path", FORMS)
def test_a_form_of_another_site_is_refused(path: str, headers: dict[str, str], is_taken: bool) -> None:
    finder = FakeFinder()
    desk = Desk(busy_campus(), finder=finder).sign_in()
    form = {"place": "dorm-3/402", "watts": "1200", "from": "2026-02-01", "until": "2030-01-01", "password": "wrong"}
    answer = desk.ask("POST", path, data=form, headers=headers)
    assert (answer.status_code != 403) == is_taken
    if not is_taken:
        assert (finder.searches, finder.wishes, desk.declared) == (0, [], [])
        assert answer.headers["cache-control"] == "no-store"
        assert desk.ask("GET", "/sources", headers=headers).status_code == 200, "and pages may be linked to"


def test_whatever_else_changes_something_is_refused_alike() -> None:
    for has_password in (True, False):
        desk = Desk(busy_campus(), has_password=has_password)
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert desk.ask(method, "/healthz", headers={"origin": OTHER}).status_code == 403


def test_a_session_of_another_password_or_secret_is_worth_nothing() -> None:
    browser = client(busy_campus(), has_password=True)
    browser.post("/sign-in", data={"password": PASSWORD})
    for password_hash, secret, status in (
        (PASSWORD_HASH, b"s" * 32, 200), (hash_password("another"), b"s" * 32, 303), (PASSWORD_HASH, b"t" * 32, 303)
    ):  # fmt: skip
        app = panel(busy_campus(), language="zh", password_hash=password_hash, secret=secret)
        other = Browser(app, browser.cookies)
        assert other.get("/").status_code == status


def test_wrong_passwords_are_refused_and_soon_have_to_wait() -> None:
    browser = client(busy_campus(), has_password=True, language="en")
    answers = [browser.post("/sign-in", data={"password": "wrong"}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert "The password is not right" in answers[0].text
    assert "Try again in" in answers[4].text
    assert browser.post("/sign-in", data={"password": PASSWORD}).status_code == 429
    assert browser.get("/").status_code == 303
