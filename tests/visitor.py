"""Whoever opens the panel in a browser."""

import asyncio
import re
from typing import Any

import httpx
from campus import FakeCampus
from fastapi import FastAPI

from dashboard.panel import panel
from dashboard.sign_in import hash_password

PASSWORD = "correct horse"
PASSWORD_HASH = hash_password(PASSWORD)
PAGES = ["/", "/alerts/9", "/alerts/11", "/alerts/12", "/places", "/places/dorm-3", "/places/dorm-3/402", "/sources"]


class Browser:
    """Asks an app without a network, and keeps its cookies."""

    def __init__(self, app: FastAPI, cookies: httpx.Cookies | None = None) -> None:
        self._app, self.cookies, self.address = app, httpx.Cookies(cookies), "127.0.0.1"

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return asyncio.run(self._ask("GET", path, asked))

    def post(self, path: str, **asked: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, asked))

    async def _ask(self, method: str, path: str, asked: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, client=(self.address, 40_000))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8080", cookies=self.cookies
        ) as client:
            answer = await client.request(method, path, **asked)
        self.cookies = client.cookies
        return answer


def client(campus: FakeCampus, *, has_password: bool = False, language: str = "zh", banner: str = "") -> Browser:
    app = panel(
        campus, language=language, password_hash=PASSWORD_HASH if has_password else None, secret=b"s" * 32,
        banner=banner,
    )  # fmt: skip
    return Browser(app)


def text_of(html: str) -> str:
    """What a reader sees, with single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.split("<main", 1)[1]).split())
