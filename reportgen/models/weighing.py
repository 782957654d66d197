"""What a network takes, told before it is taken: its parameters while it is built, its outputs before it runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from reportgen.errors import ReportgenError
from reportgen.machine.memory import available_memory
from reportgen.models.keras_private import hearing_variables, layers_below

# A file of few bytes may hold a network of few parameters: below this nothing is asked.
_ALWAYS = 256 << 20

# Parameters may be kept in half the bits, or compressed: no file holds more than this many times its bytes.
_MOST_PER_BYTE = 16


class _TooMuchError(Exception):
    """Stops Keras, which wraps whatever is raised while it builds."""


@contextmanager
def bounded_parameters(name: str, stored: int | None = None) -> Iterator[None]:
    """Stop building a network, during the block, before its parameters take more than the machine or its file has.

    Args:
        name: of the file, for the error's text.
        stored: bytes of the file, None where it comes from none.

    Raises:
        ReportgenError: with what it would take, and what to do.
    """
    taken, free = 0, available_memory()
    refused: list[str] = []

    def hear(shape: tuple[int, ...], dtype: str) -> None:
        nonlocal taken
        taken += math.prod(shape) * _size(dtype)
        if stored is not None and taken > max(_ALWAYS, stored * _MOST_PER_BYTE):
            refused.append(
                f"its description asks for {_gigabytes(taken)} of parameters and more, which its "
                f"{stored:,} bytes cannot hold; save the network again"
            )
        elif taken > free:
            refused.append(
                f"its parameters take {_gigabytes(taken)} and more, {_gigabytes(free)} of memory are free here; "
                "close programs, or use a machine with more memory"
            )
        if refused:
            raise _TooMuchError

    try:
        with hearing_variables(hear):
            yield
    except Exception as error:
        if refused:
            raise ReportgenError(f"{name}: {refused[0]}") from error
        raise


def check_outputs(model: keras.Model, name: str, size: tuple[int, int], channels: int) -> None:
    """See that one image of `size` and what every layer makes of it have room in memory.

    Raises:
        ReportgenError: with what it would take, and what to do.
    """
    free = available_memory()
    image = 4 * math.prod(size) * channels
    needed = image + sum(_output_bytes(layer) for layer in layers_below(model))
    if needed > free:
        raise ReportgenError(
            f"{name}: one image of {size[0]}x{size[1]}x{channels} and the outputs of all layers take "
            f"{_gigabytes(needed)}, {_gigabytes(free)} of memory are free here; give a smaller --size where the "
            "network takes any, close programs, or use a machine with more memory"
        )


def _output_bytes(layer: Any) -> int:
    """Bytes of a layer's output for one image, as far as its shape is fixed."""
    try:
        outputs = keras.tree.flatten(layer.output)
    except (AttributeError, ValueError):  # called nowhere, or at several places
        return 0
    shapes = [tuple(tensor.shape)[1:] for tensor in outputs]
    return sum(4 * math.prod(shape) for shape in shapes if None not in shape)


def _size(dtype: str) -> int:
    return 8 if "64" in dtype else 2 if "16" in dtype else 1 if "8" in dtype else 4


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size < 1e15 else f"{size / 1e9:.1e} GB"
