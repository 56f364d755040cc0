"""A serial port: opened with its settings, changed between two devices, and what to do where it cannot be used."""

import glob
import os
import re
import termios

import serial

from adapters.source import Line

_LINE = re.compile(r"(\d{3,6}) +([78])([NEO])([12])")
_NO_PARITY = (
    "{port} cannot send a parity bit, which {line} needs. On a Raspberry Pi this is the mini UART (ttyS0): use the "
    "full UART (/dev/ttyAMA0, with dtoverlay=disable-bt) or a USB adapter"
)


class PortError(Exception):
    """A serial port that cannot be used, with what to do about it."""


class SerialLink:
    """A serial port as the way to a line."""

    lag_s = 0.0

    def __init__(self, path: str, line: Line) -> None:
        self._port = open_port(path, line)

    def fileno(self) -> int:
        return self._port.fileno()

    def set_line(self, line: Line) -> None:
        set_line(self._port, line)

    def close(self) -> None:
        self._port.close()


def line_from(text: str) -> Line:
    """The settings that a text such as `2400 8E1` names; ValueError when it names none."""
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no line; write it like '2400 8E1': baud, data bits, parity N, E or O, stop bits")
    baud, bits, parity, stop_bits = match.groups()
    return Line(int(baud), int(bits), parity, int(stop_bits))


def line_text(line: Line) -> str:
    """Settings as people write them: `2400 8E1`."""
    return f"{line.baud} {line.bits}{line.parity}{line.stop_bits}"


def open_port(path: str, line: Line) -> serial.Serial:
    """The open port, for us alone, its reads never waiting; PortError says what is wrong and what to do."""
    try:
        port = serial.Serial(
            path, baudrate=line.baud, bytesize=line.bits, parity=line.parity, stopbits=line.stop_bits,
            timeout=0, write_timeout=2.0, exclusive=True,
        )  # fmt: skip
    except (OSError, ValueError, termios.error) as error:
        raise PortError(_why(path, line, error)) from error
    try:
        _check_parity(port, line)
    except PortError:
        port.close()
        raise
    return port


def set_line(port: serial.Serial, line: Line) -> None:
    """Change the settings of an open port between two exchanges; PortError if it cannot."""
    settings = {"baudrate": line.baud, "bytesize": line.bits, "parity": line.parity, "stopbits": line.stop_bits}
    try:
        port.apply_settings(settings)
    except (OSError, ValueError, termios.error) as error:
        raise PortError(_why(str(port.port), line, error)) from error
    _check_parity(port, line)
    port.reset_input_buffer()   # what was read at another speed is no byte of anyone


def _check_parity(port: serial.Serial, line: Line) -> None:
    has_parity = bool(termios.tcgetattr(port.fileno())[2] & termios.PARENB)
    if line.parity != "N" and not has_parity:   # some drivers drop the flag without a word
        raise PortError(_NO_PARITY.format(port=port.port, line=line_text(line)))


def _why(path: str, line: Line, error: Exception) -> str:
    if not os.path.exists(path):
        found = ", ".join(sorted(glob.glob("/dev/serial/by-id/*") or glob.glob("/dev/tty[UA][SCM][BMA]*")))
        return f"no port {path}: is the adapter plugged in? Found: {found or 'none'}"
    if not os.access(path, os.R_OK | os.W_OK):
        return f"no permission for {path}: add the user to the group dialout (sudo usermod -aG dialout USER)"
    if "exclusively lock" in str(error):
        return f"{path} is in use by another program"
    if isinstance(error, termios.error) and line.parity != "N":
        return _NO_PARITY.format(port=path, line=line_text(line))
    return f"{path} cannot be opened at {line_text(line)}: {error}"
