"""How good the pictures of `crisp` are on a trained network: how many excite their channel or class as images do.

    python tests/benchmarks/crisp_quality.py NETWORK.keras PHOTOS --preprocess tf --resize crop \
        --labels LABELS.txt --layers conv1 conv5 conv9 --sheets FOLDER

Makes pictures of the 8 strongest channels of each layer and of ten classes: those the network finds first in an
image, the most frequent first, then the likeliest of those it finds second or later. A channel's picture is ok if,
saved and fed back, it excites the channel at least as much as any image does and fewer than 5 other channels more;
a class's picture if the network takes it for that class. Aims: 90 % and 8 of 10. With `--sheets`, a contact sheet
of each layer is written to look at. Results are kept in the user's cache folder, as those of a build.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

from reportgen.analysis.maximization import AnswerGoals, maximize
from reportgen.analysis.maximization.answer_goals import with_extremes
from reportgen.analysis.maximization.subjects import Goal, OutputNumbers
from reportgen.config import Config
from reportgen.draw.montage import montage
from reportgen.files.cache import Cache
from reportgen.files.cache_folder import default_folder
from reportgen.images import collect_images
from reportgen.models import load_network
from reportgen.progress import Silent
from reportgen.results import MaximizedChannel
from reportgen.sections.maximized_pictures import Maximizing
from reportgen.sections.picture_store import PictureStore
from reportgen.sections.study import Study, Workshop, fitted_images, prepare_study

CLASSES = 10
CHANNELS_AIM = 0.9
CLASSES_AIM = 8
SHEET_COLUMNS = 5


def choose_classes(study: Study) -> list[int]:
    """The classes found first in images, then the likeliest of the others."""
    answers = [study.statistics.predictions(i, study.head) for i in range(len(study.images.images))]
    first = Counter(answer[0].index for answer in answers if answer)
    others = sorted((score for answer in answers for score in answer[1:]), key=lambda score: -score.score)
    chosen = [index for index, _ in sorted(first.items(), key=lambda pair: (-pair[1], pair[0]))]
    return list(dict.fromkeys([*chosen, *(score.index for score in others)]))[:CLASSES]


def report(name: str, pictures: Sequence[MaximizedChannel], sheets: Path | None) -> Counter[str]:
    """Print the counts and every picture that is not ok; write the contact sheet."""
    counts = Counter(picture.status for picture in pictures)
    canvas = pictures[0].canvas
    said = ", ".join(f"{counts[status]} {status}" for status in ("ok", "weak", "failed") if counts[status])
    print(f"  {name:24} {said}   ({canvas[0]} x {canvas[1]})", flush=True)
    for picture in pictures:
        if picture.status != "ok":
            highest = "-" if picture.dataset_max is None else f"{picture.dataset_max:.3g}"
            what = picture.label or f"channel {picture.channel}"
            print(f"    {picture.status}: {what}, {picture.activation:.3g} of {highest}, rank {picture.rank}")
    if sheets is not None:
        blank = np.zeros((*canvas, 3), np.uint8)
        tiles = np.stack([blank if picture.pixels is None else picture.pixels for picture in pictures])
        Image.fromarray(montage(tiles, SHEET_COLUMNS, gap=4)).save(sheets / f"{name.replace('/', '-')}.png")
    return counts


def main() -> None:
    """Make the pictures and print what became of them."""
    parser = argparse.ArgumentParser(description="How good the pictures of crisp are on a trained network.")
    parser.add_argument("model")
    parser.add_argument("photos")
    parser.add_argument("--preprocess", default="auto")
    parser.add_argument("--resize", default="squash")
    parser.add_argument("--labels")
    parser.add_argument("--layers", nargs="+", default=())
    parser.add_argument("--sheets", type=Path)
    given = parser.parse_args()
    if given.sheets is not None:
        given.sheets.mkdir(parents=True, exist_ok=True)
    names = ("model", "preprocess", "resize", "labels")
    config = Config.checked(images=(given.photos,), layers=tuple(given.layers), **{n: getattr(given, n) for n in names})
    network = load_network(config)
    with TemporaryDirectory() as folder:
        workshop = Workshop(PictureStore(Path(folder)), Cache(default_folder()), Silent())
        study = prepare_study(config, network, collect_images(config.images, channels=network.channels), workshop)
        maximizing = Maximizing(study, workshop)
        print(f"{network.name}, {len(study.images.images)} images, preset {maximizing.preset.name}")
        made, _ = maximizing.make()
        channels: Counter[str] = Counter()
        for layer in study.chosen:
            own = [item for item in made if item.layer == layer and not item.again]
            channels += report(layer, own, given.sheets)
        print(f"  channels: {channels['ok'] / channels.total():.0%} ok   (aim: at least {CHANNELS_AIM:.0%})")
        assert study.head is not None
        subject = OutputNumbers(study.head, study.head.layer or study.summary.layers[-1].name)
        goals = AnswerGoals(subject, tuple(Goal(index) for index in choose_classes(study)))
        fitted = fitted_images(study.fitting, network, study.images)
        pictures, _ = maximize(
            study.passes,
            study.summary,
            {},
            maximizing.preset,
            dataset_max={},
            colour_covariance=maximizing.colours,
            seed=config.seed,
            cache=workshop.cache,
            answers=with_extremes([goals], study.passes, (item.pixels for item in fitted)),
        )
        report("classes", pictures, given.sheets)
        right = sum(picture.rank == 0 for picture in pictures)
        print(f"  classes: {right} of {len(pictures)} recognised   (aim: at least {CLASSES_AIM} of {CLASSES})")


if __name__ == "__main__":
    main()
