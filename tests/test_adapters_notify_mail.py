"""Sending mail to a real server on the loopback: its own word is kept, its refusals are shown."""

import socket
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from receiver import free_port

from adapters.notify import Answer, judged, send
from adapters.wiretap import Reply, listening

TOKEN = "s3cretToken99"
KEYWORDS = {"errcode": 310000, "errmsg": "keywords not in content"}


def post(url: str, body: str = "水龙头已连续流水", timeout_s: float = 5.0) -> Answer:
    return send(url, "#12 长流水", body, timeout_s=timeout_s)


class Mailbox:
    """A mail server's mind: whom it refuses, what it got."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.refused: dict[str, str] = {}
        self.at_data = "250 2.0.0 queued as 4711"

    async def handle_RCPT(  # noqa: N802  aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.at_data.startswith("250"):
            self.got.append(envelope)
        return self.at_data


class MailServer(Controller):
    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(
            mailbox, hostname="127.0.0.1", port=free_port(), authenticator=self.check, auth_require_tls=False
        )
        self.mailbox = mailbox

    @staticmethod
    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data.password == TOKEN.encode(), handled=False)

    def url(self, password: str = TOKEN, to: str = "worker@school.example") -> str:
        return f"mailto://caretaker:{password}@127.0.0.1:{self.port}?from=caretaker@school.example&to={to}"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer(Mailbox())
    server.start()
    yield server
    server.stop()


def test_a_mail_arrives_and_the_servers_word_is_kept(mail: MailServer) -> None:
    assert post(mail.url()) == Answer(True, "250 2.0.0 queued as 4711")
    (envelope,) = mail.mailbox.got
    assert envelope.rcpt_tos == ["worker@school.example"]
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert message["subject"] == "#12 长流水"
    assert "水龙头已连续流水" in message.get_body(("plain",)).get_content()


def test_a_refused_recipient_shows_the_servers_text(mail: MailServer) -> None:
    mail.mailbox.refused["worker@school.example"] = "550 5.1.1 no such mailbox: worker@school.example"
    assert post(mail.url()) == Answer(False, "550 5.1.1 no such mailbox: worker@school.example")


def test_a_refused_message_shows_the_servers_text(mail: MailServer) -> None:
    mail.mailbox.at_data = "452 4.3.1 disk full, try later"
    assert post(mail.url()) == Answer(False, "452 4.3.1 disk full, try later")
    assert mail.mailbox.got == []


def test_a_wrong_password_shows_the_servers_text_and_not_the_password(mail: MailServer) -> None:
    answer = post(mail.url(password="wrong-pass-word"))
    assert not answer.is_delivered
    assert answer.text.startswith("535 ")
    assert "wrong-pass-word" not in answer.text


def test_a_mail_that_reached_only_some_is_not_sent_again(mail: MailServer) -> None:
    mail.mailbox.refused["gone@school.example"] = "550 gone"
    assert post(mail.url(to="worker@school.example,gone@school.example")) == Answer(
        False, "only some were reached: 550 gone", is_final=True
    )
    assert len(mail.mailbox.got) == 1


def test_a_silent_mail_server_is_left_after_the_timeout() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        answer = post(f"mailto://u:{TOKEN}@127.0.0.1:{silent.getsockname()[1]}?from=a@school.example", timeout_s=0.3)
    assert answer == Answer(False, "timed out")


def test_a_mail_server_that_is_down_is_named_as_such() -> None:
    answer = post(f"mailto://caretaker:{TOKEN}@127.0.0.1:{free_port()}?from=a@school.example")
    assert answer == Answer(False, "Connection refused")


def test_replies_before_the_message_are_no_delivery() -> None:
    with listening(1.0) as heard:
        heard.replies += [Reply(220, "hi"), Reply(250, "ok"), Reply(354, "go on"), Reply(552, "too big")]
        assert judged("mailtos", is_accepted=False, heard=heard, targets=1) == Answer(False, "552 too big")
