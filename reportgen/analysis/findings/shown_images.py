"""What the rules are shown of images: a few of them, and how the network does under other modes of preprocessing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.analysis.answers import SettledAnswers, truth_indices
from reportgen.analysis.findings.preprocessing_rules import speaks_for_used
from reportgen.analysis.network.capture_check import CaptureCheck, OwnAnswer, check_capture
from reportgen.analysis.network.feeding import expected_mode
from reportgen.analysis.network.preprocessing_check import (
    ANSWERED_IMAGES,
    PreprocessingCheck,
    check_preprocessing,
    images_to_try,
)
from reportgen.analysis.network.settled_output import SettledOutput, head_of
from reportgen.analysis.network.whole_run import Captured
from reportgen.analysis.statistics.image_statistics import ImageStatistics
from reportgen.images import ImageFile
from reportgen.models import MODES, Network
from reportgen.results import NetworkSummary, PixelArray
from reportgen.sampling import sample_evenly


@dataclass(frozen=True, eq=False)
class SeenClosely:
    """What was seen of an image: its pixels as fitted into the network, and what it gave where that was kept."""

    pixels: PixelArray
    captured: Captured | None = None


def images_to_look_at(
    network: Network, summary: NetworkSummary, answers: SettledAnswers, own: OwnAnswer, statistics: ImageStatistics
) -> tuple[ImageFile, ...]:
    """The images whose pixels `gather_evidence` wants, in their order."""
    used = used_images(statistics)
    tried = _tried(network, summary, head_of(answers.outputs), used, answers)
    wanted = {image.file for image in (*images_to_capture(own, statistics), *tried)}
    return tuple(image for image in used if image.file in wanted)


def images_to_capture(own: OwnAnswer, statistics: ImageStatistics) -> tuple[ImageFile, ...]:
    """The images on which what is captured is compared with what the network itself answers."""
    return tuple(image for image in used_images(statistics) if image.file in own.files)


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
    seen: Mapping[str, SeenClosely],
) -> PreprocessingCheck | None:
    """The trial of other modes, where there is any image to try them on."""
    shown = {
        image.file: seen[image.file] for image in _tried(network, summary, head, images, answers) if image.file in seen
    }
    if not shown:
        return None
    known = truth_indices(_right_classes(head, answers), list(shown)).astype(np.int64)
    pixels = np.stack([one.pixels for one in shown.values()])
    others = network.others_of(list(shown))
    return check_preprocessing(network, summary, head, pixels, known, others, enough=speaks_for_used)


def check_captured(
    network: Network, own: OwnAnswer, statistics: ImageStatistics, seen: Mapping[str, SeenClosely]
) -> CaptureCheck | None:
    """How what was captured of images compares with what the network itself answers, where there is any."""
    shown = {image.file: seen[image.file] for image in images_to_capture(own, statistics) if image.file in seen}
    if not shown:
        return None
    captured = [one.captured for one in shown.values() if one.captured is not None]
    pixels, others = np.stack([one.pixels for one in shown.values()]), network.others_of(list(shown))
    known = own if own.files == tuple(shown) else None
    return check_capture(network, pixels, others, captured if len(captured) == len(shown) else (), known)
