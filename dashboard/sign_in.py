"""One password in front of the panel: its hash, the wait after wrong ones, the gate, and the two routes."""

import asyncio
import math
import time
from collections.abc import Callable, Collection
from hashlib import sha256
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

# 12 MiB and three passes are as strong as the usual 64 MiB and one, and leave a small gateway its memory.
_HASHER = PasswordHash((Argon2Hasher(time_cost=3, memory_cost=12 * 1024, parallelism=1),))
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
_LOOPBACK = ("127.0.0.1", "::1")
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")   # what proxies add
_FREE_TRIES = 3
_MOST_WAIT_S = 60.0
_MOST_NAMES = 1000
_MOST_FORM_BYTES = 4096


def hash_password(password: str) -> str:
    """The argon2 hash of a password, as the configuration's password file keeps it."""
    return _HASHER.hash(password)


class Doorkeeper:
    """Checks passwords one at a time, and makes an address wait that got it wrong, the longer the oftener."""

    def __init__(self, password_hash: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.seal = sha256(password_hash.encode()).hexdigest()[:16]  # a new password ends the old one's sessions
        self._hash = password_hash
        self._clock = clock
        self._lock = asyncio.Lock()
        self._wrong: dict[str, tuple[int, float]] = {}  # address -> wrong tries, next one allowed at

    def wait_s(self, address: str) -> float:
        """How long an address still has to wait before its next try."""
        return max(0.0, self._wrong.get(address, (0, 0.0))[1] - self._clock())

    async def admits(self, address: str, password: str) -> bool:
        """Whether the password is right; a wrong one is remembered against its address."""
        async with self._lock:  # one hash at a time, off the event loop: memory stays bounded, others are served
            if self.wait_s(address) > 0:
                return False
            is_right = await asyncio.to_thread(_HASHER.verify, password, self._hash)
        if is_right:
            self._wrong.pop(address, None)
            return True
        tries = self._wrong.pop(address, (0, 0.0))[0] + 1
        wait = min(_MOST_WAIT_S, 2.0 ** (tries - _FREE_TRIES)) if tries > _FREE_TRIES else 0.0
        self._wrong[address] = tries, self._clock() + wait
        if len(self._wrong) > _MOST_NAMES:
            del self._wrong[next(iter(self._wrong))]
        return False


class Gate:
    """Middleware that sends everybody to the sign-in page who has not been there, but for a few open paths.

    `local_paths` are open to programs of this machine; those of `machine_paths` are not sent to a page, but refused.
    """

    def __init__(
        self, app: ASGIApp, *, seal: str, open_paths: Collection[str], local_paths: Collection[str] = (),
        machine_paths: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._app, self._seal, self._open_paths = app, seal, open_paths
        self._local_paths, self._machine_paths = local_paths, machine_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._open_paths:
            return await self._app(scope, receive, send)
        if scope["session"].get("seal") == self._seal or (scope["path"] in self._local_paths and is_local(scope)):
            return await self._app(scope, receive, send)
        answer: Response = Response(status_code=401)
        if scope["path"] not in self._machine_paths:
            answer = RedirectResponse(f"/sign-in?next={quote(scope['path'])}", status_code=303)
        return await answer(scope, receive, send)


def is_local(scope: Scope) -> bool:
    """Whether a program of this machine asks, and asks us: no proxy in between, no web site under a borrowed name."""
    client, headers = scope.get("client"), Headers(scope=scope)
    name = headers.get("host", "").rsplit(":", 1)[0] if not headers.get("host", "").endswith("]") else headers["host"]
    is_passed_on = any(header in headers for header in _PASSED_ON)
    return client is not None and client[0] in _LOOPBACK and name in LOCAL_NAMES and not is_passed_on


def sign_in_routes(doorkeeper: Doorkeeper, page: Callable[..., Response]) -> APIRouter:
    """The routes `/sign-in` and `/sign-out`; `page(request, wait_s=, is_wrong=, next=)` draws the form."""
    router = APIRouter()

    @router.get("/sign-in")
    def ask(request: Request, next: str = "/") -> Response:
        return page(request, next=_own_path(next))

    @router.post("/sign-in")
    async def enter(request: Request) -> Response:
        form = await form_of(request)
        address = request.client.host if request.client else ""
        target = _own_path(form.get("next", "/"))
        if not doorkeeper.wait_s(address) and await doorkeeper.admits(address, form.get("password", "")):
            request.session["seal"] = doorkeeper.seal
            return RedirectResponse(target, status_code=303)
        return page(request, next=target, is_wrong=True, wait_s=math.ceil(doorkeeper.wait_s(address)))

    @router.post("/sign-out")
    def leave(request: Request) -> Response:
        request.session.clear()
        return RedirectResponse("/sign-in", status_code=303)

    return router


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a small form; whoever is not signed in must not fill the memory."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_FORM_BYTES:
            raise HTTPException(413)
    return dict(parse_qsl(body.decode(errors="replace")))


def _own_path(target: str) -> str:
    """A path of this panel and nothing else: `//elsewhere` is another site."""
    is_own = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_own and target.isprintable() else "/"
