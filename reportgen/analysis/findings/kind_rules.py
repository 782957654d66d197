"""Rules on outputs by their kind: answers that are no numbers, never change, or say nothing of the image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reportgen.analysis.findings.evidence import AnswerFacts, Evidence
from reportgen.analysis.findings.wording import names, on_images
from reportgen.formats import count, counted
from reportgen.results import Finding

# Answers to fewer images than this may be the same by chance.
FEWEST_IMAGES = 4

# Values that differ by no more than this share of their size are the same but for rounding.
SAME = 1e-6

# A class that covers so many of a mask's pixels covers it all.
WHOLE = 0.999


def nonfinite_answers(evidence: Evidence) -> Iterator[Finding]:
    """Outputs with values that are not finite."""
    for facts in evidence.answers:
        images = np.flatnonzero(facts.nonfinite)
        if not len(images):
            continue
        yield Finding(
            rule="nonfinite-answers",
            severity="error",
            message=f"The output {facts.output.name} has values that are not finite.",
            measured=f"{counted(int(facts.nonfinite.sum()), 'value')} on {count(len(images))} of "
            f"{counted(len(facts.nonfinite), 'image')}",
            threshold="none",
            why="What is not a number is no answer, and every mean it goes into is lost.",
            action="Look for a division by zero, a logarithm of zero or an overflow before this output.",
            image=evidence.images.files[int(images[0])] if len(facts.nonfinite) == len(evidence.images) else None,
        )


def softmax_of_one(evidence: Evidence) -> Iterator[Finding]:
    """A softmax over a single unit, which is one whatever the image."""
    for facts in evidence.answers:
        output = facts.output
        if output.activation == "softmax" and output.size and output.size[-1] == 1:
            yield Finding(
                rule="softmax-of-one",
                severity="error",
                message=f"The output {output.name} is a softmax over one unit: it is 1 for every image.",
                measured="one unit",
                threshold="two units or more",
                why="A softmax shares one among its units; alone, a unit gets all of it and nothing is learned.",
                action="Use a sigmoid for one unit, or a softmax over two, and train again.",
            )


def one_class_masks(evidence: Evidence) -> Iterator[Finding]:
    """Masks of one class on all images."""
    for facts in evidence.answers:
        output, images = facts.output, len(facts.kept)
        if output.kind != "map" or images < FEWEST_IMAGES:
            continue
        shares = facts.kept[:, : output.classes] / (output.size[0] * output.size[1])
        if output.classes == 1:
            shares = np.concatenate([1 - shares, shares], axis=1)
        lowest = shares.min(axis=0)
        best = int(lowest.argmax())
        if lowest[best] < WHOLE:
            continue
        if output.classes == 1:
            told = "says yes" if best else "says no"
            what = f"The mask of {output.name} {told} everywhere"
        else:
            what = f"The mask of {output.name} is {output.label(best) or f'class {best}'} everywhere"
        yield Finding(
            rule="one-class-mask",
            severity="warning",
            message=f"{what} on all {count(images)} images.",
            measured=f"at least {float(lowest[best]):.1%} of the pixels of each image",
            threshold=f"{WHOLE:.1%}, {FEWEST_IMAGES} images or more",
            why="A mask that is the same everywhere tells nothing of the image; wrong preprocessing is a usual reason, "
            "and classes out of balance in training another.",
            action="Check the preprocessing; otherwise weigh rare classes higher in training.",
        )


def constant_answers(evidence: Evidence) -> Iterator[Finding]:
    """Values that are the same for every image."""
    for facts in evidence.answers:
        output = facts.output
        softmax_alone = output.activation == "softmax" and output.size[-1:] == (1,)
        if output.kind not in ("values", "points", "boxes", "multilabel") or len(facts.kept) < FEWEST_IMAGES:
            continue
        stuck = [] if softmax_alone else _stuck(facts)
        if not stuck:
            continue
        whole = len(stuck) == output.count
        listed = names([output.value_name(index) for index in stuck])
        yield Finding(
            rule="constant-answers",
            severity="warning" if whole else "info",
            message=f"The output {output.name} is the same for every image."
            if whole
            else f"{count(len(stuck))} of {count(output.count)} values of {output.name} never change: {listed}.",
            measured=f"no difference above {SAME:g} of the value {on_images(len(facts.kept))}",
            threshold=f"{FEWEST_IMAGES} images or more",
            why="An answer that does not depend on the image is none.",
            action="Check the preprocessing, and whether units before this output are dead.",
        )


def _stuck(facts: AnswerFacts) -> list[int]:
    """The values that do not change from image to image."""
    low, high = facts.kept.min(axis=0), facts.kept.max(axis=0)
    with np.errstate(invalid="ignore"):
        same = high - low <= SAME * np.maximum(np.abs(low), np.abs(high))
    return [int(index) for index in np.flatnonzero(same & np.isfinite(low))]


def poor_pictures(evidence: Evidence) -> Iterator[Finding]:
    """Pictures further from the input than a plain surface of the image's mean colour."""
    for facts in evidence.answers:
        if facts.output.kind != "picture" or len(facts.kept) < FEWEST_IMAGES:
            continue
        error, plain = (float(value) for value in facts.kept[:, 1:3].mean(axis=0, dtype=np.float64))
        if not error >= plain:
            continue
        asked = facts.truth is not None and facts.truth.given.form == "input"
        yield Finding(
            rule="poor-picture",
            severity="warning" if asked else "info",
            message=f"The pictures of {facts.output.name} are no nearer to the input than its mean colour alone.",
            measured=f"a root mean squared error of {error**0.5:.1f} of 255 against {plain**0.5:.1f}",
            threshold="less than that of a plain surface of each image's mean colour",
            why="If the network is to give its input back, it has learned nothing of it; or the values are read in "
            "another range than they are meant in.",
            action="Check the preprocessing and the range of the output; for another task this means nothing.",
        )


def equal_outputs(evidence: Evidence) -> Iterator[Finding]:
    """Two outputs that are the same."""
    for facts in evidence.answers:
        if facts.same_as is None or len(facts.nonfinite) < FEWEST_IMAGES:
            continue
        yield Finding(
            rule="equal-outputs",
            severity="warning",
            message=f"The outputs {facts.same_as} and {facts.output.name} give the same answer to every image.",
            measured=f"no difference {on_images(len(facts.nonfinite))}",
            threshold=f"{FEWEST_IMAGES} images or more",
            why="The second says nothing that the first does not; one may have been connected by mistake.",
            action="Look at what each output is connected to.",
        )


def values_or_scores(evidence: Evidence) -> Iterator[Finding]:
    """Linear values that may be meant as scores of classes."""
    for facts in evidence.answers:
        output = facts.output
        if output.kind != "values" or output.note is None:
            continue
        yield Finding(
            rule="values-or-scores",
            severity="info",
            message=f"The {count(output.count)} numbers of {output.name} are read as values, not as scores of classes.",
            measured=output.reason,
            threshold="class names, right classes or a crossentropy that say otherwise",
            why="A linear layer gives either; nothing in the network says which.",
            action=f"Give --answer {output.name}=classes where they are scores, or --labels with their names.",
        )
