"""What is given from Python: images as paths or values, and options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from typing import Any

from reportgen.errors import UsageError

_EXPECTED = "files, folders, globs, or one array (images, height, width, channels)"


def paths_or_pixels(images: Any) -> tuple[tuple[str, ...], Any]:
    """Paths and no values, or no paths and values as an array; neither where `images` is None.

    Args:
        images: a path or several of them, an array, or what NumPy makes one of by itself, such as a tensor.

    Raises:
        UsageError: it is something else, such as a list of arrays.
    """
    if images is None:
        return (), None
    if isinstance(images, str | PathLike):
        images = (images,)
    if hasattr(images, "__array__"):
        import numpy as np  # a network is loaded beside it; commands without one do without

        return (), np.asarray(images)
    if not isinstance(images, Iterable):
        raise UsageError(f"images: expected {_EXPECTED}, got {_kind(images)}")
    paths = []
    for image in images:
        path = fspath(image) if isinstance(image, PathLike) else image
        if not isinstance(path, str):
            hint = "; np.stack makes one array of several" if hasattr(image, "__array__") else ""
            raise UsageError(f"images: expected {_EXPECTED}, got {_kind(images)} with {_kind(image)} in it{hint}")
        paths.append(path)
    return tuple(paths), None


def python_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with names and right answers as lists: a tuple of texts is how the command line gives files."""
    listed = {name: list(options[name]) for name in ("labels", "truth") if isinstance(options.get(name), tuple)}
    return {**options, **listed}


def _kind(value: Any) -> str:
    return f"a value of type {type(value).__name__}"
