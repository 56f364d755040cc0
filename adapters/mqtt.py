"""The MQTT transport: pumps a broker through the payload codecs, and acknowledges only what was committed.

Strategy. One thread owns the paho client and its socket. Reads go through a buffer, since paho reads a packet's header
byte by byte and would pay a system call for each; acknowledgements of a whole commit leave in one write. The session
is persistent: what is not acknowledged comes again. After every connection that resumes a session a marker is
published to a topic of our own; what arrives before it comes back was queued while we were away.
"""

import logging
import random
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Any, Protocol
from zlib import crc32

from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from adapters.mqtt_client import Client, Publish, Wire
from adapters.payloads.topics import TopicTable, subscriptions
from adapters.source import MqttSource
from adapters.unknown_topics import Note
from rules.model import Fault, How, Reason, Received, Sample, source_device

log = logging.getLogger("caretaker.mqtt")

RECEIVE_MAXIMUM = 5_000
LARGEST_PACKET = 1 << 20   # no sensor says more at once
KEEPALIVE_S = 30
LONGEST_PAUSE_S = 60.0
STEADY_S = 30.0        # a connection that held so long is worth coming back to quickly
BURST = 500            # messages handed over together at most
WINDOW_V5 = 4_000      # commit before the broker stops sending at RECEIVE_MAXIMUM
WINDOW_V311 = 10       # mosquitto stops at 20 unacknowledged messages unless it is configured otherwise
_UNSUPPORTED_VERSION = 132


def _is_presence(what: Sample | Fault) -> bool:
    """Whether this is a device's word on being online: brokers keep it as a last will, so a retained one is true."""
    return isinstance(what, Sample) and len(what.values) == 1 and next(iter(what.values)).endswith("/online")


class HandOver(Protocol):
    def __call__(self, received: Sequence[Received], *, window: int, session: int) -> None: ...


class MqttTransport:
    """A thread that keeps one broker connected; `hand_over` gets what it received and must not block.

    What arrives on topics that begin with `own` we published ourselves: it is acknowledged, and says nothing. `unknown`
    is told of topics that mean nothing to us.
    """

    def __init__(
        self, source: MqttSource, *, clock: Callable[[], float], hand_over: HandOver, own: tuple[bytes, ...] = (),
        unknown: Note | None = None,
    ) -> None:
        self._source = source
        self._own = own
        self._unknown = unknown
        self._clock = clock
        self._hand_over = hand_over
        self._table = TopicTable(source.name, source.topics)
        self._state = source_device(source.name)
        self._marker_topic = f"caretaker/{source.client_id}/marker".encode()
        self._marker: bytes | None = None
        self._marker_packet = 0
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._burst: list[Received] = []
        self._session_number = 0  # the session that was there before us; a new one counts up
        self._told_session = 0
        self._acks: deque[tuple[int, Sequence[int]]] = deque()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._stopping = threading.Event()
        self._is_down_since: float | None = None
        self._was_accepted = False
        self._thread = threading.Thread(target=self._run, name=f"mqtt {source.name}", daemon=True)

    # -- called by others

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Send the last acknowledgements, disconnect, end the thread; the session stays with the broker."""
        self._stopping.set()
        self._wake()
        self._thread.join(timeout_s)
        self._wake_read.close()
        self._wake_write.close()

    def acknowledge(self, session: int, packets: Sequence[int]) -> None:
        """Tell the broker that these packets of a session, in this order, are safe with us."""
        self._acks.append((session, packets))
        self._wake()

    def _wake(self) -> None:
        try:
            self._wake_write.send(b"x")
        except OSError:  # stopped meanwhile, or a wake-up is pending anyway
            return

    # -- the thread

    def _run(self) -> None:
        pause = 1.0
        while not self._stopping.is_set():
            self._was_accepted = False
            protocol, began = self._protocol, time.monotonic()
            reason = self._session()
            if self._was_accepted and time.monotonic() - began > STEADY_S:
                pause = 1.0
            elif protocol == MQTTProtocolVersion.MQTTv5 != self._protocol:
                continue  # it speaks 3.1.1 only: no failure, another greeting
            if self._stopping.is_set():
                break
            self._note_down(reason)
            self._stopping.wait(pause * random.uniform(0.5, 1.0))  # jitter: a broker that restarts meets us one by one
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _session(self) -> str:
        """Connect and pump until the connection ends; why it ended."""
        protocol = self._protocol
        client: Client | None = None
        try:
            client = self._make_client()
            if protocol == MQTTProtocolVersion.MQTTv5:
                properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
                properties.SessionExpiryInterval = self._source.session_s
                properties.ReceiveMaximum = RECEIVE_MAXIMUM
                properties.MaximumPacketSize = LARGEST_PACKET
                client.connect(
                    self._source.host, self._source.port, KEEPALIVE_S, clean_start=False, properties=properties
                )
            else:
                client.connect(self._source.host, self._source.port, KEEPALIVE_S)
            reason = self._pump(client)
        except (OSError, ValueError) as error:  # ValueError: a host name that cannot be one
            return str(error)
        finally:
            self._flush()
            if client is not None:
                client.close()
        if not self._was_accepted and protocol == self._protocol and client.was_cut:
            # Some brokers hang up on MQTT 5 instead of naming the version they speak; so may one that just starts.
            is_v5 = protocol == MQTTProtocolVersion.MQTTv5
            self._protocol = MQTTProtocolVersion.MQTTv311 if is_v5 else MQTTProtocolVersion.MQTTv5
        return reason

    def _pump(self, client: Client) -> str:
        wire, wake = client.wire, self._wake_read.fileno()
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        while True:
            poll.register(wire, select.POLLIN | (select.POLLOUT if wire.has_unsent else 0))
            ready = {descriptor for descriptor, _ in poll.poll(0 if wire.has_bytes else 1000)}
            if wake in ready:
                self._wake_read.recv(4096)
            self._send_acks(wire)
            if self._stopping.is_set():
                client.disconnect()
                return "stopped"
            if wire.fileno() in ready or wire.has_bytes:
                self._read(client, wire)
            outcome = client.loop_misc()
            if client.want_write():  # what a callback queued
                client.loop_write()
            wire.flush()
            if client.refusal:
                return client.refusal
            if outcome != MQTTErrorCode.MQTT_ERR_SUCCESS or client.socket() is None:
                return client.farewell or "connection lost"

    def _read(self, client: Client, wire: Wire) -> None:
        client.loop_read()
        while wire.has_bytes and len(self._burst) < BURST and client.socket() is not None:
            client.loop_read()
        self._flush()

    def _flush(self) -> None:
        if self._burst or self._told_session != self._session_number:
            burst, self._burst = self._burst, []
            self._told_session = self._session_number
            window = WINDOW_V5 if self._protocol == MQTTProtocolVersion.MQTTv5 else WINDOW_V311
            self._hand_over(burst, window=window, session=self._session_number)

    def _send_acks(self, wire: Wire) -> None:
        while self._acks and self._was_accepted:
            session, packets = self._acks.popleft()
            if session == self._session_number:  # the ids of a lost session now mean other messages
                wire.send(b"".join(b"\x40\x02" + packet.to_bytes(2, "big") for packet in packets))  # PUBACK

    # -- paho's callbacks, all in the thread

    def _make_client(self) -> Client:
        source = self._source
        is_v5 = self._protocol == MQTTProtocolVersion.MQTTv5
        client = Client(source.client_id, self._protocol, clean_session=None if is_v5 else False)
        if source.username is not None:
            client.username_pw_set(source.username, source.password)
        if source.tls:
            client.tls_set_context(ssl.create_default_context(cafile=source.ca_file))
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_marker_answer
        client.on_publish_received = self._on_publish
        return client

    def _on_connect(self, client: Any, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            client.refusal = str(reason)
            if reason.value == _UNSUPPORTED_VERSION:
                self._protocol = MQTTProtocolVersion.MQTTv311
            return
        self._was_accepted = True
        if not flags.session_present:
            self._flush()  # what was read in the old session belongs to it
            self._session_number += 1
        is_v5 = self._protocol == MQTTProtocolVersion.MQTTv5
        filters = dict.fromkeys(name for topic in self._source.topics for name in subscriptions(topic))
        wanted = [*filters, self._marker_topic.decode()]
        client.subscribe([(f, SubscribeOptions(qos=1)) if is_v5 else (f, 1) for f in wanted])
        self._marker = token_hex(8).encode() if flags.session_present else None
        if self._marker:  # what queued up may come before the answer to our subscription
            self._tell({f"{self._state}/online": 1.0, f"{self._state}/backlog": 1.0})
            self._marker_packet = client.publish(self._marker_topic.decode(), self._marker, qos=1).mid

    def _on_marker_answer(self, _client: Any, _data: Any, packet: int, reason: Any, _properties: Any) -> None:
        if self._marker and packet == self._marker_packet and reason.is_failure:
            at = self._clock()
            detail = f"the broker refuses {self._marker_topic.decode()} ({reason}): allow it in its ACL"
            log.error("%s: %s", self._source.name, detail)
            self._burst.append(Received(at, Fault(self._source.name, at, Reason.LINK_LOST, detail)))
            self._marker = None
            self._tell({f"{self._state}/backlog": 0.0})

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: Sequence[Any], _properties: Any) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            at = self._clock()
            detail = f"{len(refused)} of {len(reasons)} subscriptions refused: {refused[0]}; check the broker's ACL"
            log.error("%s: %s", self._source.name, detail)
            self._burst.append(Received(at, Fault(self._source.name, at, Reason.LINK_LOST, detail)))
        self._note_up()
        if self._marker is None:
            self._tell({f"{self._state}/online": 1.0, f"{self._state}/backlog": 0.0})

    def _on_publish(self, message: Publish) -> None:
        arrived = self._clock()
        topic, payload, packet, resent, retained = message
        digest = crc32(payload, crc32(topic))
        if topic == self._marker_topic:
            self._on_marker(payload, arrived, packet, digest)
            return
        if self._own and topic.startswith(self._own):  # what we publish is no news to us
            self._burst.append(Received(arrived, Sample(arrived, self._state, {}), How.ARRIVAL, packet, digest))
            return
        reader = self._table.reader(topic)
        if reader is None:
            if self._unknown is not None:
                self._unknown(self._source.name, topic, payload, arrived)
            fault = Fault(self._source.name, arrived, Reason.UNKNOWN_TOPIC, topic[:200].decode(errors="replace"))
            self._burst.append(Received(arrived, fault, How.ARRIVAL, packet, digest, resent))
            return
        sample, is_timed, faults = reader.decode(payload, arrived)
        what: Sample | Fault = sample or faults.pop()
        for fault in faults:
            self._burst.append(Received(arrived, fault))
        if retained and not _is_presence(what):
            how = How.RETAINED
        elif self._marker is not None:
            how = How.BACKLOG_TIMED if is_timed else How.BACKLOG
        else:
            how = How.TIMED if is_timed else How.ARRIVAL
        self._burst.append(Received(arrived, what, how, packet, digest, resent))

    def _on_marker(self, payload: bytes, arrived: float, packet: int, digest: int) -> None:
        end = Sample(arrived, self._state, {f"{self._state}/backlog": 0.0})
        if payload == self._marker:  # an older marker, of a connection that broke, says nothing
            self._marker = None
            self._burst.append(Received(arrived, end, How.ARRIVAL, packet, digest))
        else:
            self._burst.append(Received(arrived, Sample(arrived, self._state, {}), How.ARRIVAL, packet, digest))

    # -- what the transport itself knows

    def _tell(self, values: dict[str, float]) -> None:
        at = self._clock()
        self._burst.append(Received(at, Sample(at, self._state, values)))

    def _note_up(self) -> None:
        if self._is_down_since is not None:
            log.info("%s: connected again after %.0f s", self._source.name, self._clock() - self._is_down_since)
        else:
            log.info("%s: connected to %s:%d", self._source.name, self._source.host, self._source.port)
        self._is_down_since = None

    def _note_down(self, reason: str) -> None:
        now = self._clock()
        if self._is_down_since is None:
            self._is_down_since = now
            source = self._source
            log.warning("%s: no connection to %s:%d: %s", source.name, source.host, source.port, reason)
            self._burst.append(Received(now, Fault(self._source.name, now, Reason.LINK_LOST, reason)))
            self._tell({f"{self._state}/online": 0.0})
            self._flush()
