"""Loops over numbers that numpy has no single call for, compiled to machine code by numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from reportgen.files.cache_folder import default_folder

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile `function` at its first call and keep the code in the user's cache folder, else beside its module.

    Beside the module it would stay behind when the package is removed, and stand in the way of one installed from a
    checkout afterwards. A folder that the user chose for numba is left as it is.

    The function runs without the interpreter's lock. Operations keep the order they are written in and are not fused,
    so the bits are the same on every processor.
    """
    settings: Any = numba.config
    folder, chosen = default_folder(), settings.CACHE_DIR
    if folder is not None and not chosen:
        settings.CACHE_DIR = str(folder / "compiled")
    try:
        return cast(Function, numba.njit(function, cache=True, nogil=True, error_model="numpy"))
    except RuntimeError:  # there is no folder that may be written to
        return cast(Function, numba.njit(function, nogil=True, error_model="numpy"))
    finally:
        settings.CACHE_DIR = chosen
