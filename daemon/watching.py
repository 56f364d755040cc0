"""The watches of the running gateway, as people ask about them: what each sees, where it stands, an alert as a case."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from daemon.case import DIFFERS, CaseError, case_of, to_json
from daemon.config import Loaded
from daemon.driver import Driver
from daemon.history import HistoryError, StoredHistory
from daemon.pipeline import Pipeline
from daemon.trial import Registers
from rules.account import Account, seen_of, settings_of
from rules.incident import Incident
from rules.model import Event
from rules.rule import RuleKind
from rules.watch import State, Watch

log = logging.getLogger("caretaker.watching")

DEPTH = (1.0,)  # times the memory of the rule that a case made on the gateway goes back; the command goes further


class Watching:
    """Answers from any thread; what the engine remembers is asked for in its own."""

    def __init__(
        self, loaded: Loaded, placed: Iterable[tuple[RuleKind, Watch]], pipeline: Pipeline, driver: Driver
    ) -> None:
        self._loaded = loaded
        self._pipeline = pipeline
        self._driver = driver
        self._at: dict[str, list[tuple[RuleKind, Watch]]] = {}
        for kind, watch in placed:
            self._at.setdefault(watch.place, []).append((kind, watch))

    def accounts(self, place: str, opened: Mapping[tuple[str, str], Event], now: float) -> list[Account]:
        """What each watch of a place sees, and where it stands; `opened` are the raises of open alerts."""
        watches = self._at.get(place, [])
        if not watches:
            return []
        mark, states = self._driver.ask(lambda: self._states(watches))
        newest = self._driver.ask(self._pipeline.newest)
        rejected = self._driver.ask(self._pipeline.engine.rejected)
        if not mark:
            return []  # nothing is judged yet
        points = self._loaded.site.points
        out = []
        for (kind, watch), state in zip(watches, states, strict=True):
            seen = [
                seen_of(
                    role, p, newest[p][:2] if p in newest else None, points[p].holds_s if p in points else 0.0, now
                )
                for role, p in watch.inputs.items()
            ]
            read = self._pipeline.engine.logged_points([watch])
            out.append(Account(
                watch.rule, watch.key, place, mark, opened.get((watch.rule, watch.key)), watch.hold(state, mark),
                watch.explain(state, mark), seen, settings=settings_of(kind),
                rejected={point: dict(rejected[point]) for point in read if point in rejected},
            ))  # fmt: skip
        return out

    def _states(self, watches: list[tuple[RuleKind, Watch]]) -> tuple[float, list[State]]:
        engine = self._pipeline.engine
        return engine.mark, [engine.state(watch.rule, watch.key) for _, watch in watches]

    def case(self, incident: Incident, path: Path) -> bytes | None:
        """An alert as a file to replay, of the log at `path`; None where its rule is gone.

        A file that says something else when it is replayed says so, and the log tells what goes further.
        """
        loaded = self._loaded
        registers = Registers(loaded.moduli, loaded.exchanges)
        try:
            history = StoredHistory(path)
            case = case_of(loaded.rules, loaded.site, history, incident, registers=registers, further=DEPTH)
        except (CaseError, HistoryError):
            return None
        is_same = case.is_same()
        if not is_same:
            log.warning("alert %d: %s; `caretaker case %d` looks further back", case.number, DIFFERS, case.number)
        return to_json(case, is_same=is_same)
