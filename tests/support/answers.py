"""Outputs of every kind and answers to go with them, made by hand; their pictures are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from reportgen import record as r

# Colours that colour-blind readers tell apart (Okabe and Ito).
COLOURS = ("#e69f00", "#56b4e9", "#009e73")
LABELS = ("sky", "building", "road")
VALUES = ("age", "height", "weight")
SIDE = 64


@dataclass(frozen=True)
class Made:
    """Where pictures go, and the images of the record."""

    folder: Path
    images: Sequence[str]

    def store(self, name: str, picture: Pillow.Image) -> str:
        """Write a picture, lossless; its path in the report."""
        path = f"assets/{name}.png"
        (self.folder / "assets").mkdir(parents=True, exist_ok=True)
        picture.save(self.folder / path, "PNG")
        return path

    def photo(self) -> str:
        rows, columns = np.mgrid[0:SIDE, 0:SIDE]
        pixels = np.stack([rows * 3, columns * 3, 128 + 60 * np.sin(rows / 4)], axis=-1)
        return self.store("answer-photo", Pillow.fromarray(pixels.astype(np.uint8)))

    def classes_of_pixels(self) -> np.ndarray:
        """Sky above, a building at the right, road below."""
        indices = np.zeros((SIDE // 2, SIDE // 2), np.uint8)
        indices[SIDE // 4 :] = 2
        indices[SIDE // 8 : SIDE // 4 + 8, SIDE // 4 :] = 1
        return indices

    def mask(self) -> str:
        picture = Pillow.fromarray(self.classes_of_pixels(), "P")
        picture.putpalette([int(colour[at : at + 2], 16) for colour in COLOURS for at in (1, 3, 5)])
        return self.store("answer-mask", picture)

    def outlines(self) -> str:
        indices = np.kron(self.classes_of_pixels(), np.ones((2, 2), np.uint8))
        border = np.zeros(indices.shape, bool)
        border[:-1] |= indices[:-1] != indices[1:]
        border[:, :-1] |= indices[:, :-1] != indices[:, 1:]
        pixels = np.zeros((*indices.shape, 4), np.uint8)
        pixels[border] = (255, 255, 255, 255)
        return self.store("answer-outlines", Pillow.fromarray(pixels, "RGBA"))

    def probability(self) -> str:
        ramp = np.tile(np.linspace(0, 255, SIDE // 2).astype(np.uint8), (SIDE // 2, 1))
        return self.store("answer-probability", Pillow.fromarray(ramp, "L"))


Answers = Callable[[Made, int], r.Answer]


def _output(name: str, kind: str, shape: Sequence[int | None], labels: Sequence[str] | None = None) -> r.Output:
    return r.Output(
        name=name,
        kind=kind,  # type: ignore[arg-type]
        shape=(None, *shape),
        labels=None if labels is None else list(labels),
        note=None,
        reason=f"made for the tests, as an output that is read as {kind}",
    )


def _values_output(made: Made) -> r.Output:
    spread = [
        r.ValueSpread(
            index=index, name=name, min=0.0, max=80.0, mean=31.5, std=12.25,
            edges=[0.0, 20.0, 40.0, 60.0, 80.0], counts=[3, 9, 4, 1],
            lowest=list(made.images[:2]), highest=list(made.images[1:]),
        )
        for index, name in enumerate(VALUES)
    ]  # fmt: skip
    return _output("person", "values", (3,), VALUES).model_copy(update={"spread": spread})


def _classes(made: Made, place: int) -> r.Answer:  # noqa: ARG001 - all kinds are called alike
    predictions = [r.Prediction(index=at, label=name, score=(0.9, 0.08, 0.02)[at]) for at, name in enumerate(LABELS)]
    return r.ClassesAnswer(output="scene", kind="classes", predictions=predictions)


def _labels(made: Made, place: int) -> r.Answer:  # noqa: ARG001
    predictions = [r.Prediction(index=at, label=name, score=(0.97, 0.62, 0.3)[at]) for at, name in enumerate(LABELS)]
    return r.ClassesAnswer(output="tags", kind="multilabel", predictions=predictions)


def _values(made: Made, place: int) -> r.Answer:  # noqa: ARG001
    values = [
        r.Value(index=at, name=name, value=(31.4, 12.0, 77.7)[at] + place, place=(0.5, 0.1, 0.9)[at])
        for at, name in enumerate(VALUES)
    ]
    return r.ValuesAnswer(output="person", kind="values", values=values)


def _map(made: Made, place: int) -> r.Answer:
    share = (0.4, 0.2, 0.4) if place == 0 else (0.6, 0.0, 0.4)
    places = ((16.0, 20.0), (24.0, 48.0), (52.0, 20.0))
    classes = [
        r.ClassShare(index=at, label=name, share=share[at], colour=COLOURS[at], place=places[at] if share[at] else None)
        for at, name in enumerate(LABELS)
    ]
    return r.MapAnswer(
        output="mask", kind="map", picture=made.photo(), mask=made.mask(), outlines=made.outlines(),
        width=SIDE, height=SIDE, classes=classes, mean_confidence=0.83, right=_right_map(made) if place == 0 else None,
    )  # fmt: skip


def _right_map(made: Made) -> r.MapComparison:
    """The map of the first image against a right mask, which shows no building."""
    return r.MapComparison(
        photograph=made.photo(), truth=made.mask(), answer=made.mask(), difference=made.probability(),
        width=SIDE, height=SIDE, mean_iou=0.75, pixel_accuracy=0.8,
        classes=(
            r.ClassOverlap(index=0, label=LABELS[0], share=0.6, iou=0.66, dice=0.8, colour=COLOURS[0]),
            r.ClassOverlap(index=2, label=None, share=0.4, iou=0.84, dice=0.91),
            r.ClassOverlap(index=1, label=LABELS[1], share=0.0, iou=None, dice=None, colour=COLOURS[1]),
        ),
        colours={"right": "#f4f4f4", "wrong": "#d55e00", "unjudged": "#404040"},
    )  # fmt: skip


def _one_class_map(made: Made, place: int) -> r.Answer:  # noqa: ARG001
    return r.MapAnswer(
        output="edges", kind="map", picture=made.photo(), mask=made.probability(), outlines=None,
        width=SIDE, height=SIDE, classes=[r.ClassShare(index=0, label=None, share=0.5)], mean_confidence=None,
    )  # fmt: skip


def _picture(made: Made, place: int) -> r.Answer:
    psnr = 27.3 if place == 0 else None
    return r.PictureAnswer(
        output="decoded", kind="picture", picture=made.photo(), width=SIDE, height=SIDE, difference=made.probability(),
        error=r.PictureError(mae=8.25 if psnr else 0.0, psnr=psnr), right=_right_picture(made) if psnr else None,
    )  # fmt: skip


def _right_picture(made: Made) -> r.PictureComparison:
    return r.PictureComparison(
        truth=made.photo(), difference=made.probability(), most=32.0, mae=4.5, psnr=31.0, ssim=None
    )


def _embedding(made: Made, place: int) -> r.Answer:
    others = [file for at, file in enumerate(made.images) if at != place]
    nearest = [r.Likeness(image=file, cosine=0.93 - 0.2 * at) for at, file in enumerate(others)]
    return r.EmbeddingAnswer(output="features", kind="embedding", nearest=nearest)


def _points(made: Made, place: int) -> r.Answer:  # noqa: ARG001
    points = [(12.0, 20.0 + place), (12.0, 44.0), (36.5, 32.0)]
    return r.PointsAnswer(output="landmarks", kind="points", points=points, boxes=[])


def _boxes(made: Made, place: int) -> r.Answer:  # noqa: ARG001
    return r.PointsAnswer(output="box", kind="boxes", points=[], boxes=[(8.0, 10.0 + place, 40.0, 54.0)])


def _other(made: Made, place: int) -> r.Answer:  # noqa: ARG001
    return r.OtherAnswer(output="rest", kind="other", min=-1.5, max=2.5, mean=0.25, std=0.75)


# By name: the output, and what makes its answer to the image of a place.
OUTPUTS: dict[str, tuple[Callable[[Made], r.Output], Answers]] = {
    "classes": (lambda _: _output("scene", "classes", (3,), LABELS), _classes),
    "multilabel": (lambda _: _output("tags", "multilabel", (3,), LABELS), _labels),
    "values": (_values_output, _values),
    "map": (lambda _: _output("mask", "map", (32, 32, 3), LABELS), _map),
    "one-class-map": (lambda _: _output("edges", "map", (32, 32, 1)), _one_class_map),
    "picture": (lambda _: _output("decoded", "picture", (64, 64, 3)), _picture),
    "embedding": (lambda _: _output("features", "embedding", (128,)), _embedding),
    "points": (lambda _: _output("landmarks", "points", (6,)), _points),
    "boxes": (lambda _: _output("box", "boxes", (4,)), _boxes),
    "other": (lambda _: _output("rest", "other", (7, 5)), _other),
}


def with_answers(record: r.Record, folder: Path, kinds: Sequence[str] = tuple(OUTPUTS)) -> r.Record:
    """`record` as one of a network that has an output of each of `kinds`, in their order."""
    made = Made(folder, [image.file for image in record.images])
    named = {"classes", "multilabel"}
    images = []
    for place, image in enumerate(record.images):
        answers = [OUTPUTS[kind][1](made, place) for kind in kinds]
        first = next((answer for answer in answers if isinstance(answer, r.ClassesAnswer)), None)
        update = {
            "answers": tuple(answers) if image.page is not None else (),
            "predictions": [] if first is None else first.predictions,
            "truth": image.truth if "classes" in kinds else None,
        }
        images.append(image.model_copy(update=update))
    head = record.model.head if named & set(kinds) else r.Head(kind="none", classes=None, labels="none", note=None)
    model = record.model.model_copy(update={"outputs": tuple(OUTPUTS[kind][0](made) for kind in kinds), "head": head})
    evaluation = record.evaluation if "classes" in kinds else None
    return record.model_copy(update={"images": images, "model": model, "evaluation": evaluation})
