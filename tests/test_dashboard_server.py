"""The panel's server against clients that mean harm, on real sockets."""

import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import httpx
import pytest
from campus import busy_campus

from dashboard import server as serving
from dashboard.panel import panel
from dashboard.server import PanelServer
from dashboard.sign_in import hash_password

LONG_S = 10.0
SOON_S = 0.3
PASSWORD_HASH = hash_password("correct horse")
HALF_OPEN = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-a: "
HALF_BODY = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\npassword="
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@contextlib.contextmanager
def served(*, request_s: float = LONG_S, has_password: bool = False) -> Iterator[PanelServer]:
    app = panel(
        busy_campus(), language="zh", password_hash=PASSWORD_HASH if has_password else None, secret=b"s" * 32
    )
    server = PanelServer(app, "127.0.0.1", 0, request_s=request_s)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def sent(server: PanelServer, data: bytes) -> socket.socket:
    client = socket.create_connection(server.address, timeout=LONG_S)
    with contextlib.suppress(ConnectionError):  # it may be turned away already
        client.sendall(data)
    return client


def is_closed(client: socket.socket) -> bool:
    """Whether the server hangs up, after anything it may say before."""
    try:
        while client.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def is_answered(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url, timeout=LONG_S).text == "ok"
    return False


def test_a_flood_of_half_open_requests_is_turned_away(caplog: pytest.LogCaptureFixture) -> None:
    with contextlib.ExitStack() as listener, served(request_s=60.0) as server:
        address = "http://{}:{}".format(*server.address)
        lines = listener.enter_context(httpx.stream("GET", f"{address}/live", timeout=LONG_S)).iter_lines()
        assert next(lines).startswith("retry:")
        with contextlib.ExitStack() as clients:
            flood = [clients.enter_context(sent(server, HALF_OPEN)) for _ in range(serving.MOST_CONNECTIONS + 100)]
            assert all(is_closed(client) for client in flood[serving.MOST_CONNECTIONS :])
            flood[0].setblocking(False)
            with pytest.raises(BlockingIOError):
                flood[0].recv(1)
        deadline = time.monotonic() + LONG_S
        while not is_answered(f"{address}/healthz"):  # it has to see first that they are gone
            assert time.monotonic() < deadline
        server.app.state.live._changed("incidents")
        assert "event: incidents" in lines, "who listens is not cut off"
    assert caplog.records == []


def test_a_stream_outlives_the_time_of_its_request() -> None:
    with served(request_s=SOON_S) as server, sent(server, b"") as idle:
        address = "http://{}:{}".format(*server.address)
        with httpx.stream("GET", f"{address}/live", timeout=LONG_S) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("retry:")
            assert is_closed(idle)
            with sent(server, b"") as later:
                assert is_closed(later)
            server.app.state.live._changed("incidents")
            assert "event: incidents" in lines


@pytest.mark.parametrize(
    "beginning",
    [b"", HALF_OPEN, HALF_BODY, WHOLE + HALF_BODY, b"GET / HTTP/1.1\r\n" * 2],
    ids=["nothing", "head", "body", "second body", "broken"],
)
def test_a_request_that_never_becomes_whole_is_not_waited_for(beginning: bytes) -> None:
    with served(request_s=SOON_S, has_password=True) as server, sent(server, beginning) as client:
        assert is_closed(client)


def test_dripping_bytes_win_no_time() -> None:
    with served(request_s=SOON_S) as server, sent(server, HALF_OPEN) as client:
        client.settimeout(0.02)
        deadline = time.monotonic() + LONG_S
        heard: bytes | None = None
        while heard is None and time.monotonic() < deadline:
            try:
                client.sendall(b"x")
                heard = client.recv(100)
            except TimeoutError:
                continue
            except ConnectionError:
                heard = b""
        assert heard == b""


def test_an_answered_connection_may_rest_longer_than_a_request_may_take() -> None:
    with served(request_s=SOON_S) as server:
        client = HTTPConnection(*server.address, timeout=LONG_S)
        client.connect()
        connected = client.sock
        client.request("GET", "/healthz")
        assert client.getresponse().read() == b"ok"
        with sent(server, b"") as later:
            assert is_closed(later)
        client.request("GET", "/healthz")
        assert client.getresponse().read() == b"ok"
        assert client.sock is connected
        client.close()


def test_a_broken_request_is_refused_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with served() as server, sent(server, b"\x16\x03\x01 hello\r\n\r\n") as client:
        assert client.recv(100).startswith(b"HTTP/1.1 400")
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


def test_a_guesser_cannot_pass_for_others() -> None:
    with served(has_password=True) as server:
        url = "http://{}:{}/sign-in".format(*server.address)
        answers = [
            httpx.post(url, data={"password": "wrong"}, headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(5)
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
