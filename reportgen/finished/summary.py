"""A report in one screen: as Markdown for a job's summary or a comment, as data for a program.

Everything follows from the record, but for what changed since the report it replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reportgen import formats
from reportgen.errors import ReportgenError
from reportgen.facts import SEVERITIES
from reportgen.files.inside import Inside
from reportgen.finished.closing_words import accuracy_words, left_out_words
from reportgen.finished.markdown import code, escaped, unescaped
from reportgen.finished.measures import Measure, quality_measures
from reportgen.finished.opened_record import odd_values_told, opened_record
from reportgen.finished.site_folders import SUMMARY_NAME
from reportgen.record import Finding, Record
from reportgen.site.facts import preprocessing_words
from reportgen.site.front import summarize_model
from reportgen.site.page import FRONT
from reportgen.site.parts import count_severities

# What one screen has room for.
MOST_FINDINGS = 6
MOST_CHANGES = 6
MOST_TAGS = 8
_LONGEST_NAME = 120
_LONGEST_LINE = 320

_CHANGES_HEADING = "## Since the report before"
_NOUNS = {"info": "note"}


@dataclass(frozen=True)
class Summary:
    """What a report says, in short: whole sentences, and figures."""

    title: str
    network: str
    tags: dict[str, str]
    what: str
    fed: str
    counts: dict[str, int]
    findings: tuple[Finding, ...]
    evaluation: tuple[str, ...]
    measures: tuple[Measure, ...]
    left_out: tuple[str, ...]
    changes: tuple[str, ...]


def summarize(record: Record, changes: Sequence[str] = ()) -> Summary:
    """What `record` says, in short; `changes` are sentences on what changed since the report it replaced."""
    return Summary(
        title=record.site.title,
        network=record.model.name,
        tags=dict(record.provenance.tags),
        what=summarize_model(record.model),
        fed=preprocessing_words(record.model),
        counts=dict(count_severities(record.findings)),
        findings=tuple(sorted(record.findings, key=lambda one: SEVERITIES.index(one.severity))),
        evaluation=tuple(accuracy_words(record.evaluation)),
        measures=measures(record),
        left_out=tuple(left_out_words(record)),
        changes=tuple(changes),
    )


def measures(record: Record) -> tuple[Measure, ...]:
    """The figures of a report that one follows over time; those that it does not have are left out."""
    model, evaluation = record.model, record.evaluation
    found: list[Measure] = []
    if evaluation is not None and evaluation.images and evaluation.accuracy is not None:
        found.append(_share("accuracy", "Accuracy", evaluation.accuracy))
        if evaluation.top5_accuracy is not None:
            found.append(_share("top5_accuracy", "Right class among the best five", evaluation.top5_accuracy))
    found += quality_measures(record)
    counts = dict(count_severities(record.findings))
    for severity in SEVERITIES[:2]:
        number = counts.get(severity, 0)
        found.append(
            Measure(f"{severity}s", f"{formats.capitalized(severity)}s", number, formats.count(number), "lower")
        )
    read = [layer.activations for layer in record.layers if layer.activations is not None]
    if read:
        dead = sum(len(activations.dead_channels) for activations in read)
        found.append(Measure("dead_channels", "Dead channels", dead, formats.count(dead), "lower"))
    found.append(_size("parameters", "Parameters", model.parameter_count))
    if model.mac_count is not None:
        found.append(_size("multiply_accumulates", "Multiply-accumulates an image", model.mac_count))
    return tuple(found)


def _share(name: str, title: str, value: float) -> Measure:
    return Measure(name, title, value, formats.percent(value), "higher")


def _size(name: str, title: str, value: int) -> Measure:
    return Measure(name, title, value, formats.short_count(value), None)


def summary_markdown(summary: Summary, where: str | None = None) -> str:
    """`summary` as Markdown of one screen.

    Args:
        summary: what the report says.
        where: the page to open; by default the front page, seen from the report's own folder.
    """
    place = f"[{FRONT}]({FRONT})" if where is None else code(where)
    blocks = [
        f"# {escaped(summary.title, _LONGEST_NAME)}",
        f"{code(summary.network, _LONGEST_NAME)}: {escaped(summary.what, _LONGEST_LINE)}",
        _tags(summary.tags),
        "## Findings",
        _findings(summary),
        *(("## Evaluation", _lines(map(formats.capitalized, summary.evaluation))) if summary.evaluation else ()),
        *((_CHANGES_HEADING, _lines(summary.changes[:MOST_CHANGES])) if summary.changes else ()),
        "## The report",
        f"Open {place}. {escaped(summary.fed, 2 * _LONGEST_LINE)}",
        *((_lines(f"Left out: {words}" for words in summary.left_out),) if summary.left_out else ()),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _tags(tags: dict[str, str]) -> str:
    shown = [f"{escaped(key, 40)}: {code(value, 80)}" for key, value in list(tags.items())[:MOST_TAGS]]
    return ", ".join(shown)


def _findings(summary: Summary) -> str:
    if not summary.findings:
        return "None."
    counts = [formats.counted(number, _NOUNS.get(severity, severity)) for severity, number in summary.counts.items()]
    lines = [
        f"- **{finding.severity}** {escaped(finding.message, _LONGEST_LINE)}"
        for finding in summary.findings[:MOST_FINDINGS]
    ]
    more = len(summary.findings) - MOST_FINDINGS
    return "\n".join(
        [f"{', '.join(counts)}.", "", *lines, *([f"- and {formats.count(more)} more"] if more > 0 else [])]
    )


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(text, _LONGEST_LINE)}" for text in texts)


def summary_json(summary: Summary, where: str) -> str:
    """`summary` as JSON; `report` is the page to open."""
    found: dict[str, Any] = {severity: summary.counts.get(severity, 0) for severity in SEVERITIES}
    found["worst"] = [
        {"rule": one.rule, "severity": one.severity, "layer": one.layer, "message": one.message}
        for one in summary.findings[:MOST_FINDINGS]
    ]
    content = {
        "title": summary.title,
        "network": summary.network,
        "tags": summary.tags,
        "what": summary.what,
        "fed": summary.fed,
        "findings": found,
        "evaluation": list(summary.evaluation),
        "measures": {one.name: asdict(one) for one in summary.measures},
        "left_out": list(summary.left_out),
        "changes": list(summary.changes),
        "report": where,
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def kept_changes(markdown: str) -> tuple[str, ...]:
    """What a `summary.md` says of changes since the report before: the one thing its record does not know."""
    _, _, after = markdown.partition(f"{_CHANGES_HEADING}\n\n")
    listed = after.partition("\n\n")[0].splitlines()
    return tuple(unescaped(line[2:]) for line in listed[:MOST_CHANGES] if line.startswith("- "))


def changes_kept(inside: Inside) -> tuple[str, ...]:
    """What the summary in a report's folder says of the report before; nothing where it has none, or no such one."""
    try:
        return kept_changes(inside.read_text(SUMMARY_NAME, "the summary", "style"))
    except ReportgenError:
        return ()


def summary_of(report: Path, form: str) -> str:
    """The report in the folder `report` (or its `report.json`) in one screen, as `markdown` or `json`.

    Raises:
        ReportgenError: there is none.
    """
    with opened_record(report) as (record, inside), odd_values_told(report):
        summary = summarize(record, changes_kept(inside))
        where = (inside.folder / FRONT).as_posix()
    return summary_json(summary, where) if form == "json" else summary_markdown(summary, where)
