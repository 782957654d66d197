"""Rules on what the network is fed: preprocessing, size and proportions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reportgen.analysis.findings.evidence import Evidence
from reportgen.analysis.findings.wording import on_images
from reportgen.analysis.network.preprocessing_check import ModeTrial, PreprocessingCheck
from reportgen.formats import count, counted
from reportgen.results import Finding

# How much further apart from its moving moments a BatchNormalization may find its input than under another
# mode. The divergence of two normal distributions is in natural units of information; below the floor the
# moments agree as well as those of a few images can.
MOMENTS_FLOOR = 0.5
MOMENTS_GAIN = 4.0

# Another mode is preferred when answers under it tell more than this many times as much about the images,
# and by more than one standard error: with other images of the kind they would too, five times out of six.
INFORMATION_GAIN = 1.05
GAIN_ERRORS = 1.0

# The one used is certainly wrong when they tell half as much again, by more than two standard errors.
CERTAIN_GAIN = 1.5
CERTAIN_ERRORS = 2.0

# Under less information than this (in bits), no mode makes sense of the images, and none can be preferred.
INFORMATION_FLOOR = 0.5

# Sides scaled this differently change shapes as training with random crops usually did not (3:4 to 4:3,
# the custom of ImageNet, is up to 1.33 either way).
DISTORTION = 1.5

# An image enlarged more than this has less detail than the network's finest filters look for.
ENLARGEMENT = 2.0

# A finding on sizes is one on the set when it holds for this share of the images.
MANY = 0.5

_MODES = {
    "none": "0 to 255",
    "unit": "0 to 1",
    "tf": "-1 to 1",
    "torch": "ImageNet's mean and deviation",
    "caffe": "blue, green, red without ImageNet's mean",
}


def guessed_preprocessing(evidence: Evidence) -> Iterator[Finding]:
    """Preprocessing that nobody stated and nothing in the network tells."""
    if evidence.network.preprocessing_origin == "fallback":
        yield Finding(
            rule="guessed-preprocessing",
            severity="warning",
            message="The preprocessing is a guess: pixels are divided by 255.",
            measured="no --preprocess was given, the network has no rescaling of its own and is no known application",
            threshold="the preprocessing of the network's training",
            why="Fed with another range than in training, a network gives other features and other answers.",
            action="State it: --preprocess none, unit, tf, torch, caffe or python:module:function.",
        )


def rescaled_twice(evidence: Evidence) -> Iterator[Finding]:
    """Pixels rescaled outside although the network rescales them inside."""
    network = evidence.network
    if network.expects is None or network.preprocessing_mode == network.expects:
        return
    if network.preprocessing_mode not in _MODES:
        return  # the user's own function
    yield Finding(
        rule="wrong-preprocessing",
        severity="error",
        message=f"The network rescales pixels itself (layer {network.rescaling}), from {_MODES[network.expects]}, "
        f"and is fed with preprocessing {network.preprocessing_mode} ({_MODES[network.preprocessing_mode]}).",
        measured=f"fed with {network.preprocessing_mode}",
        threshold=f"{network.expects}, by its own layer {network.rescaling}",
        why="That layer was made for another range: what it passes on is not what the network learnt from.",
        action=f"Leave --preprocess out, or give --preprocess {network.expects}.",
        layer=network.rescaling,
    )


def unlikely_preprocessing(evidence: Evidence) -> Iterator[Finding]:
    """Preprocessing under which the network makes less of the images than under another documented one."""
    check = evidence.preprocessing
    if check is None:
        return
    by_answers = max(_better_by_answers(check), key=lambda trial: trial.information or 0.0, default=None)
    better = by_answers or (None if _has_answers(check) else _better_by_moments(check))
    if better is None:
        return
    certain = by_answers is None or _exceeds(better, CERTAIN_GAIN, CERTAIN_ERRORS)
    reason = "the network makes more of the images" if by_answers else "the input fits the network"
    yield Finding(
        rule="wrong-preprocessing",
        severity="error" if certain else "warning",
        message=f"Preprocessing {check.used.mode} is {'' if certain else 'probably '}wrong: "
        f"under {better.mode} ({_MODES[better.mode]}) {reason}.",
        measured=_measured(check, better),
        threshold=f"answers that tell {INFORMATION_GAIN} times as much, or moments {MOMENTS_GAIN:.0f} times closer",
        why="Fed with another range or order of colours than in training, a network gives other features and answers.",
        action=f"Compare with --preprocess {better.mode}; take what the network was trained with.",
    )


def _better_by_answers(check: PreprocessingCheck) -> list[ModeTrial]:
    """The modes under which the answers clearly tell more about the images than under the one used."""
    return [
        trial
        for trial in check.others
        if (trial.information or 0.0) >= INFORMATION_FLOOR and _exceeds(trial, INFORMATION_GAIN, GAIN_ERRORS)
    ]


def _exceeds(trial: ModeTrial, gain: float, errors: float) -> bool:
    if trial.log_gain is None or trial.log_gain_error is None:
        return False
    return trial.log_gain > np.log(gain) and trial.log_gain > errors * trial.log_gain_error


def _has_answers(check: PreprocessingCheck) -> bool:
    """Whether answers under some mode tell anything, so that they can be compared."""
    trials = (check.used, *check.others)
    return max(trial.information or 0.0 for trial in trials) >= INFORMATION_FLOOR


def _better_by_moments(check: PreprocessingCheck) -> ModeTrial | None:
    """The mode under which the first BatchNormalization finds what it knows, if it does not under the one used."""
    used = check.used.moment_divergence
    if used is None or used <= MOMENTS_FLOOR:
        return None
    known = [trial for trial in check.others if trial.moment_divergence is not None]
    best = min(known, key=lambda trial: trial.moment_divergence or 0.0, default=None)
    return best if best is not None and used > MOMENTS_GAIN * (best.moment_divergence or 0.0) else None


def _measured(check: PreprocessingCheck, better: ModeTrial) -> str:
    parts = []
    if check.used.information is not None and better.information is not None:
        parts.append(
            f"answers tell {better.information:.2f} bits about the image under {better.mode}, "
            f"{check.used.information:.2f} under {check.used.mode}, {on_images(check.images)}"
        )
    if check.used.moment_divergence is not None and better.moment_divergence is not None:
        parts.append(
            f"the input of {check.normalization} is {better.moment_divergence:.2g} from its moving moments under "
            f"{better.mode}, {check.used.moment_divergence:.2g} under {check.used.mode}"
        )
    return "; ".join(parts)


def distorted_images(evidence: Evidence) -> Iterator[Finding]:
    """Photographs whose proportions the resizing changes strongly."""
    images = evidence.images
    distortion = np.maximum(images.scale_y / images.scale_x, images.scale_x / images.scale_y)
    many = int((distortion > DISTORTION).sum())
    if many:
        worst = int(distortion.argmax())
        yield Finding(
            rule="distorted-images",
            severity="warning" if many > MANY * len(images) else "info",
            message=f"{counted(many, 'image')} of {count(len(images))} {'is' if many == 1 else 'are'} "
            f"squeezed out of shape by more than {DISTORTION}.",
            measured=f"most: {_sized(evidence, worst)}, by {distortion[worst]:.2f}",
            threshold=f"{DISTORTION}; a warning for more than {MANY:.0%} of the images",
            why="Round things become oval; networks are trained on proportions between 3:4 and 4:3 at most.",
            action="Use --resize crop or --resize pad.",
            image=images.files[worst],
        )


def enlarged_images(evidence: Evidence) -> Iterator[Finding]:
    """Images much smaller than the network's input."""
    images = evidence.images
    enlargement = np.minimum(images.scale_y, images.scale_x)
    many = int((enlargement > ENLARGEMENT).sum())
    if many:
        worst = int(enlargement.argmax())
        height, width = evidence.network.size
        yield Finding(
            rule="enlarged-images",
            severity="warning" if many > MANY * len(images) else "info",
            message=f"{counted(many, 'image')} of {count(len(images))} {'is' if many == 1 else 'are'} "
            f"enlarged more than {ENLARGEMENT:.0f} times to {height}x{width}.",
            measured=f"most: {_sized(evidence, worst)}, {enlargement[worst]:.1f} times",
            threshold=f"{ENLARGEMENT:.0f} times; a warning for more than {MANY:.0%} of the images",
            why="Enlarged images are smooth: filters for fine detail find none.",
            action="Use larger originals, or a network made for small images.",
            image=images.files[worst],
        )


def _sized(evidence: Evidence, place: int) -> str:
    images = evidence.images
    return f"{images.files[place]} ({images.heights[place]}x{images.widths[place]})"
