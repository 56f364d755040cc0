"""Whoever sits at the panel with a browser and declares things."""

import asyncio
import re
from typing import Any

import httpx
from campus import FakeCampus
from fastapi import FastAPI

from dashboard.panel import panel
from dashboard.sign_in import hash_password
from dashboard.unknown import Finder
from rules.fact import Fact

PASSWORD = "correct horse"
PASSWORD_HASH = hash_password(PASSWORD)


class Desk:
    """A browser at a panel that writes down what is declared."""

    def __init__(self, campus: FakeCampus, *, has_password: bool = True, finder: Finder | None = None) -> None:
        self.declared: list[Fact] = []
        self._app: FastAPI = panel(
            campus, language="en", password_hash=PASSWORD_HASH if has_password else None, secret=b"s" * 32,
            declare=self.declared.append, finder=finder,
        )  # fmt: skip
        self._cookies = httpx.Cookies()

    def ask(self, method: str, path: str, **asked: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1:8080", cookies=self._cookies
            ) as client:
                answer = await client.request(method, path, **asked)
                self._cookies = client.cookies
            return answer

        return asyncio.run(once())

    def sign_in(self) -> "Desk":
        assert self.ask("POST", "/sign-in", data={"password": PASSWORD}).status_code == 303
        return self


def text_of(answer: httpx.Response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())
