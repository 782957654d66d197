"""Rules on the review: answers against the truth, under changes of the images, and what the images are worth."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.analysis.dataset_quality.duplicates import Copies
from reportgen.analysis.figures_of_merit.classes import ClassRow
from reportgen.analysis.findings.evidence import Evidence
from reportgen.analysis.findings.wording import names, on_images
from reportgen.formats import count, counted
from reportgen.results import Finding

# Of fewer images the intervals below are wider than what is asked of the network.
JUDGED_IMAGES = 20

# Weak slices told of one by one; a network that fails on dark images fails on those of low contrast, too.
MOST_SLICES = 4

# Confidence may be off by as much for its figures to be usable; beyond it, a network that says 95 % is right 85 times.
MOST_OVERCONFIDENCE = 0.1

# A corruption at a middling severity that is still seen for what it is should not cost half of what was right.
COLLAPSE_SEVERITY = 3
COLLAPSE_SHARE = 0.5

# On fewer images of a sample a collapse may be chance.
CHANGED_IMAGES = 20

# Labels named as suspicious: one image in a hundred may well be labelled wrongly, fewer are not worth a word.
SUSPICIOUS_LEAST = 3

# A class with so many times the images of another decides the averages that are not balanced.
UNBALANCED_TIMES = 10


def worse_than_baseline(evidence: Evidence) -> Iterator[Finding]:
    """A network that is right no more often than the answer that is most often right."""
    judged = evidence.review.judged
    if judged is None or not _is_no_better(evidence):
        return
    figures = judged.figures
    accuracy, baseline, interval = figures.accuracy, figures.baseline, figures.interval
    if accuracy is not None and baseline is not None and interval is not None and figures.baseline_class is not None:
        common = judged.names[figures.baseline_class]
        yield Finding(
            rule="worse-than-baseline",
            section="predictions",
            severity="error",
            message=f"The network is right on {accuracy:.1%} of the images; answering {common} always would be right "
            f"on {baseline:.1%}.",
            measured=f"accuracy {accuracy:.3f} (95 % interval {interval[0]:.3f} to {interval[1]:.3f}) "
            f"{on_images(figures.images)}",
            threshold=f"above {baseline:.3f}, the share of the most frequent class",
            why="An answer that looks at no image does as well: whatever the network has learned does not help here.",
            action="Check preprocessing, the order of the class names and the truth; else train again.",
        )


def _is_no_better(evidence: Evidence) -> bool:
    """Whether answering the most frequent class always would be right as often, on images enough to say so."""
    judged = evidence.review.judged
    if judged is None or judged.figures.images < JUDGED_IMAGES or len(_with_images(evidence)) < 2:
        return False
    accuracy, baseline = judged.figures.accuracy, judged.figures.baseline
    return accuracy is not None and baseline is not None and accuracy <= baseline


def weak_slices(evidence: Evidence) -> Iterator[Finding]:
    """Groups of images on which the network is right less often than on the rest, beyond chance."""
    judged = evidence.review.judged
    for found in () if judged is None else judged.slices[:MOST_SLICES]:
        group = f"{found.property} is {found.entry}"
        if found.entry is None and found.low is not None and found.high is not None:
            group = f"{found.property} lies between {found.low:.4g} and {found.high:.4g}"
        yield Finding(
            rule="weak-slice",
            section="predictions",
            severity="warning",
            message=f"Where {group}, {found.score:.1%} of the answers are right; on all other images {found.rest:.1%}.",
            measured=f"{found.score:.3f} on {counted(found.images, 'image')} against {found.rest:.3f}, p = "
            f"{found.p_value:.2g} after correction for all groups looked at",
            threshold="p below 0.05 (Fisher's exact test, Holm's correction)",
            why="An accuracy over all images hides that it does not hold for these.",
            action="Look at the examples on the evaluation page; more training images of this kind are what helps.",
            image=evidence.review.files[found.examples[0]] if found.examples else None,
        )


def overconfident(evidence: Evidence) -> Iterator[Finding]:
    """Confidence that is higher than the share of right answers."""
    judged = evidence.review.judged
    if judged is None or judged.figures.images < JUDGED_IMAGES or judged.figures.ece is None:
        return
    figures = judged.figures
    confidence = float(figures.answers.confidence.mean(dtype="float64"))
    accuracy, interval = figures.accuracy or 0.0, figures.interval or (0.0, 1.0)
    # The upper end of the interval: a few images that happen to be hard are no fault.
    if confidence - interval[1] > 0 and confidence - accuracy > MOST_OVERCONFIDENCE:
        yield Finding(
            rule="overconfident",
            section="predictions",
            severity="warning",
            message=f"The network is {confidence:.1%} sure on average and right on {accuracy:.1%} of the images.",
            measured=f"mean confidence {confidence:.3f}, accuracy {accuracy:.3f}, expected calibration error "
            f"{figures.ece:.3f}",
            threshold=f"at most {MOST_OVERCONFIDENCE} above the accuracy, and outside its interval",
            why="A threshold on such confidence lets more mistakes through than it promises.",
            action="Calibrate the scores (temperature scaling on images kept for it), or set thresholds by the "
            "coverage curve.",
        )


def collapsing(evidence: Evidence) -> Iterator[Finding]:
    """Corruptions under which half of the right, or of all, answers are lost at a middling severity."""
    found = evidence.review.steadiness
    if found is None or found.clean.images < CHANGED_IMAGES:
        return
    for curve in found.corruptions:
        at = next((one for severity, one in curve.severities if severity == COLLAPSE_SEVERITY), None)
        if at is None:
            continue
        by_score = found.clean.score is not None and at.score is not None
        kept, before = (at.score, found.clean.score) if by_score else (at.agreement, 1.0)
        if kept is None or not before or kept > COLLAPSE_SHARE * before:
            continue
        what = "right answers" if by_score else "unchanged answers"
        yield Finding(
            rule="collapsing",
            section="robustness",
            severity="warning",
            message=f"Under {curve.name} of severity {COLLAPSE_SEVERITY}, {what} fall from {before:.1%} to {kept:.1%}.",
            measured=f"{kept:.3f} {on_images(at.images)}, {before:.3f} as they are",
            threshold=f"more than {COLLAPSE_SHARE:.0%} of what it is on the images as they are",
            why="Images from another camera, or stored once more, may be changed as much.",
            action=f"Train with {curve.name} among the augmentations, or keep such images away from the network.",
        )


def leakage(evidence: Evidence) -> Iterator[Finding]:
    """Images that are copies of reference images."""
    quality = evidence.review.quality
    if quality is None or quality.leaks is None or not quality.leaks.groups:
        return
    leaked = sorted({index for group in quality.leaks.groups for index in group.images})
    total = len(quality.images.image)
    yield Finding(
        rule="leakage",
        section="images-quality",
        severity="error",
        message=f"{count(len(leaked))} of {counted(total, 'image')} {'is a copy' if len(leaked) == 1 else 'are copies'}"
        f" of reference images: {names([evidence.review.files[index] for index in leaked])}.",
        measured=_exact_and_near(quality.leaks.groups),
        threshold="none",
        why="What a network was trained on says nothing of images it has not seen: all figures of merit are too good.",
        action="Leave these images out and make the report again.",
        image=evidence.review.files[leaked[0]],
    )


def duplicates(evidence: Evidence) -> Iterator[Finding]:
    """Images that are copies of each other."""
    quality = evidence.review.quality
    if quality is None or not quality.copies.groups:
        return
    groups = quality.copies.groups
    images = sum(len(group.images) for group in groups)
    first = [evidence.review.files[index] for index in groups[0].images]
    yield Finding(
        rule="duplicates",
        section="images-quality",
        severity="warning",
        message=f"{count(images)} of {counted(len(quality.images.image), 'image')} are copies of each other, in "
        f"{counted(len(groups), 'group')}; one is {names(first)}.",
        measured=_exact_and_near(groups),
        threshold="none",
        why="Copies count several times in every figure, and make intervals look narrower than they are.",
        action="Keep one of each; where their labels differ, find out which is right.",
        image=first[0],
    )


def suspicious(evidence: Evidence) -> Iterator[Finding]:
    """Labels that the network contradicts with confidence; one that knows no class contradicts them all."""
    quality, judged = evidence.review.quality, evidence.review.judged
    if quality is None or judged is None or _is_no_better(evidence):
        return
    contradicted = [one for one in quality.suspicious if one.confident]
    if len(contradicted) < SUSPICIOUS_LEAST:
        return
    first = contradicted[0]
    file = evidence.review.files[first.image]
    yield Finding(
        rule="suspicious-labels",
        section="images-quality",
        severity="info",
        message=f"{counted(len(contradicted), 'label')} may be wrong, or the network is: it is as sure of another "
        f"class as it usually is where it is right. The first is {file}, labelled {judged.names[first.given]}, seen as "
        f"{judged.names[first.likely]}.",
        measured=f"probability {first.self_confidence:.3g} of the class given",
        threshold=f"{SUSPICIOUS_LEAST} images whose likely class has at least the mean probability of images of that "
        "class (Northcutt, Jiang and Chuang 2021)",
        why="Wrong labels count as mistakes of the network. It is a ranking alone, and needs images that the network "
        "was not trained on.",
        action="Look at the list on the page of the images' quality, from the top.",
        image=file,
    )


def outliers(evidence: Evidence) -> Iterator[Finding]:
    """Images unlike all others."""
    quality = evidence.review.quality
    far = [] if quality is None else [one for one in quality.outliers if one.far_out]
    if not far:
        return
    files = [evidence.review.files[one.image] for one in far]
    yield Finding(
        rule="outliers",
        section="images-quality",
        severity="info",
        message=f"{counted(len(far), 'image')} {'is' if len(far) == 1 else 'are'} unlike all others: {names(files)}.",
        measured=f"the farthest is {far[0].score:.3g} interquartile ranges beyond the third quartile of the distance "
        "to the tenth nearest image",
        threshold="more than 3, Tukey's fence for what lies far out",
        why="Broken files, blank pictures or pictures of something else are judged like all others.",
        action="Look at them; leave out what does not belong.",
        image=files[0],
    )


def unbalanced_truth(evidence: Evidence) -> Iterator[Finding]:
    """Classes with many more images than others."""
    rows = _with_images(evidence)
    judged = evidence.review.judged
    if judged is None or len(rows) < 2:
        return
    most, least = max(rows, key=lambda row: row.count), min(rows, key=lambda row: row.count)
    if most.count >= UNBALANCED_TIMES * least.count:
        yield Finding(
            rule="unbalanced-truth",
            section="predictions",
            severity="info",
            message=f"There are {counted(most.count, 'image')} of {judged.names[most.index]} and {count(least.count)} "
            f"of {judged.names[least.index]}.",
            measured=f"{most.count / least.count:.3g} times as many",
            threshold=f"less than {UNBALANCED_TIMES} times",
            why="The accuracy is mostly that of the frequent classes.",
            action="Read the balanced accuracy and the table of classes instead.",
        )


def few_images(evidence: Evidence) -> Iterator[Finding]:
    """Classes with too few images to say anything about."""
    quality, judged = evidence.review.quality, evidence.review.judged
    if quality is None or judged is None or not quality.few:
        return
    few = sorted(quality.few, key=lambda row: (row.count, row.index))
    yield Finding(
        rule="few-images",
        section="images-quality",
        severity="info",
        message=f"{'One class has' if len(few) == 1 else f'{count(len(few))} classes have'} too few "
        f"images to be judged: {names([judged.names[row.index] for row in few])}.",
        measured=f"{counted(few[0].count, 'image')} of {judged.names[few[0].index]}",
        threshold="20 images, of which 18 right answers may as well mean 70 % as 97 %",
        why="Figures of such a class are mostly chance.",
        action="Add images of it, or read its interval on the evaluation page.",
    )


def _with_images(evidence: Evidence) -> list[ClassRow]:
    judged = evidence.review.judged
    return [] if judged is None else [row for row in judged.figures.per_class if row.count]


def _exact_and_near(groups: tuple[Copies, ...]) -> str:
    exact = sum(group.exact for group in groups)
    return f"{counted(exact, 'group')} the same to the last pixel, {count(len(groups) - exact)} nearly the same"
