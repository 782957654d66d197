"""Where a Keras model that is no file comes from: `keras.applications`, or the user's own Python."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import struct
import sys
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from reportgen.errors import ReportgenError, UsageError
from reportgen.models.applications import architectures

# What Keras raises on a file it cannot make a model of; its own errors have no common base.
LOADING_ERRORS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ImportError,
    NotImplementedError,
    RuntimeError,
    OSError,
    zipfile.BadZipFile,
    tf.errors.OpError,
)

# What is raised besides on a file that is damaged, or says what fits to nothing.
DAMAGE_ERRORS = (*LOADING_ERRORS, ArithmeticError, AssertionError, EOFError, MemoryError, struct.error, zlib.error)


def import_attribute(reference: str, option: str) -> Any:
    """What `python:package.module:name` refers to, with the current folder among the places looked in.

    Raises:
        UsageError: the reference has another form.
        ReportgenError: there is no such module, or nothing of that name in it.
    """
    parts = reference.split(":")
    if len(parts) != 3 or not parts[1] or not parts[2]:
        raise UsageError(f"{option}: expected python:package.module:name, got {reference!r}")
    module = import_module(parts[1], option)
    try:
        return getattr(module, parts[2])
    except AttributeError as error:
        raise ReportgenError(
            f"{option} {reference}: the module {parts[1]} has no {parts[2]!r}; name a function it defines"
        ) from error


def import_module(name: str, option: str) -> Any:
    """Import a module by its dotted name, also from the current folder.

    Raises:
        ReportgenError: it cannot be found or imported.
    """
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        importlib.invalidate_caches()
        with keeping_output_off():
            return importlib.import_module(name)
    except ImportError as error:
        raise ReportgenError(
            f"{option}: cannot import the module {name}: {error}; run where it can be imported from, or install it"
        ) from error
    finally:
        # The user's own imports inside functions may come later, so the folder stays behind the others.
        if added:
            sys.path.remove(here)
            sys.path.append(here)


def custom_objects(reference: str | None) -> dict[str, Any]:
    """The classes and functions of the module `python:module` by name, for Keras to find them.

    Raises:
        UsageError: the reference has another form.
        ReportgenError: the module cannot be imported or defines nothing.
    """
    if reference is None:
        return {}
    prefix, _, name = reference.partition(":")
    if prefix != "python" or not name or ":" in name:
        raise UsageError(f"--custom-objects: expected python:package.module, got {reference!r}")
    module = import_module(name, "--custom-objects")
    found = {
        key: value
        for key, value in vars(module).items()
        if not key.startswith("__") and (inspect.isclass(value) or inspect.isfunction(value))
    }
    if not found:
        raise ReportgenError(f"--custom-objects: the module {name} defines no class and no function")
    return found


def shortened(text: str, length: int = 300) -> str:
    """`text` on one line, cut after `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[:length].rstrip()} ..."


# Architectures that take no image at all when built for an open size: the paddings Keras computes do not fit.
_FIXED_SIZES = {"NASNetLarge": (331, 331)}


def build_application(name: str, *, weights: str, top: bool, size: tuple[int, int] | None) -> keras.Model:
    """Build an architecture of `keras.applications` by its public name.

    Args:
        weights: "imagenet", "none" or the path of a weights file.
        size: the input size, None for the architecture's own (open, where it may be).

    Raises:
        ReportgenError: weights that cannot be had or do not fit, a size the architecture cannot take.
    """
    path = None if weights in ("imagenet", "none") else Path(weights)
    if path is not None and not path.is_file():
        raise ReportgenError(f"--weights: expected imagenet, none or a weights file, there is no file {weights}")
    arguments: dict[str, Any] = {"weights": "imagenet" if weights == "imagenet" else None, "include_top": top}
    size = size or _FIXED_SIZES.get(name)
    if size is not None:
        arguments["input_shape"] = (*size, 3)
    try:
        with keeping_output_off():
            model = architectures()[name](**arguments)
            if path is not None:
                model.load_weights(path)
    except Exception as error:  # Keras reports a failed download as a bare Exception
        if "URL fetch failure" in str(error):
            raise ReportgenError(
                f"keras:{name}: the ImageNet weights could not be downloaded ({shortened(str(error), 160)}); "
                "connect to the network once, or give --weights none or --weights FILE"
            ) from error
        if isinstance(error, LOADING_ERRORS):
            what = f"--weights {weights}: the file does not fit keras:{name}" if path else f"keras:{name}"
            raise ReportgenError(f"{what}: {shortened(str(error))}") from error
        raise
    assert isinstance(model, keras.Model)
    return model


def call_python(reference: str) -> keras.Model:
    """The model that `python:package.module:callable` returns, or refers to.

    Raises:
        ReportgenError: it cannot be imported, or gives no Keras model.
    """
    found = import_attribute(reference, "MODEL")
    if not isinstance(found, keras.Model):
        if not callable(found):
            raise ReportgenError(
                f"{reference}: expected a callable that returns a Keras model, got {type(found).__name__}"
            )
        with keeping_output_off():
            found = found()
    if not isinstance(found, keras.Model):
        raise ReportgenError(f"{reference}: expected it to return a Keras model, it returned {type(found).__name__}")
    return found


@contextlib.contextmanager
def keeping_output_off() -> Iterator[None]:
    """Send what is printed during the block to standard error: standard output is for the program's answer."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


@contextlib.contextmanager
def collecting_warnings(notes: list[str]) -> Iterator[None]:
    """Add to `notes` what Keras warns of during the block, each once, but for what is of no concern here."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        text = shortened(str(warning.message))
        harmless = not issubclass(warning.category, UserWarning) or any(part in text for part in _HARMLESS)
        if not harmless and text not in notes:
            notes.append(text)


# Warnings about training, and about how the code that built the network was written.
_HARMLESS = (
    "optimizer",
    "compiled",
    "Do not pass an `input_shape`",
    "The structure of `inputs`",
    "Argument `input_shape`",
    "`include_preprocessing`",
    "`input_shape` is undefined or non-square",
)
