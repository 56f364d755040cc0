"""Damaged frames of every protocol through decoders, codecs and tables: nothing crashes, hangs or grows.

    python tests/codec_fuzz.py --minutes 60 [--from SEED]

A case is made of its seed alone: real frames of the device tables are cut, flipped, joined and buried in noise, and fed
in random portions. What is checked: no exception, no byte kept beyond the longest frame, an end of every query, values
that are finite numbers, or reasons.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Sequence

from adapters.device_table import load_tables
from adapters.protocol import AnyCodec, AnyQuery, Garble
from adapters.protocols import CODECS
from rules.model import Reason

LONGEST_KEPT = 2100     # of bytes that may yet become a frame: DL/T 698.45 has the longest
MOST_EXCHANGES = 20     # of one query
TABLES = load_tables()
FRAMES = {
    name: [frame for table in TABLES.values() if table.protocol == name for v in table.vectors for frame in v.frames]
    + [v.request for table in TABLES.values() if table.protocol == name for v in table.vectors if v.request]
    for name in CODECS
}
ADDRESSES = {"modbus": "1", "mbus": "5"}


def stream(rng: random.Random, frames: Sequence[bytes]) -> bytes:
    """Frames as a bad line delivers them."""
    out = bytearray()
    for _ in range(rng.randint(1, 4)):
        piece = bytearray(rng.choice(frames) if frames and rng.random() < 0.8 else rng.randbytes(rng.randint(0, 60)))
        for _ in range(rng.choice((0, 0, 1, 1, 2, 8))):
            damage(rng, piece)
        out += piece
    return bytes(out)


def damage(rng: random.Random, piece: bytearray) -> None:
    """One thing that goes wrong on a line."""
    at = rng.randrange(len(piece)) if piece else 0
    what = rng.randrange(5)
    if what == 0 and piece:
        piece[at] ^= 1 << rng.randrange(8)
    elif what == 1:
        piece[at:at] = rng.randbytes(rng.randint(1, 5))
    elif what == 2:
        del piece[at : at + rng.randint(1, 5)]
    elif what == 3 and piece:
        piece[at] = rng.choice((0x00, 0x10, 0x16, 0x68, 0xE5, 0xFE, 0xFF))
    else:
        del piece[at:]


def fuzz(seed: int) -> None:
    """One case; AssertionError, or whatever goes wrong, tells of a fault in the codecs."""
    rng = random.Random(seed)
    name = rng.choice(list(CODECS))
    codec, data = CODECS[name], stream(rng, FRAMES[name])
    tables = [table for table in TABLES.values() if table.protocol == name]
    query = rng.choice(rng.choice(tables).queries) if tables else None
    request = codec.request(address_of(codec, rng), query) if query and rng.random() < 0.5 else None
    decoder, found, at = codec.decoder(request or b""), [], 0
    while at < len(data):
        size = rng.choice((1, 2, 7, 64, 4096))
        found += decoder.feed(data[at : at + size])
        at += size
        assert len(decoder._buffer) <= LONGEST_KEPT
    found += decoder.flush()
    assert not decoder.is_waiting
    frames = [item for item in found if not isinstance(item, Garble)]
    assert sum(len(frame.raw) for frame in frames) <= len(data)
    for frame in frames:
        assert codec.describe(frame)
        codec.refusal(frame)
    if query is not None and frames:
        asked(codec, rng, query, frames)


def address_of(codec: AnyCodec, rng: random.Random) -> str:
    if codec.any_address and rng.random() < 0.5:
        return codec.any_address
    return codec.address(ADDRESSES.get(codec.name, "000000000001"))


def asked(codec: AnyCodec, rng: random.Random, query: AnyQuery, frames: Sequence[object]) -> None:
    """These frames as the answers to a query, whether they fit or not."""
    address, answers = address_of(codec, rng), []
    for _ in range(MOST_EXCHANGES):
        if codec.request(address, query, answers) is None:
            break
        frame = rng.choice(frames)
        codec.mismatch(frame, address, query, answers)
        answers.append(frame)
    else:
        raise AssertionError("a query that never ends")
    fitting = all(codec.mismatch(frame, address, query, answers[:n]) is None for n, frame in enumerate(answers))
    if not fitting or any(codec.refusal(frame) for frame in answers):
        return
    values = codec.decode(query, answers, multiplier=40.0)
    assert isinstance(values, Reason) or all(map(math.isfinite, values.values()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="SEED")
    args = parser.parse_args()
    until, seed = time.monotonic() + args.minutes * 60, args.first
    while time.monotonic() < until:
        try:
            fuzz(seed)
        except Exception:
            sys.stderr.write(f"seed {seed}\n")
            raise
        seed += 1
    sys.stdout.write(f"{seed - args.first} cases from seed {args.first}: nothing crashed, hung or grew\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
