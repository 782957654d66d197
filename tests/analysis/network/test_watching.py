from __future__ import annotations

import threading
from typing import Any

import keras
import numpy as np
from support.networks import two_convolutions

from reportgen.analysis.network.watching import watched_calls
from reportgen.config import Config
from reportgen.models import load_network


def _opened(model: keras.Model) -> Any:
    return load_network(Config(preprocess="none"), model)


def test_calls_in_other_threads_are_not_taken_for_the_networks() -> None:
    network = _opened(two_convolutions())
    other = two_convolutions()
    seen: list[str] = []

    def watcher(call: Any) -> None:
        seen.append(call.name)
        if call.name == "conv1":
            thread = threading.Thread(target=lambda: other(np.zeros((1, 8, 8, 3), np.float32)))
            thread.start()
            thread.join()

    with watched_calls(network.model, watcher):
        network.model(np.zeros((1, 8, 8, 3), np.float32))
    assert seen == ["conv1", "pool1", "conv2", "average", "classes"]
