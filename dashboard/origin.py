"""Whether a form was sent from a page of this panel: what a web site makes a browser send is refused.

Strategy. A browser says itself where a request comes from, and no web site can make it say otherwise. It tells
`Sec-Fetch-Site` where the panel has TLS or is on this machine, also behind a proxy that gives us another name; over
plain HTTP it only tells `Origin`, which then has to be the host that was asked for. What sends neither is no browser.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_READING = ("GET", "HEAD")
_PORTS = {"http": ":80", "https": ":443"}


class OwnForms:
    """Middleware that answers 403 to whatever would change something and comes from another site."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _READING and not is_own(Headers(scope=scope)):
            return await PlainTextResponse("this form was sent from another site\n", 403)(scope, receive, send)
        return await self._app(scope, receive, send)


def is_own(headers: Headers) -> bool:
    """Whether a request comes from a page of the host that it is sent to, or from no page at all.

    A proxy has to pass on `Host`, or to tell it in `X-Forwarded-Host`, which no page of another site can set.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if origin == "null" or site not in (None, "same-origin", "none"):
        return False
    if origin is None or site == "same-origin":
        return True
    try:
        told = urlsplit(origin.lower())
    except ValueError:
        return False
    port = _PORTS.get(told.scheme)
    hosts = (headers.get(name, "").lower() for name in ("host", "x-forwarded-host"))
    return port is not None and told.netloc.removesuffix(port) in {host.removesuffix(port) for host in hosts if host}
