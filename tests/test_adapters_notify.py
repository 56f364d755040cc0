"""Sending to real endpoints on the loopback: what counts as delivered, and what is said when it is not."""

import gzip
import json
import logging
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests
from receiver import Receiver, free_port, receiving

from adapters.notify import Answer, fitting, hidden, is_usable, judged, refusal, send
from adapters.wiretap import Exchange, listening, notify, open_service

TOKEN = "s3cretToken99"
KEYWORDS = {"errcode": 310000, "errmsg": "keywords not in content"}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with receiving() as server:
        yield server


def post(url: str, body: str = "水龙头已连续流水", timeout_s: float = 5.0) -> Answer:
    return send(url, "#12 长流水", body, timeout_s=timeout_s)


# -- HTTP


def test_a_message_arrives_and_the_endpoints_word_is_kept(receiver: Receiver) -> None:
    receiver.body = b'{"errcode":0,"errmsg":"ok"}'
    assert post(receiver.url) == Answer(True, 'HTTP 200 {"errcode":0,"errmsg":"ok"}')
    assert receiver.got == [{"version": "1.0", "title": "#12 长流水", "message": "水龙头已连续流水",
                             "attachments": [], "type": "info"}]  # fmt: skip


def test_200_with_an_error_code_is_not_delivered(receiver: Receiver) -> None:
    receiver.body = json.dumps(KEYWORDS).encode()
    answer = post(receiver.url)
    assert not answer.is_delivered
    assert not answer.is_final  # whoever runs the robot may add the keyword
    assert "310000" in answer.text
    assert "keywords not in content" in answer.text


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_an_error_status_is_not_delivered_and_shows_the_text(receiver: Receiver, status: int) -> None:
    receiver.status, receiver.body = status, "稍后再试 <b>".encode()
    assert post(receiver.url) == Answer(False, f"HTTP {status} 稍后再试 <b>")
    assert len(receiver.got) == 1  # once: who retries is not decided here


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 302, {"Location": f"http://127.0.0.1:{receiver.server_port}/{TOKEN}"}
    assert post(receiver.url) == Answer(False, "HTTP 302 to 127.0.0.1")
    assert len(receiver.got) == 1


def test_a_silent_endpoint_is_left_after_the_timeout(receiver: Receiver) -> None:
    receiver.body = "hang"
    answer = post(receiver.url, timeout_s=0.3)
    assert not answer.is_delivered
    assert "timed out" in answer.text


def test_an_endless_answer_is_cut(receiver: Receiver) -> None:
    receiver.body = "endless"
    with listening(30.0) as heard:
        assert notify(open_service(receiver.url, 30.0), "t", "b")
    assert len(heard.exchanges[0].body) == 8192
    assert heard.left_s() > 15.0


class Talker:
    """An endpoint on the loopback that says its beginning, then one thing over and over until it is left."""

    def __init__(self, beginning: bytes, over_and_over: bytes, *, every_s: float = 0.01) -> None:
        self._said, self._more, self._every_s = beginning, over_and_over, every_s
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.asked = b""
        self.is_left = threading.Event()
        self._thread = threading.Thread(target=self._talk)

    def __enter__(self) -> "Talker":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.is_left.set()
        self._thread.join()
        self._listening.close()

    def _talk(self) -> None:
        line = self._listening.accept()[0]
        with line, suppress(OSError):
            if self._said.startswith(b"HTTP"):
                self.asked = line.recv(65536)
            line.sendall(self._said)
            until = time.monotonic() + 10.0
            while time.monotonic() < until and not self.is_left.wait(self._every_s):
                line.sendall(self._more)


@pytest.mark.parametrize(
    ("kind", "beginning"),
    [("json", b"HTTP/1.1 200 OK\r\nX-a: "), ("json", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"),
     ("json", b"HTTP/1.1 200 OK\r\n\r\n"), ("jsons", b"\x16\x03\x03\x40\x00"), ("mailto", b"220-"),
     ("mailtos", b"\x16\x03\x03\x40\x00")],
    ids=["header", "body", "endless body", "handshake", "mail", "mail handshake"],
)  # fmt: skip
def test_who_drips_is_left_after_the_timeout(kind: str, beginning: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    rest = "?from=a@school.example&mode=ssl" if kind == "mailtos" else "?from=a@school.example"
    with Talker(beginning, b"x", every_s=0.05) as talker:
        began = time.monotonic()
        answer = post(f"{kind}://u:{TOKEN}@127.0.0.1:{talker.port}/{rest}", timeout_s=0.5)
        took_s = time.monotonic() - began
    assert answer == Answer(False, "timed out")
    assert 0.4 < took_s < 3.0


def test_a_mail_server_that_never_stops_talking_is_cut() -> None:
    with Talker(b"", b"220-welcome\r\n" * 5000) as talker:
        answer = post(f"mailto://u:{TOKEN}@127.0.0.1:{talker.port}/?from=a@school.example", timeout_s=30.0)
    assert not answer.is_delivered
    assert "no end" in answer.text


def test_what_is_packed_stays_packed(receiver: Receiver) -> None:
    receiver.headers = {"Content-Encoding": "gzip"}
    receiver.body = gzip.compress(bytes(64_000_000), 9)
    service = open_service(receiver.url, 5.0)
    tracemalloc.start()
    try:
        with listening(5.0) as heard:
            assert notify(service, "t", "b")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert heard.exchanges[0].body.startswith("\x1f")
    assert peak < 4_000_000


def test_nothing_packed_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Talker(b"HTTP/1.1 204 No Content\r\n\r\n", b"") as talker:
        assert post(f"json://127.0.0.1:{talker.port}") == Answer(True, "HTTP 204")
        assert b"\r\naccept-encoding: identity\r\n" in talker.asked.lower()


def test_a_huge_error_is_cut(receiver: Receiver) -> None:
    receiver.status, receiver.body = 500, b"<html>" * 1_000_000
    answer = post(receiver.url)
    assert answer.text.startswith("HTTP 500 <html><html>")
    assert len(answer.text) < 300


def test_a_closed_port_is_named_as_such() -> None:
    assert post(f"json://127.0.0.1:{free_port()}") == Answer(False, "Connection refused")


def test_a_name_that_does_not_resolve_is_not_delivered() -> None:
    answer = post("json://no-such-host.invalid/")
    assert not answer.is_delivered
    assert answer.text


def test_apprise_does_not_pause_between_messages(receiver: Receiver) -> None:
    service = open_service(receiver.url, 5.0)
    service.request_rate_per_sec = 3600.0
    with listening(5.0):
        assert [notify(service, "t", str(i)) for i in range(3)] == [True] * 3


def test_retries_in_the_address_are_ignored(receiver: Receiver) -> None:
    receiver.status = 500
    assert post(f"{receiver.url}?retry=3&wait=0.01") == Answer(False, "HTTP 500")
    assert len(open_service(f"{receiver.url}?retry=3", 1.0)) == 1  # else it would look like many recipients
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("robot", "body", "is_delivered"),
    [
        ("dingtalk", '{"errcode":0,"errmsg":"ok"}', True),
        ("dingtalk", '{"errcode":"0","errmsg":"ok"}', True),
        ("dingtalk", '{"errcode":310000,"errmsg":"keywords not in content"}', False),
        ("dingtalk", '{"errcode":"130101","errmsg":"send too fast"}', False),
        ("dingtalk", "<html>Welcome to the hotel network</html>", False),
        ("dingtalk", "", False),
        ("wecombot", '{"errcode":0,"errmsg":"ok"}', True),
        ("wecombot", '{"errcode":93000,"errmsg":"invalid webhook url"}', False),
        ("feishu", '{"code":0,"data":{},"msg":"success"}', True),
        ("feishu", '{"StatusCode":0,"StatusMessage":"success","code":0}', True),
        ("feishu", '{"StatusCode":0,"StatusMessage":"success"}', True),
        ("feishu", '{"code":9499,"msg":"Bad Request","data":{}}', False),
        ("feishu", '{"StatusCode":11232,"StatusMessage":"frequency limited"}', False),
        ("lark", '{"code":19001,"msg":"param invalid: incoming webhook access token invalid"}', False),
        ("json", '{"code":200,"message":"success"}', True),   # many services count this way
        ("json", "[1]", True),
        ("json", "ok", True),
        ("json", "{not json", True),
        ("json", '{"errcode":1}', False),
    ],
)  # fmt: skip
def test_result_codes_of_chat_robots(robot: str, body: str, is_delivered: bool) -> None:
    assert (refusal(robot, Exchange(200, body, "")) == "") is is_delivered


@pytest.mark.parametrize(
    ("address", "robot"),
    [(f"dingtalk://{TOKEN}", "dingtalk"), (f"wecombot://{TOKEN}", "wecombot"), (f"feishu://{TOKEN}", "feishu"),
     (f"lark://{TOKEN}", "lark")],
)  # fmt: skip
def test_apprise_knows_the_robots_by_these_names(address: str, robot: str) -> None:
    assert str(open_service(address, 1.0).secure_protocol) == robot
    assert is_usable(f"{address}\n")


def test_when_only_some_were_reached_nobody_is_told_twice() -> None:
    with listening(1.0) as heard:
        heard.exchanges += [Exchange(200, "", ""), Exchange(404, "no such chat", "")]
        assert judged("tgram", is_accepted=False, heard=heard, targets=2) == Answer(
            False, "only some were reached: HTTP 404 no such chat", is_final=True
        )
        assert judged("wechat", is_accepted=False, heard=heard, targets=1) == Answer(False, "HTTP 404 no such chat")


# -- addresses


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", TOKEN, "weixin://abc", f"wecom://{TOKEN}",
     f"nosuchservice://{TOKEN}", "dingtalk://", f"dingtalk://{TOKEN}!!", f"wecombot://{TOKEN}%%/",
     f"mailto://{TOKEN}", f"json://:{TOKEN}@", f"tgram://{TOKEN}"],
)  # fmt: skip
def test_a_bad_address_is_final_and_shows_at_most_its_scheme(address: str) -> None:
    scheme, is_address, _ = address.partition("://")
    shown = f"{scheme}://…" if is_address else "no scheme such as wecombot://"
    assert post(address) == Answer(False, f"unusable address: {shown}", is_final=True)
    assert not is_usable(address)


def test_secrets_stay_out_of_logs_and_answers(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1)
    receiver.status, receiver.body = 403, f"token {TOKEN} expired".encode()
    port = receiver.server_port
    texts = [
        post(f"json://127.0.0.1:{port}/hook/{TOKEN}?+X-Key={TOKEN}").text,
        post(f"json://user:{TOKEN}@127.0.0.1:{port}/").text,
        post(f"json://user:{TOKEN}@127.0.0.1:{free_port()}/").text,
        post(f"mailto://user:{TOKEN}@127.0.0.1:{free_port()}?from=a@b.example&to=c@d.example").text,
        post(f"dingtalk://{TOKEN}!/").text,
        post(f"nosuchservice://{TOKEN}").text,
    ]
    assert texts[0] == texts[1] == "HTTP 403 token … expired"
    assert not [text for text in [*texts, caplog.text] if TOKEN in text]
    logging.getLogger("caretaker").info("heard")  # the capture itself works
    assert "heard" in caplog.text


@pytest.mark.parametrize(
    ("text", "url", "shown", "expected"),
    [
        ("a p@ss word", "mailto://me:p%40ss@host", "mailto://me:****@host", "a … word"),
        ("host me ok", "mailto://me:p%40ss@host", "mailto://me:****@host", "host me ok"),
        ("abc", "x://abc", "", "abc"),  # too short to be a secret
        ("key=longtoken", "https://h/robot?key=longtoken", "https://h/robot", "key=…"),
    ],
)
def test_hiding(text: str, url: str, shown: str, expected: str) -> None:
    assert hidden(text, url, shown=shown) == expected


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("一二三", 9, "一二三"),
        ("一二三", 8, "一\n…"),
        ("line one\nline two\nline three", 22, "line one\nline two\n…"),
        ("abcdef", 0, "\n…"),
    ],
)
def test_a_text_is_cut_in_bytes_between_lines(text: str, most: int, expected: str) -> None:
    assert fitting(text, most) == expected


def test_a_long_list_fits_what_wecom_takes() -> None:
    service = open_service(f"wecombot://{TOKEN}", 1.0)
    lines = "\n".join(f"#{i} 3号宿舍楼 {i}：水龙头已连续流水" for i in range(300))
    assert len(fitting(lines, service.body_maxlen).encode()) <= 2048


# -- everything else that speaks HTTP


def test_who_does_not_listen_is_not_heard_nor_cut(receiver: Receiver) -> None:
    receiver.body = b"x" * 100_000
    with listening(5.0) as heard:
        pass
    answer = requests.post(f"http://127.0.0.1:{receiver.server_port}", json={}, timeout=5.0)
    assert (answer.content, heard.exchanges) == (receiver.body, [])


def test_who_listens_reads_the_same_as_the_plugin(receiver: Receiver) -> None:
    receiver.body = '{"errmsg":"好"}'.encode()
    with listening(5.0) as heard:
        answer = requests.post(f"http://127.0.0.1:{receiver.server_port}", json={}, timeout=5.0)
    assert answer.json() == {"errmsg": "好"}
    assert heard.exchanges == [Exchange(200, '{"errmsg":"好"}', "")]


# -- the price


def test_importing_the_sender_does_not_bring_apprise() -> None:
    code = "import sys, adapters.notify; sys.exit('apprise' in sys.modules or 'requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
