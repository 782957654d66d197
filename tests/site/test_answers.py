"""Answers of every kind on the pages: their look, their words, and what is said of the network as a whole."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
from support.answers import LABELS, OUTPUTS
from support.browsing import element_count
from support.records import answers_record, small_record
from support.sites import write_report

from reportgen.facts import AnswerKind
from reportgen.finished.verification import verify_report
from reportgen.record import (
    ClassShare,
    Finding,
    Head,
    MapAnswer,
    Mistake,
    Neighbour,
    Output,
    PointsAnswer,
    Prediction,
    Record,
    Value,
    ValuesAnswer,
    ValueSpread,
    read_record,
    referenced_files,
)
from reportgen.site.answer_views import KINDS, view_answers
from reportgen.site.catalogue import Catalogue
from reportgen.site.channel_pages import unit_pages
from reportgen.site.charts import WIDTH, place_in_spread
from reportgen.site.environment import template_directory
from reportgen.site.front import front_page, summarize_model
from reportgen.site.output_pages import SPREADS, output_pages
from reportgen.site.parts import view_image
from reportgen.site.search import search_entries

GOLDEN = Path(__file__).parents[1] / "golden" / "answers"

Make = Callable[[Path], Record]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a network with outputs of every kind."""
    folder = tmp_path_factory.mktemp("answers")
    write_report(answers_record, folder)
    return folder


@pytest.fixture(scope="module")
def record(folder: Path) -> Record:
    return read_record(folder)


def main_of(page: Path) -> str:
    found = re.search(r"<main.*?</main>", page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[0] + "\n"


def check_golden(made: str, name: str, update: bool) -> None:
    file = GOLDEN / name
    if update:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made, encoding="utf-8", newline="\n")
    expected = file.read_text(encoding="utf-8")
    assert "\n".join(difflib.unified_diff(expected.split("\n"), made.split("\n"), lineterm="")) == ""


@pytest.mark.parametrize("kind", OUTPUTS)
def test_golden_page_of_an_image(kind: str, tmp_path: Path, update_golden: bool) -> None:
    write_report(partial(answers_record, kinds=(kind,)), tmp_path)
    assert verify_report(tmp_path) == []
    # The figures below are those of every image's page.
    made = main_of(tmp_path / "images" / "checks.html").split('<section id="feature-maps">')[0]
    check_golden(made, f"{kind}.html", update_golden)


@pytest.mark.parametrize("page", ["index.html", "images/index.html", "outputs.html"])
def test_golden_page_of_all_kinds(page: str, folder: Path, update_golden: bool) -> None:
    check_golden(main_of(folder / page), f"all/{page}", update_golden)


def test_every_kind_is_declared_once_and_has_a_template() -> None:
    assert set(KINDS) == set(get_args(AnswerKind))
    assert {path.name for path in (template_directory() / "answers").iterdir()} == {
        f"{kind}.html.jinja2" for kind in KINDS
    }


def test_nothing_on_the_pages_is_missing_and_ids_differ(folder: Path, record: Record) -> None:
    assert verify_report(folder) == []
    assert {"assets/answer-mask.png", "assets/answer-outlines.png"} <= set(referenced_files(record))
    for page in folder.rglob("*.html"):
        ids = re.findall(r' id="([^"]*)"', page.read_text(encoding="utf-8"))
        assert len(ids) == len(set(ids)), page.name


# --- sentences ------------------------------------------------------------------------------------


def output(kind: str, shape: Sequence[int | None], labels: Sequence[str] | None = None, name: str = "head") -> Output:
    return Output(
        name=name,
        kind=kind,  # type: ignore[arg-type]
        shape=(None, *shape),
        labels=None if labels is None else list(labels),
        note=None,
        reason="",
    )


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ([output("map", (32, 32, 3))], "gives a mask of 3 classes."),
        ([output("map", (32, 32, 1))], "gives a mask of one class."),
        ([output("map", (32, 32, 1), ["hair"])], "gives a mask of one class, hair."),
        ([output("values", (1,), ["age"])], "gives one value, age."),
        ([output("values", (1,), name="years")], "gives one value, years."),
        ([output("picture", (None, None, 3))], "gives a picture."),
        ([output("values", (4,)), output("classes", (4,))], "gives 4 values and probabilities of 4 classes."),
        ([output("classes", (1,))], "gives probabilities of 2 classes."),
        ([output("multilabel", (5,))], "gives a probability for each of 5 labels."),
        ([output("points", (136,))], "gives 68 points."),
        ([output("boxes", (4,))], "gives 1 box."),
        ([output("boxes", (None, 4))], "gives boxes."),
        ([output("embedding", (128,))], "gives 128 features to compare images by."),
        ([output("other", (7, 5))], "gives numbers, 7 \N{MULTIPLICATION SIGN} 5."),
        ([output("picture", (8, 8, 3))] * 5, "gives a picture, a picture, a picture and 2 more answers."),
    ],
)
def test_sentences_fit_the_kind(outputs: list[Output], words: str, record: Record) -> None:
    said = summarize_model(record.model.model_copy(update={"outputs": tuple(outputs)}))
    assert said.endswith(words)
    assert "1 classes" not in said
    assert "score" not in said


def test_scores_that_are_no_probabilities_are_called_scores(record: Record) -> None:
    head = Head(kind="logits", classes=10, labels="file", note=None)
    outputs = (output("values", (2,)), output("classes", (10,)))
    said = summarize_model(record.model.model_copy(update={"outputs": outputs, "head": head}))
    assert said.endswith("gives 2 values and scores for 10 classes.")


@pytest.mark.parametrize(
    ("kind", "classes", "words"),
    [
        ("softmax", 3, "gives probabilities of 3 classes."),
        ("sigmoid", 1, "gives a probability of one class."),
        ("sigmoid", 7, "gives a probability for each of 7 classes."),
        ("logits", 3, "gives scores for 3 classes."),
        ("none", None, "gives features, not classes."),
    ],
)
def test_records_without_outputs_read_as_before(kind: str, classes: int | None, words: str, tmp_path: Path) -> None:
    model = small_record(tmp_path).model
    head = Head(kind=kind, classes=classes, labels="none", note=None)  # type: ignore[arg-type]
    assert summarize_model(model.model_copy(update={"head": head})).endswith(words)
    assert output_pages(Catalogue(small_record(tmp_path))) == []


# --- the front page -------------------------------------------------------------------------------


def front_text(make: Make, folder: Path) -> str:
    write_report(make, folder)
    return (folder / "index.html").read_text(encoding="utf-8")


def without_findings(record: Record, *, notes: bool = False) -> Record:
    kept: list[Finding] = [one for one in record.findings if notes and one.severity == "info"]
    return record.model_copy(update={"findings": kept})


def test_the_first_two_outputs_stand_on_the_front_page_and_the_rest_is_named(record: Record) -> None:
    view = front_page(Catalogue(record)).view
    assert [answer.name for answer in view.cards[0].first] == ["scene", "tags"]
    assert [name for name, _ in view.other_outputs] == [one.name for one in record.model.outputs[2:]]


def test_whether_it_is_right_stands_second(folder: Path) -> None:
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<section id="([^"]*)"', text) == ["right", "findings", "images", "maximized", "provenance"]


@pytest.mark.parametrize(("accuracy", "green"), [(0.5, False), (0.6, False), (0.7, True)])
def test_nothing_is_green_at_the_baseline(accuracy: float, green: bool, tmp_path: Path) -> None:
    def make(folder: Path) -> Record:
        record = without_findings(small_record(folder))
        assert record.evaluation is not None
        evaluation = record.evaluation.model_copy(update={"accuracy": accuracy, "baseline": 0.6})
        return record.model_copy(update={"evaluation": evaluation})

    text = front_text(make, tmp_path)
    assert ('class="calm"' in text) == green
    assert ('class="badge ok"' in text) == green
    assert ("no better than naming the most frequent class" in text) != green


def test_without_a_baseline_it_is_counted_from_the_right_classes(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    truths = ["checks", "dots", "checks"]
    images = [image.model_copy(update={"truth": truth}) for image, truth in zip(record.images, truths, strict=True)]
    catalogue = Catalogue(record.model_copy(update={"images": images}))
    assert catalogue.baseline == pytest.approx(2 / 3)
    assert not catalogue.better_than_baseline


def test_truth_that_fits_no_image_is_no_figure(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    assert record.evaluation is not None
    evaluation = record.evaluation.model_copy(update={"images": 0, "accuracy": 0.0, "mistakes": ()})
    view = front_page(Catalogue(record.model_copy(update={"evaluation": evaluation}))).view
    assert view.right is None


@pytest.mark.parametrize(
    ("index", "label", "truth", "right"),
    [
        (7, None, "7", True),
        (7, None, "3", False),
        (0, "tench, Tinca tinca", "Tinca tinca", True),
        (2, "great white shark", "Great_White_Shark", True),
        (2, "great white shark", "2", True),
        (2, "3", "2", False),
        (1, "dots", "unheard of", None),
        (1, "dots", None, None),
    ],
)
def test_a_class_is_right_by_name_by_one_of_its_names_or_by_number(tmp_path, index, label, truth, right) -> None:
    record = small_record(tmp_path)
    best = Prediction(index=index, label=label, score=0.9)
    image = record.images[0].model_copy(update={"truth": truth, "predictions": [best]})
    assert view_image(image, Catalogue(record)).right is right


@pytest.mark.parametrize(("index", "truth", "right"), [(0, "gong", False), (1, "gong", True), (0, "bell", True)])
def test_a_class_is_right_where_the_evaluation_counts_it_so(
    tmp_path: Path, index: int, truth: str, *, right: bool
) -> None:
    record = small_record(tmp_path)
    labels = ["chime, bell, gong", "gong, tam-tam"]
    output = Output(name="sounds", kind="classes", shape=(None, 2), labels=labels, note=None, reason="")
    head = record.model.head.model_copy(update={"classes": 2})
    model = record.model.model_copy(update={"outputs": (output,), "head": head})
    best = Prediction(index=index, label=labels[index], score=0.9)
    image = record.images[0].model_copy(update={"truth": truth, "predictions": [best]})
    catalogue = Catalogue(record.model_copy(update={"model": model, "images": [image]}))
    assert view_image(image, catalogue).right is right


@pytest.mark.parametrize(
    ("scores", "truth", "right"),
    [
        ((0.9, 0.8, 0.1), "checks|dots", True),
        ((0.9, 0.8, 0.1), "checks", False),
        ((0.9, 0.8, 0.6), "rings|dots|checks", True),
        ((0.4, 0.3, 0.1), "checks", False),
    ],
)
def test_labels_are_right_where_all_are(tmp_path, scores, truth, right) -> None:
    record = small_record(tmp_path)
    labels = ["checks", "dots", "rings"]
    output = Output(name="labels", kind="multilabel", shape=(None, 3), labels=labels, note=None, reason="")
    head = record.model.head.model_copy(update={"kind": "sigmoid", "classes": 3})
    model = record.model.model_copy(update={"outputs": (output,), "head": head})
    found = [
        Prediction(index=index, label=label, score=score)
        for index, (label, score) in enumerate(zip(labels, scores, strict=True))
    ]
    image = record.images[0].model_copy(update={"truth": truth, "predictions": found})
    catalogue = Catalogue(record.model_copy(update={"model": model}))
    assert view_image(image, catalogue).right is right
    unsure = model.model_copy(update={"head": head.model_copy(update={"kind": "logits"})})
    assert view_image(image, Catalogue(record.model_copy(update={"model": unsure}))).right is None


@pytest.mark.parametrize(("paged", "shown"), [(range(0, 60, 3), 12), ([4, 40], 2), ([], 12)])
def test_the_front_page_shows_images_that_have_a_picture_from_the_whole_set(tmp_path, paged, shown) -> None:
    record = small_record(tmp_path)
    images = [
        record.images[0].model_copy(
            update={"id": f"image-{place}", "file": f"{place}.png", "page": "images/a.html" if place in paged else None}
        )
        for place in range(60)
    ]
    cards = front_page(Catalogue(record.model_copy(update={"images": images}))).view.cards
    places = [int(card.image.file.removesuffix(".png")) for card in cards]
    assert len(places) == shown
    assert places == sorted(places)
    assert set(places) <= set(paged or range(60))
    assert places[-1] >= 40


def test_wrong_images_stand_first(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    assert record.evaluation is not None
    names = ["no page.png", "spirals.png", "not in the record.png"]
    mistakes = tuple(Mistake(image=name, truth="checks", predicted="dots", score=0.9) for name in names)
    evaluation = record.evaluation.model_copy(update={"mistakes": mistakes})
    view = front_page(Catalogue(record.model_copy(update={"evaluation": evaluation}))).view
    assert view.right is not None
    assert [card.image.file for card in view.right.wrong] == names[:2]


def test_a_calm_page_claims_what_was_read_and_says_what_was_not(record: Record) -> None:
    calm = without_findings(record.model_copy(update={"evaluation": None}))
    view = front_page(Catalogue(calm)).view
    measured = sum(layer.activations is not None for layer in record.layers)
    assert f"the activations of {measured} layers on 3 images" in view.calm
    assert any(line.startswith("whether the answers are right") for line in view.unread)
    named = " ".join(view.unread)
    assert "landmarks (3 points)" in named
    assert "mask" not in named


def test_a_page_without_measurements_claims_none(record: Record) -> None:
    bare = [layer.model_copy(update={"weights": None, "activations": None}) for layer in record.layers]
    images = [image.model_copy(update={"predictions": []}) for image in record.images]
    view = front_page(Catalogue(record.model_copy(update={"layers": bare, "images": images}))).view
    assert view.calm == "the rules had nothing measured to read"


# --- each kind ------------------------------------------------------------------------------------


def with_answer(record: Record, kind: str, **changes: object) -> Record:
    """The record of all kinds, the answer of `kind` to the first image changed."""
    first, *rest = record.images
    answers = tuple(answer.model_copy(update=changes) if answer.kind == kind else answer for answer in first.answers)
    return record.model_copy(update={"images": [first.model_copy(update={"answers": answers}), *rest]})


def content_of(record: Record, kind: str) -> object:
    views = view_answers(record.images[0], Catalogue(record))
    return next(view.content for view in views if view.kind == kind)


def test_a_class_of_a_map_has_the_same_letter_on_every_image(record: Record) -> None:
    catalogue = Catalogue(record)
    letters = []
    for image in record.images[:2]:
        view = next(view for view in view_answers(image, catalogue) if view.kind == "map")
        letters.append({row.name: row.letter for row in view.content.legend})
    assert letters == [{"sky": "A", "road": "C", "building": "B"}, {"sky": "A", "road": "C"}]


def test_a_map_of_many_classes_is_still_told_apart(record: Record) -> None:
    classes = [ClassShare(index=at, label=None, share=1 / 30) for at in range(30)]
    content = content_of(with_answer(record, "map", classes=classes), "map")
    letters = [row.letter for row in content.legend]
    assert len(set(letters)) == 30
    assert letters[25:27] == ["Z", "26"]
    assert content.tint is None


def test_a_class_nowhere_on_the_map_is_named_apart(record: Record) -> None:
    view = next(view for view in view_answers(record.images[1], Catalogue(record)) if view.kind == "map")
    assert view.content.absent == ("building",)


def test_one_class_is_tinted_with_its_colour(record: Record) -> None:
    answer = next(one for one in record.images[0].answers if isinstance(one, MapAnswer) and len(one.classes) == 1)
    coloured = answer.model_copy(update={"classes": [answer.classes[0].model_copy(update={"colour": "#ff0033"})]})
    image = record.images[0].model_copy(update={"answers": (coloured,)})
    (view,) = view_answers(image, Catalogue(record))
    assert view.content.tint == (1.0, 0.0, 0.2)
    assert view.content.legend[0].name == "edges"


@pytest.mark.parametrize(("value", "mark"), [(0.0, 0.0), (20.0, WIDTH / 4), (80.0, WIDTH), (99.0, WIDTH), (None, None)])
def test_a_value_has_its_place_in_the_spread(value: float | None, mark: float | None, record: Record) -> None:
    spread = next(one for one in record.model.outputs if one.spread).spread
    assert spread is not None
    assert place_in_spread(spread[0], value) == mark


def test_points_lie_where_the_record_has_them(record: Record) -> None:
    content = content_of(with_answer(record, "points", points=[(12.0, 20.0)]), "points")
    radius = 0.012 * 64
    assert content.path.startswith(f"M{20 - radius:.1f} 12.0a")
    assert content.places == ("row 12, column 20",)
    assert (content.width, content.height) == (64, 48)


def test_a_box_is_drawn_from_corner_to_corner(record: Record) -> None:
    content = content_of(record, "boxes")
    assert content.path == "M10.0 8.0H54.0V40.0H10.0z"


def test_points_without_a_photograph_are_still_drawn(record: Record) -> None:
    figures = [figure for figure in record.figures if figure.kind != "photo"]
    content = content_of(record.model_copy(update={"figures": figures}), "points")
    assert content.photo is None
    assert content.path


def test_labels_are_given_from_one_half_on(record: Record) -> None:
    content = content_of(record, "multilabel")
    assert [(row.name, row.given) for row in content] == [("sky", True), ("building", True), ("road", False)]


def test_scores_of_a_second_output_are_probabilities_where_all_are(record: Record) -> None:
    catalogue = Catalogue(record.model_copy(update={"model": record.model.model_copy(update={"head": LOGITS})}))
    assert not catalogue.gives_probabilities("scene")
    assert catalogue.gives_probabilities("tags")


LOGITS = Head(kind="logits", classes=3, labels="file", note=None)


def test_an_image_without_a_page_has_its_classes(record: Record) -> None:
    views = view_answers(record.images[2], Catalogue(record))
    assert [(view.kind, view.name) for view in views] == [("classes", "scene")]
    assert [row.name for row in views[0].content] == list(LABELS)


def many_values(folder: Path) -> Record:
    record = answers_record(folder, ("values",))
    names = [f"coordinate {at}" for at in range(136)]
    spread = [
        ValueSpread(
            index=at, name=name, min=0.0, max=1.0, mean=0.5, std=0.1, edges=[0.0, 0.5, 1.0], counts=[2, 1],
            lowest=[record.images[0].file], highest=[record.images[1].file],
        )
        for at, name in enumerate(names)
    ]  # fmt: skip
    outputs = (record.model.outputs[0].model_copy(update={"spread": spread, "labels": names}),)
    values = [Value(index=at, name=name, value=at / 136, place=0.5) for at, name in enumerate(names)]
    answer = ValuesAnswer(output="person", kind="values", values=values)
    images = [
        image.model_copy(update={"answers": (answer,) if image.page is not None else ()}) for image in record.images
    ]
    model = record.model.model_copy(update={"outputs": outputs})
    return record.model_copy(update={"images": images, "model": model})


def test_very_many_values_are_all_there_on_pages_of_a_bearable_size(tmp_path: Path) -> None:
    write_report(many_values, tmp_path)
    text = (tmp_path / "images" / "checks.html").read_text(encoding="utf-8")
    assert all(f"coordinate {at}" in text for at in range(136))
    assert "<summary>36 more values</summary>" in text
    pages = [*tmp_path.glob("outputs*.html"), tmp_path / "images" / "checks.html"]
    assert len(pages) == -(-136 // SPREADS) + 1
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert len(text.encode()) <= 100_000, page.name
        assert element_count(text) <= 1_500, page.name


def test_many_points_are_two_paths(record: Record) -> None:
    answer = PointsAnswer(output="landmarks", kind="points", points=[(at % 48, at % 64) for at in range(500)], boxes=[])
    image = record.images[0].model_copy(update={"answers": (answer,)})
    (view,) = view_answers(image, Catalogue(record))
    assert view.content.path.count("M") == 500


# --- channels, sheets, search ---------------------------------------------------------------------


def test_neighbours_in_class_layers_are_named_by_their_class(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    after = [Neighbour(layer="dense", channel=1, weight=0.5), Neighbour(layer="conv2", channel=1, weight=0.4)]
    units = [record.units[0].model_copy(update={"after": after}), *record.units[1:]]
    kinds = {"softmax": "softmax", "dense": "dense"}
    last = [layer.model_copy(update={"kind": kinds.get(layer.name, layer.kind)}) for layer in record.layers]
    old = record.model_copy(update={"units": units, "layers": last})
    described = old.model_copy(
        update={"model": old.model.model_copy(update={"outputs": (output("classes", (3,), LABELS, "softmax"),)})}
    )
    for shown, name in ((old, "checks"), (described, "building")):
        (view, *_) = [page.view for page in unit_pages(Catalogue(shown)) if page.template == "unit.html.jinja2"]
        assert [neighbour.name for neighbour in view.after] == [name, None]


def test_the_sheet_begins_with_channels_that_have_pictures(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    made = [
        one.model_copy(update={"channel": {0: 5, 1: 3}.get(one.channel, one.channel)}) for one in record.maximizations
    ]
    sheets = [
        page.view
        for page in unit_pages(Catalogue(record.model_copy(update={"maximizations": made})))
        if page.template == "sheet.html.jinja2"
    ]
    assert [row.channel for row in sheets[0].rows] == [3, 5, 0, 1, 2, 4, 6, 7]
    assert sheets[0].pictures_first


def test_search_finds_outputs_values_and_classes_of_maps(record: Record) -> None:
    entries = list(search_entries(record))
    assert ("output", "mask: a mask of 3 classes", "outputs.html#output-3") in entries
    assert ("value", "age, a value of person", "outputs.html") in entries
    assert ("class", "building: checks.png", "images/checks.html") in entries
    assert ("class", "road: spirals.png", "images/spirals.html") in entries


@pytest.mark.parametrize("script", [True, False])
def test_a_hostile_output_stays_text(script: bool, tmp_path: Path) -> None:
    def make(folder: Path) -> Record:
        record = answers_record(folder)
        outputs = tuple(
            one.model_copy(update={"reason": "<script>alert(1)</script>", "labels": one.labels and ["<b>"] * 3})
            for one in record.model.outputs
        )
        site = record.site.model_copy(update={"script": script})
        return record.model_copy(update={"model": record.model.model_copy(update={"outputs": outputs}), "site": site})

    write_report(make, tmp_path)
    text = (tmp_path / "outputs.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<b>" not in text
