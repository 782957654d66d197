"""What the pages of a review show: typed values that a template writes down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.record.answers import ClassOverlap
from reportgen.record.review import (
    ClassScore,
    Corruption,
    Dataset,
    Duplicate,
    EvaluationOutput,
    Flip,
    Outlier,
    Robustness,
    SeverityScore,
    ShiftScore,
    Slice,
    SuspiciousLabel,
)
from reportgen.record.tile import Tile
from reportgen.site.facts import Facts
from reportgen.site.figures import FigureGroup
from reportgen.site.outline import Link
from reportgen.site.review_charts import MatrixChart, ReliabilityBar, ScatterChart


@dataclass(frozen=True)
class Shot:
    """An image that is spoken of: its page and a small picture, where there are such; `words` stand below."""

    file: str
    page: str | None
    tile: Tile | None
    words: str = ""


@dataclass(frozen=True)
class SliceView:
    """A group of images on which the network fails."""

    slice: Slice
    where: str
    shots: tuple[Shot, ...]


@dataclass(frozen=True)
class CellView:
    """A cell of the confusion matrix with some of its images."""

    anchor: str
    title: str
    right: bool
    count: int
    shots: tuple[Shot, ...]


@dataclass(frozen=True)
class CellsView:
    """The cells of the confusion matrix, or one page of them."""

    cells: tuple[CellView, ...]
    total: int
    pages: tuple[Link, ...]


@dataclass(frozen=True)
class ClassesView:
    """All classes, the worst first, or one page of them."""

    rows: Sequence[ClassScore]
    total: int
    pages: tuple[Link, ...]


@dataclass(frozen=True)
class BinaryView:
    """How sensitivity and specificity move with the threshold, each as a line; and some thresholds in numbers."""

    sensitivity: str
    specificity: str
    rows: tuple[tuple[str, float | None, float | None], ...]


@dataclass(frozen=True)
class ConfusedView:
    """How often one class was taken for another: of maps in pixels, else in images; `page` lists them."""

    truth: str
    predicted: str
    count: int
    share: float  # of the class
    page: str | None


@dataclass(frozen=True)
class WorstView:
    """An image that was answered badly; `panels` are small pictures with what each shows, `overlaps` its classes."""

    shot: Shot
    panels: tuple[tuple[str, Tile], ...]
    overlaps: tuple[ClassOverlap, ...]


@dataclass(frozen=True)
class OutputView:
    """The evaluation of one output."""

    output: EvaluationOutput
    lead: str
    key_facts: Facts
    doubt: str  # why the figures may be worth nothing; else empty
    notes: tuple[str, ...]
    slices: tuple[SliceView, ...] | None  # None where none were looked for
    without_slices: str  # what it means that there are none
    mistakes: tuple[Shot, ...]
    matrix: MatrixChart | None
    confused: tuple[ConfusedView, ...]
    confused_total: int
    classes: Sequence[ClassScore]
    classes_total: int
    reliability: tuple[ReliabilityBar, ...]
    coverage: str
    binary: BinaryView | None
    scatters: tuple[tuple[str, ScatterChart], ...]  # each of a value, by its name
    worst: tuple[WorstView, ...]
    difference_keys: tuple[tuple[str, str], ...]  # colour and what it means
    others: tuple[Link, ...]
    width: int
    height: int


@dataclass(frozen=True)
class CorruptionView:
    """A corruption: its curve with the band of its intervals, and the images that flip first."""

    corruption: Corruption
    scores: tuple[tuple[SeverityScore, float | None, tuple[float, float] | None], ...]
    line: str
    band: str
    start: float | None
    flips: tuple[tuple[Flip, str | None], ...]


@dataclass(frozen=True)
class RobustnessView:
    """Answers under corruptions and shifts; `by_truth` says that right ones are counted, else unchanged ones."""

    robustness: Robustness
    by_truth: bool
    lead: str
    key_facts: Facts
    corruptions: tuple[CorruptionView, ...]
    shifts: tuple[ShiftScore, ...]
    note: str | None
    width: int
    height: int


@dataclass(frozen=True)
class QualityView:
    """What the images are worth, or one page of their lists."""

    dataset: Dataset
    lead: str
    key_facts: Facts
    leaks: tuple[tuple[Duplicate, tuple[Shot, ...]], ...]
    copies: tuple[tuple[Duplicate, tuple[Shot, ...]], ...]
    suspicious: tuple[tuple[SuspiciousLabel, Shot], ...]
    outliers: tuple[tuple[Outlier, Shot], ...]
    figures: tuple[FigureGroup, ...]
