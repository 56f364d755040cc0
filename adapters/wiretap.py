"""Hears what endpoints answer beneath apprise, which tells its caller no more than yes or no.

Strategy. Chat robots refuse with 200 and an error code in the body, which apprise takes for success and throws away;
what a mail server says it logs for debugging alone. All that speaks HTTP there ends in `HTTPAdapter.send`, all mail
in `smtplib.SMTP`, so importing this module once wraps these methods: within `listening()`, in that context alone,
they note what they hear and keep to its size; everywhere else they do exactly what they did. A timeout of a socket
begins anew with each byte, so whoever drips would be waited for without end: all sockets that connect there are shut
at the deadline. The import brings apprise and takes 48 MB, so it belongs where a message is sent.
"""

import logging
import os
import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

import requests
import urllib3
from apprise import Apprise, AppriseAsset, NotifyFormat, OverflowMode
from requests.adapters import HTTPAdapter

Service = Any  # apprise's NotifyBase, which has no useful types
MOST_BYTES = 8192  # of an answer; a result code stands in the first hundred
MOST_MAIL_BYTES = 65536  # of all that a mail server says


class Exchange(NamedTuple):
    """One HTTP answer; `location` is where a redirect points."""

    status: int
    body: str
    location: str


class Reply(NamedTuple):
    """One answer of a mail server."""

    code: int
    text: str


@dataclass(slots=True)
class Heard:
    """What was heard until `deadline` (monotonic): answers, why there was none, and apprise's own warnings."""

    deadline: float
    exchanges: list[Exchange] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _lines: list[socket.socket] = field(default_factory=list)

    def left_s(self) -> float:
        return self.deadline - time.monotonic()

    def note(self, error: BaseException) -> None:
        """Remember why there is no answer; a line that was shut looks as if the other side had hung up."""
        self.troubles.append(_reason(error) if self.left_s() > 0 else "timed out")

    def watch(self, line: socket.socket) -> None:
        """Have a line shut at the deadline, whatever becomes of its own descriptor until then, as under TLS."""
        self._lines.append(socket.socket(fileno=os.dup(line.fileno())))
        left_s = self.left_s()
        if left_s <= 0:
            raise TimeoutError("timed out")
        line.settimeout(left_s)

    def shut(self) -> None:
        for line in self._lines:
            with suppress(OSError):  # it is shut already
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for line in self._lines:
            line.close()


_listener: ContextVar[Heard | None] = ContextVar("listener", default=None)


@contextmanager
def listening(timeout_s: float) -> Iterator[Heard]:
    """What endpoints answer to whatever is sent inside, which ends after `timeout_s`."""
    heard = Heard(time.monotonic() + timeout_s)
    timer = threading.Timer(timeout_s, heard.shut)
    timer.daemon = True
    timer.start()
    token = _listener.set(heard)
    try:
        yield heard
    finally:
        _listener.reset(token)
        timer.cancel()
        timer.join()
        heard.close()


def open_service(url: str, timeout_s: float) -> Service | None:
    """The apprise service of an address, without pauses, retries, splits and redirects of its own; None if unknown."""
    service: Service = Apprise.instantiate(url, asset=AppriseAsset(app_id="Caretaker", http_redirects=False))
    if service is not None:
        service.throttle = lambda *_args, **_kwargs: None  # the channel's rate is the only one
        service.retry = 0
        service.overflow_mode = OverflowMode.TRUNCATE  # one alert, one message
        service.socket_connect_timeout = service.socket_read_timeout = timeout_s
    return service


def notify(service: Service, title: str, body: str) -> bool:
    """Whether the service believes that it sent the message."""
    return bool(service.notify(title=title, body=body, body_format=NotifyFormat.TEXT))


def _reason(error: BaseException) -> str:
    """The innermost cause: the outer ones carry the whole address in their text."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _wrap_http() -> None:
    send = HTTPAdapter.send

    def hearing(adapter: HTTPAdapter, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        heard = _listener.get()
        if heard is None:
            return send(adapter, request, **kwargs)
        try:
            kwargs["timeout"] = max(0.001, heard.left_s())
            request.headers["Accept-Encoding"] = "identity"  # what unpacks may become a thousand times larger
            response = send(adapter, request, **kwargs)
            body = _beginning(response)
            if heard.left_s() <= 0:
                raise TimeoutError("timed out")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            heard.note(error)
            raise requests.ConnectionError(heard.troubles[-1]) from error
        location = response.headers.get("Location", "")
        heard.exchanges.append(Exchange(response.status_code, body.decode("utf-8", "replace"), location))
        response.raw = BytesIO(body)  # the plugin reads the same again
        return response

    HTTPAdapter.send = hearing  # type: ignore[method-assign,assignment]


def _beginning(response: requests.Response) -> bytes:
    body = bytearray()
    while len(body) < MOST_BYTES:
        chunk = response.raw.read1(MOST_BYTES, decode_content=False)
        if not chunk:
            break
        body += chunk
    response.close()
    return bytes(body[:MOST_BYTES])


class _Lines:
    """What a mail server says, unless it never ends: an answer may have any number of lines."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, MOST_MAIL_BYTES
        self.close = file.close

    def readline(self, most: int) -> bytes:
        line = self._file.readline(most)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("the answer has no end")
        return line


def _wrap_mail() -> None:
    connect, getreply = smtplib.SMTP.connect, smtplib.SMTP.getreply

    def hearing_connect(smtp: smtplib.SMTP, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        try:
            return connect(smtp, *args, **kwargs)
        except OSError as error:
            if heard := _listener.get():
                heard.note(error)
            raise

    def hearing_getreply(smtp: smtplib.SMTP) -> tuple[int, bytes]:
        heard = _listener.get()
        try:
            if heard and smtp.sock and smtp.file is None:
                smtp.file = _Lines(smtp.sock.makefile("rb"))
            code, text = getreply(smtp)
        except OSError as error:  # smtplib's own errors are among these
            if heard:
                heard.note(error)
            raise
        if heard:
            heard.replies.append(Reply(code, text.decode("utf-8", "replace")))
        return code, text

    smtplib.SMTP.connect = hearing_connect  # type: ignore[method-assign,assignment]
    smtplib.SMTP.getreply = hearing_getreply  # type: ignore[method-assign,assignment]


def _wrap_sockets() -> None:
    connect = socket.socket.connect

    def watched_connect(line: socket.socket, address: Any) -> None:
        if heard := _listener.get():
            heard.watch(line)
        return connect(line, address)

    socket.socket.connect = watched_connect  # type: ignore[method-assign,assignment]


def _overhear(record: logging.LogRecord) -> bool:
    if (heard := _listener.get()) and record.levelno >= logging.WARNING:
        heard.warnings.append(record.getMessage())
    return False


def _close_logs() -> None:
    """Both name tokens in what they log, so nothing of it may reach any log of ours."""
    logging.getLogger("apprise").addFilter(_overhear)  # all of apprise logs to this one
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)


_wrap_http()
_wrap_mail()
_wrap_sockets()
_close_logs()
