"""say what the bytes of a meter's frame mean

解读表计报文
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from adapters.protocol import AnyCodec, Garble
from adapters.protocols import CODECS
from rules.model import Reason

NAME = "decode"

_PROTOCOLS = {"dlt645": CODECS["dlt645-2007"], "cjt188": CODECS["cjt188-2004"], **CODECS}
_DETAILS = {
    Reason.NOISE: "no frame begins here",
    Reason.CHECKSUM: "the checksum does not fit the bytes",
    Reason.BAD_END: "the checksum fits, but the frame does not end with 16",
    Reason.BAD_LENGTH: "the declared length is not what the standard allows",
    Reason.HALF_FRAME: "the frame is cut off",
    Reason.OTHER_PROTOCOL: "a frame of DL/T 698.45, which is not read: set the meter to DL/T 645-2007",
}


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Say what the bytes of a meter's frame mean: one JSON object for each frame, or for what is wrong with the "
        "bytes. The exit code is 1 if anything was wrong."
    )
    parser.add_argument(
        "protocol", choices=_PROTOCOLS, help="dlt645: either edition of DL/T 645; the others as in a device table"
    )
    parser.add_argument(
        "hex", nargs="+", metavar="HEX|FILE",
        help="a frame each, such as 6861...8A16 or '68 61 ... 8A 16'; or byte by byte; or a file with a frame a line",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print what the bytes say; 1 if anything was wrong with them."""
    codec = _PROTOCOLS[args.protocol]
    try:
        streams = streams_from([text for argument in args.hex for text in _lines(argument)])
    except (ValueError, OSError) as error:
        sys.stderr.write(f"caretaker decode: {error}\n")
        return 1
    lines = [line for stream in streams for line in decoded(codec, stream, either_edition=args.protocol == "dlt645")]
    for line in lines:
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    return int(any("fault" in line for line in lines))


def _lines(argument: str) -> list[str]:
    """The argument itself, or the lines of the file that it names; `#` begins a comment."""
    if re.search(r"[./\\]", argument) is None or not Path(argument).is_file():
        return [argument]
    rows = Path(argument).read_text(encoding="utf-8-sig").splitlines()
    return [line for row in rows if (line := row.partition("#")[0].strip())]


def streams_from(texts: Sequence[str]) -> list[bytes]:
    """The bytes of the arguments: each a stream of its own, but single bytes in a row are one stream."""
    streams: list[bytes] = []
    joins = False
    for text in texts:
        digits = re.sub(r"0[xX](?=[0-9a-fA-F]{2})|[\s,:-]", "", text)
        wrong = re.search(r"[^0-9a-fA-F]", digits)
        if wrong:
            raise ValueError(f"{text!r} is no hexadecimal text: {wrong.group()!r} is not one of 0-9 A-F")
        if not digits or len(digits) % 2:
            raise ValueError(f"{text!r} has {len(digits)} hexadecimal digits; a byte has two")
        is_byte = len(digits) == 2
        if joins and is_byte:
            streams[-1] += bytes.fromhex(digits)
        else:
            streams.append(bytes.fromhex(digits))
        joins = is_byte
    return streams


def decoded(codec: AnyCodec, stream: bytes, *, either_edition: bool = False) -> Iterator[dict[str, Any]]:
    """What one stream of bytes holds, in order; `either_edition`: of DL/T 645, whichever a frame is of."""
    decoder = codec.decoder()
    found = decoder.feed(stream) + decoder.flush()
    for item in found:
        if isinstance(item, Garble):
            yield _fault(item.reason, item.raw)
        else:
            is_old = either_edition and item.is_1997
            yield (CODECS["dlt645-1997"] if is_old else codec).describe(item) | _raw(item.raw)
    if not found:
        yield _fault(Reason.HALF_FRAME, stream)


def _raw(raw: bytes) -> dict[str, Any]:
    return {"frame": raw.hex(" ").upper()}


def _fault(reason: Reason, raw: bytes) -> dict[str, Any]:
    return {"fault": reason.value, "detail": _DETAILS[reason]} | _raw(raw)
