"""Gates by the command line: what fails is a line each and status 3, and the report is there all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.striped import NAMES, striped_set, trained, write_folders

from reportgen.cli import main
from reportgen.finished.verification import verify_report


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    trained(epochs=3).save(folder / "striped.keras")
    write_folders(folder / "photos", *striped_set(60, 7, noise=90.0))
    (folder / "labels.txt").write_text("\n".join(NAMES))
    return folder


def build(given: Path, out: Path, gates: str, *more: str) -> int:
    settings = out.parent / "reportgen.toml"
    settings.write_text(f"[gates]\n{gates}\n")
    return main(
        [
            "build", str(given / "striped.keras"), str(given / "photos"), "-o", str(out), "--config", str(settings),
            "--labels", str(given / "labels.txt"), "--preprocess", "unit", "--activation-max", "off",
            "--sections", "predictions", "--no-cache", "--quiet", *more,
        ]
    )  # fmt: skip


def test_gates_that_hold_say_nothing(given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gates = 'accuracy = ">= 0.4"\nrecall.across = ">= 0"\nduplicates = "== 0"\n"robustness.blur.1" = "> 0.2"'
    more = ("--truth", "folders", "--robustness", "5")
    assert build(given, tmp_path / "out", gates, *more) == 0
    assert capsys.readouterr().err == ""


def test_each_gate_that_fails_is_a_line(given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gates = 'accuracy = "> 1"\nece = "<= 0.9"\nprecision.down = "> 1"'
    assert build(given, tmp_path / "out", gates, "--truth", "folders") == 3
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" expected")[0].removeprefix("reportgen: ") for line in lines] == [
        "gate accuracy:",
        "gate precision.down:",
    ]
    assert verify_report(tmp_path / "out") == []


def test_a_figure_that_was_not_measured_fails(given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(given, tmp_path / "out", 'accuracy = ">= 0"\nrobustness.noise.3 = ">= 0"\niou.road = ">= 0"') == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all("no such figure here" in line for line in lines)


def test_gates_and_findings_are_told_together(given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = tmp_path / "truth.csv"
    rows = [f"{path.name},{NAMES[0]}" for path in sorted((given / "photos").rglob("*.png"))]
    truth.write_text("\n".join(rows))
    more = ("--truth", str(truth), "--fail-on", "warning", "--preprocess", "none")
    assert build(given, tmp_path / "out", 'accuracy = "> 1"', *more) == 3
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("reportgen: gate accuracy: expected > 1, got 0.")
    assert any(line.startswith("--fail-on warning") for line in lines)


@pytest.mark.parametrize(
    ("gates", "words"),
    [
        ('accuracy = "at least 0.9"', "accuracy"),
        ("accuracy = 0.9", "accuracy"),
        ('acuracy = ">= 0.9"', "did you mean accuracy"),
    ],
)
def test_gates_that_mean_nothing_are_wrong_usage(
    given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], gates: str, words: str
) -> None:
    assert build(given, tmp_path / "out", gates, "--truth", "folders") == 2
    assert words in capsys.readouterr().err


def test_gates_on_maps_by_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from support.scenes import CLASSES, scenes, segmenting, write_pictures

    pixels, masks = scenes(8, 5)
    masks[:, :1] = 255
    write_pictures(tmp_path / "photos", pixels)
    write_pictures(tmp_path / "masks", masks)
    segmenting(epochs=4).save(tmp_path / "scenes.keras")
    (tmp_path / "labels.txt").write_text("\n".join(CLASSES))
    gates = (
        'iou.road = ">= 0.5"\ndice.road = ">= 0.6"\nmean_iou = "<= 1"\npixel_accuracy = "> 0.5"\nduplicates = "== 0"\n'
        'iou.sky = "> 1"\n"segmentation.iou.car" = "> 1"\niou.boat = ">= 0"\nrobustness.blur.3 = ">= 0.7"\n'
        'ssim = ">= 0.9"'
    )
    settings = tmp_path / "reportgen.toml"
    settings.write_text(f"[gates]\n{gates}\n")
    given = ["build", str(tmp_path / "scenes.keras"), str(tmp_path / "photos"), "-o", str(tmp_path / "out")]
    options = ["--truth", str(tmp_path / "masks"), "--labels", str(tmp_path / "labels.txt"), "--preprocess", "none"]
    quick = ["--activation-max", "off", "--sections", "predictions", "--no-cache", "--quiet"]
    # A class of another name is a slip of the pen, not a figure that a report may lack.
    assert main([*given, *options, *quick, "--config", str(settings)]) == 2
    assert "iou.boat" in capsys.readouterr().err
    settings.write_text(settings.read_text().replace('iou.boat = ">= 0"\n', ""))
    assert main([*given, *options, *quick, "--config", str(settings)]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" expected")[0].removeprefix("reportgen: ") for line in lines] == [
        "gate iou.sky:", "gate segmentation.iou.car:", "gate robustness.blur.3:", "gate ssim:",
    ]  # fmt: skip
    assert [line.endswith("no such figure here") for line in lines] == [False, False, True, True]
    assert verify_report(tmp_path / "out") == []
