"""What DL/T 645-2007 identifiers mean by the standard, for frames that no device table speaks of."""

import re
from dataclasses import dataclass

from adapters.protocol import Field, Query

_FORMAT = re.compile(r"X+(\.X+)?")

_ENERGIES = {
    "00": ("energy_kwh", "kWh", "combined active"),
    "01": ("energy_kwh", "kWh", "forward active"),
    "02": ("energy_kwh", "kWh", "reverse active"),
    "03": ("reactive_energy_kvarh", "kvarh", "combined reactive 1"),
    "04": ("reactive_energy_kvarh", "kvarh", "combined reactive 2"),
    "05": ("reactive_energy_kvarh", "kvarh", "reactive quadrant 1"),
    "06": ("reactive_energy_kvarh", "kvarh", "reactive quadrant 2"),
    "07": ("reactive_energy_kvarh", "kvarh", "reactive quadrant 3"),
    "08": ("reactive_energy_kvarh", "kvarh", "reactive quadrant 4"),
}
_SIGNED_ENERGIES = ("00", "03", "04")   # sums of both directions
_VARIABLES = {
    "01": ("voltage_v", "XXX.X", "V", False),
    "02": ("current_a", "XXX.XXX", "A", True),
    "03": ("power_w", "XX.XXXX", "kW", True),
    "04": ("reactive_power_var", "XX.XXXX", "kvar", True),
    "05": ("apparent_power_va", "XX.XXXX", "kVA", False),
    "06": ("power_factor", "X.XXX", "", True),
}
_WITHOUT_TOTAL = ("01", "02")   # voltage and current have phases only
_PHASES = {"00": "", "01": "A", "02": "B", "03": "C", "FF": ""}


@dataclass(frozen=True, slots=True)
class Bcd:
    """A value of `size` bytes of BCD with `decimals`; the sign of a signed one is its top bit."""

    size: int
    decimals: int
    signed: bool = False

    @property
    def end(self) -> float | None:
        """Where a register with so many digits starts again from 0."""
        return float(10 ** (2 * self.size - self.decimals))


def read_format(text: str) -> tuple[int, int]:
    """Bytes and decimals of a format such as `XX.XXXX`."""
    digits = text.count("X")
    if not _FORMAT.fullmatch(text) or digits % 2:
        raise ValueError(f"format {text!r}: an even number of X, one dot")
    return digits // 2, len(text.partition(".")[2])


def standard_query(identifier: str, size: int) -> Query[str, Bcd] | None:
    """How an answer of `size` bytes to this identifier reads by the standard; None where this list does not know it."""
    if identifier == "02800002":
        return Query(identifier, identifier, (_field("frequency_hz", "XX.XX", "Hz", signed=False),))
    if match := re.fullmatch("02(0[1-6])(0[0-3]|FF)00", identifier):
        return _variable(identifier, *match.groups(), size=size)
    if match := re.fullmatch("00(0[0-8])(..)(..)", identifier):
        return _energy(identifier, *match.groups(), size=size)
    return None


def _variable(identifier: str, group: str, phase: str, *, size: int) -> Query[str, Bcd]:
    quantity, form, unit, signed = _VARIABLES[group]
    phases = [_PHASES[phase]]
    if phase == "FF":   # a block: as many as the meter has
        phases = ["", "A", "B", "C"][group in _WITHOUT_TOTAL :][: max(1, size // read_format(form)[0])]
    fields = tuple(_field(quantity, form, unit, signed=signed, phase=phase) for phase in phases)
    return Query(identifier, identifier, fields)


def _energy(identifier: str, direction: str, tariff: str, settlement: str, *, size: int) -> Query[str, Bcd]:
    quantity, unit, meaning = _ENERGIES[direction]
    count = max(1, size // 4) if tariff == "FF" else 1
    tariffs = range(count) if tariff == "FF" else [int(tariff, 16)]
    when = "" if settlement == "00" else f", settlement {int(settlement, 16)}"
    return Query(identifier, identifier, tuple(
        _field(quantity, "XXXXXX.XX", unit, signed=direction in _SIGNED_ENERGIES,
               phase=meaning + (f", tariff {number}" if number else "") + when)
        for number in tariffs
    ))  # fmt: skip


def _field(quantity: str, form: str, unit: str, *, signed: bool, phase: str = "") -> Field[Bcd]:
    return Field(quantity, unit, Bcd(*read_format(form), signed), phase)
