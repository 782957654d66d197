"""TensorFlow starts without a word."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_tensorflow_starts_quietly():
    program = (
        "from reportgen.machine.quiet import quiet_tensorflow; quiet_tensorflow(); import tensorflow as tf; tf.zeros(1)"
    )
    environment = {"PATH": "", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert (run.stdout, run.stderr) == ("", "")
