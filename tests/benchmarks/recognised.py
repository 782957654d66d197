"""How far pictures of classes show to others what the class is: networks are shown the pictures of other networks.

    python tests/benchmarks/recognised.py REPORTS [--models DIR] [--photos DIR]

REPORTS holds default reports of the trained networks on the photographs, in folders called as in `report_time.py`.
Every picture of a class is shown to the other networks, enlarged to their size: how many name the class first, and
how many among their first five. Beside it stands how they do on the photographs themselves: on the first one that a
picture's own network answered with the class. Networks agree on a class if one of its names is the same.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from report_time import NETWORKS, SHARED

Pixels = NDArray[np.float32]

AMONG = 5

PREPARED: Mapping[str, Callable[[Pixels], Pixels]] = {
    "unit": lambda pixels: pixels / np.float32(255),
    "none": lambda pixels: pixels,
    "tf": lambda pixels: pixels / 127.5 - 1,
    "caffe": lambda pixels: pixels[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32),
}


@dataclass(frozen=True)
class Shown:
    """A picture of a class, and the photograph that its network answered with it, if any."""

    label: str
    picture: Image.Image
    photograph: Path | None


class Judge:
    """A trained network that says what it sees."""

    def __init__(self, name: str, models: Path) -> None:
        file, self._mode, labels = NETWORKS[name]
        self._model = keras.models.load_model(models / file, compile=False)
        self._names = [names_of(line) for line in (models / labels).read_text(encoding="utf-8").splitlines()]
        self._size = self._model.input_shape[1:3]

    def place(self, image: Image.Image, label: str) -> int:
        """The place of a class among the answers to an image, 0 is first."""
        pixels = np.asarray(image.resize(self._size[::-1], Image.Resampling.BICUBIC), np.float32)
        scores = np.asarray(self._model(PREPARED[self._mode](pixels)[None], training=False)).reshape(-1)
        order = np.argsort(-scores)
        return next((place for place, index in enumerate(order) if self._names[index] & names_of(label)), len(order))


def names_of(label: str) -> set[str]:
    """A class's names, as lists of labels have them: apart by commas."""
    return {name.strip().lower() for name in label.split(",")}


def shown_in(report: Path, photos: Path) -> Iterator[Shown]:
    """The pictures of classes of a report."""
    said: dict[str, Any] = json.loads((report / "report.json").read_text(encoding="utf-8"))
    found: dict[str, Path] = {}
    for image in said["images"]:
        for score in (image["predictions"] or [])[:1]:
            found.setdefault(score["label"], photos / Path(image["file"]).name)
    for one in said["maximizations"]:
        if one["label"] and one["tile"]:
            left, top, width, height = one["tile"]
            with Image.open(report / one["picture"]) as sheet:
                picture = sheet.convert("RGB").crop((left, top, left + width, top + height))
            yield Shown(one["label"], picture, found.get(one["label"]))


def cropped(path: Path) -> Image.Image:
    """The square in the middle of a photograph."""
    with Image.open(path) as image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        return image.convert("RGB").crop((left, top, left + side, top + side))


def said_places(places: Sequence[int]) -> str:
    """How many of the judgements name the class."""
    first, among = (sum(place < most for place in places) for most in (1, AMONG))
    count = max(1, len(places))
    return f"{first / count:.0%} first, {among / count:.0%} among five ({first} and {among} of {len(places)})"


def main() -> None:
    """Print how many judgements name the class, by network and in all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path)
    parser.add_argument("--models", type=Path, default=SHARED / "models")
    parser.add_argument("--photos", type=Path, default=SHARED / "photos")
    options = parser.parse_args()
    judges = {name: Judge(name, options.models) for name in NETWORKS}
    pictures: list[int] = []
    photographs: list[int] = []
    for name in NETWORKS:
        shown = list(shown_in(options.reports / name, options.photos))
        others = [judge for other, judge in judges.items() if other != name]
        places = [judge.place(one.picture, one.label) for one in shown for judge in others]
        known = [(cropped(one.photograph), one.label) for one in shown if one.photograph is not None]
        photographs += [judge.place(image, label) for image, label in known for judge in others]
        pictures += places
        print(f"  pictures of {name}: {said_places(places)}")
    print(f"  pictures of classes, by the other networks: {said_places(pictures)}")
    print(f"  the photographs themselves: {said_places(photographs)}")


if __name__ == "__main__":
    main()
