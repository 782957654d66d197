"""Loops over numbers that numpy has no single call for, compiled to machine code by numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile `function` at its first call and keep the code beside its module, or in the user's cache folder.

    It runs without the interpreter's lock. Operations keep the order they are written in and are not fused,
    so the bits are the same on every processor.
    """
    try:
        return cast(Function, numba.njit(function, cache=True, nogil=True, error_model="numpy"))
    except RuntimeError:  # there is no folder that may be written to
        return cast(Function, numba.njit(function, nogil=True, error_model="numpy"))
