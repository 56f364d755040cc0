"""Live events to real HTTP clients, and a server that starts and stops when told."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from campus import FakeCampus, busy_campus

from dashboard.live import GAP_S, Live
from dashboard.panel import panel
from dashboard.server import PanelServer

LONG_S = 10.0


@contextlib.contextmanager
def served(campus: FakeCampus) -> Iterator[PanelServer]:
    server = PanelServer(panel(campus, language="zh", password_hash=None, secret=b"s" * 32), "127.0.0.1", 0)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def stream(server: PanelServer) -> Iterator[Iterator[str]]:
    """The lines of a stream, once it is open."""
    url = "http://{}:{}/live".format(*server.address)
    with httpx.stream("GET", url, timeout=LONG_S) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines).startswith("retry:")
        yield lines


def next_event(lines: Iterator[str]) -> str:
    return next(line for line in lines if line.startswith("event:")).removeprefix("event: ")


def test_a_change_reaches_every_client_at_once() -> None:
    campus = busy_campus()
    with served(campus) as server, contextlib.ExitStack() as open_streams:
        clients = [open_streams.enter_context(stream(server)) for _ in range(5)]
        told = time.monotonic()
        campus.tell("incidents")
        assert [next_event(lines) for lines in clients] == ["incidents"] * 5
        assert time.monotonic() - told < 1.0
        campus.tell("readings")
        assert [next_event(lines) for lines in clients] == ["readings"] * 5


def test_thousands_of_readings_are_one_event_a_second_and_never_hold_up_who_tells() -> None:
    campus = busy_campus()
    with served(campus) as server, stream(server) as lines:
        began = time.monotonic()
        for _ in range(20_000):
            campus.tell("readings")
        assert time.monotonic() - began < 1.0
        campus.tell("incidents")
        seen = [next_event(lines), next_event(lines)]
        campus.tell("readings")
        assert sorted(seen) == ["incidents", "readings"]
        assert next_event(lines) == "readings"
        assert time.monotonic() - began >= GAP_S["readings"] * 0.95


def test_a_client_that_goes_away_is_noticed() -> None:
    campus = busy_campus()
    with served(campus) as server:
        live: Live = server.app.state.live
        with stream(server):
            assert len(live) == 1
        gone = threading.Event()
        deadline = time.monotonic() + LONG_S
        while len(live) and time.monotonic() < deadline:
            gone.wait(0.01)
        assert len(live) == 0


def test_stopping_does_not_wait_for_open_streams() -> None:
    campus = busy_campus()
    with served(campus) as server, contextlib.ExitStack() as open_streams:
        clients = [open_streams.enter_context(stream(server)) for _ in range(20)]
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 2.0
        assert [list(lines) for lines in clients] == [[""]] * 20
        assert campus.listeners == []
        with pytest.raises(httpx.ConnectError):
            httpx.get("http://{}:{}/healthz".format(*server.address))


def test_an_answer_does_not_wait_for_acknowledgements() -> None:
    with served(busy_campus()) as server, httpx.Client() as client:
        url = "http://{}:{}/healthz".format(*server.address)
        took = []
        for _ in range(15):
            began = time.monotonic()
            client.get(url)
            took.append(time.monotonic() - began)
        assert min(took[1:]) < 0.03, "the delayed acknowledgement of TCP takes 40 ms"


def test_an_address_in_use_is_said_at_the_start() -> None:
    with served(busy_campus()) as server:
        app = panel(busy_campus(), language="zh", password_hash=None, secret=b"s" * 32)
        with pytest.raises(OSError, match="in use"):
            PanelServer(app, *server.address).start()


def test_a_quiet_stream_has_heartbeats_and_ends_when_closed() -> None:
    async def run() -> None:
        live = Live(heartbeat_s=0.01)
        live.open(busy_campus())
        lines = live.stream()
        assert (await anext(lines)).startswith(b"retry:")
        assert (await anext(lines)).startswith(b":")
        assert (await anext(lines)).startswith(b":")
        live.close()
        live.close()
        assert [line async for line in lines] == []
        assert len(live) == 0

    asyncio.run(run())


def test_a_loop_that_closed_without_a_goodbye_harms_nobody_who_tells(caplog: pytest.LogCaptureFixture) -> None:
    campus = busy_campus()
    live = Live()

    async def run() -> None:
        live.open(campus)

    asyncio.run(run())
    for _ in range(3):
        campus.tell("incidents")
        campus.tell("readings")
    assert [record.getMessage() for record in caplog.records] == [
        "the panel's event loop is gone: nothing is live any more"
    ]
    live.close()
    assert campus.listeners == []
