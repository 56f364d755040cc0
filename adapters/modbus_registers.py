"""What the registers, coils and state words of a Modbus device hold: the fields of a query."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

_CODES = {  # type -> struct's code
    "u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "f32": "f", "f64": "d",
}  # fmt: skip
_ABSENT = {  # what devices send for a value that they do not have
    "u16": (0xFFFF,), "u32": (0xFFFF_FFFF,), "u64": (0xFFFF_FFFF_FFFF_FFFF,),
    "i16": (0x7FFF, -0x8000), "i32": (0x7FFF_FFFF, -0x8000_0000), "i64": (2**63 - 1, -(2**63)),
}  # fmt: skip
TYPES = (*_CODES, "bit")
WORD_ORDERS = ("big", "little")


@dataclass(frozen=True, slots=True)
class Register:
    """A value that begins `at` registers (or coils) after the query's first: `raw * scale + offset`, in its unit.

    `word_order` little: the low word comes first. `bit` takes one bit of a word. `states` are the numbers that mean 1,
    all others 0. `absent` are numbers that mean that there is no value. `end` is where a counter starts again from 0.
    """

    at: int
    type: str = "u16"
    word_order: str = "big"
    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    bit: int | None = None
    states: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    end: float | None = None

    @property
    def width(self) -> int:
        """How many registers (or coils) it takes."""
        return 1 if self.type == "bit" else struct.calcsize(_CODES[self.type]) // 2

    @property
    def is_state(self) -> bool:
        """Whether it is 0 or 1."""
        return self.type == "bit" or self.bit is not None or bool(self.states)

    def value(self, cells: Sequence[int], factor: float) -> float | None:
        """The value in these registers or coils, times `factor`; None where the device says that it has none."""
        raw = self._raw(cells[self.at : self.at + self.width])
        if raw in self.absent or raw != raw or raw in (float("inf"), float("-inf")):
            return None
        if self.bit is not None:
            raw = int(raw) >> self.bit & 1
        if self.states:
            return float(raw in self.states)
        # From the digits that people would write, so that 2301 tenths are 230.1 and not 230.10000000000002.
        return float((Fraction(str(raw)) * self.scale + self.offset) * Fraction(str(factor)))

    def _raw(self, cells: Sequence[int]) -> int | float:
        if self.type == "bit":
            return cells[0]
        words = cells if self.word_order == "big" else cells[::-1]
        raw = struct.pack(f">{len(words)}H", *words)
        (number,) = struct.unpack(">" + _CODES[self.type], raw)
        return _shortest(number, raw) if self.type == "f32" else number


def _shortest(number: float, raw: bytes) -> float:
    """The number with the fewest digits that is these four bytes: 230.1, where Python's double is 230.10000610."""
    for digits in range(6, 9):
        short = float(f"{number:.{digits}g}")
        if number != number or (abs(short) < 3.4e38 and struct.pack(">f", short) == raw):
            return short
    return number


def register(keys: dict[str, Any]) -> Register:
    """A register from the keys of a field, which it takes out; ValueError or KeyError if they make no sense."""
    bit, states = keys.pop("bit", None), keys.pop("is", [])
    kind = keys.pop("type") if bit is None else keys.pop("type", "u16")
    order, digits = keys.pop("word_order", "big"), keys.pop("digits", None)
    scale, offset = _fraction(keys, "scale", 1), _fraction(keys, "offset", 0)
    at = keys.pop("at", 0)
    if kind not in TYPES:
        raise ValueError(f"type {kind!r} is not one of {', '.join(TYPES)}")
    if order not in WORD_ORDERS:
        raise ValueError(f"word_order {order!r} is not one of {', '.join(WORD_ORDERS)}")
    if bit is not None and not (kind == "u16" and isinstance(bit, int) and 0 <= bit <= 15):
        raise ValueError(f"bit {bit!r} is not one of 0 to 15 of a u16")
    absent = keys.pop("absent", () if bit is not None else _ABSENT.get(kind, ()))
    for name, numbers in (("is", states), ("absent", absent), ("at", [at])):
        if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
            raise ValueError(f"{name} {numbers!r}: whole numbers")
    if at < 0 or not scale:
        raise ValueError("at is 0 or more, scale is not 0")
    end = None if digits is None else float(10**digits * scale)
    return Register(at, kind, order, scale, offset, bit, tuple(states), tuple(absent), end)


def _fraction(keys: dict[str, Any], name: str, default: int) -> Fraction:
    return Fraction(str(keys.pop(name, default)))
