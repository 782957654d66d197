"""A comparison in sentences: what one would say of it first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reportgen import formats
from reportgen.facts import SEVERITIES
from reportgen.finished.comparison import Comparison, FindingComparison
from reportgen.finished.comparison_answers import UNMATCHED
from reportgen.finished.comparison_images import ImageComparison
from reportgen.finished.comparison_scores import PairedScore
from reportgen.finished.markdown import code, escaped
from reportgen.site.answer_views import join_words
from reportgen.site.page import FRONT

# What chance makes less often than this is said without "may be chance".
LEVEL = 0.05

# Of a kind of thing, so many are named.
MOST_NAMED = 3
MOST_IN_SUMMARY = 5
_LONGEST = 200
_NOUNS = {"info": "note"}


def sentences(comparison: Comparison, names: tuple[str, str] = ("A", "B")) -> tuple[str, ...]:
    """What matters first; `names` are what the two reports are called in the sentences."""
    return tuple(
        formats.capitalized(sentence)
        for sentence in (
            *_answers(comparison, names),
            *_left_out(comparison.shared),
            *_paired(comparison.shared),
            *_findings(comparison.findings),
            *construction_words(comparison),
            *_cost(comparison, names),
            *_weights(comparison),
            *_alike(comparison),
        )
    )


def score_words(score: PairedScore, names: tuple[str, str]) -> str:
    """Which network is better, and whether that may be chance."""
    on = f"on {formats.counted(score.images, 'image')}"
    points = formats.number(round(abs(score.difference) * 100, 1))
    if score.better == score.worse:
        return f"{names[1]} is right as often as {names[0]} {on}"
    direction = "better" if score.difference > 0 else "worse"
    unit = "point" if points == "1" else "points"
    if score.p_value < LEVEL:
        return f"{names[1]} is {points} {unit} {direction} {on} ({p_words(score.p_value)})"
    return f"{names[1]} is {points} {unit} {direction} {on}, which may be chance ({p_words(score.p_value)})"


def p_words(value: float) -> str:
    """A probability as papers write it.

    >>> p_words(0.0031), p_words(0.00002), p_words(0.42)
    ('p = 0.003', 'p < 0.001', 'p = 0.42')
    """
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if value < 0.0995 else f"p = {value:.2f}"


def _answers(comparison: Comparison, names: tuple[str, str]) -> Iterator[str]:
    shared = comparison.shared
    if not shared:
        yield "they share no image."
        return
    shared = tuple(image for image in shared if image.comparable)
    if not shared:
        unmatched = any(_are_unmatched(image) for image in comparison.shared)
        why = "nothing tells which of their classes are the same" if unmatched else "their answers are not of one kind"
        yield f"{why}, so they are not compared."
        return
    changed = [image for image in shared if image.change not in ("same", "not compared")]
    answers = f"{formats.counted(len(changed), 'answer')} changed"
    if comparison.score is not None:
        better = sum(image.verdict == "better" for image in changed)
        worse = sum(image.verdict == "worse" for image in changed)
        for_better = f", {_number(better)} for the better"
        for_worse = f" and {_number(worse)} for the worse" if better + worse < len(changed) else ""
        moved = f"{answers}{for_better}{for_worse}" if changed else "no answer changed"
        yield f"{score_words(comparison.score, names)}; {moved}."
    elif not changed:
        which = "other answers" if _left_out(shared) else "answers"
        images = "the one shared image" if len(shared) == 1 else f"all {formats.count(len(shared))} shared images"
        yield f"the {which} to {images} are the same."
    else:
        what = "best class" if comparison.agreement is not None else "answer"
        share = comparison.agreement
        share = 1 - len(changed) / len(shared) if share is None else share
        on = formats.counted(len(shared), "shared image")
        yield f"the {what} is the same on {formats.percent(share)} of {on}; {answers}."


def _are_unmatched(image: ImageComparison) -> bool:
    """Whether it is the classes that keep the answers to an image from being compared."""
    best = all(image.best) and image.best_change == "not compared"
    return best or any(answer.about == UNMATCHED for answer, _ in image.answers)


def _left_out(shared: Sequence[ImageComparison]) -> list[str]:
    """A sentence on the outputs that are not compared, where there are such beside others that are."""
    pairs = [pair for image in shared if image.comparable for pair in image.answers]
    outputs = dict.fromkeys(answer.output for answer, change in pairs if change == "not compared")
    return [f"the answers of {join_words(outputs)} are not compared."] if outputs else []


def _paired(shared: Sequence[ImageComparison]) -> Iterator[str]:
    """Images that may be others, since only their names are the same."""
    number = sum(image.by_name for image in shared)
    if number:
        by = "are matched by their names" if number > 1 else "is matched by its name"
        yield f"{formats.count(number)} of {formats.counted(len(shared), 'shared image')} {by} alone: the files differ."


def _number(value: int) -> str:
    return "none" if value == 0 else formats.count(value)


def _findings(findings: Sequence[FindingComparison]) -> Iterator[str]:
    came = [one for one in findings if one.change == "only B"]
    went = [one for one in findings if one.change == "only A"]
    parts = [
        f"{formats.counted(len(some), 'finding')} {verb} ({_by_severity(some)})"
        for some, verb in ((came, "came"), (went, "went"))
        if some
    ]
    changed = sum(one.change == "changed" for one in findings)
    if changed:
        parts.append(f"{formats.counted(changed, 'finding')} in both with another severity")
    if parts:
        yield f"{', '.join(parts)}."


def _by_severity(findings: Sequence[FindingComparison]) -> str:
    counts = [(one, sum(item.finding.severity == one for item in findings)) for one in SEVERITIES]
    return ", ".join(formats.counted(number, _NOUNS.get(one, one)) for one, number in counts if number)


def construction_words(comparison: Comparison) -> Iterator[str]:
    """How many layers were added, removed and built differently, a sentence where any was."""
    counts = [
        (sum(layer.change == "only B" for layer in comparison.layers), "added"),
        (sum(layer.change == "only A" for layer in comparison.layers), "removed"),
        (sum(layer.rebuilt for layer in comparison.layers), "built differently"),
    ]
    parts = [f"{formats.counted(number, 'layer')} {verb}" for number, verb in counts if number]
    if parts:
        yield f"{', '.join(parts)}."


def _cost(comparison: Comparison, names: tuple[str, str]) -> Iterator[str]:
    facts = {fact.name: (fact.first, fact.second) for fact in comparison.model}
    parts = []
    for name, what in (("Parameters", "parameters"), ("Multiply-accumulates", "multiply-accumulates")):
        first, second = facts[name]
        if isinstance(first, int) and isinstance(second, int) and first and first != second:
            share = abs(second - first) / first
            factor = second / first
            more = "more" if second > first else "fewer"
            parts.append(
                f"{formats.number(round(factor, 1))} times the {what}"
                if factor >= 2
                else f"{formats.percent(share)} {more} {what}"
            )
    if parts:
        yield f"{names[1]} has {' and '.join(parts)}."


def _weights(comparison: Comparison) -> Iterator[str]:
    moved = [layer for layer in comparison.layers if layer.weights_moved and layer.change != "same"]
    if not moved:
        return
    most = max(moved, key=lambda layer: layer.weights_moved or 0.0)
    known = sum(layer.weights_moved is not None for layer in comparison.layers)
    yield (
        f"the weights of {formats.count(len(moved))} of {formats.counted(known, 'layer')} changed, "
        f"most in {most.name}, by {formats.percent(most.weights_moved)} of their norm."
    )


def _alike(comparison: Comparison) -> Iterator[str]:
    known = [(layer.alike, layer.name) for layer in comparison.layers if layer.alike is not None]
    if not known or comparison.likeness is None:
        return
    on = formats.counted(comparison.likeness.images, "image")
    low, high = min(known), max(known)
    if low[0] > 1 - 5e-4:
        gives = "gives" if len(known) == 1 else "give"
        what = f"what {formats.counted(len(known), 'matched layer')} {gives} for {on}"
        yield f"{what} is the same but for rotation (CKA 1)."
    elif len(known) == 1:
        yield f"on {on} the CKA of {low[1]} is {low[0]:.2f}."
    else:
        yield f"on {on} matched layers have a CKA from {low[0]:.2f} ({low[1]}) to {high[0]:.2f} ({high[1]})."


def comparison_markdown(comparison: Comparison) -> str:
    """The comparison in one screen of Markdown, fit for a comment."""
    changed = [image for image in comparison.shared if image.comparable and image.change == "changed"]
    findings = [one for one in comparison.findings if one.change != "same"]
    blocks = [
        f"# {escaped(comparison.titles[0], _LONGEST)} and {escaped(comparison.titles[1], _LONGEST)}",
        f"A is {code(comparison.titles[0], _LONGEST)}, B is {code(comparison.titles[1], _LONGEST)}.",
        "\n".join(f"- {escaped(sentence, 2 * _LONGEST)}" for sentence in sentences(comparison)),
        *_listed("## Answers that changed", [_image_line(image) for image in changed]),
        *_listed("## Findings that came, changed and went", [_finding_line(one) for one in findings]),
        f"Open [{FRONT}]({FRONT}) for all of it.",
    ]
    return "\n\n".join(blocks) + "\n"


def _listed(heading: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield heading
        more = len(lines) - MOST_IN_SUMMARY
        further = [f"- and {formats.count(more)} more"] if more > 0 else []
        yield "\n".join([*(f"- {line}" for line in lines[:MOST_IN_SUMMARY]), *further])


def _image_line(image: ImageComparison) -> str:
    first, second = answer_words(image)
    verdict = "" if image.verdict is None else f", for the {image.verdict}"
    return f"{code(image.file, _LONGEST)}: {escaped(first, _LONGEST)} in A, {escaped(second, _LONGEST)} in B{verdict}"


def _finding_line(one: FindingComparison) -> str:
    if one.second is not None:
        severities = f"{one.finding.severity} in A, {one.second.severity} in B"
        return f"**severity changed** ({severities}): {escaped(one.second.message, _LONGEST)}"
    came = "came" if one.change == "only B" else "went"
    return f"**{came}** ({one.finding.severity}): {escaped(one.finding.message, _LONGEST)}"


def answer_words(image: ImageComparison) -> tuple[str, str]:
    """Both answers: the best class, else, or where that is the same and another answer changed, what changed most."""
    others = [answer for answer, change in image.answers if change == "changed"]
    known = all(image.best) or (any(image.best) and not image.answers)
    if known and (image.best_change == "changed" or not others):
        first, second = (
            formats.NOTHING if best is None else f"{best.label or f'class {best.index}'} ({formats.number(best.score)})"
            for best in image.best
        )
        return first, second
    if image.answers:
        shown = others or [answer for answer, _ in image.answers]
        answer = max(shown, key=lambda answer: answer.apart)
        output = answer.output if len(image.answers) > 1 else ""
        parts = [part for part in (output, answer.about) if part]
        about = f"{', '.join(parts)}: " if parts else ""
        return f"{about}{answer.first}", f"{about}{answer.second}"
    return formats.NOTHING, formats.NOTHING
