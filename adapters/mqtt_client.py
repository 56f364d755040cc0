"""paho over a socket that reads ahead and gathers writes, driven by a loop of our own.

Strategy. paho reads a packet's header byte by byte and would pay a system call for each, and it builds properties, a
message object and a list of callbacks for every PUBLISH: three times the work of all else that is done with it. So it
gets a buffered socket, and what PUBLISH carries is taken out of the packet directly. All else (connecting, sessions,
subscribing, keeping alive) is paho's.
"""

import contextlib
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket

CONNECT_S = 10.0


class Account(Protocol):
    """Where a broker is, and who we are there."""

    @property
    def tls(self) -> bool: ...
    @property
    def ca_file(self) -> str | None: ...
    @property
    def username(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...


def plain_client(account: Account, client_id: str) -> paho.Client:
    """A client with a session that ends with its connection, for what need not be exactly once."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv311)
    client.connect_timeout = CONNECT_S
    if account.username is not None:
        client.username_pw_set(account.username, account.password)
    if account.tls:
        client.tls_set_context(ssl.create_default_context(cafile=account.ca_file))
    return client


class Publish(NamedTuple):
    """A PUBLISH packet; `packet` is 0 at QoS 0."""

    topic: bytes
    payload: bytes
    packet: int
    resent: bool
    retained: bool


def _properties_size(packet: bytearray, at: int) -> int:
    """How many bytes the properties take with their length, a varint, in front (MQTT 5, 2.2.2)."""
    size = shift = 0
    start = at
    while True:
        byte = packet[at]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return at - start + size


class Client(paho.Client):
    """A paho client that hands every PUBLISH to `on_publish_received` and leaves acknowledging to its owner."""

    def __init__(self, client_id: str, protocol: MQTTProtocolVersion, *, clean_session: bool | None) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=protocol, manual_ack=True,
            clean_session=clean_session,
        )  # fmt: skip
        self.connect_timeout = CONNECT_S
        self.refusal = ""
        self.farewell = ""
        self.wire: Wire
        self.on_publish_received: Callable[[Publish], None]
        self.on_disconnect = self._note_farewell

    @property
    def was_cut(self) -> bool:
        """Whether the other side hung up without a word."""
        return not self.refusal and self.wire.is_cut

    def _create_socket(self) -> Any:
        self.wire = Wire(super()._create_socket())
        return self.wire

    def _handle_publish(self) -> MQTTErrorCode:
        """What paho calls for each PUBLISH."""
        header, packet = self._in_packet["command"], self._in_packet["packet"]
        at = 2 + int.from_bytes(packet[:2], "big")
        topic = bytes(packet[2:at])
        number = 0
        if header & 0x06:  # QoS 1: QoS 2 is never subscribed to
            number = int.from_bytes(packet[at : at + 2], "big")
            at += 2
        if self._protocol == MQTTProtocolVersion.MQTTv5:
            try:
                at += _properties_size(packet, at)
            except IndexError as error:
                raise MalformedPacket("a PUBLISH that ends within its properties") from error
        self.on_publish_received(
            Publish(topic, bytes(packet[at:]), number, bool(header & 0x08), bool(header & 0x01))
        )
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _note_farewell(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.farewell = str(reason)

    def close(self) -> None:
        if hasattr(self, "wire"):
            self.wire.close()


class Wire:
    """A socket that reads ahead and gathers writes."""

    def __init__(self, plain: Any) -> None:
        self._socket = plain
        self._bytes = b""
        self._at = 0
        self._unsent = bytearray()
        self.is_cut = False

    @property
    def has_bytes(self) -> bool:
        return self._at < len(self._bytes) or bool(getattr(self._socket, "pending", int)())  # TLS reads ahead too

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent)

    def recv(self, size: int) -> bytes:
        at = self._at
        if at >= len(self._bytes):
            try:
                self._bytes = self._socket.recv(65536)
            except ConnectionError:
                self.is_cut = True
                raise
            self.is_cut = not self._bytes
            at = 0
        piece = self._bytes[at : at + size]
        self._at = at + len(piece)
        return piece

    def send(self, data: bytes) -> int:
        self._unsent += data
        return len(data)

    def flush(self) -> None:
        """Send what the socket takes now."""
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return

    def fileno(self) -> int:
        return int(self._socket.fileno())

    def setblocking(self, flag: bool) -> None:
        self._socket.setblocking(flag)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # paho closes right after "sending" its farewell
            self.flush()
        self._socket.close()
