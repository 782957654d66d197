"""The registry of sections, and that a section of somebody else's finds its places without a change to the package."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.images import write_images
from support.networks import two_convolutions

from reportgen import record
from reportgen.config import ALL_SECTIONS, Config
from reportgen.errors import GateError
from reportgen.files.manifest import MANIFEST
from reportgen.finished.bundle import bundle_text
from reportgen.finished.comparison import compare
from reportgen.finished.finished_report import Report
from reportgen.finished.sizes import measure_things
from reportgen.finished.verification import verify_report
from reportgen.progress import Silent
from reportgen.report import build_report
from reportgen.results import Drawing
from reportgen.sections import SECTIONS
from reportgen.sections.section import Contribution, Section, VisitedImage, Work
from reportgen.sections.study import Study, Workshop


def test_every_section_is_there_once() -> None:
    slugs = [section.slug for section in SECTIONS]
    assert len(set(slugs)) == len(slugs)
    assert not set(slugs) & set(ALL_SECTIONS)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.slug)
def test_every_section_has_a_title_and_a_purpose(section: Section) -> None:
    assert section.title
    assert section.plan.__doc__


# --- a section of one's own: a function of analysis, one of drawing, a declaration --------------------------------


def row_energy(maps: np.ndarray) -> np.ndarray:
    """The mean square of each row of maps `(height, width, channels)`, `(height,)`."""
    return (maps**2).mean(axis=(1, 2))


def draw_energy(file: str, layer: str, energy: np.ndarray) -> Drawing:
    """A noisy picture as tall as the energies are many, so that it weighs something."""
    noise = np.random.default_rng(energy.size).integers(0, 256, (96, 96, 3), np.uint8)
    return Drawing(
        id=f"energy-{file.rpartition('.')[0]}",
        kind="energy",
        section="energy",
        title="Energy of rows",
        shows=f"Rows of {layer} for {file}: up to {energy.max():.3g}.",
        made="Mean square of each row.",
        alt=f"Energy of rows of {layer} for {file}",
        pixels=noise,
        layer=layer,
        image=file,
    )


def plan_energy(study: Study, workshop: Workshop) -> Work:
    """The energy of the first map layer's rows, for each image that has a page."""
    layer = study.map_layers[0]

    def visit(visited: VisitedImage) -> Contribution:
        drawing = draw_energy(visited.file, layer, row_energy(visited.outputs[layer]))
        return Contribution(figures=(workshop.pictures.save_drawing(drawing),))

    return Work(images=study.shown, layers=(layer,), visit=visit)


ENERGY = Section(
    "energy",
    "Row energy",
    plan_energy,
    record.Traits(gallery="figures", on_layers="small", shrinks=True, compared=True, words=("spectrometer",)),
)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    write_images(folder, 3)
    return folder


def built(folder: Path, photographs: Path, **settings: object) -> Report:
    config = Config.from_options(
        {
            "images": (str(photographs),),
            "output": folder,
            "preprocess": "unit",
            "activation_max": "off",
            "no_cache": True,
            "sections": ("overview", "feature-maps", "energy"),
            **settings,
        }
    )
    return build_report(config, model=two_convolutions(), pixels=None, progress=Silent(), sections=(*SECTIONS, ENERGY))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, photographs: Path) -> Report:
    return built(tmp_path_factory.mktemp("built") / "report", photographs)


class TestASectionOfOnesOwn:
    def test_it_stands_where_it_declared(self, report: Report) -> None:
        files = sorted((report.path / "images").glob("*.html"))
        pages = [path.read_text(encoding="utf-8") for path in files if path.stem != "index"]
        assert len(pages) == 3
        assert all('<section id="energy">' in page and "Rows of conv1" in page for page in pages)
        layer = (report.path / "layers" / "conv1.html").read_text(encoding="utf-8")
        assert '<section id="energy">' in layer
        assert "Row energy" in (report.path / "energy.html").read_text(encoding="utf-8")
        assert not verify_report(report.path)

    def test_the_outline_and_the_search_lead_to_it(self, report: Report) -> None:
        front = (report.path / "index.html").read_text(encoding="utf-8")
        assert '<a href="energy.html">Row energy</a>' in front
        (script,) = (report.path / "assets").glob("search-*.js")
        text = script.read_text(encoding="utf-8")
        entries = json.loads(text[text.index("=") + 1 :].rstrip(";\n"))
        assert [entry[2] for entry in entries if "spectrometer" in entry[-1]] == ["energy.html"]

    def test_the_table_of_sizes_names_it(self, report: Report) -> None:
        assert "row energy" in {thing.name for thing in measure_things(report.data, report.path)}

    def test_it_gives_way_where_the_report_would_be_too_large(
        self, tmp_path: Path, photographs: Path, report: Report
    ) -> None:
        files = json.loads((report.path / MANIFEST).read_text(encoding="utf-8"))["files"]
        whole = sum((report.path / name).stat().st_size for name in files)
        with pytest.raises(GateError) as caught:
            built(tmp_path / "none", photographs, max_size=1000)
        least = int(str(caught.value).partition("has ")[2].partition(";")[0].replace(",", ""))
        assert least < whole
        small = built(tmp_path / "small", photographs, max_size=least + 2000)
        count = sum(figure.section == "energy" for figure in small.data.figures)
        assert count < 3
        assert any(finding.rule == "size-limit" and "row energy" in finding.message for finding in small.findings)

    def test_a_comparison_pairs_its_figures(self, report: Report) -> None:
        pairs = compare(report.data, report.data).figures
        assert sum(pair.first.section == "energy" for pair in pairs) == 3

    def test_it_is_in_the_single_file(self, report: Report) -> None:
        text = bundle_text(report.path)
        assert "Energy of rows" in text
        assert "Row energy" in text
