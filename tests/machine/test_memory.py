from __future__ import annotations

import gc
import platform
import subprocess
import sys

import pytest

from reportgen.machine.memory import seldom_collected

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


LOADED = """
import gc
from reportgen.machine.memory import loading
seen = []
gc.callbacks.append(lambda phase, _: seen.append(phase))
with loading(for_good={for_good}):
    kept = [[] for _ in range(100_000)]
    looks = len(seen)
print(looks, gc.isenabled(), gc.get_freeze_count() > 100_000, len(gc.get_objects()) > 100_000)
"""


@pytest.mark.parametrize("for_good", [True, False])
def test_what_is_loaded_is_not_looked_through_and_after_that_only_what_is_not_there_for_good(for_good: bool) -> None:
    code = LOADED.format(for_good=for_good)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == f"0 True {for_good} {not for_good}\n"


def test_a_command_on_a_finished_report_leaves_the_collector_as_it_was() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="stopped"), seldom_collected():
        assert gc.get_threshold()[0] > before[0]
        raise ValueError("stopped")
    assert gc.get_threshold() == before
