"""What a run says at its end of the report it made: what matters before a page is opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportgen.facts import SEVERITIES
from reportgen.finished.sizes import SIZE_RULE
from reportgen.formats import counted, percent
from reportgen.record import Evaluation, Finding, Model, Record
from reportgen.site.evaluation_words import lead
from reportgen.site.facts import preprocessing_words
from reportgen.site.parts import count_severities

_NOUNS = {"info": "note"}


def closing_words(record: Record, page: Path) -> list[str]:
    """The last lines of a run.

    Args:
        record: what the report says.
        page: the one to open.

    Returns:
        Findings by severity and the worst one's message; how the network was fed; accuracy where truth was given;
        what was left out for size or time; the page to open. A line each.
    """
    return [
        _found(record.findings),
        _fed(record.model),
        *accuracy_words(record.evaluation),
        *(f"left out: {words}" for words in left_out_words(record)),
        f"open {page}",
    ]


def _found(findings: Sequence[Finding]) -> str:
    if not findings:
        return "findings: none"
    worst = min(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    return f"findings: {count_words(findings)}; {'the worst' if len(findings) > 1 else 'it is'}: {worst.message}"


def count_words(findings: Sequence[Finding]) -> str:
    """How many findings there are of each severity, the worst first."""
    counts = [counted(count, _NOUNS.get(severity, severity)) for severity, count in count_severities(findings)]
    return ", ".join(counts) or "no findings"


def _fed(model: Model) -> str:
    words = preprocessing_words(model)
    guessed = model.preprocessing.origin == "fallback"
    return f"fed: {words} This is a guess: say what is right with --preprocess." if guessed else f"fed: {words}"


def accuracy_words(evaluation: Evaluation | None) -> list[str]:
    """How often the network is right, where truth was given, and how right each further answer is; a line each."""
    if evaluation is None:
        return []
    outputs = [output for output in evaluation.outputs if output.images]
    if evaluation.accuracy is None:
        return [f"{output.output}: {lead(output)}" for output in outputs]
    told = next((output for output in outputs if output.kind == "classes"), None)
    best = "" if evaluation.top5_accuracy is None else f", {percent(evaluation.top5_accuracy)} among the best five"
    return [
        f"accuracy: {percent(evaluation.accuracy)} of {counted(evaluation.images, 'image')}{best}",
        *(f"{output.output}: {lead(output)}" for output in outputs if output is not told),
    ]


def left_out_words(record: Record) -> list[str]:
    """What sections had to leave out, and what the whole report did to keep within its size."""
    sections = [f"{section.title}: {section.note}" for section in record.sections if section.left_out and section.note]
    return sections + [finding.message for finding in record.findings if finding.rule == SIZE_RULE]
