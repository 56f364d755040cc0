"""What people declare while the gateway runs, on its way to the log: a folder of small files beside the database.

Strategy. Whoever declares something (a command, the panel) writes one file, whole or not at all; the file system says
who may. The gateway hands one file at a time to the pipeline as a broker would a message, with a number and a digest,
and removes it once it is committed: what a power cut left behind is known by them and not logged again. Without a
gateway the files wait for its start. A file that says nothing usable is put aside with a word why, never tried again.
"""

import logging
import os
import secrets
import stat
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from daemon.pipeline import Batch
from daemon.store import connect, last_snapshot, logged
from rules.fact import DECLARABLE, PEOPLE, PERMIT, Declaration, Fact, Permit, declarable, fact_points, sample_of
from rules.model import Received, Site
from rules.quantity import QUANTITIES

log = logging.getLogger("caretaker.facts")

LOOK_S = 1.0
TAKE_S = 3.0
STOP_S = 2.0
LARGEST_BYTES = 4096
REFUSED = ".refused"
OLD_S = 3600.0  # what began longer ago than this before anybody heard of it may be over by now
BEFORE_S = 3600.0  # a snapshot is of a mark, which stands a little before what was logged by then


class FactError(Exception):
    """What was declared cannot be used; says why."""


def folder_of(database: Path) -> Path:
    """Where declarations wait, beside the database."""
    return database.with_suffix(".declared")


def declare(wanted: Fact, folder: Path) -> Path:
    """Leave a fact for the gateway; its file, which is gone when it is committed. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{time.time_ns():020d}-{secrets.token_hex(4)}.json"
    fresh = f"{path.stem}.new"
    owner = folder.parent.stat()
    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)  # no link leads root to another folder
    try:
        new = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=inside)
        with open(new, "wb") as file:
            file.write(orjson.dumps({_NAMES[type(wanted)]: wanted._asdict()}))
            file.flush()
            os.fsync(new)
            if os.geteuid() == 0:  # the gateway runs as whoever owns the folder of its database
                for descriptor in (inside, new):
                    os.fchown(descriptor, owner.st_uid, owner.st_gid)
        os.replace(fresh, path.name, src_dir_fd=inside, dst_dir_fd=inside)
    finally:
        os.close(inside)
    return path


def waiting(folder: Path) -> list[Path]:
    """Declarations that are not taken up yet, the oldest first."""
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def body_of(path: Path) -> bytes:
    """What a declaration holds, too long by one byte at most; raises OSError, FactError for a pipe or a link."""
    with open(path, "rb", opener=_plainly) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FactError("not a file")
        return file.read(LARGEST_BYTES + 1)


def _plainly(path: str, flags: int) -> int:
    """Opens a file, never what a link points to, and waits for nobody at the other end of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)


def read(body: bytes, site: Site) -> Fact:
    """The fact in a file; raises FactError."""
    try:
        ((name, said),) = orjson.loads(body[:LARGEST_BYTES]).items()
        found = _PARSED[name](said)
        is_placed = found.place in site.places
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FactError("not a fact as caretaker writes it") from error
    if not is_placed:
        raise FactError(f"no place {found.place!r} in the configuration")
    if isinstance(found, Permit):
        _check_permit(found)
    elif found.what not in declarable(site, found.place):
        raise FactError(f"{found.what} is not for people to say about {found.place}")
    return found


def _permit(said: Mapping[str, Any]) -> Permit:
    return Permit(said["place"], float(said["watts"]), float(said["begin"]), float(said["end"]))


def _declaration(said: Mapping[str, Any]) -> Declaration:
    return Declaration(said["place"], said["what"], float(said["at"]))


_NAMES: Mapping[type[Fact], str] = {Permit: "permit", Declaration: "declared"}
_PARSED: Mapping[str, Callable[[Mapping[str, Any]], Fact]] = {"permit": _permit, "declared": _declaration}


def _check_permit(found: Permit) -> None:
    for name, value in zip(PERMIT, found[1:], strict=True):
        if not QUANTITIES[name].least <= value <= QUANTITIES[name].most:
            raise FactError(f"{name} = {value!r} is out of range")
    if found.watts > 0 and found.end <= found.begin:
        raise FactError("it ends before it begins")


def _check_age(found: Declaration, now: float) -> None:
    """An end is true however late it is heard; a beginning is not, and no round may be dated to now."""
    if DECLARABLE[found.what][1] and now - found.at > OLD_S:
        raise FactError(f"said {(now - found.at) / 3600:.1f} h before the gateway heard of it: say it again")


def newest_facts(database: Path, site: Site) -> dict[str, float]:
    """The newest value of each fact point that is committed, also while the gateway runs. Raises sqlite3.Error."""
    return {point: value for point, (_, value) in newest_readings(database, site).items()}


def newest_readings(database: Path, site: Site) -> dict[str, tuple[float, float]]:
    """The same with their times before them."""
    points = {point.id for point in fact_points(site)}
    newest: dict[str, tuple[float, float]] = {}
    with closing(connect(database, read_only=True)) as db:
        saved = last_snapshot(db)
        if saved is not None:
            newest = {point: (row[0], row[1]) for point, row in saved.latest.items() if point in points}
        since = saved.engine.mark - BEFORE_S if saved is not None else 0.0
        for batch in logged(db, since, inf, is_wanted=lambda layout: not points.isdisjoint(layout)):
            for sample, _ in batch.entries:
                for point in points.intersection(sample.values):
                    newest[point] = max(newest.get(point, (0.0, 0.0)), (sample.at, sample.values[point]))
    return newest


class _Handed(NamedTuple):
    path: Path
    packet: int


class Declarations:
    """Hands what is declared to the pipeline, one file at a time, from a thread of its own."""

    def __init__(
        self, folder: Path, site: Site, *, hand_over: Callable[[Batch], None], clock: Callable[[], float]
    ) -> None:
        self._folder = folder
        self._site = site
        self._hand_over = hand_over
        self._clock = clock
        self._handed: _Handed | None = None
        self._settled: set[str] = set()  # names, also of files that the disk does not let go of
        self._change = threading.Condition()
        self._bell = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="declarations", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take up nothing more; what was handed over is settled by the pipeline, or waits for the next start."""
        self._is_stopping = True
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def remind(self, permits: Sequence[Permit]) -> None:
        """Say again what holds: watches that began anew have not heard of it."""
        for held in permits:
            self._hand_over(Batch(PEOPLE, [Received(self._clock(), sample_of(held, self._clock()))]))

    def take(self, said: Fact) -> None:
        """Declare something, and wait a moment for its commit; from any thread. Raises OSError."""
        path = declare(said, self._folder)
        self._bell.set()
        with self._change:
            self._change.wait_for(lambda: path.name in self._settled, TAKE_S)

    def acknowledge(self, packets: Sequence[int]) -> None:
        """These are committed: their files have done their work. Called by the pipeline."""
        handed = self._handed
        if handed is None or handed.packet not in packets:
            return
        try:
            handed.path.unlink(missing_ok=True)
        except OSError as error:
            log.error("%s is taken up, but cannot be removed: %s", _sayable(handed.path), error.strerror)
        self._settle(handed.path)
        self._handed = None
        self._bell.set()

    def look(self) -> None:
        """Hand over the oldest file, unless one is still under way."""
        if self._handed is not None:
            return
        for path in waiting(self._folder):
            if path.name not in self._settled and self._take_up(path):
                return

    def _take_up(self, path: Path) -> bool:
        try:
            body = body_of(path)
            said = read(body, self._site)
            now = self._clock()
            if isinstance(said, Declaration):
                _check_age(said, now)
            digest = zlib.crc32(os.fsencode(path.name) + body)
        except FileNotFoundError:
            return False
        except (FactError, OSError) as error:
            self._refuse(path, str(error))
            return False
        packet = 1 + digest % 0xFFFF
        self._handed = _Handed(path, packet)
        sample = sample_of(said, now)
        received = Received(sample.at, sample, packet=packet, digest=digest, resent=True)
        self._hand_over(Batch(PEOPLE, [received], window=1))
        what = f"permit of {said.watts:.0f} W" if isinstance(said, Permit) else said.what
        log.info("%s: %s", said.place, what)
        return True

    def _refuse(self, path: Path, why: str) -> None:
        log.error("%s is put aside: %s", _sayable(path), why)
        try:
            with open(path.with_suffix(".why"), "w", encoding="utf-8", opener=_plainly) as file:
                file.write(f"{why}\n")
            path.replace(path.with_suffix(REFUSED))
        except OSError as error:
            log.error("%s cannot be put aside: %s", _sayable(path), error.strerror)
        self._settle(path)

    def _settle(self, path: Path) -> None:
        with self._change:
            self._settled.add(path.name)
            self._change.notify_all()

    def _run(self) -> None:
        while not self._is_stopping:
            self._bell.clear()  # before looking: what is settled from here on rings again
            self.look()
            self._bell.wait(LOOK_S)


def awaited(path: Path, wait_s: float) -> tuple[str, str | None]:
    """What becomes of a declaration within some seconds: `taken`, `waits` for the gateway, or `refused` and why."""
    until = time.monotonic() + wait_s
    while path.exists() and time.monotonic() < until:
        time.sleep(0.1)
    why = why_refused(path)
    return "waits" if path.exists() else "taken" if why is None else "refused", why


def why_refused(path: Path) -> str | None:
    """Why a declaration was put aside, if it was."""
    try:
        return body_of(path.with_suffix(".why")).decode(errors="replace").strip()
    except (OSError, FactError):
        return None


def _sayable(path: Path) -> str:
    """A path as text that any log can take: a file system holds names that no text can say."""
    return str(path).encode(errors="backslashreplace").decode()
