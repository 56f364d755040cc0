"""The configuration: one TOML file in, everything that the daemon needs out, or every mistake at once."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path

from adapters.device_table import DeviceTable, DeviceTableError, load_tables
from adapters.notify import is_usable
from adapters.publish import Publishing
from adapters.source import Source
from daemon.channel import Channel
from daemon.config.calendar import calendar
from daemon.config.campus import campus
from daemon.config.errors import LANGUAGES, ConfigError, Findings, message_language, report
from daemon.config.exchanges import exchanges
from daemon.config.files import TABLES_FOLDER, Secrets
from daemon.config.hints import Bus, hints
from daemon.config.including import Document, gathered
from daemon.config.publishing import publishing
from daemon.config.reading import read
from daemon.config.rules import Known, Placed, find_clashes, placed_rules, watches_of
from daemon.config.sources import sources
from daemon.config.tables import FileTable, NotifyTable, PanelTable, Section, SiteTable, StoreTable
from rules import RULES
from rules.counter import Exchange
from rules.model import Delivery, Severity, Site, Turn
from rules.quality import refiners
from rules.sun import Sun
from rules.watch import Refiner, Watch

_ENDPOINT = re.compile(r"[a-zA-Z][\w+.-]*://\S+")
_HASH = re.compile(r"\$argon2\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Where the panel listens; `password_hash` is None when it is open to this machine alone.

    `url` is how staff reach it, for the link in a message; empty: no link.
    """

    host: str
    port: int
    password_hash: str | None = field(default=None, repr=False)
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration that can be used.

    `clock` is `auto`, or `trust` where no time service can be asked; `message_language` is for those who run it here,
    `language` for the campus.
    """

    path: Path
    site: Site
    language: str
    grace_s: float
    clock: str
    sources: tuple[Source, ...]
    rules: Placed
    panel: Panel
    channels: tuple[Channel, ...]
    store_path: Path
    commit_s: float
    buses: tuple[Bus, ...]
    tables: Mapping[str, DeviceTable]
    moduli: Mapping[str, float]
    exchanges: Mapping[str, tuple[Exchange, ...]]
    publishing: Publishing | None = None
    message_language: str = "zh"
    warnings: tuple[str, ...] = ()

    def watches(self) -> Iterator[Watch]:
        """Every watch of the configuration."""
        return watches_of(self.rules, self.site)

    def refiners(self) -> list[Refiner]:
        """What stands before the watches: the quality of every gauge and counter."""
        return refiners(self.site, moduli=self.moduli, exchanges=self.exchanges)


def load(path: Path, *, environ: Mapping[str, str] = os.environ, now: float | None = None) -> Loaded:
    """Read a configuration; raises ConfigError with all its problems, in the language of `environ` or the site.

    With `now`, warnings also tell what is doubtful today alone.
    """
    findings = Findings()
    document = gathered(path, findings)
    language = message_language(environ, language_of(document.tables))
    loaded = examined(path, document, findings, now=now)
    if loaded is None or findings.errors:
        raise ConfigError(document.spots(), findings, language=language)
    warnings = report(document.spots() if findings.warnings else {}, findings.warnings, language, is_warning=True)
    return replace(loaded, message_language=language, warnings=tuple(warnings))


def examined(path: Path, document: Document, findings: Findings, *, now: float | None = None) -> Loaded | None:
    """What a document says, if it can be used; nothing more is judged when a file of it could not be read."""
    if document.tables is None or findings.errors:
        return None
    file = read(FileTable, document.tables, (), findings, site={"id": "any"})
    return _loaded(path, file, findings, now) if file is not None else None


def language_of(document: Section | None) -> str:
    """The site's language, also of a file with mistakes."""
    site = (document or {}).get("site")
    told = site.get("language") if isinstance(site, dict) else None
    return told if told in LANGUAGES else "zh"


def _loaded(path: Path, file: FileTable, findings: Findings, now: float | None) -> Loaded | None:
    secrets = Secrets(path.absolute().parent)
    tables = _device_tables(secrets.folder / TABLES_FOLDER, findings)
    about = read(SiteTable, file.site, ("site",), findings, id="any")
    panel = _panel(file.panel, secrets, findings)
    store = read(StoreTable, file.store, ("store",), findings)
    channels = tuple(_channels(file.notify, secrets, findings))
    known = campus(file, findings)
    times = calendar(file, about.timezone if about else "UTC", known, secrets.folder, findings, now=now)
    made = sources(file, known, tables, secrets, findings, site=about.id if about else "any")
    is_measured = not any(problem.path[:1] == ("source",) for problem in findings.errors)
    replaced = exchanges(file.exchange, known, made.points if is_measured else None, times.zone, findings)
    shown = publishing(file.publish, known, made.sources, secrets, findings, site=about.id if about else "any")
    rules, told = placed_rules(file.rule, RULES, Known(known, made.points if is_measured else None), findings)
    if findings.errors or about is None or panel is None or store is None:
        return None
    name, sun = about.name or about.id, _sun(about, findings)
    site = Site(about.id, name, known.places, made.points, times, sun, about.altitude_m)
    find_clashes(rules, told, site, findings)
    buses = hints(site, made, tables, rules=rules, told=told, findings=findings)
    return Loaded(
        path=path,
        site=site,
        language=about.language,
        grace_s=about.grace_s,
        clock=about.clock,
        sources=made.sources,
        rules=rules,
        panel=panel,
        channels=channels,
        store_path=secrets.folder / store.path,
        commit_s=store.commit_s,
        buses=buses,
        tables=tables,
        moduli=made.moduli,
        exchanges=replaced,
        publishing=shown,
    )


def _device_tables(folder: Path, findings: Findings) -> Mapping[str, DeviceTable]:
    """The package's tables and those beside the configuration; a wrong one is told with its file and key."""
    try:
        return load_tables(folder)
    except DeviceTableError as error:
        findings.error(("source",), "bad_device_table", detail=f"{TABLES_FOLDER}/{error}")
        return load_tables()


def _sun(about: SiteTable, findings: Findings) -> Sun | None:
    if about.latitude is None or about.longitude is None:
        return None
    return Sun(about.latitude, about.longitude)


def _panel(raw: Section, secrets: Secrets, findings: Findings) -> Panel | None:
    table = read(PanelTable, raw, ("panel",), findings)
    if table is None:
        return None
    at = ("panel", "password_file")
    password_hash = secrets.line(table.password_file, at, findings)
    if password_hash is not None and not _HASH.fullmatch(password_hash):
        findings.error(at, "not_a_hash", found=table.password_file)
    host, port = table.listen
    if table.password_file is None and not _is_loopback(host):
        findings.error(("panel", "listen"), "password_needed", found=f"{host}:{port}")
    return Panel(host=host, port=port, password_hash=password_hash, url=table.url)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _channels(tables: list[Section], secrets: Secrets, findings: Findings) -> Iterator[Channel]:
    names: set[str] = set()
    for index, raw in enumerate(tables):
        table = read(NotifyTable, raw, ("notify", index), findings)
        if table is None:
            continue
        at = ("notify", index, "url_file")
        url = secrets.line(table.url_file, at, findings)
        if url is not None and not (_ENDPOINT.fullmatch(url) and is_usable(url)):
            findings.error(at, "not_an_endpoint", found=table.url_file)
        name = table.name or Path(table.url_file).stem
        if name in names:
            name = f"{name}-{index + 1}"
        names.add(name)
        yield Channel(
            name=name,
            url=url or "",
            severities=frozenset(Severity[item.upper()] for item in table.severities),
            turns=frozenset(Turn(item) for item in table.turns),
            deliveries=frozenset(Delivery(item) for item in table.deliveries),
            quiet=table.quiet,
            digest_at=table.digest_at,
            rate_per_minute=table.rate_per_minute,
        )
