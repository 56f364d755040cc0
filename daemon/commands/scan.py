"""find the meters on a line, whatever they speak

扫描一条线上的表，不论何种协议
"""

import argparse
import os
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.config.errors import LANGUAGES, message_language
from daemon.config.files import TABLES_FOLDER

if TYPE_CHECKING:
    from adapters.link import Link
    from adapters.scan import Met, Scan, Stage
    from adapters.scan_probe import Note
    from adapters.serial_line import Wait
    from adapters.serial_port import PortError
    from adapters.source import Line

NAME = "scan"

_GATEWAY_S = 3.0   # a gateway waits for silent devices by itself, and what it was asked meanwhile would wait too
_PROTOCOLS = ("dlt645", "cjt188", "mbus", "modbus")


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Find all meters on a line: DL/T 645 (2007 and 1997), CJ/T 188, M-Bus and Modbus, at the usual speeds, and "
        "print a [[source]] for them. It only reads. Nothing else may use the line meanwhile: stop `caretaker run`, "
        "and do not scan a line that has another master. Without limits it takes a quarter of an hour; Ctrl-C prints "
        "what was found so far. Exit code 1: nothing found; 2: the port cannot be used."
    )
    parser.add_argument("port", metavar="PORT|HOST:PORT", help=(
        "such as /dev/ttyUSB0; a transparent serial server as 192.168.1.50:8899; modbus-tcp://HOST"
    ))  # fmt: skip
    parser.add_argument("--line", help="only these settings, such as '2400 8E1' (default: the usual ones, in turn)")
    parser.add_argument(
        "--protocol", action="append", choices=_PROTOCOLS,
        help="only this one (may be repeated); where it is named, M-Bus asks each primary address even if nobody "
        "answers the general call, and Modbus each silent address for an input register too",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=float, metavar="SECONDS",
        help="how long a device may take to begin its answer (default: as each protocol allows)",
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the source to this file, which must be new")
    parser.add_argument("--language", choices=LANGUAGES, help="of what is said (default: by LANG, else zh)")
    parser.add_argument(
        "--tables", type=Path, default=Path(TABLES_FOLDER), metavar="FOLDER",
        help="your own device tables, beside the configuration (default: %(default)s, if it is there)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Search, print what was found as configuration, and say what it comes to."""
    from adapters.device_table import DeviceTableError
    from adapters.serial_port import PortError
    from daemon.scan_text import config, say, verdict

    language = args.language or message_language(os.environ, "zh")
    if args.write and args.write.exists():
        sys.stderr.write(say("exists", language, file=args.write) + "\n")
        return 2
    met: list[Met] = []
    notes: list[Note] = []
    code = 0
    try:
        todo, port = todo_of(args)
    except (DeviceTableError, ValueError) as error:
        sys.stderr.write(f"caretaker scan: {error}\n")
        return 2
    scan = _scan(todo, port, args.timeout)
    try:
        _search(scan, port, language, met, notes)
    except KeyboardInterrupt:
        sys.stderr.write("\n" + say("interrupted", language) + "\n")
        code = 130
    except BrokenPipeError:  # whoever reads what we say has enough; the line is well
        raise
    except (PortError, OSError, termios.error) as error:
        sys.stderr.write(f"caretaker scan: {error}\n")
        code = 2
    if code != 2:
        sys.stderr.writelines(f"{line}\n" for line in verdict(met, notes, scan.tally, language))
    if met:
        is_line_known = args.line is not None or "://" not in port
        _write(config(port, met, language, is_line_known=is_line_known), args.write, language)
    return code or int(not met)


def _scan(todo: "list[Stage]", port: str, timeout_s: float | None) -> "Scan":
    """The scan of a port; a server adds its own delay, and a gateway asks for its devices' answers at its own pace."""
    from adapters.link import MODBUS_TCP
    from adapters.scan import Scan
    from adapters.tcp_link import LAG_S

    if port.startswith(MODBUS_TCP):
        return Scan(todo, reply_s=timeout_s or _GATEWAY_S, gap_s=0.0)
    return Scan(todo, reply_s=timeout_s, lag_s=LAG_S if "://" in port else 0.0)


def todo_of(args: argparse.Namespace) -> "tuple[list[Stage], str]":
    """What is to be searched, and the port as the configuration names it."""
    from adapters.device_table import load_tables
    from adapters.link import codecs_of, server_of
    from adapters.scan import PROTOCOLS, stages
    from adapters.serial_port import line_from
    from adapters.source import Line

    port = f"tcp://{args.port}" if ":" in args.port and "/" not in args.port else args.port
    line = line_from(args.line) if args.line else None
    if line is None and server_of(port) is not None:
        line = Line()   # the server's own settings count; the slowest of the usual ones only make us patient
    todo = stages(
        load_tables(args.tables), protocols=args.protocol or PROTOCOLS, line=line,
        every_address=args.protocol is not None, codecs=codecs_of(port),
    )  # fmt: skip
    if not todo:
        raise ValueError(f"{', '.join(args.protocol)} is not spoken over {port}")
    return todo, port


def _search(scan: "Scan", port: str, language: str, met: "list[Met]", notes: "list[Note]") -> None:
    """Let the scan run, telling each meter and note when it comes."""
    from adapters.scan import Met
    from adapters.scan_probe import Note
    from adapters.serial_port import PortError
    from daemon.progress import Bar
    from daemon.scan_text import met_text, say, stage_name, stage_text

    with Bar("", scan.expected_s) as bar:
        def refuse(error: PortError) -> None:
            bar.tell(say("port", language, why=error))

        link, line = _opened(scan, port, refuse)
        with closing(link):
            for events in pump(scan, link, line, refuse=refuse, port=port):
                bar.reach(scan.reached_s, total=scan.expected_s)
                for event in events:
                    if isinstance(event, Met):
                        met.append(event)
                        bar.tell(met_text(event, language))
                    elif isinstance(event, Note):
                        notes.append(event)
                        bar.tell(say(event.code, language, about=event.about))
                    elif sys.stderr.isatty():
                        bar.say(stage_name(event))
                    else:
                        bar.tell(stage_text(event, scan.expected_s - scan.reached_s, language))


def pump(
    scan: "Scan", link: "Link", line: "Line", *, refuse: Callable[["PortError"], None], port: str = "the port",
    steady: Callable[[], float] = time.monotonic, wait: "Wait | None" = None,
) -> "Iterator[list[Met | Note | Stage]]":  # fmt: skip
    """Pump a link, open with the settings `line`, through a scan; settings that it cannot have are left out.

    It gives what each turn brings, mostly nothing.
    """
    from adapters.link import take
    from adapters.serial_line import wait_readable
    from adapters.serial_port import PortError

    while not scan.is_over:
        request = scan.next_request(steady())
        if request is not None and request.line != line:
            try:
                link.set_line(request.line)
            except PortError as error:
                refuse(error)
                scan.skip(request.line)
                link.set_line(line)
                continue
            line = request.line
        if request is not None:
            os.write(link.fileno(), request.data)
        due = scan.deadline()
        assert due is not None, "it is not over"
        is_ready = (wait or wait_readable)([link.fileno()], max(0.0, due - steady()))
        data = take(link.fileno(), port) if is_ready else b""
        yield scan.feed(data, steady())


def _opened(scan: "Scan", port: str, refuse: "Callable[[PortError], None]") -> "tuple[Link, Line]":
    """The port, open at the first settings that it can have; PortError where it can have none."""
    from adapters.link import open_link
    from adapters.serial_port import PortError

    refused: list[PortError] = []
    while (stage := scan.stage) is not None:
        try:
            link = open_link(port, stage.line)
        except PortError as error:
            refused.append(error)
            scan.skip(stage.line)
        else:
            for earlier in refused:
                refuse(earlier)
            return link, stage.line
    raise refused[0]


def _write(text: str, path: Path | None, language: str) -> None:
    """Put the configuration into a new file, or print it; it must not get lost when the file has come meanwhile."""
    from daemon.scan_text import say

    try:
        if path is not None:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            sys.stderr.write(say("written", language, file=path) + "\n")
            return
    except OSError as error:
        sys.stderr.write(f"{path}: {error.strerror}\n")
    sys.stdout.write(text)
