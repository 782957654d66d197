from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# How many pages the system hands out while blocks are allocated, filled and freed, again and again.
FAULTS = """
import resource
import numpy as np
from reportgen.machine.memory import keep_freed_memory
if {kept}:
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    [np.ones(8 << 20, np.uint8) for _ in range(8)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(kept: bool) -> int:
    code = FAULTS.format(kept=kept)
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")
def test_freed_blocks_are_used_again() -> None:
    assert faults(kept=True) < faults(kept=False) / 4
