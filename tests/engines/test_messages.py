"""What the command line says when a cluster cannot be used: one line, status 1 or 2, and nothing half built."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster
from support.images import write_images
from support.networks import two_convolutions

from reportgen.cli import main
from reportgen.engines.dask import DaskEngine
from reportgen.engines.questions import CannotRead
from reportgen.engines.versions import installed_versions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    two_convolutions(size=16).save(folder / "network.keras")
    write_images(folder / "photos", 2)
    return folder


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with LocalCluster(n_workers=1, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reportgen.engines.dask.ANSWER_SECONDS", 1)


def told(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """The status and the one line of a build with `options`."""
    arguments = ["build", str(folder / "network.keras"), str(folder / "photos"), "-o", str(folder / "report")]
    status = main([*arguments, "--no-cache", "--quiet", *options])
    said = capsys.readouterr()
    assert said.out == ""
    assert not (folder / "report").exists()
    return status, said.err


def test_without_dask_it_says_what_to_install(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "reportgen.engines.dask", None)
    status, line = told(folder, capsys, "--engine", "dask")
    assert status == 1
    assert line.count("\n") == 1
    assert "pip install 'reportgen[dask]'" in line


@pytest.mark.parametrize("given", ["tcp://127.0.0.1:1", "127.0.0.1:1", "no such host:8786", "smoke://signal:1"])
def test_an_address_where_nobody_answers(given: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, line = told(folder, capsys, "--engine", "dask", "--dask-address", given)
    assert status == 1
    assert line.count("\n") == 1
    assert f"--dask-address {given}: expected a Dask scheduler, none answers" in line
    assert "dask scheduler" in line


def test_an_address_without_the_engine_is_wrong_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, line = told(folder, capsys, "--dask-address", "tcp://127.0.0.1:1")
    assert status == 2
    assert "--engine dask" in line


def test_workers_with_other_versions(
    address: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = DaskEngine.ask

    def older(engine: DaskEngine, question: object) -> object:
        if question is installed_versions:
            return {"tcp://far:1": installed_versions() | {"tensorflow": "2.20.0", "keras": None}}
        return ask(engine, question)

    monkeypatch.setattr(DaskEngine, "ask", older)
    status, line = told(folder, capsys, "--engine", "dask", "--dask-address", address)
    assert status == 1
    assert line.count("\n") == 1
    here = installed_versions()
    assert f"worker tcp://far:1 has tensorflow 2.20.0 (here {here['tensorflow']}), keras missing" in line


def test_workers_that_do_not_see_the_images(
    address: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = DaskEngine.ask

    def blind(engine: DaskEngine, question: object) -> object:
        if isinstance(question, CannotRead):
            return {"tcp://far:1": "cannot be read: No such file or directory"}
        return ask(engine, question)

    monkeypatch.setattr(DaskEngine, "ask", blind)
    status, line = told(folder, capsys, "--engine", "dask", "--dask-address", address)
    assert status == 1
    assert line.count("\n") == 1
    assert "worker tcp://far:1 cannot use image-0.png: it cannot be read" in line
    assert "a path that all workers see" in line
