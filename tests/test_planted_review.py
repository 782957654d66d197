"""What was planted is found and chance is not, through the whole program: weak slices, flips, steadiness."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from support.striped import NAMES, SIDE, striped_set, trained

import reportgen
from reportgen import report as report_module
from reportgen.analysis.findings import find
from reportgen.analysis.review import review_classes
from reportgen.analysis.reviewing import Review
from reportgen.sections import study as study_module

QUICK = {"activation_max": "off", "no_cache": True, "preprocess": "unit", "image_pages": 4}
IMAGES = 400
RUNS = 200
MOST_REPORTED = 16


def darkened_set() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Striped images, a quarter of them dark; of dark ones of the second class nothing can be told."""
    random = np.random.default_rng(3)
    images, labels = striped_set(IMAGES, 8, noise=55.0)
    dark = random.random(IMAGES) < 0.25
    images[dark] = images[dark] // 3
    lost = dark & (labels == 1)
    # Dark stripes of a class drawn by lot: the network answers what it sees, which has nothing to do with the label.
    others = striped_set(IMAGES, 9, noise=55.0)[0] // 3
    images[lost] = others[random.permutation(IMAGES)[: lost.sum()]]
    return images, labels, dark


class Seen:
    """What the evaluation and the rules were given while a report was built."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reviewed: tuple[Any, ...] = ()
        self.evidence: Any = None

        def reviewing(*given: Any) -> Any:
            self.reviewed = given
            return review_classes(*given)

        def finding(evidence: Any) -> Any:
            self.evidence = evidence
            return find(evidence)

        monkeypatch.setattr(study_module, "review_classes", reviewing)
        monkeypatch.setattr(report_module, "find", finding)


@pytest.mark.slow
def test_a_planted_slice_is_found_and_with_right_and_wrong_shuffled_hardly_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels, dark = darkened_set()
    trained(noise=55.0, epochs=8).save(tmp_path / "striped.keras")
    (tmp_path / "labels.txt").write_text("\n".join(NAMES))
    (tmp_path / "photos").mkdir()
    cameras = np.random.default_rng(4).choice(["north", "south", "west"], IMAGES)
    lines = ["file,label,camera"]
    for place, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{place:03d}.png")
        lines.append(f"{place:03d}.png,{NAMES[label]},{cameras[place]}")
    (tmp_path / "truth.csv").write_text("\n".join(lines))
    seen = Seen(monkeypatch)
    built = reportgen.build(
        tmp_path / "striped.keras", tmp_path / "photos", tmp_path / "out", truth=str(tmp_path / "truth.csv"),
        labels=tmp_path / "labels.txt", sections="predictions", **QUICK,
    )  # fmt: skip
    assert built.data.evaluation is not None
    slices = built.data.evaluation.outputs[0].slices
    assert slices
    assert slices[0].property in ("brightness", "contrast", "sharpness"), "what is dark is dull, too"
    (found,) = [one for one in slices if one.property == "brightness"]
    assert found.range is not None
    inside = images.mean(axis=(1, 2, 3)) <= found.range[1] + 1
    assert dark[inside].mean() > 0.9
    assert found.score < found.rest
    assert any(one.rule == "weak-slice" for one in built.data.findings)

    reported = sum(_reports_a_slice(seen, np.random.default_rng(seed)) for seed in range(RUNS))
    print(f"with right and wrong shuffled, {reported} of {RUNS} runs report a slice")
    assert reported <= MOST_REPORTED


def _reports_a_slice(seen: Seen, random: np.random.Generator) -> bool:
    """Whether the evaluation and the rules name any slice once answers, with their truth, go to other images."""
    review, images, names, columns = seen.reviewed
    arrays = review.to_arrays()
    order = random.permutation(IMAGES)
    answers = [name for name in arrays if name.startswith("review_answers") and len(arrays[name]) == IMAGES]
    shuffled = {name: arrays[name][order] for name in answers if not name.endswith("_image")}
    assert len(shuffled) >= 5
    judged = review_classes(Review.from_arrays(review.told, {**arrays, **shuffled}), images, names, columns)
    assert judged is not None
    assert judged.figures.accuracy == seen.evidence.review.judged.figures.accuracy
    findings = find(replace(seen.evidence, review=replace(seen.evidence.review, judged=judged)))
    told = any(one.rule == "weak-slice" for one in findings)
    assert told == bool(judged.slices)
    return told


# --- flips ----------------------------------------------------------------------------------------


def pointing_set(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Arrow heads of two colours on noise, all pointing left: the colour is the class, the side is none."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    labels = np.arange(count) % 2
    images = random.normal(110, 25, (count, SIDE, SIDE, 3))
    for place, label in enumerate(labels):
        head = (np.abs(rows - random.integers(5, SIDE - 5)) <= columns - random.integers(0, 2)) & (columns < 6)
        images[place][head] = (200, 60, 60) if label else (60, 60, 200)
    return np.clip(images, 0, 255).astype(np.uint8), labels


def fixed_in_place(*, flipped: bool) -> keras.Model:
    """A network without pooling, so that every pixel's place counts, trained with flips or without."""
    keras.utils.set_random_seed(0)
    images, labels = pointing_set(400, 1)
    if flipped:
        images = np.concatenate([images, images[:, :, ::-1]])
        labels = np.concatenate([labels, labels])
    model = keras.Sequential(
        [
            layers.Input((SIDE, SIDE, 3)),
            layers.Flatten(name="flat"),
            layers.Dense(24, activation="relu", name="hidden"),
            layers.Dense(2, activation="softmax", name="head"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    model.fit(images.astype("float32") / 255, labels, epochs=10, batch_size=32, verbose=0)
    return model


@pytest.mark.parametrize("flipped", [True, False])
def test_a_network_trained_with_flips_holds_and_one_without_does_not(flipped: bool, tmp_path: Path) -> None:
    fixed_in_place(flipped=flipped).save(tmp_path / "arrows.keras")
    images, labels = pointing_set(60, 7)
    for place, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        folder = tmp_path / "photos" / ("blue", "red")[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{place:03d}.png")
    built = reportgen.build(
        tmp_path / "arrows.keras", tmp_path / "photos", tmp_path / "out", truth="folders", robustness=60,
        sections="robustness", **QUICK,
    )  # fmt: skip
    found = built.data.robustness
    assert found is not None
    assert found.clean is not None
    assert found.clean > 0.95
    mirrored = next(one for one in found.shifts if one.name == "flip-horizontal")
    assert mirrored.agreement is not None
    assert mirrored.agreement_interval is not None
    if flipped:
        assert mirrored.agreement_interval[0] > 0.9
    else:
        assert mirrored.agreement_interval[1] < 0.9
    text = (built.path / "robustness.html").read_text(encoding="utf-8")
    assert mirrored.name in text


# --- severities, on real networks and photographs ----------------------------------------------------

# By the list of right answers that lies beside the networks; which of three cats it is, networks are free to say.
PHOTOGRAPHED = {
    "coffee.png": "espresso",
    "parrot_macaw.jpg": "macaw",
    "chickadee.png": "chickadee",
    "cat_chelsea.png": "Egyptian cat",
    "cat_tabby.jpg": "tabby",
    "hot_dog.jpg": "hotdog",
    "dragonfly.png": "dragonfly",
    "dog_running.png": "golden retriever",
    "samoyed_small.png": "Samoyed",
    "rocket.jpg": "missile",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "preprocess", "labels"),
    [
        ("tiny_darknet", "unit", "labels_imagenet1000_darknet_order.txt"),
        ("squeezenet_v10_dc", "caffe", "labels_imagenet1000_synset_order.txt"),
        ("mobilenet_v2_100_224", "tf", "labels_imagenet1001_background.txt"),
        ("mobilenet_v1_075_192", "none", "labels_imagenet1001_background.txt"),
    ],
)
def test_a_severity_scores_no_better_than_a_lower_one_by_more_than_its_interval(
    name: str, preprocess: str, labels: str, shared_models: Path, shared_photos: Path, tmp_path: Path
) -> None:
    known = (shared_models / labels).read_text(encoding="utf-8").splitlines()
    lines = ["file,label"]
    for file, label in PHOTOGRAPHED.items():
        whole = next(line for line in known if line.split(",")[0] == label)
        lines.append(f'{file},"{whole}"')
    (tmp_path / "truth.csv").write_text("\n".join(lines))
    built = reportgen.build(
        shared_models / f"{name}.keras", [str(shared_photos / file) for file in PHOTOGRAPHED], tmp_path / "out",
        labels=shared_models / labels, truth=str(tmp_path / "truth.csv"), resize="crop", robustness=len(PHOTOGRAPHED),
        sections="robustness", **{**QUICK, "preprocess": preprocess},
    )  # fmt: skip
    found = built.data.robustness
    assert found is not None
    assert found.clean is not None
    assert found.clean >= 0.7
    for corruption in found.corruptions:
        scores = [found.clean, *(one.score or 0.0 for one in corruption.severities)]
        for place, one in enumerate(corruption.severities):
            assert one.interval is not None
            # Of ten photographs one or two more may be right by chance: its interval must reach down to all before.
            assert one.interval[0] <= min(scores[: place + 1]), (corruption.name, one.severity)
