"""TensorFlow starts without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_tensorflow_starts_quietly():
    program = (
        "from reportgen.machine.quiet import quiet_tensorflow; quiet_tensorflow(); import tensorflow as tf; tf.zeros(1)"
    )
    environment = {"PATH": "", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert (run.stdout, run.stderr) == ("", "")


LEAN = """
import os
import sys
from reportgen.machine.quiet import quiet_tensorflow
quiet_tensorflow(lean={lean})
print(*sorted(name for name in ("matplotlib.pyplot", "sklearn") if sys.modules.get(name)))
import keras, matplotlib.pyplot, sklearn
print(keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).output_shape)
print(os.environ.get("OPENBLAS_NUM_THREADS"))
"""


@pytest.mark.parametrize(("lean", "chosen"), [(True, None), (True, "3"), (False, None)])
def test_a_lean_start_leaves_out_what_no_report_uses_and_stands_in_nobodys_way(lean: bool, chosen: str | None) -> None:
    for name in ("matplotlib", "sklearn"):
        pytest.importorskip(name)
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    environment |= {} if chosen is None else {"OPENBLAS_NUM_THREADS": chosen}
    program = LEAN.format(lean=lean)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    threads = chosen or ("1" if lean else "None")
    assert done.stdout == f"{'' if lean else 'matplotlib.pyplot sklearn'}\n(None, 3)\n{threads}\n"
