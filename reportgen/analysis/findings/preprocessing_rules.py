"""Rules on how pixels are scaled on their way into the network, and what its other inputs are held at.

That a mode is wrong is said on evidence alone, the strongest first: truth, then the moments of the first
BatchNormalization where truth is missing or does not tell; how much answers tell is evidence for networks of
many classes only, and then a warning at most. The mode named is never one that measures worse by what is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from reportgen.analysis.findings.evidence import Evidence
from reportgen.analysis.findings.wording import on_images
from reportgen.analysis.network.preprocessing_check import (
    INFORMATION_FLOOR,
    LIKELIER_GAIN,
    MANY_CLASSES,
    ModeTrial,
    PreprocessingCheck,
)
from reportgen.formats import percent
from reportgen.results import Finding

# Accuracy under another mode must be higher by this much, and so often that chance has less than this
# probability (over all modes compared with the one used): two modes that serve equally well are both right.
ACCURACY_GAIN = 0.05
CHANCE = 0.05

# Modes whose accuracy is this close to the best are told apart by the moments, where there are any.
_ALIKE = 0.03

# How much further apart from its moving moments a BatchNormalization may find its input than under another
# mode. The divergence of two normal distributions is in natural units of information; below the floor the
# moments agree as well as those of a few images can. The third: how much nearer one mode must be than the next.
MOMENTS_FLOOR = 0.5
MOMENTS_GAIN = 4.0
MOMENTS_LEAD = 2.0

# Divergences below this are nothing beside the choice of images.
_NEGLIGIBLE = 0.05

# Answers must tell this many times as much about the images under another mode, and by more than one standard
# error: with other images of the kind they would too, five times out of six.
INFORMATION_GAIN = 1.05
GAIN_ERRORS = 1.0

_MODES = {
    "none": "0 to 255",
    "unit": "0 to 1",
    "tf": "-1 to 1",
    "torch": "ImageNet's mean and deviation",
    "caffe": "blue, green, red without ImageNet's mean",
}

_WHY = "Fed with another range or order of colours than in training, a network gives other features and answers."


def guessed_preprocessing(evidence: Evidence) -> Iterator[Finding]:
    """Preprocessing that nobody stated and nothing in the network tells."""
    if evidence.network.preprocessing_origin == "fallback":
        yield Finding(
            rule="guessed-preprocessing",
            severity="warning",
            message="The preprocessing is a guess: pixels are divided by 255.",
            measured=f"no --preprocess was given, the network is no known application, and what it does to pixels "
            f"itself is measured: {evidence.network.inside}",
            threshold="the preprocessing of the network's training",
            why="Fed with another range than in training, a network gives other features and other answers.",
            action="State it: --preprocess none, unit, tf, torch, caffe or python:module:function.",
        )


def scaled_twice(evidence: Evidence) -> Iterator[Finding]:
    """Pixels scaled outside although the network scales them inside, or takes whole numbers."""
    network = evidence.network
    if not (network.scaled_twice or network.rounded_away):
        return
    mode = network.preprocessing_mode
    told = (
        "The network takes whole numbers: what is scaled before it is rounded away"
        if network.rounded_away
        else "The network scales pixels itself, and they are scaled before it, too"
    )
    yield Finding(
        rule="wrong-preprocessing",
        severity="error",
        message=f"Preprocessing {mode} is wrong: under none (0 to 255) pixels reach the network as it takes them. "
        f"{told}.",
        measured=f"inside: {network.inside}; with {mode} before it: {network.total}",
        threshold="what reaches the first layer with a kernel spans 0.02 or more",
        why="What reaches the first layer is next to the same for all images: it is not what the network learnt from.",
        action="Leave --preprocess out, or give --preprocess none.",
        layer=network.first_layer,
    )


def unlikely_preprocessing(evidence: Evidence) -> Iterator[Finding]:
    """Preprocessing that another documented mode is shown to do better than."""
    check = evidence.preprocessing
    if check is None or evidence.network.scaled_twice or evidence.network.rounded_away:
        return
    by_truth = better_by_truth(check)
    by_moments = None if by_truth else better_by_moments(check)
    better = by_truth or by_moments or better_by_answers(check)
    if better is None:
        return
    certain = better in (by_truth, by_moments)
    reason = "more images are answered rightly" if by_truth else "the network makes more of the images"
    if by_moments is not None:
        reason = "the input fits the network"
    yield Finding(
        rule="wrong-preprocessing",
        severity="error" if certain else "warning",
        message=f"Preprocessing {check.used.mode} is {'' if certain else 'probably '}wrong: "
        f"under {better.mode} ({_MODES[better.mode]}) {reason}.",
        measured=_measured(check, better),
        threshold=f"accuracy higher by {ACCURACY_GAIN:.0%} and not by chance (p below {CHANCE}), else moments "
        f"{MOMENTS_GAIN:.0f} times closer, else (for {MANY_CLASSES} classes and more) answers that tell more",
        why=_WHY,
        action=f"Compare with --preprocess {better.mode}; take what the network was trained with.",
    )


def unchecked_preprocessing(evidence: Evidence) -> Iterator[Finding]:
    """Preprocessing that was stated or guessed, where nothing measured speaks for or against it."""
    check, network = evidence.preprocessing, evidence.network
    if network.preprocessing_origin not in ("flag", "fallback") or network.scaled_twice or network.rounded_away:
        return
    if check is None or is_settled(check):
        return
    likeliest = likelier(check)
    changes = [f"{percent(one.changed)} under {one.mode}" for one in check.others if one.changed is not None]
    mode = (likeliest or check.used).mode
    stands_out = f"{mode} is the likeliest by weak evidence" if likeliest else f"no other mode is likelier than {mode}"
    yield Finding(
        rule="preprocessing-unchecked",
        severity="info",
        message=f"Whether preprocessing {check.used.mode} is right could not be checked: {_missing(check)}.",
        measured=(f"first answers that change, {on_images(check.images)}: {', '.join(changes)}; " if changes else "")
        + stands_out,
        threshold="a significant difference in accuracy, or one mode clearly nearest to the moments",
        why=_WHY,
        action=f"Compare with the report of `reportgen build MODEL IMAGES --preprocess {mode}`."
        if likeliest
        else "Give the right classes with --truth, or compare with another --preprocess.",
    )


def _missing(check: PreprocessingCheck) -> str:
    truth = (
        f"accuracy hardly differs between the modes on {check.judged} images"
        if check.judged
        else "the right classes of the images were not given"
    )
    moments = (
        "no first BatchNormalization remembers what it was trained on"
        if check.normalization is None
        else f"the moments of {check.normalization} do not tell the modes apart"
    )
    return f"{truth}, and {moments}"


# --- evidence -------------------------------------------------------------------------------------


def better_by_truth(check: PreprocessingCheck) -> ModeTrial | None:
    """The mode under which significantly more of the images are answered rightly.

    Of a network that was trained briefly, more may be answered rightly under a mode it was not trained with: where
    the moments clearly speak for one mode, it is that one or, where it is not among the better, none. Where the mode
    used would be right as often under other names, these are in doubt, not the mode: see `answer_rules.label_order`.
    """
    used = check.used.accuracy
    if used is None:
        return None
    better = [
        trial
        for trial in check.others
        if trial.accuracy is not None
        and trial.accuracy - used >= ACCURACY_GAIN
        and trial.accuracy > (check.renamed or 0.0)
        and trial.p_value * len(check.others) < CHANCE
    ]
    remembered = _remembered(check)
    if remembered is not None:
        return remembered if remembered in better else None
    best = max((trial.accuracy or 0.0 for trial in better), default=0.0)
    near = [trial for trial in better if (trial.accuracy or 0.0) >= best - _ALIKE]
    nearest = min(near, key=_distance, default=None)
    if nearest is not None and _distance(nearest) <= MOMENTS_FLOOR:
        return nearest
    return max(near, key=lambda trial: (trial.accuracy or 0.0, trial.information or 0.0), default=None)


def _remembered(check: PreprocessingCheck) -> ModeTrial | None:
    """The mode under which, clearly alone, the first BatchNormalization finds what it remembers."""
    known = sorted((one for one in (check.used, *check.others) if one.moment_divergence is not None), key=_distance)
    if len(known) < 2 or _distance(known[0]) > MOMENTS_FLOOR:
        return None
    return known[0] if _leads(known[0], known[1:]) else None


def speaks_for_used(check: PreprocessingCheck) -> bool:
    """Whether the moments clearly speak for the mode used: no answers can then speak for another."""
    return _remembered(check) is check.used


def better_by_moments(check: PreprocessingCheck) -> ModeTrial | None:
    """The mode under which alone the first BatchNormalization finds what it knows, if it does not under the used."""
    known = sorted((one for one in check.others if one.moment_divergence is not None), key=_distance)
    if check.used.moment_divergence is None or not known:
        return None
    best, rest = known[0], known[1:]
    clearly = _distance(check.used) > max(MOMENTS_FLOOR, MOMENTS_GAIN * _distance(best))
    leads = _distance(best) <= MOMENTS_FLOOR and _leads(best, rest)
    worse = None not in (best.accuracy, check.used.accuracy) and (best.accuracy or 0.0) < (check.used.accuracy or 0.0)
    return best if clearly and leads and not worse else None


def better_by_answers(check: PreprocessingCheck) -> ModeTrial | None:
    """The mode under which answers tell most, if clearly more than under the one used, of many classes."""
    if (check.classes or 0) < MANY_CLASSES:
        return None
    better = [
        trial
        for trial in check.others
        if (trial.information or 0.0) >= INFORMATION_FLOOR
        and _exceeds(trial, INFORMATION_GAIN)
        and not _measures_worse(trial, check.used)
    ]
    return max(better, key=lambda trial: trial.information or 0.0, default=None)


def is_settled(check: PreprocessingCheck) -> bool:
    """Whether some evidence speaks for a mode, be it the one used."""
    if better_by_truth(check) or better_by_moments(check) or better_by_answers(check):
        return True
    lost = [one.lost > one.gained and one.p_value * len(check.others) < CHANCE for one in check.others]
    told = max((one.information or 0.0 for one in check.others), default=0.0)
    used = check.used.information or 0.0
    by_answers = (check.classes or 0) >= MANY_CLASSES and used >= max(told, INFORMATION_FLOOR)
    return (bool(lost) and all(lost)) or speaks_for_used(check) or by_answers


def likelier(check: PreprocessingCheck) -> ModeTrial | None:
    """Another mode that what there is of evidence prefers, though it proves nothing; None where it is the one used."""
    used, others = check.used, check.others
    if used.accuracy is not None:
        best = max(others, key=lambda one: (one.accuracy or 0.0, -_distance(one)), default=used)
        return best if (best.accuracy or 0.0) > used.accuracy else None
    if used.moment_divergence is not None:
        best = min(others, key=_distance, default=used)
        return best if _distance(best) < _distance(used) else None
    best = max(others, key=lambda one: one.information or 0.0, default=used)
    return best if _exceeds(best, LIKELIER_GAIN) else None


def _leads(trial: ModeTrial, others: Sequence[ModeTrial]) -> bool:
    """Whether the moments are clearly nearer under `trial` than under each of the others."""
    return all(_distance(one) > MOMENTS_LEAD * max(_distance(trial), _NEGLIGIBLE) for one in others)


def _distance(trial: ModeTrial) -> float:
    return float("inf") if trial.moment_divergence is None else trial.moment_divergence


def _measures_worse(trial: ModeTrial, used: ModeTrial) -> bool:
    """Whether what is stronger than answers speaks against `trial`."""
    by_truth = None not in (trial.accuracy, used.accuracy) and (trial.accuracy or 0.0) < (used.accuracy or 0.0)
    return by_truth or _distance(trial) > _distance(used)


def _exceeds(trial: ModeTrial, gain: float) -> bool:
    if trial.log_gain is None or trial.log_gain_error is None:
        return False
    return trial.log_gain > np.log(gain) and trial.log_gain > GAIN_ERRORS * trial.log_gain_error


def _measured(check: PreprocessingCheck, better: ModeTrial) -> str:
    used, parts = check.used, []
    if used.accuracy is not None and better.accuracy is not None:
        parts.append(
            f"{percent(better.accuracy)} right under {better.mode}, {percent(used.accuracy)} under {used.mode}, "
            f"{on_images(check.judged)} (p {better.p_value:.2g})"
        )
    if used.moment_divergence is not None and better.moment_divergence is not None:
        parts.append(
            f"the input of {check.normalization} is {better.moment_divergence:.2g} from its moving moments under "
            f"{better.mode}, {used.moment_divergence:.2g} under {used.mode}"
        )
    if (check.classes or 0) >= MANY_CLASSES and used.information is not None and better.information is not None:
        parts.append(
            f"answers tell {better.information:.2f} bits about the image under {better.mode}, "
            f"{used.information:.2f} under {used.mode}"
        )
    return "; ".join(parts)


# --- other inputs ---------------------------------------------------------------------------------


def held_input(evidence: Evidence) -> Iterator[Finding]:
    """Inputs besides the image that were held at a value nobody chose."""
    for name, shape in evidence.network.held:
        yield Finding(
            rule="held-input",
            severity="warning",
            message=f"The input {name} ({_shape(shape)}) was held at zeros for every image.",
            measured=f"the images went into {evidence.network.image_input}; no --input {name}=VALUE was given",
            threshold="a value for each input, as the network was trained with",
            why="The answers are those to each image together with zeros, not to the image alone.",
            action=f"Give it: --input {name}=VALUE, a number, a list, a .npy file, a picture or a table (file,value)"
            f"{f'; --input {name}=image puts the images there' if len(shape) == 3 else ''}.",
        )


def _shape(shape: Sequence[int | None]) -> str:
    return "x".join("any" if side is None else str(side) for side in shape)
