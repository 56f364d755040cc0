"""Runs the panel's web server in a thread of the daemon."""

import asyncio
import logging
import socket
import threading
from functools import partial
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

START_S = 10.0
STOP_S = 1  # what is not answered by then is cut off
REQUEST_S = 10.0
UNREAD_S = 30  # a client that takes nothing of what it was sent is gone by then
MOST_CONNECTIONS = 200
# As many may be accepted in one turn of the event loop, before the first of them can be counted and turned away.
MOST_WAITING = 64


class PanelServer:
    """Serves an app at `host:port` from a thread of its own; port 0 takes a free one.

    A request that is not whole after `request_s` is not waited for any longer.
    """

    def __init__(self, app: FastAPI, host: str, port: int, *, request_s: float = REQUEST_S) -> None:
        self.app = app
        self._host, self._port = host, port
        self._server = _Server(
            uvicorn.Config(
                app, lifespan="on", log_config=None, log_level="error", access_log=False, server_header=False,
                timeout_graceful_shutdown=STOP_S, timeout_keep_alive=20, loop="asyncio", ws="none", proxy_headers=False,
                http=partial(_Connection, request_s=request_s), backlog=MOST_WAITING,  # type: ignore[arg-type]
            )
        )
        self._address: tuple[str, int] | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens: host and port."""
        if self._address is None:
            raise RuntimeError("the panel has not started")
        return self._address

    def start(self) -> None:
        """Listen; returns once requests are answered, raises OSError when the address is taken or not ours."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.create_server((self._host, self._port), family=family, backlog=MOST_WAITING)
        # Connections inherit this; else an answer's body waits 40 ms for the acknowledgement of its headers.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_S * 1000)
        self._address = listening.getsockname()[:2]
        self._thread = threading.Thread(target=self._run, args=(listening,), name="panel", daemon=True)
        self._thread.start()
        if not self._server.is_up.wait(START_S) or not self._server.started:
            self.stop()
            raise RuntimeError("the panel did not start")

    def stop(self) -> None:
        """End open streams and requests, and the thread."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_S + 4)

    def _run(self, listening: socket.socket) -> None:
        try:
            self._server.run(sockets=[listening])
        except Exception:
            log.exception("the panel stopped")
            raise
        finally:
            self._server.is_up.set()


class _Connection(H11Protocol):
    """Turns away who comes when the house is full, and who keeps it waiting for the rest of a request."""

    def __init__(self, *about: Any, request_s: float, **more: Any) -> None:
        super().__init__(*about, **more)
        self._request_s = request_s
        self._overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
        else:
            self._watch()

    def handle_events(self) -> None:
        super().handle_events()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._relax()

    def _watch(self) -> None:
        """Let the time run while a request is on its way; a quiet connection between two has uvicorn's timer."""
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._relax()
        elif self._overdue is None and self.timeout_keep_alive_task is None:
            self._overdue = self.loop.call_later(self._request_s, self.transport.abort)

    def _relax(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None


class _Server(uvicorn.Server):
    """Says when it is up, and ends the streams first when it goes down: they would never end by themselves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app = self.config.app
        if isinstance(app, FastAPI):
            app.state.live.close()
        await super().shutdown(sockets)
