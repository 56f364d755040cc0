"""ask one meter for all it knows, and show the frames

试读一块表，显示报文
"""

import argparse
import os
import sys
import termios
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from daemon.config.errors import message_language

if TYPE_CHECKING:
    from adapters.link import Link
    from adapters.protocol import AnyCodec, AnyQuery, Frame, Garble

NAME = "read"

_PORT = "port"   # a line of this machine; the others by the scheme of their server
_HINTS = {   # what a silent line usually is, by language and kind of line
    "en": {
        _PORT: """No answer. What it usually is, in this order:
  - A and B are swapped: change the two wires over.
  - The address: {form}.{any}
  - The speed: this was {line}. Try --line with 1200, 2400, 4800 or 9600 and 8E1 or 8N1.
  - The meter has no power, or does not speak {protocol}.
""",
        "tcp": """No answer, but the server is there. What it usually is, in this order:
  - A and B are swapped at the server: change the two wires over.
  - The address: {form}.{any}
  - The speed and parity are set in the server (its own page), not by --line: they must be those of the meter.
  - The server must pass bytes on as they are: mode "TCP server" (or "transparent", "raw"), no protocol of its own.
  - Another client holds the connection: most servers take one. Stop it; `caretaker run` is one too.
  - The meter has no power, or does not speak {protocol}.
""",
        "modbus-tcp": """No answer, but the gateway is there. What it usually is, in this order:
  - The unit number: {form}. It must be that of the device behind the gateway.
  - The gateway's own settings: speed and parity of its line, and a protocol that turns Modbus TCP into Modbus RTU.
  - The gateway takes only clients that it knows: look for an IP filter, or another client that holds the connection.
  - The device behind it: no power, or A and B swapped.
""",
    },
    "zh": {
        _PORT: """没有应答。依次检查：
  - A、B 是否接反：对调两根线。
  - 表地址：{form}。{any}
  - 速率：这次用的是 {line}。用 --line 试 1200、2400、4800、9600，配 8E1 或 8N1。
  - 表没有电，或不用 {protocol}。
""",
        "tcp": """服务器连得上，但没有应答。依次检查：
  - 服务器上的 A、B 是否接反：对调两根线。
  - 表地址：{form}。{any}
  - 速率和校验在串口服务器的设置页里改，--line 不起作用：须与表一致。
  - 工作模式：应为“TCP Server”透明传输，不要选别的协议。
  - 连接被别的客户端占用：多数服务器只接受一个连接；请停掉它，`caretaker run` 也算一个。
  - 表没有电，或不用 {protocol}。
""",
        "modbus-tcp": """网关连得上，但没有应答。依次检查：
  - 单元号（站号）：{form}。须是网关后面那台设备的站号。
  - 网关自己的设置：下行串口的速率和校验，以及“Modbus TCP 转 Modbus RTU”。
  - 网关只接受已知的客户端：检查 IP 过滤（白名单），或连接被别的客户端占用。
  - 网关后面的设备：没有电，或 A、B 接反。
""",
    },
}
_ANY = {
    "en": " With a single meter on the line, try the address `any`.", "zh": "线上只有一块表时，可用地址 `any`。",
}  # fmt: skip
_GARBLED = {
    "en": {
        _PORT: """The line is alive, but nothing that came was a whole frame. Usually the speed or the parity is wrong
(--line), two meters answer at once (`any` needs a single meter on the line), or the line lacks its end resistor.
""",
        "tcp": """The line is alive, but nothing that came was a whole frame. Usually the speed or the parity set in the
server is wrong, its mode is not "TCP server" (bytes as they are), two meters answer at once (`any` needs a single meter
on the line), or the line lacks its end resistor.
""",
        "modbus-tcp": """Something answers, but not in Modbus TCP. Usually it is a transparent serial server (name it
tcp://HOST:PORT), or the port is another service's.
""",
    },
    "zh": {
        _PORT: """线上有数据，但没有一条完整的报文。多半是速率或校验不对（--line），两块表同时应答
（用 `any` 时线上只能有一块表），或缺终端电阻。
""",
        "tcp": """线上有数据，但没有一条完整的报文。多半是串口服务器里的速率或校验不对，工作模式不是“TCP Server”
透明传输，两块表同时应答（用 `any` 时线上只能有一块表），或缺终端电阻。
""",
        "modbus-tcp": """有应答，但不是 Modbus TCP。多半是透明传输的串口服务器（请写 tcp://主机:端口），或端口属于别的服务。
""",
    },
}
_STRANGER = {
    "en": """A meter answered, but not to this question: compare its address above, and whether it speaks {protocol}
(`caretaker decode ...` explains a frame).
""",
    "zh": """有表应答，但不是对这次询问的应答：请核对上面的地址，以及它是否用 {protocol}
（`caretaker decode ...` 可解释报文）。
""",
}
_SLOWEST_FRAME_S = 3.0   # the longest frame at 1200 baud, so that a line full of noise ends it too


class Exchange(NamedTuple):
    """A request, the answer to it if one came, and all else that was on the line."""

    request: bytes
    answer: "Frame | None"
    others: "list[Frame | Garble]"


class Meter(NamedTuple):
    """The meter at the other end, and how it is spoken to."""

    link: "Link"
    port: str
    codec: "AnyCodec"
    address: str
    timeout_s: float


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Ask one meter for all it knows and show the frames: the first thing to try on a new line. Exit code 1: it did "
        "not answer; 2: the port cannot be used."
    )
    parser.add_argument("port", metavar="PORT", help=(
        "such as /dev/ttyUSB0 or /dev/serial/by-id/..., tcp://HOST:PORT, modbus-tcp://HOST"
    ))  # fmt: skip
    parser.add_argument("model", metavar="MODEL", help="the device table, such as dlt645-single-phase")
    parser.add_argument("address", metavar="ADDRESS", help="the meter's address, or `any` if it is alone on the line")
    parser.add_argument("--line", help="speed and byte format (default: as such meters leave the factory)")
    parser.add_argument(
        "--timeout", type=float, default=1.0, metavar="SECONDS",
        help="how long to wait for an answer to begin (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--tables", type=Path, default=Path("devices"), metavar="FOLDER",
        help="your own device tables, beside the configuration (default: %(default)s, if it is there)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print each quantity with its frames; 1 when the meter did not answer, 2 when the line could not be used."""
    from adapters.device_table import DeviceTableError, load_tables
    from adapters.link import codecs_of, open_link
    from adapters.serial_port import PortError, line_from, line_text

    try:
        tables = load_tables(args.tables)
        if args.model not in tables:
            raise ValueError(f"unknown model {args.model!r}; known are {', '.join(sorted(tables))}")
        table = tables[args.model]
        line = line_from(args.line or table.line or "2400 8E1")
        codec = codecs_of(args.port).get(table.protocol)
        if codec is None:
            raise ValueError(f"{args.port} speaks Modbus TCP, {table.name} {table.codec.title}")
        address = _address(args.address, codec)
        with closing(open_link(args.port, line)) as link:
            return _read(Meter(link, args.port, codec, address, args.timeout), table.queries, line_text(line))
    except (PortError, DeviceTableError, ValueError) as error:
        sys.stderr.write(f"caretaker read: {error}\n")
        return 2
    except BrokenPipeError:  # whoever reads our output has enough; the line is well
        raise
    except (OSError, termios.error) as error:   # SerialException is an OSError, termios.error is not
        sys.stderr.write(f"caretaker read: the port was lost: {error}\n")
        return 2


def _address(text: str, codec: "AnyCodec") -> str:
    if text.lower() != "any":
        return codec.address(text)
    if not codec.any_address:
        raise ValueError(f"{codec.title} has no address that every device answers: name its own")
    return codec.any_address


def _read(meter: Meter, queries: "tuple[AnyQuery, ...]", line: str) -> int:
    was_heard = False
    for query in queries:
        exchanges = ask(meter, query)
        last = exchanges[-1]
        if last.answer is not None:
            was_heard = True
            if meter.address == meter.codec.any_address:
                meter = meter._replace(address=last.answer.address)
                sys.stdout.write(f"meter {meter.address}\n")
        _show(meter.codec, query, exchanges)
        if not was_heard:   # the others would only make one wait
            sys.stderr.write(_advice(meter, exchanges, line))
            return 1
    return 0


def ask(meter: Meter, query: "AnyQuery") -> list[Exchange]:
    """All exchanges that a query takes, up to the first without an answer."""
    exchanges: list[Exchange] = []
    answers: list[Frame] = []
    while (request := meter.codec.request(meter.address, query, answers)) is not None:
        done = exchange(meter, query, request, answers)
        exchanges.append(done)
        if done.answer is None or meter.codec.refusal(done.answer) is not None:
            break
        answers.append(done.answer)
    return exchanges


def exchange(meter: Meter, query: "AnyQuery", request: bytes, answers: "list[Frame]") -> Exchange:
    """Send one request and wait for its answer, as long as bytes keep coming."""
    from adapters.link import take
    from adapters.protocol import Garble
    from adapters.serial_line import wait_readable

    codec, line = meter.codec, meter.link.fileno()
    decoder = codec.decoder(request)
    others: list[Frame | Garble] = []
    while wait_readable([line], 0.0):   # what came too late for the question before
        take(line, meter.port)
    os.write(line, request)
    until = latest = time.monotonic() + meter.timeout_s + meter.link.lag_s
    latest += _SLOWEST_FRAME_S
    while True:
        now = time.monotonic()
        ready = wait_readable([line], max(0.0, min(until, latest) - now))
        found = decoder.feed(take(line, meter.port)) if ready and now < latest else decoder.flush()
        for item in found:
            if isinstance(item, Garble) or not item.is_reply or codec.mismatch(item, meter.address, query, answers):
                others.append(item)
            else:
                return Exchange(request, item, others)
        if not ready or now >= latest:
            return Exchange(request, None, others)
        until = max(until, time.monotonic() + 0.5 + meter.link.lag_s)


def _show(codec: "AnyCodec", query: "AnyQuery", exchanges: list[Exchange]) -> None:
    from rules.model import Reason
    from rules.quantity import QUANTITIES

    answers = [done.answer for done in exchanges if done.answer is not None]
    refusal = codec.refusal(answers[-1]) if answers else None
    said, values = "no answer", {}
    if refusal is not None:
        said = f"refused: {refusal.text}"
    elif len(answers) == len(exchanges):
        decoded = codec.decode(query, answers)
        said = f"unreadable: {decoded.value}" if isinstance(decoded, Reason) else "absent"
        values = {} if isinstance(decoded, Reason) else decoded
    for field in query.fields:
        unit = QUANTITIES[field.quantity].unit
        text = f"{values[field.label]:>12.10g} {unit}" if field.label in values else said
        sys.stdout.write(f"{query.name}  {field.label:<20} {text}".rstrip() + "\n")
    for done in exchanges:
        sys.stdout.write(f"    sent      {done.request.hex(' ').upper()}\n")
        for item in done.others:
            sys.stdout.write(f"    {_kind(item):<9} {item.raw.hex(' ').upper()}\n")
        if done.answer is not None:
            sys.stdout.write(f"    answered  {done.answer.raw.hex(' ').upper()}\n")
    sys.stdout.flush()  # also where the output goes into a pipe


def _advice(meter: Meter, exchanges: list[Exchange], line: str) -> str:
    """What to do where nothing that came was an answer, by the kind of line."""
    from adapters.link import server_of

    codec, language = meter.codec, message_language(os.environ, "en")
    server = server_of(meter.port)
    way = server.scheme if server else _PORT
    kinds = {_kind(item) for done in exchanges for item in done.others} - {"echo"}
    if "other" in kinds:
        return _STRANGER[language].format(protocol=codec.title)
    if kinds:
        return _GARBLED[language][way]
    return _HINTS[language][way].format(
        form=codec.address_form[language].strip(), any=_ANY[language] if codec.any_address else "", line=line,
        protocol=codec.title,
    )  # fmt: skip


def _kind(item: "Frame | Garble") -> str:
    from adapters.protocol import Garble

    if isinstance(item, Garble):
        return item.reason.value
    return "other" if item.is_reply else "echo"
