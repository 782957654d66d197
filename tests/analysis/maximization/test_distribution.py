"""Ascents on the Dask engine, on real processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster
from support.ascents import small_network

from reportgen.analysis.maximization import CRISP, maximize, maximized
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.analysis.network.layers import summarize_network
from reportgen.config import Config
from reportgen.engines import Chunk, Engine, Outcome, Task
from reportgen.engines.dask import DaskEngine
from reportgen.files.cache import Cache
from reportgen.results import LeftOut, MaximizedChannel

PLAN = {"conv1": tuple(range(6)), "conv2": tuple(range(8))}
QUICK = replace(CRISP, steps=8, check_every=4, rival_steps=4, second_seeds=1, restarts=1)


@pytest.fixture(scope="module")
def network():
    return small_network()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """Enough batches for two workers."""
    monkeypatch.setattr("reportgen.analysis.maximization.scheduling.BATCH_IMAGES", 2)


def made(network, monkeypatch, engine: Engine | None = None, **settings):
    """The pictures of `PLAN`, here or on `engine`."""
    if engine is not None:

        @contextmanager
        def opened(_config: Config) -> Iterator[Engine]:
            yield engine

        monkeypatch.setattr(maximized, "open_engine", opened)
    maxima = {"conv1": np.full(6, 0.5, np.float32), "conv2": np.full(8, 0.5, np.float32)}
    preset = settings.pop("preset", QUICK)
    return maximize(TracedPasses(network), summarize_network(network), PLAN, preset, dataset_max=maxima, **settings)


def same(one: list[MaximizedChannel], other: list[MaximizedChannel]) -> bool:
    """Whether all is the same, to the last bit; some picture must be there."""

    def content(picture: MaximizedChannel) -> dict[str, object]:
        pixels = None if picture.pixels is None else picture.pixels.tobytes()
        return {**vars(picture), "pixels": pixels}

    assert any(picture.pixels is not None for picture in one)
    return [content(picture) for picture in one] == [content(picture) for picture in other]


@pytest.mark.slow
def test_workers_make_the_pictures_that_are_made_here(network, client, monkeypatch, tmp_path: Path) -> None:
    here, _ = made(network, monkeypatch)
    told: list[tuple[float, float, str]] = []
    there, left_out = made(
        network, monkeypatch, DaskEngine(client), cache=Cache(tmp_path), progress=lambda *what: told.append(what)
    )
    assert left_out == []
    assert same(there, here)
    assert told[-1][0] == told[-1][1] > 0
    # The cache is filled here, and asked before workers are.
    again, _ = made(network, monkeypatch, Untouchable(), cache=Cache(tmp_path))
    assert same(again, here)


@pytest.mark.slow
def test_a_killed_worker_is_made_up_for(network, client, monkeypatch) -> None:
    preset = replace(QUICK, steps=200, patience=0)
    here, _ = made(network, monkeypatch, preset=preset)
    killed: list[int] = []

    def kill() -> None:
        time.sleep(4)
        busy = [len(tasks) > 0 for tasks in client.processing().values()]
        killed.append(next(iter(client.run(os.getpid).values())))
        os.kill(killed[0], signal.SIGKILL)
        killed.extend(busy)

    killer = threading.Thread(target=kill)
    killer.start()
    there, left_out = made(network, monkeypatch, DaskEngine(client), preset=preset)
    killer.join()
    assert any(killed[1:])
    assert left_out == []
    assert same(there, here)


class Untouchable:
    """An engine nobody may use."""

    workers = processes = 1
    is_remote = False

    def run(self, task: Task, chunks: object, advance: object) -> Iterator[Outcome]:  # noqa: ARG002
        raise AssertionError("there was nothing to be done")


class Deadly:
    """An engine whose workers do not survive one channel."""

    workers = processes = 2
    is_remote = False

    def run(self, task: Task, chunks: Iterator[Chunk], advance: object) -> Iterator[Outcome]:  # noqa: ARG002
        for chunk in chunks:
            if 3 not in [item.channel for item in chunk.items]:
                yield Outcome(chunk, task.run(chunk, lambda _: None))
                continue
            for part in chunk.divide():
                if part.items[0].channel == 3:
                    yield Outcome(part, set_aside="every worker that took it died")
                else:
                    yield Outcome(part, task.run(part, lambda _: None))


def test_a_channel_that_no_worker_survives_is_left_out_alone(network, monkeypatch) -> None:
    pictures, left_out = made(network, monkeypatch, Deadly())
    reason = "every worker that took it died"
    assert left_out == [LeftOut("conv1", (3,), reason), LeftOut("conv2", (3,), reason)]
    channels = [(layer, channel) for layer, channels in PLAN.items() for channel in channels if channel != 3]
    assert [(picture.layer, picture.channel) for picture in pictures if not picture.again] == channels
