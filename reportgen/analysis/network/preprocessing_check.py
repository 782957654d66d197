"""Try the documented preprocessing modes on a few images and measure what speaks for each.

Each mode is tried outside the network, before whatever that does to pixels itself. What may tell, the strongest
first:

- *Truth.* Where the right classes are known, the share of images that are answered rightly, compared with the
  mode used on the same images by the exact test of McNemar (1947): of the images on which one mode is right and
  the other wrong, chance alone would give each half.
- *Moments.* The first BatchNormalization remembers mean and variance of its input in training. The measure is
  the divergence (Kullback-Leibler, of normal distributions) of what it is given from what it remembers, the
  median over channels. A short training leaves a share of the initial 0 and 1 in what is remembered, so the
  divergence is the least over such shares as what is remembered allows.
- *Information.* Fed rightly, a network of many classes gives different images different answers with confidence,
  and keeps to them when an image is mirrored, a little darker or a little lighter. The measure is the mutual
  information between image and answer, `H(mean answer) - mean H(answer)`, the quantity whose exponential is the
  Inception score (Salimans et al. 2016), times the share of the answers on which all changed copies agree. It
  is weak: a larger input saturates a softmax, which networks of few classes take for confidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.network.feeding import SCALED_TWICE
from reportgen.analysis.network.preprocessing_runs import (
    Answers,
    AnswersUnder,
    Moments,
    answers_under,
    moments_under,
)
from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.models import MODES, NO_OTHERS, RGB_MODES, Network, Others, Preprocessing, make_preprocessing
from reportgen.models.variables import values_of
from reportgen.results import LayerSummary, NetworkSummary

# Enough images to tell modes apart, few enough to take no time beside the statistics of all of them: of four networks
# of ImageNet fed by each mode, 12 of 14 photographs tell what all do, whichever are left out (tried forty times; of 10,
# one choice in a hundred tells nothing). Networks of many operations get fewer: the check is to cost less than this
# many multiply-accumulates, of which a processor does about 3e10 in a second. Truth, the strongest evidence, takes more
# images to tell by.
MOST_IMAGES = 12
LEAST_IMAGES = 6
MOST_JUDGED = 256
COST_LIMIT = 1.5e11
JUDGED_COST_LIMIT = 5e11

# Answers to fewer images than this say nothing reliable of how much they tell.
ANSWERED_IMAGES = 5

# Modes under which the plain answers tell less than this share of the best are not tried on changed copies.
_WORTH_CHANGING = 0.5

_DIMMED = 0.75  # of the light: a change that photographs of the same thing differ by

# Added to what answers tell before ratios are taken: less is nothing.
_LEAST_BITS = 0.01

# Without better evidence, a mode is called likelier than the one used from this gain on.
LIKELIER_GAIN = 1.5

# Between answers that tell less than this no ratio comes to more than that.
_NOTHING_TOLD = _LEAST_BITS / 2

# Networks of fewer classes are more decided the larger their input is, right or wrong.
MANY_CLASSES = 100

# Of many classes, a network that tells less than this (in bits) makes no sense of the images: no mode is shown to be
# right by it.
INFORMATION_FLOOR = 0.5

# The share of initial moments that may be left: half of it after 69 updates by a hundredth each.
_INITIAL_SHARES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5)


@dataclass(frozen=True)
class ModeTrial:
    """What was measured under one mode: see the module. None where a measure does not apply.

    `changed` is the share of images whose first answer is another than under the mode used. Of the images with
    a known class, `accuracy` is the share answered rightly, `gained` how many are right under this mode and wrong
    under the one used, `lost` the other way round. `information` is in bits. `log_gain` is the logarithm of its
    ratio to that under the mode used, and `log_gain_error` the standard error of that over images (by the
    jackknife); both are None for the mode used, and for modes that are clearly worse.
    """

    mode: str
    information: float | None
    moment_divergence: float | None
    log_gain: float | None = None
    log_gain_error: float | None = None
    changed: float | None = None
    accuracy: float | None = None
    gained: int = 0
    lost: int = 0

    @property
    def p_value(self) -> float:
        """How likely chance alone is to part gains and losses so unevenly, either way (McNemar, exact)."""
        apart = self.gained + self.lost
        tail = sum(math.comb(apart, count) for count in range(min(self.gained, self.lost) + 1))
        return float(min(1.0, 2 * tail / 2**apart))


@dataclass(frozen=True)
class PreprocessingCheck:
    """The mode used, the others, on how many images, and which BatchNormalization remembers moments.

    `judged` is how many of the images have a known class; `classes` how many the network tells apart; `renamed` the
    share of the judged that the mode used would have right under the best names, see `renamed_share`.
    """

    used: ModeTrial
    others: tuple[ModeTrial, ...]
    images: int
    normalization: str | None
    judged: int = 0
    classes: int | None = None
    renamed: float | None = None


def images_to_try(summary: NetworkSummary, *, judged: bool = False) -> int:
    """How many images `check_preprocessing` is worth giving; more of them where their classes are known."""
    passes = len(MODES) if judged else 2 * len(MODES)  # about: each mode once, the best on changed copies too
    affordable = (JUDGED_COST_LIMIT if judged else COST_LIMIT) / (passes * (summary.mac_count or 1))
    return int(np.clip(affordable, LEAST_IMAGES, MOST_JUDGED if judged else MOST_IMAGES))


def check_preprocessing(
    network: Network,
    summary: NetworkSummary,
    head: SettledOutput | None,
    pixels: NDArray[np.uint8],
    truth: NDArray[np.int64] | None = None,
    others: Others = NO_OTHERS,
    *,
    enough: Callable[[PreprocessingCheck], bool] | None = None,
) -> PreprocessingCheck | None:
    """Measure `network` under its own preprocessing and the other documented modes.

    Args:
        pixels: images fitted to its input, `(images, height, width, channels)`, 0..255.
        truth: the right class of each, -1 where it is not known.
        others: as `Network.feed` takes them.
        enough: whether the moments alone, which cost next to nothing, settle what is to be known: where they do, and
            no right class is known, the network is not asked for answers.

    Returns:
        None where nothing can be measured: no BatchNormalization, and no class probabilities or too few images.
    """
    classes = None if head is None else head.classes
    head = head if len(pixels) >= ANSWERED_IMAGES and _has_probabilities(head) else None
    normalization = None if network.channels_first else _first_normalization(network, summary)
    if head is None and normalization is None:
        return None
    known = np.full(len(pixels), -1) if truth is None else truth
    modes = [network.preprocessing, *_other_modes(network)]
    with run_errors_explained(network):
        divergences = _divergences(network, modes, normalization, pixels, others)
        trials = [ModeTrial(mode.mode, None, divergence) for mode, divergence in zip(modes, divergences, strict=True)]
        name = normalization[1].name if normalization is not None else None
        check = PreprocessingCheck(trials[0], tuple(trials[1:]), len(pixels), name, classes=classes)
        if head is None or (enough is not None and not (known >= 0).any() and enough(check)):
            return check
        return _with_answers(check, modes, answers_under(network, head), pixels, known, others)


def _with_answers(
    check: PreprocessingCheck,
    modes: list[Preprocessing],
    run: AnswersUnder,
    pixels: NDArray[Any],
    known: NDArray[np.int64],
    others: Others,
) -> PreprocessingCheck:
    """The check with what answers under the modes tell; `known` are right classes, -1 where there is none."""
    few = np.unique(np.linspace(0, len(pixels) - 1, min(MOST_IMAGES, len(pixels))).astype(int))
    # All in the same batches: what a network answers may depend on what else is in one.
    plain = [run(mode, pixels, others) for mode in modes]
    told = [_information(answers[few][np.newaxis]) for answers in plain]
    senseless = (check.classes or 0) >= MANY_CLASSES and max(told) < INFORMATION_FLOOR
    answered = {}
    # Where answers show no mode to be right, they may say which is likelier, unless there are moments to say that.
    if max(told) >= _NOTHING_TOLD and not (senseless and check.used.moment_divergence is not None):
        gain = LIKELIER_GAIN if senseless else 1.0
        answered = _answers_to_copies(run, modes, plain, told, pixels, others, few, gain)
    trials = []
    for index, trial in enumerate((check.used, *check.others)):
        changed, accuracy, gained, lost = _compared(plain[0], plain[index], known)
        more, error = _log_gain(answered[0], answered[index]) if index and _is_whole(answered, index) else (None, None)
        bits = _information(answered[index]) if index in answered else told[index]
        trials.append(
            ModeTrial(trial.mode, bits, trial.moment_divergence, more, error, changed, accuracy, gained, lost)
        )
    return replace(
        check,
        used=trials[0],
        others=tuple(trials[1:]),
        judged=int((known >= 0).sum()),
        renamed=renamed_share(plain[0].argmax(axis=1), known),
    )


def renamed_share(answered: NDArray[np.int64], truth: NDArray[np.int64]) -> float | None:
    """The share of images that would be right if each answer meant the class it mostly stands for.

    That class is judged by the other images with the same answer, so that few images do not make it 1: an answer that
    only one image has counts as wrong.

    Args:
        answered: the class answered to each image.
        truth: the right class of each, -1 where it is not known.

    >>> renamed_share(np.array([1, 1, 1, 0, 0, 2]), np.array([0, 0, 0, 1, 1, 2]))
    0.8333333333333334
    """
    answered, truth = answered[truth >= 0], truth[truth >= 0]
    right = 0
    for answer in np.unique(answered):
        counts = np.sort(np.unique(truth[answered == answer], return_counts=True)[1])
        most, next_most = int(counts[-1]), int(counts[-2]) if len(counts) > 1 else 0
        # Without the image itself its class must still be there, and no rarer than any other.
        right += most if most > 1 and most - 1 >= next_most else 0
    return right / len(truth) if len(truth) else None


def _compared(
    used: NDArray[Any], other: NDArray[Any], truth: NDArray[np.int64]
) -> tuple[float, float | None, int, int]:
    """Share of changed answers, accuracy, gains and losses of the answers `other` against `used`."""
    before, after, known = used.argmax(axis=1), other.argmax(axis=1), truth >= 0
    right, was_right = (after == truth)[known], (before == truth)[known]
    accuracy = float(right.mean()) if known.any() else None
    return float((before != after).mean()), accuracy, int((right & ~was_right).sum()), int((was_right & ~right).sum())


def _answers_to_copies(
    run: AnswersUnder,
    modes: list[Preprocessing],
    plain: list[Answers],
    told: list[float],
    pixels: NDArray[Any],
    others: Others,
    few: NDArray[Any],
    gain: float,
) -> dict[int, Answers]:
    """Answers `(copies, images, classes)` to a few images and their changed copies, under the modes worth it.

    Those are the mode used, and others whose plain answers tell more than its answers to all copies, by `gain`: that
    copies agree less than wholly only lowers what they tell. So a mode is given up, and has fewer copies, as soon as
    those tell no more than is enough.

    Args:
        told: bits that the plain answers to the few tell, by mode.
        gain: of what is told, `_LEAST_BITS` added to both, as `_log_gain` has it.
    """
    pixels, others = pixels[few], {name: values[few] for name, values in others.items()}

    def to_copies(index: int, enough: float = -np.inf) -> Answers:
        answers = [plain[index][few]]
        for change in _CHANGES:
            answers.append(run(modes[index], change(pixels), others))
            if _information(np.stack(answers)) <= enough:
                break
        return np.stack(answers)

    used = to_copies(0)
    enough = max(gain * (_information(used) + _LEAST_BITS) - _LEAST_BITS, _WORTH_CHANGING * max(told))
    tried = {index: to_copies(index, enough) for index, bits in enumerate(told) if index and bits > enough}
    return {0: used, **tried}


def _is_whole(answered: dict[int, Answers], index: int) -> bool:
    """Whether a mode was tried on all copies that the mode used was tried on."""
    return index in answered and len(answered[index]) == len(answered[0])


def _has_probabilities(head: SettledOutput | None) -> bool:
    """Whether the scores are, or can be made, probabilities of classes that exclude each other."""
    return head is not None and head.kind == "classes"


def _other_modes(network: Network) -> list[Preprocessing]:
    """The documented modes that are not used, without those that leave no contrast after what is done inside."""
    possible = [mode for mode in MODES if network.channels == 3 or mode not in RGB_MODES]
    made = [
        make_preprocessing(mode, network.channels, "flag") for mode in possible if mode != network.preprocessing.mode
    ]
    return [mode for mode in made if not _leaves_nothing(network, mode)]


def _leaves_nothing(network: Network, mode: Preprocessing) -> bool:
    inside = network.preprocessing.inside
    span = None if inside is None or mode.value_range is None else inside.span(mode.value_range)
    return span is not None and span < SCALED_TWICE


# Ways in which an image may differ without showing anything else.
_CHANGES: tuple[Callable[[NDArray[Any]], NDArray[Any]], ...] = (
    lambda pixels: pixels[:, :, ::-1],
    lambda pixels: pixels * _DIMMED,
    lambda pixels: 255 - (255 - pixels) * _DIMMED,
)


# --- measuring ------------------------------------------------------------------------------------


def _information(answers: NDArray[np.float64]) -> float:
    """Bits that answers `(copies, images, classes)` tell about the image, as far as all copies agree."""
    told = _entropy(answers.mean(axis=(0, 1))) - _entropy(answers).mean()
    agreement = answers.min(axis=0).sum(axis=-1).mean()
    return float(max(told, 0.0) * agreement)


def _log_gain(used: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """How much more answers tell under another mode, and its standard error: each image left out once."""

    def gain(kept: NDArray[np.int64]) -> float:
        ratio = (_information(other[:, kept]) + _LEAST_BITS) / (_information(used[:, kept]) + _LEAST_BITS)
        return float(np.log(ratio))

    every = np.arange(used.shape[1])
    without = np.array([gain(np.delete(every, index)) for index in every])
    spread = float(((without - without.mean()) ** 2).sum())
    return gain(every), float(np.sqrt(spread * (len(every) - 1) / len(every)))


def _entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-(probabilities * np.log2(np.maximum(probabilities, 1e-30))).sum(axis=-1))


def _first_normalization(network: Network, summary: NetworkSummary) -> tuple[str, keras.Layer] | None:
    """The layer before the first BatchNormalization ("" for the input) and that layer itself."""
    inputs = {row.name for row in summary.layers if row.type == "InputLayer"}
    for row in summary.layers:
        if row.type == "BatchNormalization" and len(row.inputs) <= 1 and row.actual_shape is not None:
            layer = network.layer(row.name)
            source = row.inputs[0] if inputs.isdisjoint(row.inputs) and row.inputs else ""
            return None if layer is None or _is_untouched(row, layer) else (source, layer)
    return None


def _is_untouched(row: LayerSummary, layer: keras.Layer) -> bool:
    """Whether the layer remembers nothing, or not along the last axis."""
    shape = row.actual_shape or ()
    mean = values_of(layer.moving_mean)
    return not mean.any() or mean.size != shape[-1]


def _divergences(
    network: Network,
    modes: list[Preprocessing],
    normalization: tuple[str, keras.Layer] | None,
    pixels: NDArray[Any],
    others: Others,
) -> list[float | None]:
    """How far under each mode the moments are from those the normalization remembers; None where there is none."""
    if normalization is None:
        return [None] * len(modes)
    run = moments_under(network, normalization[0])
    return [_divergence(run(mode, pixels, others), normalization[1]) for mode in modes]


def _divergence(moments: Moments, layer: keras.Layer) -> float:
    """How far the given moments are from those `layer` remembers, the median over channels."""
    mean, variance = moments
    known_mean = values_of(layer.moving_mean).astype(np.float64)
    known = values_of(layer.moving_variance).astype(np.float64) + layer.epsilon

    def from_share(initial: float) -> float:
        ratio = (initial + (1 - initial) * variance + layer.epsilon) / known
        distance = ((1 - initial) * mean - known_mean) ** 2 / known
        # A share has to explain more than it takes for granted.
        return float(np.median(0.5 * (ratio + distance - 1 - np.log(ratio)))) + initial

    # What is left of the initial variance of 1 is part of every variance remembered.
    most = float(known.min())
    return min(from_share(share) for share in _INITIAL_SHARES if share <= most)
