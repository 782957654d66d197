"""Rules on what was given to judge by: right answers that match nothing, names that are odd."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.analysis.answers.truth import MatchedTruth
from reportgen.analysis.findings.evidence import Evidence
from reportgen.analysis.findings.wording import names
from reportgen.class_names import whole_number
from reportgen.facts import AnswerKind
from reportgen.formats import count, counted
from reportgen.results import Finding

# What to do about right answers of which none is of an image, by their form.
_WITHOUT_ENTRIES = {
    "folders": "Give the folder that holds a folder for each class, called as the class, instead of the files in it.",
    "table": "Write files as the report names images.",
    "list": "Write files as the report names images.",
    "pictures": "Give pictures of the same name as the images but for the ending.",
    "input": "Where the output gives a picture, say --answer {output}=picture.",
}


def unmatched_truth(evidence: Evidence) -> Iterator[Finding]:
    """Right answers that fit no image, or no class of the network."""
    for facts in evidence.answers:
        truth = facts.truth
        if truth is None or (truth.is_matched and not truth.unmatched):
            continue
        yield Finding(
            rule="unmatched-truth",
            severity="warning",
            message=_unmatched_message(truth),
            measured=f"given: {names(truth.unmatched) if truth.unmatched else 'nothing'}; "
            f"the network: {names(truth.known) if truth.known else facts.output.kind}",
            threshold="names of classes, or columns of values, on both sides alike",
            why="No figure is computed from right answers that cannot be compared.",
            action=_unmatched_action(truth, facts.output.kind),
        )


def _unmatched_message(truth: MatchedTruth) -> str:
    if truth.is_matched:
        return (
            f"{counted(len(truth.unmatched), 'class')} of the right answers for {truth.output} are none of "
            f"the network's: {names(truth.unmatched)}."
        )
    given = truth.given
    if given.form in ("table", "list") and not given.cells:
        return f"The right answers for {truth.output} in {given.source} are of no image of this report."
    if given.form == "folders" and not given.cells:
        return f"The images lie in no folders, so that --truth folders gives no right answers for {truth.output}."
    if given.form == "input":
        return f"The input is the right answer of pictures alone, and {truth.output} is not read as one."
    if given.form == "pictures" and not given.files:
        return f"No picture in {given.source} is called as an image of this report."
    return f"The right answers given for {truth.output} match nothing that it can answer."


def _unmatched_action(truth: MatchedTruth, kind: AnswerKind) -> str:
    if kind in ("other", "embedding"):
        return (
            f"Such an output is not judged; where it is classes, values or the like, say --answer {truth.output}=KIND."
        )
    if kind in ("classes", "multilabel") and any(_is_measure(name) for name in truth.unmatched):
        return f"Where the output gives values, points or boxes, say so: --answer {truth.output}=KIND."
    if not truth.given.cells and truth.given.form in _WITHOUT_ENTRIES:
        return _WITHOUT_ENTRIES[truth.given.form].format(output=truth.output)
    if truth.known and all(whole_number(name) is not None for name in truth.known):
        return "Give --labels with the network's names of its classes, in the order of its outputs."
    return "Write the names as the network's labels have them, and files as the report names images."


def _is_measure(name: str) -> bool:
    """Whether a name is a number with a fraction, which classes are not called."""
    try:
        return not float(name).is_integer()
    except (OverflowError, ValueError):
        return False


def unmatched_masks(evidence: Evidence) -> Iterator[Finding]:
    """Right masks whose pixels are of no class of the network, or show one class alone since others are not judged."""
    for facts in evidence.review.masks:
        alone = facts.unjudged > 0 and len(facts.shown) < 2
        if not alone and not facts.unmatched:
            continue
        shown = names(facts.shown) if facts.shown else "no class"
        yield Finding(
            rule="unmatched-truth",
            severity="warning",
            message=f"The right masks for {facts.output} show {shown} alone where they are judged."
            if alone
            else f"{counted(facts.unmatched, 'pixel')} of the right masks for {facts.output} are of no class that the "
            "network has.",
            measured=f"{counted(facts.unjudged, 'pixel')} with the value 255; "
            f"{counted(facts.unmatched, 'pixel')} of other numbers than those of the classes {names(facts.known)}",
            threshold="pixels of two classes or more, and of none that the network does not have",
            why="What the masks do not show is not judged, however well or badly the network finds it: no IoU and no "
            "share of right pixels tells of it.",
            action="Write the number of the class into masks, 1 for the one class of a mask: 255, the white of masks "
            "of black and white, says that a pixel is not to be judged.",
        )


def names_from_folders(evidence: Evidence) -> Iterator[Finding]:
    """Classes that are called after the images' folders."""
    for facts in evidence.answers:
        if facts.output.name in evidence.named_by_folders and facts.output.labels is not None:
            yield Finding(
                rule="names-from-folders",
                severity="info",
                message=f"The classes of {facts.output.name} are called after the images' folders, in alphabetical "
                f"order: {names(facts.output.labels)}.",
                measured=f"{count(len(facts.output.labels))} folders",
                threshold="as many folders as classes, and no --labels",
                why="Keras' own loader of folders counts classes so; a network trained otherwise has other ones.",
                action="Give --labels where the network's classes stand in another order.",
            )


def odd_names(evidence: Evidence) -> Iterator[Finding]:
    """Blank lines and repeated names among the labels."""
    for note in evidence.label_notes:
        yield Finding(
            rule="odd-labels",
            severity="info",
            message=f"Of the class names: {note}.",
            measured=note,
            threshold="a name of its own for each class",
            why="A line too many moves every name behind it to another class.",
            action="Look at the file of names.",
        )


def odd_truth(evidence: Evidence) -> Iterator[Finding]:
    """Right answers for files that are not there, or that stand twice."""
    for facts in evidence.answers:
        if facts.truth is None or not facts.truth.is_matched:
            continue
        given = facts.truth.given
        for rule, listed, words in (
            ("missing-images", given.missing, "are of no image of this report, or could be of several"),
            ("repeated-truth", given.duplicates, "stand more than once; the first counts"),
            ("repeated-truth", given.shared, "stand for more than one image"),
        ):
            if listed:
                yield Finding(
                    rule=rule,
                    severity="info",
                    message=f"{counted(len(listed), 'entry')} of {given.source} {words}: {names(listed)}.",
                    measured=counted(len(listed), "entry"),
                    threshold="one for each image",
                    why="What is judged may be less, or other, than was meant.",
                    action="Compare the list with the images given.",
                )
