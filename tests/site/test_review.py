"""What the pages say of a review: only what was looked at, and with the picture that it speaks of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.records import small_record
from support.sites import write_report

from reportgen.facts import Histogram
from reportgen.formats import number
from reportgen.record import Evaluation, EvaluationOutput, Mistake, Record, Robustness
from reportgen.record.attributions import Attribution, AttributionTarget
from reportgen.record.review import Corruption, SeverityScore, ShiftScore, ValueScore, WorstImage, WorstPanels
from reportgen.record.tile import Tile
from reportgen.site.attributions import begins_with_mistakes
from reportgen.site.catalogue import Catalogue
from reportgen.site.charts import draw_histogram
from reportgen.site.environment import make_environment
from reportgen.site.front import front_page
from reportgen.site.review_charts import LEFT, draw_scatter


def classes(**changes: object) -> EvaluationOutput:
    return EvaluationOutput(output="out", kind="classes", images=3, unmatched=0, accuracy=0.5, slices=[]).model_copy(
        update=changes
    )


def text_of(page: str, folder: Path, **changes: object) -> str:
    """A page of the small report with `changes`."""
    write_report(lambda place: small_record(place).model_copy(update=changes), folder)
    return re.sub(r"\s+", " ", (folder / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("searched", "said"),
    [
        (None, "No group of images stands out: differences are within chance."),
        ((), "No group of images is large enough to be told from chance"),
        (("brightness",), "No group of images stands out: by brightness, differences are within chance."),
        (("contrast", "site"), "No group of images stands out: by contrast and site, differences"),
    ],
)
def test_only_properties_that_were_searched_are_claimed(searched: object, said: str, tmp_path: Path) -> None:
    old = small_record(tmp_path / "first").evaluation
    assert old is not None
    evaluation = Evaluation(**{**dict(old), "outputs": (classes(searched=searched),)})
    text = text_of("evaluation.html", tmp_path / "report", evaluation=evaluation)
    assert said in text
    assert "columns of the truth file, differences" not in text


@pytest.mark.parametrize(("clean", "start"), [(0.9, "90.0 %"), (None, "100 %"), (0.0, "0 %")])
def test_a_curve_in_words_tells_its_start_from_its_severities(clean: float | None, start: str, tmp_path: Path) -> None:
    severities = [
        SeverityScore(severity=one, score=None if clean is None else 0.1 * one, agreement=0.1 * one,
                      mean_confidence=None)
        for one in range(1, 6)
    ]  # fmt: skip
    found = Robustness(
        images=20,
        seed=0,
        clean=clean,
        corruptions=[Corruption(name="blur", severities=severities)],
        shifts=[ShiftScore(name="up-1", agreement=1.0)],
    )
    text = text_of("robustness.html", tmp_path, robustness=found)
    assert f"answers under blur, {start} as it is, 10.0 % at severity 1, 20.0 % at severity 2" in text
    assert '50.0 % at severity 5"' in text


def panels(record: Record, *, photograph: bool) -> WorstPanels:
    picture = next(figure for figure in record.figures if figure.picture)
    tile = Tile(picture=picture.picture, tile=(0, 0, 4, 4), width=picture.width, height=picture.height)
    right = tile.model_copy(update={"tile": (4, 0, 4, 4)})
    return WorstPanels(photograph=tile if photograph else None, truth=right, answer=right, difference=right)


@pytest.mark.parametrize("photograph", [True, False])
def test_a_worst_image_without_a_page_has_its_picture_and_how_bad_it_is(photograph: bool, tmp_path: Path) -> None:
    def make(folder: Path) -> Record:
        record = small_record(folder)
        unseen = record.images[0].model_copy(update={"file": "unseen.png", "id": "unseen", "page": None, "truth": None})
        worst = WorstImage(
            image="unseen.png", score=0.25, pixel_accuracy=0.5, panels=panels(record, photograph=photograph)
        )
        output = EvaluationOutput(
            output="mask", kind="map", images=4, unmatched=0, per_class=[], mean_iou=0.5, worst=(worst,)
        )
        assert record.evaluation is not None
        evaluation = Evaluation(**{**dict(record.evaluation), "accuracy": None, "outputs": (output,)})
        return record.model_copy(update={"evaluation": evaluation, "images": [*record.images, unseen]})

    write_report(make, tmp_path)
    front = (tmp_path / "index.html").read_text(encoding="utf-8")
    card = front[front.index('id="right"') : front.index('id="findings"')]
    assert 'aria-label="The image unseen.png"' in card
    assert f'viewBox="{"0 0 4 4" if photograph else "4 0 4 4"}"' in card
    assert "mean IoU 0.25, 50.0 % of the pixels right" in card


def test_a_mistake_without_a_page_has_its_small_picture(tmp_path: Path) -> None:
    def make(folder: Path) -> Record:
        record = small_record(folder)
        unseen = record.images[0].model_copy(update={"file": "unseen.png", "id": "unseen", "page": None})
        mistake = Mistake(image="unseen.png", truth="checks", predicted="dots", score=0.9)
        assert record.evaluation is not None
        small = panels(record, photograph=True).photograph
        return record.model_copy(
            update={
                "evaluation": record.evaluation.model_copy(update={"mistakes": (mistake,)}),
                "images": [*record.images, unseen],
                "thumbnails": {"unseen.png": small},
            }
        )

    write_report(make, tmp_path)
    front = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'aria-label="The image unseen.png"' in front[front.index('id="right"') : front.index('id="findings"')]


@pytest.mark.parametrize(
    ("kinds", "first"),
    [(("predicted",), False), (("predicted", "runner-up"), False), (("predicted", "truth"), True), ((), False)],
)
def test_mistakes_are_said_to_stand_first_where_there_are_some(
    kinds: tuple[str, ...], first: bool, tmp_path: Path
) -> None:
    record = small_record(tmp_path)
    assert record.evaluation is not None
    maps = tuple(
        Attribution(
            output="out", target=AttributionTarget(kind=kind, index=0, label=None), method="grad-cam", layer="conv1",
            picture="assets/a.webp", array="features/a.npy", shape=[4, 4], positive_evidence=True, deletion=None,
            insertion=None, completeness_error=None, agreement=None, verdict=None,
        )
        for kind in kinds
    )  # fmt: skip
    image = record.images[0].model_copy(update={"attributions": maps})
    catalogue = Catalogue(record.model_copy(update={"images": [image, *record.images[1:]]}))
    assert begins_with_mistakes(catalogue) is first
    assert front_page(catalogue).view.mistakes_first is first


@pytest.mark.parametrize(
    ("ends", "words"), [((0.0, 1.0), "0"), ((168_000.0, 788_000.0), "788,000"), ((-1.64e-5, 3.38e-5), number(-1.64e-5))]
)
def test_a_scatter_keeps_room_for_the_words_at_its_axis(ends: tuple[float, float], words: str, tmp_path: Path) -> None:
    chart = draw_scatter([ends, ends[::-1]])
    assert chart is not None
    assert words in (chart.low_words, chart.high_words)
    # A digit of 12 pixels is 7 wide, and 4 lie between the words and the axis.
    assert chart.left >= max(LEFT, 7 * len(words) + 4)
    old = small_record(tmp_path / "first").evaluation
    assert old is not None
    output = EvaluationOutput(output="v", kind="values", images=2, unmatched=0, values=[
        ValueScore(name="v", mae=0.0, rmse=0.0, r2=1.0, bias=0.0)
    ], scatter=(ends, ends[::-1]))  # fmt: skip
    evaluation = Evaluation(**{**dict(old), "accuracy": None, "outputs": (output,)})
    text = text_of("evaluation.html", tmp_path / "report", evaluation=evaluation)
    assert f'width="{328 + chart.left}" height="248" viewBox="-{chart.left} -12 {328 + chart.left} 248"' in text


@pytest.mark.parametrize(
    ("macro", "said"),
    [
        ('profile("M0 0", 1)', "Highest activation of the one channel"),
        ('profile("M0 0", 4)', "Highest activation of each of 4 channels, in their order"),
        ("histogram(chart, 'Values')", "Values: 1 value from 0 to 1"),
    ],
)
def test_one_of_a_kind_is_no_plural(macro: str, said: str) -> None:
    chart = draw_histogram(Histogram(edges=[0.0, 1.0], counts=[1]))
    page = make_environment(None).from_string(
        '{% import "macros/parts.html.jinja2" as parts with context %}{{ parts.' + macro + " }}"
    )
    assert f'aria-label="{said}"' in page.render(chart=chart, page=None, site=None)
