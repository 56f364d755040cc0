"""The way to a line: a port of this machine, or one of a server in the network; and what is spoken on it.

    /dev/serial/by-id/...         a serial port
    tcp://192.168.1.50:8899       a serial server that passes bytes on as they are (RS-485 over TCP)
    modbus-tcp://192.168.1.60:502 a Modbus gateway or device, which speaks Modbus TCP
"""

import os
from collections.abc import Mapping
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from adapters.modbus import Modbus
from adapters.protocol import AnyCodec
from adapters.protocols import CODECS
from adapters.serial_port import PortError, SerialLink
from adapters.source import Line
from adapters.tcp_link import TcpLink

TCP, MODBUS_TCP = "tcp", "modbus-tcp"
_SERVERS = {TCP: "transparent serial server", MODBUS_TCP: "Modbus TCP gateway"}
_CLOSED = "the server closed the connection: it may have another client already (most take one), or is no {server}"
_SPOKEN_OVER_MODBUS_TCP: Mapping[str, AnyCodec] = {"modbus": Modbus(is_tcp=True)}


class Link(Protocol):
    """An open way to a line: bytes are read from and written to its descriptor."""

    @property
    def lag_s(self) -> float:
        """What the way to the line and back may add to an answer, and to the pause between two bytes."""
        ...

    def fileno(self) -> int: ...

    def set_line(self, line: Line) -> None:
        """Give the line these settings; PortError where it cannot have them."""
        ...

    def close(self) -> None: ...


class Server(NamedTuple):
    """Where a line is in the network, and how it is spoken to: TCP or MODBUS_TCP."""

    scheme: str
    host: str
    port: int


def server_of(port: str) -> Server | None:
    """The server that `port` names; None for a port of this machine, ValueError for an address that makes no sense."""
    if "://" not in port:
        return None
    url = urlsplit(port)
    number = url.port   # ValueError above 65535
    is_bare = not (url.username or url.password or url.path.strip("/") or url.query or url.fragment)
    if url.scheme not in (TCP, MODBUS_TCP) or not url.hostname or not is_bare:
        raise ValueError(f"{port!r} is no address of a line")
    if number == 0 or (number is None and url.scheme == TCP):
        raise ValueError(f"{port!r} lacks the port of the server")
    return Server(url.scheme, url.hostname, number or 502)


def codecs_of(port: str) -> Mapping[str, AnyCodec]:
    """What is spoken there, by the protocol of a device's table."""
    server = server_of(port)
    return _SPOKEN_OVER_MODBUS_TCP if server and server.scheme == MODBUS_TCP else CODECS


def open_link(port: str, line: Line) -> Link:
    """The open way to a line; PortError says what is wrong and what to do."""
    server = server_of(port)
    return TcpLink(server.host, server.port) if server else SerialLink(port, line)


def take(descriptor: int, port: str) -> bytes:
    """What has come on an open line that can be read; PortError where its other end is gone."""
    try:
        data = os.read(descriptor, 4096)  # pyserial's own read uses select, which ends at descriptor 1023
    except ConnectionResetError:
        data = b""
    if not data:
        server = server_of(port)
        why = _CLOSED.format(server=_SERVERS[server.scheme]) if server else "it can be read, but nothing comes"
        raise PortError(f"{port} is gone: {why}")
    return data
