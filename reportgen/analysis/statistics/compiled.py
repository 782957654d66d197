"""Loops over numbers that numpy has no single call for, compiled to machine code by numba."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar, cast

from reportgen.files.cache_folder import default_folder
from reportgen.machine.memory import loading

Function = TypeVar("Function", bound=Callable[..., Any])

# Of the settings of numba, which are changed while a function is prepared.
_PREPARING = threading.RLock()


def compiled(function: Function) -> Function:
    """Compile `function` at its first call and keep the code in the user's cache folder, else beside its module.

    Beside the module it would stay behind when the package is removed, and stand in the way of one installed from a
    checkout afterwards. A folder that the user chose for numba is left as it is.

    The function runs without the interpreter's lock. Operations keep the order they are written in and are not fused,
    so the bits are the same on every processor.
    """
    return cast(Function, _Compiled(function))


class _Compiled:
    """A function that becomes machine code when it is called; numba is loaded no sooner, half a second of a start."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._made: Any = None
        update_wrapper(self, function)

    def __call__(self, *values: Any) -> Any:
        if self._made is not None:
            return self._made(*values)
        # At the first call of any numba loads most of itself.
        with loading(for_good=False):
            return self.machine(*values)

    @property
    def machine(self) -> Any:
        """The function as numba has it."""
        if self._made is None:
            with _PREPARING:
                self._made = self._made or _prepared(self._function)
        return self._made

    @property
    def _numba_type_(self) -> Any:
        """How numba takes it where another compiled function calls it."""
        return self.machine._numba_type_


def _prepared(function: Callable[..., Any]) -> Any:
    with loading(for_good=False):
        import numba

    settings: Any = numba.config
    folder, chosen = default_folder(), settings.CACHE_DIR
    if folder is not None and not chosen:
        settings.CACHE_DIR = str(folder / "compiled")
    try:
        return numba.njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # there is no folder that may be written to
        return numba.njit(function, nogil=True, error_model="numpy")
    finally:
        settings.CACHE_DIR = chosen
