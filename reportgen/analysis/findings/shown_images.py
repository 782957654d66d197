"""What the rules are shown of images: a few of them, and how the network does under other modes of preprocessing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reportgen.analysis.answers import SettledAnswers, truth_indices
from reportgen.analysis.network.feeding import expected_mode
from reportgen.analysis.network.preprocessing_check import (
    ANSWERED_IMAGES,
    PreprocessingCheck,
    check_preprocessing,
    images_to_try,
)
from reportgen.analysis.network.settled_output import SettledOutput, head_of
from reportgen.analysis.statistics.image_statistics import ImageStatistics
from reportgen.images import ImageFile
from reportgen.models import MODES, Network
from reportgen.results import FloatArray, NetworkSummary, PixelArray
from reportgen.sampling import sample_evenly

CAPTURE_IMAGES = 2


def images_to_look_at(
    network: Network, summary: NetworkSummary, answers: SettledAnswers, statistics: ImageStatistics
) -> tuple[ImageFile, ...]:
    """The images whose pixels `gather_evidence` wants, in their order."""
    used = used_images(statistics)
    tried = _tried(network, summary, head_of(answers.outputs), used, answers)
    wanted = {image.file for image in (*sample_evenly(used, CAPTURE_IMAGES), *tried)}
    return tuple(image for image in used if image.file in wanted)


def used_images(statistics: ImageStatistics) -> list[ImageFile]:
    """The images that could be measured, in their order."""
    return [image for place, image in enumerate(statistics.images) if place not in statistics.measured.skipped]


def _tried(
    network: Network,
    summary: NetworkSummary,
    head: SettledOutput | None,
    images: Sequence[ImageFile],
    answers: SettledAnswers,
) -> list[ImageFile]:
    """The images on which other modes are tried; none where what the network does inside is made for what it is fed.

    A function of the user's is left alone: it is no documented mode, and may do what none of them does.
    """
    chosen = network.preprocessing
    certain = chosen.mode == "none" and chosen.inside is not None and expected_mode(chosen.inside) == "none"
    # The modes are made for 0..255: they say nothing of values that go in as they are.
    certain = certain or network.levels != (0.0, 255.0)
    if certain or chosen.mode not in MODES:
        return []
    classes = _right_classes(head, answers)
    judged = [image for image in images if image.file in classes]
    tried = judged if len(judged) >= ANSWERED_IMAGES else images
    return list(sample_evenly(tried, images_to_try(summary, judged=tried is judged)))


def _right_classes(head: SettledOutput | None, answers: SettledAnswers) -> Mapping[str, Sequence[int]]:
    matched = answers.truths.get(head.name) if head is not None and head.kind == "classes" else None
    return {} if matched is None else matched.classes


def try_modes(
    network: Network,
    summary: NetworkSummary,
    head: SettledOutput | None,
    images: Sequence[ImageFile],
    answers: SettledAnswers,
    pixels: Mapping[str, PixelArray],
    scores: Mapping[str, FloatArray],
) -> PreprocessingCheck | None:
    """The trial of other modes, where there is any image to try them on.

    Args:
        scores: what `head` gave to images, by their names; used where all that are tried are among them.
    """
    files, shown = stacked(_tried(network, summary, head, images, answers), pixels)
    if shown is None:
        return None
    known = truth_indices(_right_classes(head, answers), files).astype(np.int64)
    given = np.stack([scores[file] for file in files]) if all(file in scores for file in files) else None
    return check_preprocessing(network, summary, head, shown, known, network.others_of(files), given)


def stacked(images: Sequence[ImageFile], pixels: Mapping[str, PixelArray]) -> tuple[list[str], PixelArray | None]:
    """The names of those of `images` whose pixels are there, and these; None where there are none."""
    files = [image.file for image in images if image.file in pixels]
    return files, np.stack([pixels[file] for file in files]) if files else None
