"""The system clock, and whether it can be believed yet."""

import ctypes
import time
from pathlib import Path

_TIME_ERROR = 5  # adjtimex(2): the kernel's clock is not synchronised

# A machine without any of these has no time service that could still correct its clock: there it is believed.
_SERVICES = ("run/systemd/timesync", "run/chrony", "run/ntpd.pid", "run/openntpd.pid")
_SYNCHRONISED = "run/systemd/timesync/synchronized"


class SystemClock:
    """Unix seconds; `is_right` says whether the machine's time is known to be right.

    A Raspberry Pi has no battery clock: after a power cut it starts in the past until a time service corrects it.
    Until `settle` finds it right, `now` runs on monotonic time from where it started, so that stretches of time stay
    true, and `correction` is what must be added to such stamps afterwards. With `trusted` it is believed at once.
    """

    def __init__(self, *, trusted: bool = False, root: Path = Path("/")) -> None:
        self.is_right = trusted
        self._root = root
        self._start = time.time() - time.monotonic()
        self.correction = 0.0

    def now(self) -> float:
        return time.time() if self.is_right else self._start + time.monotonic()

    def monotonic(self) -> float:
        return time.monotonic()

    def settle(self) -> bool:
        """Look whether the clock is right by now; for one thread alone, since it changes what `now` says."""
        if not self.is_right and self._can_be_believed():
            self.correction = time.time() - self.now()
            self.is_right = True
        return self.is_right

    def _can_be_believed(self) -> bool:
        return (
            (self._root / _SYNCHRONISED).exists()
            or not any((self._root / service).exists() for service in _SERVICES)
            or _kernel_is_synchronised()
        )


def _kernel_is_synchronised() -> bool:
    buffer = ctypes.create_string_buffer(512)  # struct timex, zeroed: a read-only call
    state = int(ctypes.CDLL(None).adjtimex(buffer))
    return 0 <= state != _TIME_ERROR
