"""A line behind a server in the network, over TCP: a transparent serial server, or a Modbus gateway.

A server that lost its power says nothing. Its silence is noticed within half a minute: questions that are not confirmed
for UNCONFIRMED_S end the connection, and where nothing is asked the system probes by itself.
"""

import socket

from adapters.serial_port import PortError
from adapters.source import Line

CONNECT_S = 3.0
LAG_S = 0.5            # servers gather bytes before they send them on, and so do networks
UNCONFIRMED_S = 20
PROBE_AFTER_S, PROBE_EVERY_S, PROBES = 10, 5, 3


class TcpLink:
    """A connection to a server, over which the line's bytes go as they are."""

    lag_s = LAG_S

    def __init__(self, host: str, port: int) -> None:
        try:
            self._socket = socket.create_connection((host, port), timeout=CONNECT_S)
        except OSError as error:
            raise PortError(_why(host, port, error)) from error
        self._socket.setblocking(False)
        for level, option, value in (
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_AFTER_S),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_EVERY_S),
            (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNCONFIRMED_S * 1000),
        ):
            self._socket.setsockopt(level, option, value)

    def fileno(self) -> int:
        return self._socket.fileno()

    def set_line(self, line: Line) -> None:
        """Nothing: the settings of the line are the server's own."""

    def close(self) -> None:
        self._socket.close()


def _why(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"no address for {host}: is the name right? A plain IP address needs no name server"
    if isinstance(error, ConnectionRefusedError):
        return f"{host} refuses port {port}: is it the port of the line, set to TCP server, and free of other clients?"
    if isinstance(error, TimeoutError):
        return f"{host} does not answer: is the serial server powered, and in this network?"
    return f"{host}:{port} cannot be reached: {error.strerror or error}"
