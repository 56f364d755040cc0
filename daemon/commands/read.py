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

if TYPE_CHECKING:
    from adapters.link import Link
    from adapters.protocol import AnyCodec, AnyQuery, Frame, Garble

NAME = "read"

_HINTS = """No answer. What it usually is, in this order:
  - A and B are swapped: change the two wires over.
  - The address: {form}.{any}
  - The speed: this was {line}. Try --line with 1200, 2400, 4800 or 9600 and 8E1 or 8N1.
  - The meter has no power, or does not speak {protocol}.
"""
_ANY = " With a single meter on the line, try the address `any`."
_GARBLED = """The line is alive, but nothing that came was a whole frame. Usually the speed or the parity is wrong
(--line), two meters answer at once (`any` needs a single meter on the line), or the line lacks its end resistor.
"""
_STRANGER = """A meter answered, but not to this question: compare its address above, and whether it speaks {protocol}
(`caretaker decode ...` explains a frame).
"""
_SLOWEST_FRAME_S = 3.0   # the longest frame at 1200 baud, so that a line full of noise ends it too


class Exchange(NamedTuple):
    """A request, the answer to it if one came, and all else that was on the line."""

    request: bytes
    answer: "Frame | None"
    others: "list[Frame | Garble]"


class Meter(NamedTuple):
    """The meter at the other end, and how it is spoken to."""

    link: "Link"
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
            return _read(Meter(link, codec, address, args.timeout), table.queries, line_text(line))
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
            sys.stderr.write(_advice(meter.codec, exchanges, line))
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
    from adapters.protocol import Garble
    from adapters.serial_line import wait_readable

    codec, line = meter.codec, meter.link.fileno()
    decoder = codec.decoder(request)
    others: list[Frame | Garble] = []
    while wait_readable([line], 0.0):   # what came too late for the question before
        _some(line)
    os.write(line, request)
    until = latest = time.monotonic() + meter.timeout_s + meter.link.lag_s
    latest += _SLOWEST_FRAME_S
    while True:
        now = time.monotonic()
        ready = wait_readable([line], max(0.0, min(until, latest) - now))
        found = decoder.feed(_some(line)) if ready and now < latest else decoder.flush()
        for item in found:
            if isinstance(item, Garble) or not item.is_reply or codec.mismatch(item, meter.address, query, answers):
                others.append(item)
            else:
                return Exchange(request, item, others)
        if not ready or now >= latest:
            return Exchange(request, None, others)
        until = max(until, time.monotonic() + 0.5 + meter.link.lag_s)


def _some(line: int) -> bytes:
    data = os.read(line, 4096)
    if not data:
        raise OSError("it can be read, but nothing comes")
    return data


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


def _advice(codec: "AnyCodec", exchanges: list[Exchange], line: str) -> str:
    kinds = {_kind(item) for done in exchanges for item in done.others} - {"echo"}
    if "other" in kinds:
        return _STRANGER.format(protocol=codec.title)
    if kinds:
        return _GARBLED
    return _HINTS.format(
        form=codec.address_form["en"], any=_ANY if codec.any_address else "", line=line, protocol=codec.title
    )


def _kind(item: "Frame | Garble") -> str:
    from adapters.protocol import Garble

    if isinstance(item, Garble):
        return item.reason.value
    return "other" if item.is_reply else "echo"
