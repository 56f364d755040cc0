"""`[publish]`: what of the campus other systems may read over MQTT, and at which broker."""

from collections.abc import Mapping, Sequence

from adapters.publish import Publishing
from adapters.source import MqttSource, Source
from daemon.config.campus import Campus
from daemon.config.errors import Findings
from daemon.config.files import Secrets
from daemon.config.lines import Path
from daemon.config.reading import read
from daemon.config.tables import PublishTable, Section
from daemon.config.values import WrongValueError, broker_of

HOMES = frozenset({"dorm_room", "staff_flat"})  # what is measured there tells when people are in
_PATH: Path = ("publish",)


def publishing(
    raw: Section | None, campus: Campus, sources: Sequence[Source], secrets: Secrets, findings: Findings, *, site: str
) -> Publishing | None:
    """What is published; None where nothing is, or where it is not well said."""
    if raw is None:
        return None
    before = len(findings.errors)
    table = read(PublishTable, raw, _PATH, findings, source="mqtt://localhost")
    if table is None:
        return None
    chosen = campus.chosen(table.where, (*_PATH, "where"), findings)
    for place in table.excepted:
        campus.has_place((*_PATH, "except"), place, findings)
    broker = _broker(table, sources, secrets, findings)
    if chosen is None or broker is None or len(findings.errors) > before:
        return None
    public = frozenset(
        place for place in chosen if table.dorm_rooms or campus.places[place].kind not in HOMES
    ).difference(table.excepted)
    if not public:
        findings.warn((*_PATH, "where") if table.where else _PATH, "publish_nothing")
    return Publishing(
        host=broker.host, port=broker.port, tls=broker.tls, ca_file=broker.ca_file, username=broker.username,
        password=broker.password, client_id=f"caretaker-{site}-publish", site=site, places=public, prefix=table.prefix,
        discovery="" if table.discovery == "none" else table.discovery, every_s=table.every_s,
    )  # fmt: skip


def _broker(table: PublishTable, sources: Sequence[Source], secrets: Secrets, findings: Findings) -> MqttSource | None:
    """Where to publish: a broker that is a source, with its account, or another one."""
    at: Path = (*_PATH, "source")
    brokers: Mapping[str, MqttSource] = {item.name: item for item in sources if isinstance(item, MqttSource)}
    if "://" not in table.source:
        if not findings.choose(at, "source", table.source, (*brokers, "mqtt://HOST:PORT")):
            return None
        for key in ("username", "password_file", "ca_file"):
            if getattr(table, key) is not None:
                findings.error((*_PATH, key), "said_by_source", found=table.source)
        return brokers.get(table.source)
    try:
        url = broker_of(table.source)
    except WrongValueError as error:
        findings.error(at, error.code, **error.values)
        return None
    if table.password_file and not table.username:
        findings.error((*_PATH, "password_file"), "username_needed")
    return MqttSource(
        name="", host=url.host, port=url.port, tls=url.tls, client_id="", topics=(),
        ca_file=secrets.certificates(table.ca_file, (*_PATH, "ca_file"), findings), username=table.username,
        password=secrets.line(table.password_file, (*_PATH, "password_file"), findings),
    )  # fmt: skip
