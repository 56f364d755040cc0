"""An HTTP endpoint for tests: a real server on the loopback that answers as it is told."""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver(ThreadingHTTPServer):
    """Answers every POST with `status`, `headers` and `body`; "hang" and "endless" bodies until it is closed."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: bytes | str = b""
        self.got: list[dict[str, Any]] = []
        self.arrivals: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.closing = threading.Event()
        self.url = f"json://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests want."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append(message)
        self.server.arrivals.put(message)
        body = self.server.body
        if body == "hang":
            self.server.closing.wait(10)
            return
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        if isinstance(body, bytes):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        while body == "endless" and not self.server.closing.is_set():
            self.wfile.write(b"x" * 65536)
        if isinstance(body, bytes):
            self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Quiet."""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def receiving() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
