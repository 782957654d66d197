"""The values pages are made of: strip, outline, charts, search, figures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reportgen.record import Curve, Figure, Histogram, Prediction, Record, TileGrid
from reportgen.site.answer_contents import score_rows
from reportgen.site.catalogue import Catalogue
from reportgen.site.channel_pages import unit_pages
from reportgen.site.charts import HEIGHT, WIDTH, draw_curve, draw_histogram, draw_profile
from reportgen.site.figures import group_figures
from reportgen.site.outline import Link, Outline, OutlineGroup
from reportgen.site.parts import page_links, page_paths, split, view_findings
from reportgen.site.search import search_entries, search_script
from reportgen.site.strip import MOST_LINKED, draw_strip
from reportgen.site.views import Rectangle

if TYPE_CHECKING:
    from conftest import Written


class TestStrip:
    def test_all_layers_stand_in_it_in_order(self, small: Written) -> None:
        strip = draw_strip(small.record)
        assert [name for block in strip for name in block.places] == [layer.name for layer in small.record.layers]

    def test_layers_with_a_page_are_links_wide_enough_for_a_finger(self, small: Written) -> None:
        bars = [bar for block in draw_strip(small.record) for bar in block.bars]
        assert [bar.layer for bar in bars] == ["conv1", "conv2"]
        assert all(bar.width >= 24 for bar in bars)

    def test_large_maps_are_tall(self, small: Written) -> None:
        bars = [bar for block in draw_strip(small.record) for bar in block.bars]
        assert bars[0].height >= bars[1].height > 0

    def test_layers_outside_blocks_are_stem_and_head(self, small: Written) -> None:
        layers = [
            layer.model_copy(update={"block": block})
            for layer, block in zip(small.record.layers, [None, "a", None, "a", "b", None, None], strict=True)
        ]
        strip = draw_strip(small.record.model_copy(update={"layers": layers}))
        assert [(block.name, len(block.places)) for block in strip] == [("stem", 1), ("a", 3), ("b", 1), ("head", 2)]

    def test_without_blocks_there_is_one_run(self, small: Written) -> None:
        layers = [layer.model_copy(update={"block": None}) for layer in small.record.layers]
        (block,) = draw_strip(small.record.model_copy(update={"layers": layers}))
        assert len(block.places) == len(layers)

    def test_with_very_many_pages_only_blocks_are_links(self, small: Written) -> None:
        layer = small.record.layers[0]
        layers = [layer.model_copy(update={"name": f"layer{place}"}) for place in range(MOST_LINKED + 1)]
        (block,) = draw_strip(small.record.model_copy(update={"layers": layers}))
        assert block.bars == ()
        assert block.page == layer.page


class TestOutline:
    def test_a_short_list_is_whole(self) -> None:
        group = OutlineGroup("Layers", "l.html", tuple(Link(str(n), f"{n}.html") for n in range(5)), names=True)
        assert Outline((), (group,)).around("3.html", None) == (group,)

    @pytest.mark.parametrize("here", [0, 40, 99])
    def test_a_long_list_is_cut_around_the_page(self, here: int) -> None:
        group = OutlineGroup("Layers", "l.html", tuple(Link(str(n), f"{n}.html") for n in range(100)), names=True)
        (cut,) = Outline((), (group,)).around(f"{here}.html", None)
        assert cut.total == 100
        assert len(cut.links) == 25
        assert f"{here}.html" in {link.page for link in cut.links}

    def test_two_folders_down_only_the_group_one_is_in_is_listed(self) -> None:
        layers = OutlineGroup("Layers", "l.html", (Link("a", "layers/a.html"),), names=True)
        units = OutlineGroup("Channels", "u.html", (Link("a", "units/a/index.html"),), names=True)
        shown = Outline((), (layers, units)).around("units/a/3.html", "units/a/index.html")
        assert [len(group.links) for group in shown] == [0, 1]
        assert all(group.links for group in Outline((), (layers, units)).around("layers/a.html", None))


class TestSheets:
    """A convolution whose channels go to an activation layer, and to that alone."""

    def record(self, small: Written, **changes: object) -> Record:
        first, *rest = [layer for layer in small.record.layers if layer.name in ("conv1", "conv2")]
        rest = [layer.model_copy(update={"inputs": ["relu"]}) for layer in rest]
        activation = first.model_copy(
            update={
                "name": "relu",
                "type": "ReLU",
                "kind": "activation",
                "inputs": ["conv1"],
                "page": "layers/relu.html",
                **changes,
            }
        )
        return small.record.model_copy(update={"layers": [first, activation, *rest]})

    def test_an_activation_stands_in_the_sheet_of_what_it_reads(self, small: Written) -> None:
        record = self.record(small)
        sheets = Catalogue(record).sheets
        assert sheets["relu"] == sheets["conv1"] == "units/conv1/index.html"
        (first, *_) = [page for page in unit_pages(Catalogue(record)) if page.template == "sheet.html.jinja2"]
        assert first.path == "units/conv1/index.html"
        assert first.view.after == "relu"

    @pytest.mark.parametrize(
        "changes",
        [
            {"type": "MaxPooling2D", "kind": "pooling"},
            {"kind": None},
            {"inputs": ["conv1", "conv2"]},
            {"inputs": ["conv9"]},
        ],
    )
    def test_other_layers_have_their_own(self, changes: dict[str, object], small: Written) -> None:
        sheets = Catalogue(self.record(small, **changes)).sheets
        assert sheets["relu"] == "units/relu/index.html"


class TestCharts:
    def test_bars_fill_the_chart(self) -> None:
        chart = draw_histogram(Histogram(edges=[0.0, 1.0, 2.0], counts=[100, 25]))
        assert chart is not None
        # The taller bar is 94 of 96 pixels, the other half as tall: the root of a quarter.
        assert chart.path == f"M0 {HEIGHT}V2H160V49H{WIDTH}V{HEIGHT}"
        assert [tick.value for tick in chart.ticks] == [0.0, 2.0]
        assert (chart.total, chart.zero) == (125, None)

    def test_a_wide_bin_is_lower_than_a_narrow_one_of_the_same_count(self) -> None:
        chart = draw_histogram(Histogram(edges=[0.0, 1.0, 5.0], counts=[100, 100]))
        assert chart is not None
        assert chart.path == f"M0 {HEIGHT}V2H64V49H{WIDTH}V{HEIGHT}"

    def test_an_empty_bin_lies_on_the_axis(self) -> None:
        chart = draw_histogram(Histogram(edges=[0.0, 1.0, 2.0], counts=[0, 4]))
        assert chart is not None
        assert chart.path == f"M0 {HEIGHT}V{HEIGHT}H160V2H{WIDTH}V{HEIGHT}"

    def test_zero_is_marked_inside(self) -> None:
        chart = draw_histogram(Histogram(edges=[-1.0, 1.0], counts=[3]))
        assert chart is not None
        assert chart.zero == WIDTH / 2
        assert [tick.value for tick in chart.ticks] == [-1.0, 0.0, 1.0]

    @pytest.mark.parametrize(
        "histogram", [None, Histogram(edges=[0.0, 1.0], counts=[0]), Histogram(edges=[2.0, 2.0], counts=[9])]
    )
    def test_nothing_to_draw(self, histogram: Histogram | None) -> None:
        assert draw_histogram(histogram) is None

    def test_curve(self) -> None:
        chart = draw_curve(Curve(steps=[0, 10, 20], values=[0.0, 1.0, 2.0]))
        assert chart is not None
        assert chart.path == "M0 94L160 48L320 2"
        assert draw_curve(Curve(steps=[3], values=[1.0])) is None

    def test_profile_leaves_out_silent_channels(self) -> None:
        assert draw_profile([0.0, None, 4.0, 2.0]).count("M") == 2
        assert draw_profile([0.0, -1.0]) == ""


class TestFigures:
    def test_variants_of_a_group_stand_together(self, small: Written) -> None:
        catalogue = Catalogue(small.record)
        maps = [figure for figure in catalogue.figures_of_layer["conv1"] if figure.kind == "feature_maps"]
        groups = group_figures(maps, catalogue)
        assert [len(group.variants) for group in groups] == [2, 2]
        assert groups[0].first.marked == ("1 silent: 1",)

    def test_tiles_name_their_channels_and_pages(self, small: Written) -> None:
        catalogue = Catalogue(small.record)
        (group, *_) = group_figures(catalogue.figures_of_layer["conv1"], catalogue)
        tiles = group.first.tiles
        assert tiles is not None
        assert tiles.grid == "4 2 8 8 1 8"
        assert tiles.channels == ""  # as they are counted
        assert (tiles.units, tiles.unit_folder) == ("0,1,2", "units/conv1")

    def test_variants_with_the_same_tiles_describe_them_once(self, small: Written) -> None:
        catalogue = Catalogue(small.record)
        maps = [figure for figure in catalogue.figures_of_layer["conv1"] if figure.kind == "feature_maps"][:2]
        (group,) = group_figures(maps, catalogue)
        assert group.tiles == group.first.tiles
        backwards = maps[1].model_copy(update={"channels": maps[1].channels[::-1]})
        (group,) = group_figures([maps[0], backwards], catalogue)
        assert group.tiles is None
        assert group.variants[1].tiles is not None
        assert group.variants[1].tiles.channels == "7,6,5,4,3,2,1,0"

    def test_more_marks_than_channels_are_no_error(self, small: Written) -> None:
        figure: Figure = small.record.figures[0].model_copy(
            update={"channels": [], "tiles": TileGrid(columns=1, rows=1, width=1, height=1, gap=0), "marks": ["silent"]}
        )
        (group,) = group_figures([figure], Catalogue(small.record))
        assert group.first.tiles is None


class TestFrames:
    def frame(self, small: Written, box: tuple[int, int, int, int] | None) -> Rectangle | None:
        unit = small.record.units[0]
        top = unit.top_images[0].model_copy(update={"box": box})
        changed = unit.model_copy(update={"top_images": [top]})
        record = small.record.model_copy(update={"units": [changed]})
        (view,) = [page.view for page in unit_pages(Catalogue(record)) if page.template == "unit.html.jinja2"]
        return view.top[0].frame

    def test_a_frame_stands_around_the_place(self, small: Written) -> None:
        # The picture is as large as the photograph here: 64 x 48.
        assert self.frame(small, (8, 12, 24, 28)) == Rectangle(x=11, y=7, width=18, height=18)

    def test_at_the_edge_it_stays_inside(self, small: Written) -> None:
        assert self.frame(small, (0, 0, 48, 64)) == Rectangle(x=1, y=1, width=62, height=46)

    def test_without_a_place_there_is_none(self, small: Written) -> None:
        assert self.frame(small, None) is None


def test_findings_the_worst_first(small: Written) -> None:
    views = view_findings(small.record.findings, Catalogue(small.record))
    assert [view.finding.severity for view in views] == ["error", "warning", "info"]


@pytest.mark.parametrize(
    ("probable", "scores", "words", "bars"),
    [
        (True, [0.5, 0.25], ["50.0 %", "25.0 %"], [50.0, 25.0]),
        (False, [8.0, -2.0], ["8", "\N{MINUS SIGN}2"], [100.0, 0.0]),
    ],
)
def test_scores(probable: bool, scores: list[float], words: list[str], bars: list[float]) -> None:
    predictions = [Prediction(index=n, label=None, score=score) for n, score in enumerate(scores)]
    answers = score_rows(predictions, probable=probable)
    assert [answer.score for answer in answers] == words
    assert [answer.bar for answer in answers] == bars
    assert answers[1].name == "class 1"


def test_search_knows_layers_channels_images_and_classes(small: Written, hostile: Written) -> None:
    entries = list(search_entries(small.record))
    assert ("layer", "conv1 Conv2D", "layers/conv1.html") in entries
    assert ("channel", "conv1 2", "units/conv1/2.html") in entries
    assert ("image", "checks.png", "images/checks.html") in entries
    assert ("class", "checks: checks.png", "images/checks.html") in entries
    script = search_script(search_entries(hostile.record))
    assert "<" not in script
    rows = json.loads(script.removeprefix("reportgenSearch=").removesuffix(";\n"))
    assert rows[[row[0] for row in rows].index("image")][:2] == ["image", "<img src=x onerror=alert(1)>.png"]


def test_splitting() -> None:
    assert split([], 3) == [[]]
    assert page_paths("a.html", "a-{}.html", 1) == ["a.html"]
    assert page_links(["a.html"]) == ()
    assert [link.page for link in page_links(["a.html", "a-2.html"])] == ["a.html", "a-2.html"]
