"""The panel as a web application: pages, live events, static files, and what guards them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from starlette.datastructures import MutableHeaders
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.declarations import declaration_routes
from dashboard.live import Live
from dashboard.origin import OwnForms
from dashboard.pages import Pages
from dashboard.permits import Declare, permit_routes
from dashboard.sign_in import LOCAL_NAMES, Doorkeeper, Gate, sign_in_routes
from dashboard.unknown import Finder, unknown_routes
from dashboard.view import Campus

STATIC = Path(__file__).parent / "static"
STATIC_PATHS = frozenset(f"/static/{file.name}" for file in STATIC.iterdir())
OPEN_PATHS = STATIC_PATHS | {"/sign-in", "/healthz"}  # what strangers see, and no path beside it
LOCAL_PATHS = frozenset({"/metrics"})                 # what programs of this machine see without a password
MACHINE_PATHS = LOCAL_PATHS | {"/live"}               # what no person reads
SESSION_S = 30 * 86400
PAGE_THREADS = 4  # pages are drawn in threads; more of them only cost a small gateway memory
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def panel(
    campus: Campus, *, language: str, password_hash: str | None, secret: bytes, banner: str = "",
    declare: Declare | None = None, finder: Finder | None = None,
) -> FastAPI:  # fmt: skip
    """The panel of a campus; with a password everything is behind it, without one only this machine is served.

    `secret` signs the session cookies; `banner` is shown on top of each page; `declare` takes
    what people declare, which they may where there is a password: without one any web site could send the form.
    The same holds for `finder`, which finds unknown topics and adopts them.
    """
    live = Live()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = PAGE_THREADS
        live.open(campus)
        yield
        live.close()

    # A redirect to a path without its last slash would name http, whatever a proxy in front of us speaks.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan, redirect_slashes=False)
    app.state.live = live
    pages = Pages(
        campus, language=language, banner=banner, has_password=password_hash is not None, finder=finder
    )
    app.include_router(_machine_routes(live, campus))
    app.include_router(pages.routes())
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_exception_handler(404, pages.missing)
    if password_hash is None:
        # Without a password the loopback address is the only guard; a web site that gives its own name our address
        # (DNS rebinding) would get around it.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=LOCAL_NAMES, www_redirect=False)
    else:
        doorkeeper = Doorkeeper(password_hash)
        app.include_router(sign_in_routes(doorkeeper, pages.sign_in))
        if declare is not None:
            app.include_router(permit_routes(campus, declare))
            app.include_router(declaration_routes(campus, declare))
        if finder is not None:
            app.include_router(unknown_routes(finder, campus.site.places, pages))
        app.add_middleware(
            Gate, seal=doorkeeper.seal, open_paths=OPEN_PATHS, local_paths=LOCAL_PATHS, machine_paths=MACHINE_PATHS
        )
        app.add_middleware(
            SessionMiddleware, secret_key=secret.hex(), session_cookie="caretaker", max_age=SESSION_S, same_site="lax"
        )
    app.add_middleware(OwnForms)
    app.add_middleware(_Headers)
    return app


def _machine_routes(live: Live, campus: Campus) -> APIRouter:
    """What browsers and monitors ask for without a person reading it."""
    router = APIRouter()

    @router.get("/live")
    async def events() -> Response:
        return StreamingResponse(live.stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    async def healthz() -> Response:
        return PlainTextResponse("ok")

    @router.get("/metrics")
    def metrics() -> Response:
        from dashboard.metrics import CONTENT_TYPE, text  # only a gateway that is asked for them has the library loaded

        return Response(text(campus), media_type=CONTENT_TYPE)

    return router


class _Headers:
    """Middleware that adds the security headers, and keeps personal pages out of caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        is_static = scope["path"] in STATIC_PATHS

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_static else "no-store"
            await send(message)

        return await self._app(scope, receive, send_with_headers)
