"""Evaluation, robustness and the quality of images through the whole program: scikit-learn and planted truth."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn import metrics
from support.striped import NAMES, SIDE, striped_set, trained, write_folders

import reportgen
from reportgen.finished.bundle import bundle_text
from reportgen.finished.comparison import compare
from reportgen.finished.verification import verify_report
from reportgen.record import EvaluationOutput, Record, read_record
from reportgen.sections import for_pages

pytestmark = pytest.mark.usefixtures("sound_files")

QUICK = {"activation_max": "off", "no_cache": True, "preprocess": "unit"}
REVIEW = "predictions,robustness,images-quality"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "striped.keras"
    trained().save(path)
    return path


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    path.write_text("\n".join(NAMES))
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("striped")
    write_folders(folder, *striped_set(150, 7, noise=95.0))
    return folder


@pytest.fixture(scope="module")
def report(network: Path, photos: Path, labels: Path, tmp_path_factory: pytest.TempPathFactory) -> reportgen.Report:
    out = tmp_path_factory.mktemp("out") / "report"
    return reportgen.build(
        network, photos, out, truth="folders", labels=labels, robustness=20, sections=REVIEW, **QUICK
    )


def plain_answers(network: Path, photos: Path, record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Right classes and probabilities of all images, by Keras alone."""
    pixels = np.stack([np.asarray(Image.open(photos / image.file)) for image in record.images])
    truth = np.array([NAMES.index(image.file.partition("/")[0]) for image in record.images])
    return truth, keras.models.load_model(network).predict(pixels.astype("float32") / 255, verbose=0)


def first_output(record: Record) -> EvaluationOutput:
    assert record.evaluation is not None
    return record.evaluation.outputs[0]


def test_figures_of_classes_are_those_of_scikit_learn(report: reportgen.Report, network: Path, photos: Path) -> None:
    truth, scores = plain_answers(network, photos, report.data)
    predicted, found = scores.argmax(axis=1), first_output(report.data)
    assert 0.4 < metrics.accuracy_score(truth, predicted) < 0.99, "a test of mistakes needs some"
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert report.data.evaluation is not None
    assert report.data.evaluation.accuracy == found.accuracy
    assert found.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, predicted))
    assert found.nll == pytest.approx(metrics.log_loss(truth, scores, labels=[0, 1, 2]), rel=1e-4)
    squares = ((scores - np.eye(3)[truth]) ** 2).sum(axis=1).mean()
    assert found.brier == pytest.approx(squares, rel=1e-5)
    assert found.baseline == pytest.approx(1 / 3)
    assert found.per_class is not None
    assert found.confusion is not None
    precision, recall, f1, count = metrics.precision_recall_fscore_support(truth, predicted, labels=[0, 1, 2])
    for place, row in enumerate(found.per_class):
        assert (row.label, row.count) == (NAMES[place], count[place])
        assert (row.precision, row.recall, row.f1) == pytest.approx((precision[place], recall[place], f1[place]))
    matrix = metrics.confusion_matrix(truth, predicted, labels=[0, 1, 2])
    expected = {(NAMES[y], NAMES[x]): int(matrix[y, x]) for y in range(3) for x in range(3) if matrix[y, x]}
    assert {(cell[0], cell[1]): cell[2] for cell in found.confusion} == expected
    assert found.interval is not None
    assert found.interval[0] < found.accuracy < found.interval[1]
    assert found.macro_f1 == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))


def test_each_cell_leads_to_its_images(report: reportgen.Report, network: Path, photos: Path) -> None:
    truth, scores = plain_answers(network, photos, report.data)
    predicted = scores.argmax(axis=1)
    by_file = {image.file: place for place, image in enumerate(report.data.images)}
    cells = first_output(report.data).cells
    assert sum(cell.count for cell in cells) == len(truth)
    text = (report.path / "evaluation.html").read_text(encoding="utf-8")
    for number, cell in enumerate(cells, 1):
        places = [by_file[file] for file in cell.images]
        assert places
        assert {NAMES[truth[place]] for place in places} == {cell.truth}
        assert {NAMES[predicted[place]] for place in places} == {cell.predicted}
        assert f'href="evaluation-confusions.html#cell-{number}"' in text


def test_robustness_is_that_of_the_network_on_the_changed_images(
    report: reportgen.Report, network: Path, photos: Path
) -> None:
    from reportgen.analysis.corruptions import corrupt, shift
    from reportgen.analysis.sampling import sample

    found = report.data.robustness
    assert found is not None
    assert found.images == 20
    files = [image.file for image in report.data.images]
    chosen = sample(np.arange(len(files)), 20, 0)
    pixels = [np.asarray(Image.open(photos / files[index])) for index in chosen]
    truth = np.array([NAMES.index(files[index].partition("/")[0]) for index in chosen])
    model = keras.models.load_model(network)

    def predicted(changed: list[np.ndarray]) -> np.ndarray:
        return model.predict(np.stack(changed).astype("float32") / 255, verbose=0).argmax(axis=1)

    clean = predicted(pixels)
    assert found.clean == pytest.approx((clean == truth).mean())
    for corruption in found.corruptions:
        severity = corruption.severities[2]
        changed = predicted(
            [
                corrupt(image, corruption.name, 3, seed=0, image=int(index))
                for image, index in zip(pixels, chosen, strict=True)
            ]
        )
        assert (severity.severity, severity.score) == (3, pytest.approx((changed == truth).mean()))
        assert severity.agreement == pytest.approx((changed == clean).mean())
    for one in found.shifts:
        moved = predicted([shift(image, one.name) for image in pixels])
        assert one.agreement == pytest.approx((moved == clean).mean())


def test_pages_are_listed_found_and_in_the_single_file(report: reportgen.Report) -> None:
    assert verify_report(report.path) == []
    front = (report.path / "index.html").read_text(encoding="utf-8")
    single = bundle_text(report.path)
    search = next((report.path / "assets").glob("search*.js")).read_text(encoding="utf-8")
    for path, words in {
        "evaluation.html": "precision",
        "robustness.html": "pixelate",
        "images-quality.html": "copy",
    }.items():
        assert f'href="{path}"' in front
        assert f'id="{path.removesuffix(".html")}"' in single
        assert path in search
        assert words in search


def test_every_key_is_there(report: reportgen.Report) -> None:
    told = json.loads((report.path / "report.json").read_text(encoding="utf-8"))
    output = told["evaluation"]["outputs"][0]
    wanted = (
        "output kind images unmatched accuracy interval balanced_accuracy top5_accuracy baseline ece nll brier roc_auc "
        "per_class confusion values mean_iou pixel_accuracy slices"
    )
    assert set(wanted.split()) <= set(output)
    assert set(output["per_class"][0]) >= {"label", "count", "precision", "recall", "f1", "iou"}
    assert set(told["robustness"]) >= {"images", "seed", "clean", "corruptions", "shifts"}
    severity = told["robustness"]["corruptions"][0]["severities"][0]
    assert set(severity) >= {"severity", "score", "agreement", "mean_confidence"}
    assert set(told["dataset"]) >= {"duplicates", "suspicious_labels", "outliers", "projection"}
    assert set(told["dataset"]["projection"]["points"][0]) == {"image", "x", "y"}
    assert read_record(report.path).dataset == report.data.dataset


def test_two_classes_of_a_single_sigmoid(tmp_path: Path) -> None:
    model = trained(2, single=True)
    images, truth = striped_set(90, 3, 2, noise=110.0)
    write_folders(tmp_path / "images", images, truth)
    (tmp_path / "labels.txt").write_text("across\ndown")
    built = reportgen.build(
        model, tmp_path / "images", tmp_path / "out", truth="folders", labels=tmp_path / "labels.txt",
        sections="predictions", **QUICK,
    )  # fmt: skip
    files = [image.file for image in built.data.images]
    right = np.array([file.startswith("down") for file in files])
    pixels = np.stack([np.asarray(Image.open(tmp_path / "images" / file)) for file in files])
    scores = model.predict(pixels.astype("float32") / 255, verbose=0)[:, 0]
    found = first_output(built.data)
    assert found.roc_auc == pytest.approx(metrics.roc_auc_score(right, scores))
    assert found.brier == pytest.approx(metrics.brier_score_loss(right, scores), rel=1e-4)
    assert found.binary is not None
    assert found.binary.positive == "down"
    yes = scores > 0.5
    assert found.binary.at_threshold.sensitivity == pytest.approx(metrics.recall_score(right, yes))
    assert found.binary.at_threshold.specificity == pytest.approx(metrics.recall_score(~right, ~yes))
    low = found.binary.curve[20]
    assert low.sensitivity == pytest.approx(metrics.recall_score(right, scores > np.float32(0.2)))
    assert "Where to set the threshold" in (built.path / "evaluation.html").read_text(encoding="utf-8")


def planted_set(folder: Path) -> dict[str, str]:
    """Clear images, all but some copied, noisy or with another's label; the labels by file."""
    images, truth = striped_set(120, 5, noise=25.0)
    random = np.random.default_rng(11)
    labels: dict[str, str] = {}
    folder.mkdir()
    for place, (pixels, label) in enumerate(zip(images, truth, strict=True)):
        Image.fromarray(pixels).save(folder / f"{place:03d}.png")
        labels[f"{place:03d}.png"] = NAMES[label]
    for place in (4, 9):
        Image.fromarray(images[place]).save(folder / f"copy-{place}.png")
        labels[f"copy-{place}.png"] = NAMES[truth[place]]
    for place in range(3):
        noise = random.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"noise-{place}.png")
    for place in (30, 61, 92):
        labels[f"{place:03d}.png"] = NAMES[(truth[place] + 1) % 3]
    return labels


def test_what_was_planted_is_found(network: Path, labels: Path, tmp_path: Path) -> None:
    told = planted_set(tmp_path / "images")
    lines = ["file,label", *(f"{file},{label}" for file, label in told.items())]
    (tmp_path / "truth.csv").write_text("\n".join(lines))
    reference = tmp_path / "train"
    reference.mkdir()
    Image.open(tmp_path / "images" / "017.png").save(reference / "elsewhere.png")
    built = reportgen.build(
        network, tmp_path / "images", tmp_path / "out", truth=str(tmp_path / "truth.csv"), labels=labels,
        reference=reference, sections="images-quality", **QUICK,
    )  # fmt: skip
    found = built.data.dataset
    assert found is not None
    copies = [set(one.images) for one in found.duplicates if not one.reference]
    assert copies == [{"004.png", "copy-4.png"}, {"009.png", "copy-9.png"}]
    leaks = [one for one in found.duplicates if one.reference]
    assert [(one.images, one.reference) for one in leaks] == [
        (["017.png", "train/elsewhere.png"], ("train/elsewhere.png",))
    ]
    assert {"030.png", "061.png", "092.png"} <= {one.image for one in found.suspicious_labels[:6]}
    rules = {finding.rule: finding for finding in built.data.findings}
    assert rules["leakage"].severity == "error"
    assert rules["leakage"].image == "017.png"
    assert rules["duplicates"].page == "images-quality.html"
    assert "suspicious-labels" in rules
    assert verify_report(built.path) == []


def test_a_weak_slice_is_found_by_a_column_of_the_truth(network: Path, labels: Path, tmp_path: Path) -> None:
    images, truth = striped_set(120, 9, noise=25.0)
    names = write_folders(tmp_path / "images", images, truth)
    # Of the second camera, labels are at random.
    random = np.random.default_rng(0)
    lines = ["file,label,camera"]
    for place, name in enumerate(names):
        second = place % 4 == 0
        label = int(random.integers(3)) if second else int(truth[place])
        lines.append(f"{name},{NAMES[label]},{'second' if second else 'first'}")
    (tmp_path / "truth.csv").write_text("\n".join(lines))
    built = reportgen.build(
        network, tmp_path / "images", tmp_path / "out", truth=str(tmp_path / "truth.csv"), labels=labels,
        sections="predictions", **QUICK,
    )  # fmt: skip
    slices = first_output(built.data).slices
    assert slices is not None
    worst = slices[0]
    assert (worst.property, worst.entry, worst.images) == ("camera", "second", 30)
    assert worst.score < 0.6 < worst.rest
    assert worst.p_value < 0.05
    assert worst.examples
    finding = next(one for one in built.data.findings if one.rule == "weak-slice")
    assert "camera" in finding.message
    assert finding.page == "evaluation.html"
    assert "camera: second" in (built.path / "evaluation.html").read_text(encoding="utf-8")


def test_without_truth_robustness_counts_unchanged_answers(network: Path, photos: Path, tmp_path: Path) -> None:
    built = reportgen.build(network, photos, tmp_path / "out", robustness=5, sections="layers", **QUICK)
    found = built.data.robustness
    assert found is not None
    assert found.clean is None
    assert found.images == 5
    assert all(one.score is None and one.agreement is not None for one in found.corruptions[0].severities)
    assert built.data.evaluation is None
    assert built.data.dataset is None
    assert (built.path / "robustness.html").is_file()
    assert verify_report(built.path) == []


def test_a_network_without_classes_has_no_robustness(tmp_path: Path, photos: Path) -> None:
    features = keras.Sequential([keras.layers.Input((SIDE, SIDE, 3)), keras.layers.Conv2D(4, 3, name="only")])
    built = reportgen.build(features, photos, tmp_path / "out", robustness=5, sections=REVIEW, **QUICK)
    assert built.data.robustness is None
    notes = {section.slug: section.note for section in built.data.sections}
    assert "classes" in (notes["robustness"] or "")
    assert built.data.dataset is not None
    assert built.data.dataset.suspicious_labels == []


@pytest.mark.parametrize(("room", "most"), [(for_pages.ORIGINALS_ROOM, 0), (0, 3)])
def test_images_are_decoded_again_only_where_there_is_no_room_to_keep_them(
    room: int, most: int, network: Path, photos: Path, labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collections import Counter

    from reportgen.analysis.statistics import image_pass
    from reportgen.sections import images_quality, study

    decoded: Counter[str] = Counter()
    plain = study.load_image

    def counting(image, channels):  # type: ignore[no-untyped-def]
        decoded[image.file] += 1
        return plain(image, channels)

    for module in (image_pass, study, images_quality):
        monkeypatch.setattr(module, "load_image", counting)
    monkeypatch.setattr(for_pages, "ORIGINALS_ROOM", room)
    reportgen.build(
        network, photos, tmp_path / "out", truth="folders", labels=labels, robustness=30, sections=REVIEW, **QUICK
    )
    # The first to tell what the answers are, all to be measured, and for what is shown of them.
    assert max(decoded.values(), default=0) == most, decoded.most_common(3)


def test_two_reports_are_compared_by_their_figures(report: reportgen.Report) -> None:
    facts = {fact.name: fact for fact in compare(report.data, report.data).model}
    assert facts["Balanced accuracy"].change == "same"
    assert facts["Groups of copies"].first == 0
    assert "Right answers over all corruptions" in facts


@pytest.mark.slow
def test_both_engines_give_the_same_review_to_the_last_bit(
    report: reportgen.Report, network: Path, photos: Path, labels: Path, tmp_path: Path
) -> None:
    spread = reportgen.build(
        network, photos, tmp_path / "out", truth="folders", labels=labels, robustness=20, sections=REVIEW,
        engine="dask", **QUICK,
    )  # fmt: skip
    assert spread.data.evaluation == report.data.evaluation
    assert spread.data.robustness == report.data.robustness
    assert spread.data.dataset == report.data.dataset
    assert (spread.path / "evaluation.html").read_bytes() == (report.path / "evaluation.html").read_bytes()
