"""ask one meter for all it knows, and show the frames

试读一块表，显示报文
"""

import argparse
import sys
import termios
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import serial

    from adapters.device_table import Query
    from adapters.dlt645 import Frame, Garble

NAME = "read"

_HINTS = """No answer. What it usually is, in this order:
  - A and B are swapped: change the two wires over.
  - The address: it is printed on the meter, 12 digits. With a single meter on the line, try the address `any`.
  - The speed: most meters use 2400 8E1, some 1200, 4800 or 9600 8E1. Try --line "9600 8E1".
  - The meter has no power, or speaks DL/T 645-1997 or Modbus.
"""
_GARBLED = """The line is alive, but nothing that came was a whole frame. Usually the speed or the parity is wrong
(--line), two meters answer at once (`any` needs a single meter on the line), or the line lacks its end resistor.
"""
_STRANGER = """A meter answered, but not to this question: compare its address above, and whether it speaks the 2007
edition (`caretaker decode dlt645 ...` explains a frame).
"""


class Exchange(NamedTuple):
    """A request, the answer to it if one came, and all else that was on the line."""

    request: bytes
    answer: "Frame | None"
    others: "list[Frame | Garble]"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Ask one meter for all it knows and show the frames: the first thing to try on a new line. Exit code 1: it did "
        "not answer; 2: the port cannot be used."
    )
    parser.add_argument("port", metavar="PORT", help="such as /dev/ttyUSB0 or /dev/serial/by-id/...")
    parser.add_argument("model", metavar="MODEL", help="the device table, such as dlt645-single-phase")
    parser.add_argument("address", metavar="ADDRESS", help="the meter's address, or `any` if it is alone on the line")
    parser.add_argument("--line", default="2400 8E1", help="speed and byte format (default: %(default)s)")
    parser.add_argument(
        "--timeout", type=float, default=1.0, metavar="SECONDS",
        help="how long to wait for an answer to begin (default: %(default)s)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print each quantity with its frames; 1 when the meter did not answer, 2 when the line could not be used."""
    from adapters.device_table import DeviceTableError, load_tables
    from adapters.dlt645 import ANY_ADDRESS, normal_address
    from adapters.serial_line import PortError, line_from, open_port

    try:
        tables = load_tables()
        if args.model not in tables:
            raise ValueError(f"unknown model {args.model!r}; known are {', '.join(sorted(tables))}")
        address = ANY_ADDRESS if args.address.lower() == "any" else normal_address(args.address)
        with open_port(args.port, line_from(args.line)) as port:
            return _read(port, tables[args.model].queries, address, args.timeout)
    except (PortError, DeviceTableError, ValueError) as error:
        sys.stderr.write(f"caretaker read: {error}\n")
        return 2
    except BrokenPipeError:  # whoever reads our output has enough; the line is well
        raise
    except (OSError, termios.error) as error:   # SerialException is an OSError, termios.error is not
        sys.stderr.write(f"caretaker read: the port was lost: {error}\n")
        return 2


def _read(port: "serial.Serial", queries: "tuple[Query, ...]", address: str, timeout_s: float) -> int:
    from adapters.dlt645 import ANY_ADDRESS

    was_heard = False
    for query in queries:
        done = exchange(port, query.identifier, address, timeout_s)
        if done.answer is not None:
            was_heard = True
            if address == ANY_ADDRESS:
                address = done.answer.address
                sys.stdout.write(f"meter {address}\n")
        _show(query, done)
        if not was_heard:   # the others would only make one wait
            sys.stderr.write(_advice(done))
            return 1
    return 0


def exchange(port: "serial.Serial", identifier: str, address: str, timeout_s: float) -> Exchange:
    """Send one request and wait for its answer, as long as bytes keep coming."""
    from adapters.dlt645 import Decoder, Frame, mismatch, read_request
    from adapters.serial_line import wait_readable

    request = read_request(address, identifier)
    decoder = Decoder()
    others: list[Frame | Garble] = []
    port.reset_input_buffer()
    port.write(request)
    port.flush()
    until = latest = time.monotonic() + timeout_s
    latest += 3.0   # the longest frame at 1200 baud, so that a line full of noise ends it too
    while True:
        now = time.monotonic()
        ready = wait_readable([port.fileno()], max(0.0, min(until, latest) - now))
        found = decoder.feed(port.read(4096)) if ready and now < latest else decoder.flush()
        for item in found:
            if isinstance(item, Frame) and item.is_reply and mismatch(item, address, identifier) is None:
                return Exchange(request, item, others)
            others.append(item)
        if not ready or now >= latest:
            return Exchange(request, None, others)
        until = max(until, time.monotonic() + 0.5)


def _show(query: "Query", done: Exchange) -> None:
    from adapters.dlt645 import refusal_text
    from rules.model import Reason
    from rules.quantity import QUANTITIES

    answer = done.answer
    said = "no answer"
    values = {}
    if answer is not None and answer.is_refusal:
        said = f"refused: {refusal_text(answer.error_word)}"
    elif answer is not None:
        decoded = query.decode(answer.payload)
        said = f"unreadable: {decoded.value}" if isinstance(decoded, Reason) else "absent"
        values = {} if isinstance(decoded, Reason) else decoded
    for field in query.fields:
        unit = QUANTITIES[field.quantity].unit
        text = f"{values[field.label]:>12.10g} {unit}" if field.label in values else said
        sys.stdout.write(f"{query.identifier}  {field.label:<20} {text}".rstrip() + "\n")
    sys.stdout.write(f"    sent      {done.request.hex(' ').upper()}\n")
    for item in done.others:
        sys.stdout.write(f"    {_kind(item):<9} {item.raw.hex(' ').upper()}\n")
    if answer is not None:
        sys.stdout.write(f"    answered  {answer.raw.hex(' ').upper()}\n")
    sys.stdout.flush()  # also where the output goes into a pipe


def _advice(done: Exchange) -> str:
    kinds = {_kind(item) for item in done.others} - {"echo"}
    if "other" in kinds:
        return _STRANGER
    return _GARBLED if kinds else _HINTS


def _kind(item: "Frame | Garble") -> str:
    from adapters.dlt645 import Frame

    if not isinstance(item, Frame):
        return item.reason.value
    return "other" if item.is_reply else "echo"
