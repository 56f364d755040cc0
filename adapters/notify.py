"""Sends one message to one endpoint and says what it answered.

Strategy. An address is apprise's, and holds secrets. Delivered means that the endpoint's own answer says so: `wiretap`
hears it beneath apprise, and here it is judged. Nothing of the address ever leaves this module: neither in an answer
nor in a log.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

import orjson

if TYPE_CHECKING:
    from adapters.wiretap import Exchange, Heard, Reply

# Chat robots that answer 200 whatever happens, and the fields of which one must be 0.
_RESULT_CODES: Mapping[str, tuple[str, ...]] = {
    "dingtalk": ("errcode",),
    "wecombot": ("errcode",),
    "feishu": ("code", "StatusCode"),
    "lark": ("code", "StatusCode"),
}
_EXCERPT = 200
_SECRET_LENGTH = 4  # a shorter piece of an address is no secret, and hiding it would garble every text


class Answer(NamedTuple):
    """What became of a message; `is_final` says that sending it again cannot help."""

    is_delivered: bool
    text: str
    is_final: bool = False


def send(url: str, title: str, body: str, *, timeout_s: float) -> Answer:
    """Send a plain text to an apprise address and wait for the endpoint's answer."""
    from adapters import wiretap  # 48 MB that a campus which tells nobody does not pay

    url = url.strip()
    with wiretap.listening(timeout_s) as heard:
        service = wiretap.open_service(url, timeout_s)
        if service is None:
            return Answer(False, f"unusable address: {_scheme(url)}", is_final=True)
        try:
            is_accepted = wiretap.notify(service, title, fitting(body, service.body_maxlen - len(title.encode()) - 2))
        except Exception as error:  # noqa: BLE001  one of 170 foreign plugins: whatever it raises, this did not arrive
            heard.troubles.append(f"{type(error).__name__}: {error}")
            is_accepted = False
    robot = str(service.secure_protocol)
    answer = judged(robot, is_accepted=is_accepted, heard=heard, targets=len(service))
    shown = str(service.url(privacy=True))
    if not heard.replies:  # who was refused a mail is worth reading; the path of a webhook is a secret to us
        shown = urlsplit(shown).netloc
    return answer._replace(text=hidden(answer.text, url, shown=shown))


def is_usable(url: str) -> bool:
    """Whether an address is one that messages can be sent to; nothing is sent."""
    from adapters import wiretap  # as above: paid by those who tell somebody

    return wiretap.open_service(url.strip(), 1.0) is not None


def _scheme(url: str) -> str:
    """All that may be shown of an address that is not understood: any other piece of it can be the secret."""
    scheme = re.match(r"[a-zA-Z][\w+.-]*://", url)
    return f"{scheme[0]}…" if scheme else "no scheme such as wecombot://"


def judged(robot: str, *, is_accepted: bool, heard: "Heard", targets: int) -> Answer:
    """The verdict over what was heard from a service; `is_accepted` is apprise's own."""
    refusals = [text for text in (refusal(robot, exchange) for exchange in heard.exchanges) if text]
    coded = [exchange for exchange in heard.exchanges if _is_ok(exchange) and refusal(robot, exchange)]
    if is_accepted and not coded:
        return Answer(True, _last_word(heard))
    bounced = [f"{reply.code} {excerpt(reply.text)}" for reply in heard.replies if reply.code >= 400]
    text = (refusals or bounced or heard.troubles or heard.warnings or ["no answer"])[-1]
    taken = _took_mail(heard.replies) or (targets > 1 and len(refusals) < len(heard.exchanges))
    if taken:  # to send it again would tell some of them again and again
        return Answer(False, f"only some were reached: {text}", is_final=True)
    return Answer(False, text)


def refusal(robot: str, exchange: "Exchange") -> str:
    """Why an HTTP answer is no delivery, in the endpoint's own words; empty when it is one."""
    if not _is_ok(exchange):
        to = f" to {urlsplit(exchange.location).hostname}" if exchange.location else ""
        return f"HTTP {exchange.status}{to} {excerpt(exchange.body)}".rstrip()
    try:
        fields = orjson.loads(exchange.body)
    except orjson.JSONDecodeError:
        fields = None
    names = _RESULT_CODES.get(robot, ("errcode", "StatusCode"))
    codes = [str(fields[name]) for name in names if name in fields] if isinstance(fields, dict) else []
    if any(code != "0" for code in codes):
        return excerpt(exchange.body)
    if robot in _RESULT_CODES and not codes:
        return f"answered without a result code: {excerpt(exchange.body)}"
    return ""


def _is_ok(exchange: "Exchange") -> bool:
    return 200 <= exchange.status < 300


def _took_mail(replies: "list[Reply]") -> bool:
    """Whether a mail server took a message: 354 go on, then 250 done."""
    return any(first.code == 354 and second.code == 250 for first, second in pairwise(replies))


def _last_word(heard: "Heard") -> str:
    if heard.exchanges:
        last = heard.exchanges[-1]
        return f"HTTP {last.status} {excerpt(last.body)}".rstrip()
    accepted = [reply for before, reply in pairwise(heard.replies) if before.code == 354]
    return f"{accepted[-1].code} {excerpt(accepted[-1].text)}" if accepted else "sent"


def excerpt(text: str) -> str:
    """The beginning of an answer on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"


def fitting(text: str, most_bytes: int) -> str:
    """As many whole lines as an endpoint takes; limits that it counts in characters are met all the more."""
    if len(text.encode()) <= most_bytes:
        return text
    cut = text.encode()[: max(0, most_bytes - len("\n…".encode()))].decode(errors="ignore")
    return (cut[: cut.rfind("\n")] if "\n" in cut else cut) + "\n…"


def hidden(text: str, url: str, *, shown: str = "") -> str:
    """A text without the pieces of an address that are not in what may be shown of it."""
    raw = set(re.split(r"[/:@?&=,#\s]+", url.partition("://")[2] or url))
    pieces = raw | {unquote(piece) for piece in raw}
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) >= _SECRET_LENGTH and piece not in shown:
            text = text.replace(piece, "…")
    return text
