"""Runs the panel's web server in a thread of the daemon."""

import logging
import socket
import threading

import uvicorn
from fastapi import FastAPI

log = logging.getLogger(__name__)

START_S = 10.0
STOP_S = 1  # what is not answered by then is cut off


class PanelServer:
    """Serves an app at `host:port` from a thread of its own; port 0 takes a free one."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self.app = app
        self._host, self._port = host, port
        self._server = _Server(
            uvicorn.Config(
                app, lifespan="on", log_config=None, log_level="warning", access_log=False, server_header=False,
                timeout_graceful_shutdown=STOP_S, timeout_keep_alive=20, loop="asyncio", http="h11", ws="none",
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
        listening = socket.create_server((self._host, self._port), family=family, backlog=128)
        # Connections inherit this; else an answer's body waits 40 ms for the acknowledgement of its headers.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
