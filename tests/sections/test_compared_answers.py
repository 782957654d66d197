"""Answers beside the right ones, through the whole program: trained networks, masks as people have them, pages."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn import metrics
from support.scenes import (
    CLASSES,
    HEIGHT,
    IGNORED,
    WIDTH,
    clean_pictures,
    cleaning,
    estimating,
    finding_cars,
    scenes,
    segmenting,
    shares_of,
    write_pictures,
)

import reportgen
from reportgen.errors import ReportgenError
from reportgen.finished.bundle import bundle_text
from reportgen.finished.verification import verify_report
from reportgen.record import EvaluationOutput, MapAnswer, MapComparison, PictureAnswer, ValuesAnswer, read_record
from reportgen.site.writer import write_site

pytestmark = pytest.mark.usefixtures("sound_files")

QUICK = {"activation_max": "off", "no_cache": True, "preprocess": "none", "sections": "predictions"}
COUNT = 20


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, np.ndarray]:
    folder = tmp_path_factory.mktemp("scenes")
    pixels, masks = scenes(COUNT, 9)
    masks[:, :2] = IGNORED
    write_pictures(folder / "photos", pixels)
    write_pictures(folder / "masks", masks, palette=True)
    (folder / "labels.txt").write_text("\n".join(CLASSES))
    return folder, pixels, masks


@pytest.fixture(scope="module")
def segmentation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "scenes.keras"
    segmenting().save(path)
    return path


@pytest.fixture(scope="module")
def report(given: tuple, segmentation: Path, tmp_path_factory: pytest.TempPathFactory) -> reportgen.Report:
    folder = given[0]
    return reportgen.build(
        segmentation, folder / "photos", tmp_path_factory.mktemp("out") / "report", truth=str(folder / "masks"),
        labels=folder / "labels.txt", image_pages=5, **QUICK,
    )  # fmt: skip


def only(report: reportgen.Report) -> EvaluationOutput:
    assert report.data.evaluation is not None
    assert verify_report(report.path) == []
    (found,) = report.data.evaluation.outputs
    return found


def plain_map(network: Path, pixels: np.ndarray) -> np.ndarray:
    """The class of each pixel by Keras alone, at the size of the photographs."""
    answer = keras.models.load_model(network).predict(pixels.astype("float32"), verbose=0).argmax(axis=-1)
    return answer.repeat(2, axis=1).repeat(2, axis=2)


def stored(report: reportgen.Report, name: str) -> np.ndarray:
    with Image.open(report.path / name) as picture:
        return np.asarray(picture)


def comparisons(report: reportgen.Report) -> dict[str, MapComparison]:
    found = {}
    for image in report.data.images:
        for answer in image.answers:
            if isinstance(answer, MapAnswer) and answer.right is not None:
                found[image.file] = answer.right
    return found


def test_the_pages_of_images_show_truth_answer_and_difference(
    report: reportgen.Report, given: tuple, segmentation: Path
) -> None:
    _, pixels, masks = given
    answered = plain_map(segmentation, pixels)
    shown = comparisons(report)
    assert len(shown) == 5
    for file, right in shown.items():
        mask, answer = masks[int(file[:3])], answered[int(file[:3])]
        judged = mask != IGNORED
        np.testing.assert_array_equal(stored(report, right.truth), mask)
        np.testing.assert_array_equal(stored(report, right.answer)[judged], answer[judged])
        assert right.pixel_accuracy == pytest.approx((mask == answer)[judged].mean())
        ious = metrics.jaccard_score(mask[judged], answer[judged], average=None, labels=range(4), zero_division=0)
        dices = metrics.f1_score(mask[judged], answer[judged], average=None, labels=range(4), zero_division=0)
        for one in right.classes:
            if one.iou is not None:
                assert (one.iou, one.dice) == pytest.approx((ious[one.index], dices[one.index]))
        assert [one.iou for one in right.classes] == sorted(
            (one.iou for one in right.classes), key=lambda iou: 2 if iou is None else iou
        )
        # Wrong pixels have the colour that the legend gives them, and no others have.
        with Image.open(report.path / right.difference) as picture:
            colours = np.asarray(picture.convert("RGB")).astype(int)
        wrong = tuple(int(right.colours["wrong"][place : place + 2], 16) for place in (1, 3, 5))
        np.testing.assert_array_equal((colours == wrong).all(axis=-1), judged & (mask != answer))
        text = (report.path / f"{next(i.page for i in report.data.images if i.file == file)}").read_text("utf-8")
        for name in (right.truth, right.answer, right.difference, right.photograph):
            assert name in text
        assert "Against the right mask" in text
        assert all(words in text for words in ("The right mask", "The difference", "How to read it", "not judged"))


def test_the_worst_images_lead_the_evaluation_with_their_classes(
    report: reportgen.Report, given: tuple, segmentation: Path
) -> None:
    _, pixels, masks = given
    answered, found = plain_map(segmentation, pixels), only(report)
    judged = masks != IGNORED
    means = []
    for mask, answer, inside in zip(masks, answered, judged, strict=True):
        ious = metrics.jaccard_score(mask[inside], answer[inside], labels=np.unique(mask[inside]), average=None)
        means.append(float(ious.mean()))
    order = np.argsort(means, kind="stable")[:12]
    assert [one.image for one in found.worst] == [f"{place:03d}.png" for place in order]
    assert [one.score for one in found.worst] == pytest.approx([means[place] for place in order])
    for one in found.worst:
        assert one.panels is not None
        assert one.panels.photograph is not None
        assert {(tile.tile[2], tile.tile[3]) for tile in one.panels.tiles.values()} == {(2 * WIDTH, 2 * HEIGHT)}
    assert found.per_class is not None
    assert len({row.colour for row in found.per_class}) == 4
    assert found.ignored_pixels == COUNT * 2 * WIDTH
    text = (report.path / "evaluation.html").read_text(encoding="utf-8")
    assert text.index("Class by class") < text.index("Worst images") < text.index("Taken for another")
    listed = text.partition('<ol class="worst">')[2]
    assert listed.index(f">{found.worst[0].image}<") < listed.index(f">{found.worst[1].image}<")
    assert f"{found.per_class[0].colour}" in text
    front = (report.path / "index.html").read_text(encoding="utf-8")
    assert "Is it right?" in front
    assert "mean IoU" in front
    assert "mean IoU" in (report.path / "summary.md").read_text(encoding="utf-8")


def test_the_difference_of_the_worst_is_drawn_where_it_is(
    report: reportgen.Report, given: tuple, segmentation: Path
) -> None:
    _, pixels, masks = given
    worst = only(report).worst[0]
    place = int(worst.image[:3])
    assert worst.panels is not None
    tile = worst.panels.difference
    left, top, width, height = tile.tile
    with Image.open(report.path / tile.picture) as picture:
        drawn = np.asarray(picture.convert("RGB"))[top : top + height : 2, left : left + width : 2]
    wrong = (masks[place] != IGNORED) & (masks[place] != plain_map(segmentation, pixels)[place])
    np.testing.assert_array_equal((drawn == (0xD5, 0x5E, 0)).all(axis=-1), wrong)


def test_pages_are_the_same_from_the_record_and_all_is_in_the_single_file(report: reportgen.Report) -> None:
    before = (report.path / "evaluation.html").read_bytes()
    write_site(read_record(report.path), report.path)
    assert (report.path / "evaluation.html").read_bytes() == before
    single = bundle_text(report.path)
    assert "Against the right mask" in single
    assert 'href="assets' not in single


def test_a_mask_of_one_class_tells_missed_from_too_much(given: tuple, tmp_path: Path) -> None:
    folder, pixels, masks = given
    finding_cars().save(tmp_path / "cars.h5")
    cars = np.where(masks == IGNORED, IGNORED, masks == 3).astype(np.uint8)
    write_pictures(tmp_path / "masks", cars)
    built = reportgen.build(
        tmp_path / "cars.h5", folder / "photos", tmp_path / "out", truth=str(tmp_path / "masks"), **QUICK
    )
    model = keras.models.load_model(tmp_path / "cars.h5")
    answered = model.predict(pixels.astype("float32"), verbose=0)[..., 0] > 0.5
    found, judged = only(built), cars != IGNORED
    assert found.per_class is not None
    assert [row.label for row in found.per_class] == ["background", "car"]
    assert found.per_class[1].iou == pytest.approx(metrics.jaccard_score(cars[judged], answered[judged]))
    assert set(found.colours or {}) == {"right", "found", "missed", "extra", "unjudged"}
    file, right = next((file, one) for file, one in comparisons(built).items() if "missed" in one.colours)
    place = int(file[:3])
    with Image.open(built.path / right.difference) as picture:
        colours = np.asarray(picture.convert("RGB")).astype(int)
    missed = tuple(int(right.colours["missed"][start : start + 2], 16) for start in (1, 3, 5))
    np.testing.assert_array_equal((colours == missed).all(axis=-1), (cars[place] == 1) & ~answered[place])


def test_values_stand_beside_the_right_ones(given: tuple, tmp_path: Path) -> None:
    folder, pixels, masks = given
    estimating(epochs=4).save(tmp_path / "shares.keras")
    right = shares_of(masks)
    rows = [f"{place:03d}.png,{road!r},{tree!r}" for place, (road, tree) in enumerate(right.tolist())]
    (tmp_path / "truth.csv").write_text("\n".join(["file,road,tree", *rows]))
    built = reportgen.build(
        tmp_path / "shares.keras", folder / "photos", tmp_path / "out", truth=str(tmp_path / "truth.csv"), **QUICK
    )
    answered = keras.models.load_model(tmp_path / "shares.keras").predict(pixels.astype("float32"), verbose=0)
    found = only(built)
    assert found.values is not None
    for place, row in enumerate(found.values):
        assert np.array(row.scatter) == pytest.approx(np.stack([right[:, place], answered[:, place]], -1), rel=1e-4)
        assert row.baseline_rmse == pytest.approx(right[:, place].std())
    errors = np.abs(answered - right)
    for name, place in (("road", 0), ("tree", 1)):
        of_value = [one for one in found.worst if one.name == name]
        assert [one.image for one in of_value] == [
            f"{index:03d}.png" for index in np.argsort(-errors[:, place], kind="stable")[:12]
        ]
        assert all(one.thumbnail is not None for one in of_value)
    image = built.data.images[3]
    answer = next(one for one in image.answers if isinstance(one, ValuesAnswer))
    assert [value.truth for value in answer.values] == right[3].tolist()
    text = (built.path / str(image.page)).read_text(encoding="utf-8")
    assert "Off by" in text
    text = (built.path / "evaluation.html").read_text(encoding="utf-8")
    assert text.count('class="dots"') == 2
    assert "right is" in text


def test_pictures_stand_beside_the_right_ones(given: tuple, tmp_path: Path) -> None:
    folder, pixels, masks = given
    cleaning(epochs=2).save(tmp_path / "clean.keras")
    right = clean_pictures(np.where(masks == IGNORED, 0, masks))
    write_pictures(tmp_path / "clean", right)
    built = reportgen.build(
        tmp_path / "clean.keras", folder / "photos", tmp_path / "out", truth=str(tmp_path / "clean"), **QUICK
    )
    answered = keras.models.load_model(tmp_path / "clean.keras").predict(pixels.astype("float32"), verbose=0) * 255.0
    errors = np.abs(answered.astype(float) - right).mean(axis=(1, 2, 3))
    found = only(built)
    assert found.mae == pytest.approx(errors.mean(), rel=1e-5)
    assert [one.image for one in found.worst] == [f"{place:03d}.png" for place in np.argsort(-errors)[:12]]
    assert all(one.panels is not None and one.panels.photograph is not None for one in found.worst)
    answer = next(one for one in built.data.images[2].answers if isinstance(one, PictureAnswer))
    assert answer.right is not None
    assert answer.right.mae == pytest.approx(errors[2], rel=1e-5)
    np.testing.assert_array_equal(stored(built, answer.right.truth), right[2])
    assert "Against the right picture" in (built.path / str(built.data.images[2].page)).read_text(encoding="utf-8")


@pytest.mark.parametrize("resize", ["crop", "pad", "squash"])
def test_right_pictures_and_masks_are_fitted_as_the_images_are(resize: str, given: tuple, tmp_path: Path) -> None:
    """Photographs of other proportions than the input: a network that changes nothing has no error anywhere."""
    _, pixels, _ = given
    wide = np.concatenate([pixels[:4], pixels[4:8, :, ::-1]], axis=2)
    write_pictures(tmp_path / "photos", wide)
    same = keras.Sequential([keras.layers.Input((HEIGHT, WIDTH, 3)), keras.layers.Rescaling(1 / 255, name="picture")])
    found = only(
        reportgen.build(
            same, tmp_path / "photos", tmp_path / "out", truth=str(tmp_path / "photos"), resize=resize,
            answer="picture", **QUICK,
        )
    )  # fmt: skip
    assert found.mae == pytest.approx(0, abs=1e-3)
    assert found.images == 4


def test_images_without_a_mask_are_not_judged_and_said(given: tuple, segmentation: Path, tmp_path: Path) -> None:
    folder, _, masks = given
    write_pictures(tmp_path / "masks", masks[:8])
    built = reportgen.build(
        segmentation, folder / "photos", tmp_path / "out", truth=str(tmp_path / "masks"),
        labels=folder / "labels.txt", **QUICK,
    )  # fmt: skip
    found = only(built)
    assert (found.images, found.without_truth) == (8, COUNT - 8)
    assert "12 images not judged" in (built.path / "evaluation.html").read_text(encoding="utf-8")
    assert set(comparisons(built)) == {f"{place:03d}.png" for place in range(8)}


def test_classes_that_the_network_does_not_know_are_counted(given: tuple, segmentation: Path, tmp_path: Path) -> None:
    folder, _, masks = given
    odd = masks.copy()
    odd[:, 2:4] = 17
    write_pictures(tmp_path / "masks", odd)
    built = reportgen.build(
        segmentation, folder / "photos", tmp_path / "out", truth=str(tmp_path / "masks"),
        labels=folder / "labels.txt", **QUICK,
    )  # fmt: skip
    found = only(built)
    assert found.unmatched_pixels == COUNT * 2 * WIDTH
    assert "none of the network" in (built.path / "evaluation.html").read_text(encoding="utf-8")


def test_masks_in_colours_are_refused_in_a_line(given: tuple, segmentation: Path, tmp_path: Path) -> None:
    folder, pixels, _ = given
    write_pictures(tmp_path / "masks", pixels)
    with pytest.raises(ReportgenError, match=r"--truth: expected a mask of class indices.*000.png: .*colours"):
        reportgen.build(segmentation, folder / "photos", tmp_path / "out", truth=str(tmp_path / "masks"), **QUICK)
