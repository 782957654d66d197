"""How a call of a TensorFlow function, and the operations of Keras 3 that do the same, are written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

# Where Keras 3 itself says its operations are when it writes a network down.
_MODULE = "keras.src.ops"


class UntranslatableError(Exception):
    """A part of a network that Keras 3 has no equal for; its text names the part."""


@dataclass(frozen=True)
class Tensor:
    """Output `index` of call `node` of the layer `layer`."""

    layer: str
    node: int
    index: int


@dataclass(frozen=True)
class Earlier:
    """The outcome of step `number` of the same chain."""

    number: int


@dataclass(frozen=True)
class Step:
    """One operation of Keras 3.

    `kind` is its module and class, `arguments` those of its call, `settings` its configuration.
    """

    kind: str
    arguments: tuple[Any, ...]
    settings: dict[str, Any] = field(default_factory=dict)

    def written(self, name: str) -> dict[str, Any]:
        """The operation as an entry of a network's layers, without its calls."""
        module, _, class_name = self.kind.rpartition(".")
        return {
            "module": module if module.startswith("keras.") else f"{_MODULE}.{module}",
            "class_name": class_name,
            "config": {"name": name, **self.settings},
            "registered_name": class_name,
            "name": name,
        }


class Call:
    """A call of a TensorFlow function: its first argument and the others by name, each to be taken once."""

    def __init__(self, function: str, first: Any, others: dict[str, Any]) -> None:
        self.function = function
        self.first = first
        self._others = {name: value for name, value in others.items() if name != "name"}

    def take(self, name: str, otherwise: Any = None) -> Any:
        """The argument `name`, `otherwise` where it was left out or None."""
        value = self._others.pop(name, None)
        return otherwise if value is None else value

    def number(self, name: str, otherwise: float | None = None) -> Any:
        """The argument `name`, which must be a number that is known."""
        value = self.take(name, otherwise)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refusal(f"{name}={value!r}")
        return value

    def whole(self, name: str, otherwise: Any = None) -> Any:
        """The argument `name`, which must be a whole number, or a list of them, that is known."""
        value = self.take(name, otherwise)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, bool) or not isinstance(each, int):
                raise self.refusal(f"{name}={value!r}")
        return value

    def axes(self) -> Any:
        """The argument `axis`: one, several, or None for all of them."""
        return self.whole("axis") if self._others.get("axis") is not None else None

    def keeps_sides(self) -> bool:
        """Whether what is reduced stays as a side of 1."""
        return bool(self.take("keepdims", False))

    def finish(self) -> None:
        """Refuse arguments nobody took, but for those that ask for nothing."""
        for name, value in self._others.items():
            if value not in (None, False):
                raise self.refusal(f"{name}={value!r}")

    def refusal(self, detail: str = "") -> UntranslatableError:
        """What to raise for a call Keras 3 has no equal for."""
        text = f"tf.{self.function}" + (f" with {detail}" if detail else "")
        return UntranslatableError(text if len(text) <= 100 else f"{text[:100]} ...")


def constant(value: Any) -> Any:
    """`value` as an argument; numbers in a list are an array, of 32 bits as TensorFlow's."""
    if not isinstance(value, list):
        return value
    values = list(flat(value))
    if any(isinstance(each, Tensor) for each in values):
        raise UntranslatableError("an array made of tensors and numbers")
    kinds = {type(each) for each in values}
    dtype = "float32" if float in kinds else "bool" if kinds == {bool} else "int32"
    return {"class_name": "__numpy__", "config": {"value": value, "dtype": dtype}}


def flat(value: list[Any]) -> Iterator[Any]:
    """What stands in nested lists, one after the other."""
    for each in value:
        if isinstance(each, list):
            yield from flat(each)
        else:
            yield each
