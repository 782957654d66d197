from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
import pytest

from reportgen.analysis.statistics.compiled import compiled


def test_what_cannot_be_kept_in_a_file_is_compiled_all_the_same() -> None:
    scope: dict[str, object] = {}
    exec("def doubled(value):\n    return 2 * value", scope)  # has no file, and so no folder to be kept in
    doubled = compiled(scope["doubled"])
    assert doubled(21) == 42
    assert doubled.machine.signatures


def test_products_are_rounded_before_they_are_added() -> None:
    @compiled
    def product_and_sum(values: np.ndarray) -> float:
        return values[0] * values[1] + values[2]

    values = np.array([1 + 2**-12, 1 + 2**-12, -(1 + 2**-11)], np.float32)
    assert product_and_sum(values) == 0


def test_code_is_kept_in_the_users_folder_and_numba_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    before = numba.config.CACHE_DIR

    @compiled
    def tripled(value: int) -> int:
        return 3 * value

    assert tripled(14) == 42
    assert before == numba.config.CACHE_DIR
    assert list((tmp_path / "reportgen" / "compiled").rglob("*.nbi"))


@compiled
def _twice(value: float) -> float:
    return value + value


@compiled
def _four_times(value: float) -> float:
    return _twice(value) + _twice(value)


def test_one_compiled_function_calls_another() -> None:
    assert _four_times(2.5) == 10.0
    assert _four_times.__name__ == "_four_times"


def test_several_threads_that_call_first_share_one_function() -> None:
    @compiled
    def halved(value: float) -> float:
        return value / 2

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: id(halved.machine), range(64)))
    assert len(made) == 1
    assert halved(3.0) == 1.5


def test_numba_is_loaded_when_something_is_computed() -> None:
    program = (
        "import sys; import reportgen.analysis.statistics.measurements, reportgen.analysis.dataset_quality.aligning; "
        "sys.exit('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
