"""Calls of layers in a written network: those of Keras 2 read, those of Keras 3 written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reportgen.models.keras2_calls import Tensor


def name(old: str) -> str:
    """What a layer of Keras 2 is called in Keras 3."""
    return old.replace("/", "_")


def read_call(node: Any, names: set[str]) -> tuple[Any, dict[str, Any]]:
    """The first argument and the others of a call: tensors as `Tensor`, in the structure they were given in.

    Calls already in the form of Keras 3 come back as they are.
    """
    if isinstance(node, dict) and set(node) == {"args", "kwargs"}:
        return node, {}
    others: dict[str, Any] = {}

    def structure(each: Any) -> Any:
        if isinstance(each, dict):
            return {key: structure(value) for key, value in each.items()}
        if each and isinstance(each[0], str):
            others.update(each[3] if len(each) > 3 else {})
            return each[2] if each[0] == "_CONSTANT_VALUE" else Tensor(*each[:3])
        return [structure(value) for value in each]

    first = structure(node)
    return first, {key: _decoded(value, names) for key, value in others.items()}


def _decoded(value: Any, names: set[str]) -> Any:
    """`value` with what refers to a layer's outcome as `Tensor`."""
    if isinstance(value, list):
        if len(value) == 3 and isinstance(value[0], str) and value[0] in names:
            return Tensor(*value)
        return [_decoded(each, names) for each in value]
    if isinstance(value, dict):
        return {key: _decoded(each, names) for key, each in value.items()}
    return value


def layer_call(first: Any, others: dict[str, Any], shifts: dict[str, int]) -> Any:
    """A call of a layer as Keras 3 writes it; a list of one tensor is that tensor, as for Keras 2."""
    if isinstance(first, dict) and set(first) == {"args", "kwargs"}:
        return first
    single = isinstance(first, list) and len(first) == 1
    return written_call([first[0] if single else first], others, shifts)


def written_call(arguments: list[Any], others: dict[str, Any], shifts: dict[str, int]) -> dict[str, Any]:
    """A call as Keras 3 writes it; `shifts` is what its count of a layer's calls is behind that of Keras 2."""
    return {"args": _encoded(arguments, shifts), "kwargs": _encoded(others, shifts)}


def _encoded(value: Any, shifts: dict[str, int]) -> Any:
    if isinstance(value, Tensor):
        history = [name(value.layer), value.node - shifts.get(value.layer, 0), value.index]
        config = {"shape": [None], "dtype": "float32", "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(value, list):
        return [_encoded(each, shifts) for each in value]
    if isinstance(value, dict):
        return {key: _encoded(each, shifts) for key, each in value.items()}
    return value


def sources(written: Any) -> Iterator[str]:
    """The layers whose outcomes a call refers to."""
    if isinstance(written, dict):
        if written.get("class_name") == "__keras_tensor__":
            yield written["config"]["keras_history"][0]
            return
        written = list(written.values())
    if isinstance(written, list):
        for each in written:
            yield from sources(each)


def all_values(value: Any) -> Iterator[Any]:
    """What stands in nested lists and dictionaries."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from all_values(each)
    else:
        yield value
