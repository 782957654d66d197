"""The Dask engine, on real processes: they are really killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from distributed import Client, LocalCluster
from support.tasks import Adding, DyingAlways, DyingOnce, Numbers, Waiting, numbers

from reportgen.config import Config
from reportgen.engines import Engine, open_engine
from reportgen.engines.dask import AHEAD, DaskEngine
from reportgen.engines.versions import installed_versions
from reportgen.errors import ReportgenError


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(Config(engine="dask")) as engine:
        yield engine


def ignore(done: int) -> None:
    """No progress to show."""


def test_all_chunks_are_done_and_progress_is_told(engine: Engine) -> None:
    told: list[int] = []
    outcomes = list(engine.run(Adding(), numbers(100, 7), told.append))
    assert sum(outcome.value for outcome in outcomes) == sum(range(100))
    assert sorted(outcome.chunk.values[0] for outcome in outcomes) == list(range(0, 100, 7))
    assert sum(told) == 100


def test_the_chunks_of_a_killed_worker_run_again(engine: Engine, tmp_path: Path) -> None:
    outcomes = list(engine.run(DyingOnce(37, tmp_path / "died"), numbers(100, 5), ignore))
    assert (tmp_path / "died").exists()
    assert sum(outcome.value for outcome in outcomes) == sum(range(100))
    assert all(outcome.set_aside is None for outcome in outcomes)


def test_what_kills_every_worker_is_set_aside_alone(engine: Engine) -> None:
    told: list[int] = []
    outcomes = list(engine.run(DyingAlways(11), numbers(40, 4), told.append))
    aside = [outcome for outcome in outcomes if outcome.set_aside is not None]
    assert [outcome.chunk.values for outcome in aside] == [(11,)]
    assert "died" in str(aside[0].set_aside)
    assert sum(outcome.value for outcome in outcomes if outcome.set_aside is None) == sum(range(40)) - 11
    assert sum(told) == 40


def test_an_error_of_the_task_is_the_error_of_the_run(engine: Engine) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        list(engine.run(Adding(), [*numbers(6, 3), type(numbers(1, 1)[0])(("x", 1))], ignore))


def test_a_process_has_one_chunk_at_a_time_of_a_task_that_uses_all_processors(tmp_path: Path) -> None:
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        engine = DaskEngine(client)
        assert (engine.workers, engine.processes) == (4, 2)
        outcomes = list(engine.run(Waiting(tmp_path), numbers(20, 2), ignore))
    assert sum(outcome.value for outcome in outcomes) == sum(range(20))
    assert list(tmp_path.iterdir()) == []


def test_chunks_are_taken_when_there_is_a_place_for_them(engine: Engine) -> None:
    under_way, most = 0, 0

    def chunks() -> Iterator[Numbers]:
        nonlocal under_way, most
        for chunk in numbers(60, 1):
            under_way += 1
            most = max(most, under_way)
            yield chunk

    for _ in engine.run(Adding(), chunks(), ignore):
        under_way -= 1
    assert under_way == 0
    assert most <= AHEAD * engine.workers


def test_a_scheduler_that_goes_away_is_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    options = ["--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    scheduler, worker = ("distributed.cli.dask_scheduler", options), ("distributed.cli.dask_worker", ["--no-dashboard"])
    with started(*scheduler) as process:
        while not file.exists() or not file.read_text(encoding="utf-8").endswith("}"):
            time.sleep(0.1)
        address = json.loads(file.read_text(encoding="utf-8"))["address"]
        with (
            started(worker[0], [address, *worker[1]]),
            pytest.raises(ReportgenError, match="the scheduler went away; start it and repeat the run"),
            open_engine(Config(engine="dask", dask_address=address)) as engine,
        ):
            for _ in engine.run(Waiting(tmp_path), numbers(200, 1), ignore):
                process.kill()


@contextmanager
def started(module: str, options: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Dask's own, that finds what tests share."""
    tests = Path(__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", module, *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)])},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def test_nobody_at_the_address_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reportgen.engines.dask.ANSWER_SECONDS", 1)
    with (
        pytest.raises(ReportgenError, match=r"--dask-address tcp://127\.0\.0\.1:1: .*none answers"),
        open_engine(Config(engine="dask", dask_address="tcp://127.0.0.1:1")),
    ):
        pass


def test_an_address_without_workers_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reportgen.engines.dask.ANSWER_SECONDS", 1)
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as cluster,
        pytest.raises(ReportgenError, match="the scheduler has no workers"),
        open_engine(Config(engine="dask", dask_address=cluster.scheduler_address)),
    ):
        pass


def test_other_versions_are_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    here = installed_versions() | {"keras": "1.0"}
    monkeypatch.setattr("reportgen.engines.dask.installed_versions", lambda: here)
    monkeypatch.setattr(DaskEngine, "ask", lambda *_: {"tcp://worker": installed_versions()})
    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        pytest.raises(ReportgenError, match=r"worker tcp://worker has keras \S+ \(here 1\.0\)"),
        open_engine(Config(engine="dask", dask_address=cluster.scheduler_address)),
    ):
        pass


def test_without_dask_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reportgen.engines.dask", None)
    with pytest.raises(ReportgenError, match=r"pip install 'reportgen\[dask\]'"), open_engine(Config(engine="dask")):
        pass
