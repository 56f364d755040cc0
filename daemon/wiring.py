"""The one function where concrete classes meet."""

import logging
import os
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from adapters.bus_record import BusState
from adapters.mqtt import MqttTransport
from adapters.notify import send
from adapters.publisher import Publisher
from adapters.serial_line import SerialTransport
from adapters.source import MqttSource, Source
from adapters.topic_search import TopicSearch
from adapters.unknown_topics import UnknownTopics
from daemon.config import Loaded
from daemon.config.adopted import AdoptedFile
from daemon.config.points import CLOCK
from daemon.driver import Driver
from daemon.facts import Declarations, folder_of
from daemon.finding import TopicFinder
from daemon.gateway_view import Changes, GatewayView
from daemon.history import known_points
from daemon.message import compose
from daemon.outbox import SqliteOutbox
from daemon.pipeline import Batch, Clock, Pipeline
from daemon.publishing import Publication
from daemon.recovery import open_alerts, recover
from daemon.store import Store
from daemon.teller import Teller
from daemon.telling import rows_for
from daemon.trial import placed_watches
from daemon.watching import Watching
from dashboard.panel import panel
from dashboard.server import PanelServer
from rules.check import Check
from rules.engine import Engine
from rules.fact import PEOPLE, permits
from rules.model import Received

log = logging.getLogger("caretaker")

SECRET_BYTES = 32
SEND_S = 20.0  # the longest an endpoint may take to answer


class Transport(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Gateway(NamedTuple):
    """The running program."""

    pipeline: Pipeline
    driver: Driver
    changes: Changes
    store: Store
    transports: Sequence[Transport]
    declarations: Declarations
    teller: Teller
    server: PanelServer

    def start(self) -> None:
        """Start everything; returns when the panel listens."""
        self.driver.start()
        self.server.start()
        for transport in self.transports:
            transport.start()
        self.declarations.start()
        self.teller.start()

    def stop(self) -> None:
        """Stop in the order that leaves nothing behind: confirm what is safe, then hang up, then close the file."""
        self.teller.stop()
        if self.driver.is_running:
            self.driver.ask(self.pipeline.commit)
        for transport in self.transports:
            transport.stop()
        self.declarations.stop()
        self.server.stop()
        self.driver.stop()
        self.store.close()
        log.info("stopped in good order")


def wire(loaded: Loaded, clock: Clock, *, died: Callable[[BaseException], None], banner: str = "") -> Gateway:
    """Build the gateway of one configuration and bring it to where the last run stopped."""
    store = Store(loaded.store_path)
    changes = Changes()
    brokers: dict[str, MqttTransport] = {}
    placed = [(kind, watch) for kind, _, watch in placed_watches(loaded.rules, loaded.site)]
    watches = [watch for _, watch in placed]
    incidents = store.open_incidents()
    pipeline = Pipeline(
        Engine(watches, loaded.refiners()), store, Check(known_points(loaded)), clock,
        grace_s=loaded.grace_s, commit_s=loaded.commit_s,
        open_alerts=open_alerts(incidents), next_number=store.next_number(),
        windows={name: store.window(name) for name in (PEOPLE, *(source.name for source in loaded.sources))},
        outbox_rows=lambda event, number: rows_for(
            event, number, loaded.channels, loaded.site.calendar, now=clock.now()
        ),
        acknowledge=lambda source, session, packets: (
            declarations.acknowledge(packets) if source == PEOPLE else brokers[source].acknowledge(session, packets)
        ),
        changed=changes.announce,
        clock_points={point.device: point.id for point in loaded.site.points.values() if point.quantity == CLOCK},
    )  # fmt: skip
    found = recover(pipeline, store, watches, incidents)
    log.info(
        "%d places, %d points, %d watches; %d commits replayed, %d watches warmed up, %d alerts withdrawn",
        len(loaded.site.places), len(loaded.site.points), len(watches), found.batches, found.warmed, found.withdrawn,
    )  # fmt: skip

    driver = Driver(pipeline, died)
    declarations = Declarations(folder_of(loaded.store_path), loaded.site, hand_over=driver.put, clock=clock.now)
    if found.warmed:
        newest = {point: row[1] for point, row in pipeline.latest.rows().items()}
        declarations.remind(permits(newest, loaded.site.places, clock.now()))
    transports: list[Transport] = []
    buses: dict[str, Callable[[], BusState]] = {}
    own = loaded.publishing.own_prefixes() if loaded.publishing else ()
    unknown = UnknownTopics()
    searches = {
        source.name: TopicSearch(source, clock=clock.now, note=unknown.note, own=own)
        for source in loaded.sources if isinstance(source, MqttSource)
    }  # fmt: skip
    finder = TopicFinder(
        searches, unknown, AdoptedFile.of(loaded.path, loaded.store_path.parent), local=loaded.site.calendar.local,
        clock=clock.now,
    )  # fmt: skip
    transports.append(finder)
    for source in loaded.sources:
        if isinstance(source, MqttSource):
            brokers[source.name] = MqttTransport(
                source, clock=clock.now, hand_over=_from_broker(source.name, driver), own=own, unknown=unknown.note,
            )  # fmt: skip
            transports.append(brokers[source.name])
        else:
            hand_over = _from_line(source.name, driver)
            line = SerialTransport(source, loaded.tables, clock=clock.now, hand_over=hand_over)
            buses[source.name] = line.state
            transports.append(line)
    teller = Teller(
        SqliteOutbox(lambda work: driver.ask(lambda: store.transact(work))), loaded.channels,
        compose=lambda rows: compose(rows, loaded.site, loaded.language, panel_url=loaded.panel.url),
        send=partial(send, timeout_s=SEND_S), clock=clock.now, calendar=loaded.site.calendar,
    )  # fmt: skip
    changes.subscribe(lambda what: teller.ring() if what == "incidents" else None)
    view = GatewayView(
        loaded.site, {source.name: _kind(source) for source in loaded.sources},
        loaded.store_path, pipeline=pipeline, driver=driver, clock=clock, changes=changes, refiners=loaded.refiners,
        watching=Watching(loaded, placed, pipeline, driver), buses=buses,
    )  # fmt: skip
    if loaded.publishing:
        publication = Publication(loaded.publishing, view, language=loaded.language)
        publisher = Publisher(loaded.publishing, wanted=publication.wanted)
        changes.subscribe(lambda what: publisher.ring() if what == "incidents" else None)
        transports.append(publisher)
    app = panel(
        view, language=loaded.language, password_hash=loaded.panel.password_hash, secret=_secret(loaded.store_path),
        banner=banner, declare=declarations.take, finder=finder if searches else None,
    )  # fmt: skip
    server = PanelServer(app, loaded.panel.host, loaded.panel.port)
    return Gateway(pipeline, driver, changes, store, transports, declarations, teller, server)


def _kind(source: Source) -> str:
    """What people call a source."""
    if isinstance(source, MqttSource):
        return "mqtt"
    return "listening" if source.listen else "serial"


def _from_broker(name: str, driver: Driver) -> Callable[..., None]:
    def hand_over(received: Sequence[Received], *, window: int, session: int) -> None:
        driver.put(Batch(name, received, window, session))

    return hand_over


def _from_line(name: str, driver: Driver) -> Callable[[Sequence[Received]], None]:
    return lambda received: driver.put(Batch(name, received))


def _secret(database: Path) -> bytes:
    """The key that signs the panel's cookies: made once, kept beside the database, readable by its owner alone."""
    path = database.with_suffix(".secret")
    if not path.exists() or path.stat().st_size != SECRET_BYTES:  # a power cut may have left an empty one
        fresh = path.with_suffix(".secret-new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    return path.read_bytes()
