"""What a run costs: the table adds up, goes to its file alone, and the report knows nothing of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import reportgen
from reportgen.costs import BETWEEN, Costs, cost_lines, measured
from reportgen.errors import ReportgenError
from reportgen.progress import Silent, stage
from reportgen.terminal import TerminalProgress
from tests.support.images import random_images
from tests.support.networks import two_convolutions


class Clocks:
    """Clocks that go on when they are told to: the processors at twice the speed."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> tuple[float, float]:
        return self.now, 2 * self.now

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.now += seconds


def run_of_four_stages() -> dict[str, Any]:
    """The table of 16 seconds: 1 before all, 2 + 3 in one stage around one of 4, another of 6 twice."""
    clocks = Clocks()
    costs = Costs(Silent(), clocks)
    clocks.wait(1)
    with stage(costs, "Outer"):
        clocks.wait(2)
        with stage(costs, "Statistics", 8, "images") as told:
            clocks.wait(4)
            told.advance(8)
        clocks.wait(3)
    for steps in (2, 4):
        with stage(costs, "Filters", steps) as told:
            clocks.wait(3)
            told.advance(steps)
    return costs.data(8)


def test_stages_inside_others_take_their_time_from_them_and_all_add_up() -> None:
    table = run_of_four_stages()
    seconds = {row["stage"]: row["seconds"] for row in table["stages"]}
    assert seconds == {"Outer": 5.0, "Statistics": 4.0, "Filters": 6.0, BETWEEN: 1.0}
    assert [row["processor_seconds"] for row in table["stages"]] == [10.0, 8.0, 12.0, 2.0]
    assert (table["seconds"], table["processor_seconds"]) == (16.0, 32.0)


def test_images_a_second_are_said_of_the_run_and_of_stages_that_go_from_image_to_image() -> None:
    table = run_of_four_stages()
    assert (table["images"], table["images_per_second"]) == (8, 0.5)
    rates = {row["stage"]: (row["images"], row["images_per_second"]) for row in table["stages"]}
    assert rates == {"Outer": (None, None), "Statistics": (8, 2.0), "Filters": (None, None), BETWEEN: (None, None)}


def test_a_stage_that_fails_is_over() -> None:
    clocks = Clocks()
    costs = Costs(Silent(), clocks)
    with pytest.raises(ZeroDivisionError), stage(costs, "First"):
        clocks.wait(1)
        raise ZeroDivisionError
    clocks.wait(2)
    assert [row["seconds"] for row in costs.data(0)["stages"]] == [1.0, 2.0]


def test_the_table_as_lines() -> None:
    assert cost_lines(run_of_four_stages()) == [
        "stage            seconds  processor  images/s",
        "Outer                5.0       10.0",
        "Statistics           4.0        8.0       2.0",
        "Filters              6.0       12.0",
        "Everything else      1.0        2.0",
        "All                 16.0       32.0       0.5",
    ]


def test_what_measures_already_is_not_measured_again() -> None:
    costs = Costs(Silent())
    assert measured(costs) is costs
    assert isinstance(measured(Silent()), Costs)


def test_a_listener_hears_what_it_would_have_heard_without(capsys: pytest.CaptureFixture[str]) -> None:
    for verbose, heard in ((False, "reportgen: loud\n"), (True, "Filters\nreportgen: low\nreportgen: loud\n")):
        costs = Costs(TerminalProgress(verbose=verbose))
        with stage(costs, "Filters", 2) as progress:
            progress.advance(1, "conv1")
        costs.explain("low")
        costs.say("loud")
        assert capsys.readouterr().err == heard


NETWORK = two_convolutions()


def _build(folder: Path, **options: Any) -> dict[str, bytes]:
    reportgen.build(NETWORK, random_images(3), folder, sections="overview,filters", no_cache=True, **options)
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_report_is_the_same_to_the_byte_and_the_file_has_the_stages(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    assert _build(tmp_path / "a") == _build(tmp_path / "b", timings=file)
    table = json.loads(file.read_text())
    stages = {row["stage"]: row for row in table["stages"]}
    assert table["images"] == 3
    assert {"Starting TensorFlow", "Loading the network", "Statistics", "Filters", "Images", "Pages"} <= stages.keys()
    assert stages["Statistics"]["images"] == stages["Images"]["images"] == 3
    assert sum(row["seconds"] for row in table["stages"]) == pytest.approx(table["seconds"], abs=0.05)
    assert 0 < table["images_per_second"] == pytest.approx(3 / table["seconds"], rel=0.05)


@pytest.mark.parametrize("name", ["report/costs.json", "report/sub/costs.json", "report"])
def test_the_file_is_none_of_the_report(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReportgenError, match="--timings: expected a file outside the report"):
        _build(tmp_path / "report", timings=tmp_path / name)
    assert not (tmp_path / "report").exists()


def test_a_folder_is_no_file_for_the_costs(tmp_path: Path) -> None:
    with pytest.raises(ReportgenError, match="is a folder"):
        _build(tmp_path / "report", timings=tmp_path)
    assert not (tmp_path / "report").exists()


def test_the_one_file_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(ReportgenError, match="outside the report"):
        _build(tmp_path / "report", format="both", timings=tmp_path / "report.html")
