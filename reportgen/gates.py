"""Figures that a report must reach: read from text such as `">= 0.9"` and held against what was measured."""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reportgen.errors import UsageError

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_ENTRY = re.compile(r"(>=|<=|==|!=|>|<)(.+)")
_HINTS = 3


@dataclass(frozen=True)
class Gate:
    """The figure called `name` must compare so with `limit`."""

    name: str
    comparison: str
    limit: float

    def __str__(self) -> str:
        return f"{self.name} {self.comparison} {self.limit:g}"

    def holds(self, figure: float | None) -> bool:
        """Whether `figure` passes; one that is missing or NaN does not."""
        return figure is not None and not math.isnan(figure) and _COMPARISONS[self.comparison](figure, self.limit)


@dataclass(frozen=True)
class FailedGate:
    """A gate and the figure that does not pass it, None where this report has no such figure."""

    gate: Gate
    figure: float | None

    def __str__(self) -> str:
        got = "no such figure here" if self.figure is None else f"{self.figure:.6g}"
        return f"gate {self.gate.name}: expected {self.gate.comparison} {self.gate.limit:g}, got {got}"


def parse_gates(entries: object) -> tuple[Gate, ...]:
    """The gates of a table of `name = "comparison number"`; tables within are joined by dots, as TOML reads `a.b`.

    >>> [str(gate) for gate in parse_gates({"accuracy": ">= 0.9", "robustness": {"blur": {"3": ">0.7"}}})]
    ['accuracy >= 0.9', 'robustness.blur.3 > 0.7']

    Gates that are parsed already pass through.

    Raises:
        UsageError: an entry is no such text.
        ValueError: there is no table.
    """
    if isinstance(entries, tuple) and all(isinstance(entry, Gate) for entry in entries):
        return entries
    if not isinstance(entries, Mapping):
        raise ValueError("no table of gates")
    return tuple(_parse(str(name), entry) for name, entry in _flat(entries, ""))


def write_gates(gates: Sequence[Gate]) -> dict[str, str]:
    """The table that `parse_gates` reads."""
    return {gate.name: f"{gate.comparison} {gate.limit!r}" for gate in gates}


def _flat(entries: Mapping[str, object], prefix: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, entry in entries.items():
        whole = f"{prefix}{name}"
        found += _flat(entry, f"{whole}.") if isinstance(entry, Mapping) else [(whole, entry)]
    return found


def _parse(name: str, entry: object) -> Gate:
    match = _ENTRY.fullmatch(entry.strip()) if isinstance(entry, str) else None
    try:
        limit = float(match[2]) if match else math.nan
    except ValueError:
        limit = math.nan
    if match is None or not math.isfinite(limit):
        raise UsageError(
            f'gates: {name}: expected a comparison with a number, such as ">= 0.9", got {entry!r}; '
            f"comparisons are {', '.join(_COMPARISONS)}"
        )
    return Gate(name, match[1], limit)


def check_gates(gates: Sequence[Gate], figures: Mapping[str, float | None]) -> tuple[FailedGate, ...]:
    """The gates that fail, in the order given.

    Args:
        gates: to hold the figures against.
        figures: what was measured, by name; None for a figure that is known and has no value here.

    Raises:
        UsageError: a gate is on a figure that `figures` does not name.
    """
    for gate in gates:
        if gate.name not in figures:
            raise UsageError(_unknown(gate.name, figures))
    checked = [(gate, figures[gate.name]) for gate in gates]
    return tuple(FailedGate(gate, figure) for gate, figure in checked if not gate.holds(figure))


def _unknown(name: str, figures: Mapping[str, float | None]) -> str:
    by_lower = {known.lower(): known for known in figures}
    near = difflib.get_close_matches(name.lower(), by_lower, n=_HINTS, cutoff=0.5)
    known = [by_lower[one] for one in near] or sorted(figures)[:_HINTS]
    hint = f"; did you mean {', '.join(known)}?" if near else f"; this report has {', '.join(known)}, ..."
    return f"gates: no figure is called {name}{hint if known else '; this report has none'}"
