"""The Dask engine, on real processes: they are really killed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster
from support.tasks import Adding, DyingAlways, DyingOnce, numbers

from reportgen.config import Config
from reportgen.engines import Engine, open_engine
from reportgen.engines.dask import DaskEngine
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
