"""What a section of a report is: how it is called, what it makes, and how it behaves on the pages.

A section declares all that other places ask of it; none of them knows a section by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reportgen import record
from reportgen.analysis.dataset_quality.quality import SetQuality
from reportgen.analysis.findings.evidence import AttributionFacts
from reportgen.analysis.network.whole_run import Captured
from reportgen.analysis.robustness import Robustness
from reportgen.config import Config
from reportgen.facts import Placement
from reportgen.images import ImageFile
from reportgen.results import FloatArray, Graph, PixelArray
from reportgen.sections.study import Study, Workshop


@dataclass(frozen=True, eq=False)
class VisitedImage:
    """An image while it is visited: in its own values, as fitted into the network's input, and what layers gave.

    `outputs` has an array without the batch for each layer any section asked for, `answers` one for each of the
    network's own outputs, by their names, where a section reads them; `captured` is the run they are from.
    """

    image: ImageFile
    original: PixelArray
    pixels: PixelArray
    placement: Placement
    outputs: Mapping[str, FloatArray]
    answers: Mapping[str, FloatArray] = field(default_factory=dict)
    captured: Captured | None = None

    @property
    def file(self) -> str:
        """The image's name."""
        return self.image.file


@dataclass(frozen=True, eq=False)
class Contribution:
    """What a section adds to the record.

    `answers` are those to images that are pictures, by image. `note` says why it has nothing to show, where it has
    not; `left_out`, that what is missing had to give way to size or time. `robustness` and `dataset` are what the
    record says of `steadiness` and `quality`, which findings are made from; `thumbnails` are small pictures of images,
    by file.
    """

    figures: tuple[record.Figure, ...] = ()
    maximizations: tuple[record.Maximization, ...] = ()
    channels: tuple[record.Unit, ...] = ()
    features: tuple[record.Feature, ...] = ()
    attributions: tuple[tuple[str, record.Attribution], ...] = ()  # each with its image
    attribution_methods: tuple[record.AttributionMethod, ...] = ()
    channel_uses: tuple[record.ChannelUse, ...] = ()
    contrasts: tuple[record.Contrast, ...] = ()
    attribution_facts: AttributionFacts = field(default_factory=AttributionFacts)  # what rules look at
    graph: Graph | None = None
    answers: Mapping[str, tuple[record.Answer, ...]] = field(default_factory=dict)
    note: str | None = None
    left_out: bool = False
    robustness: record.Robustness | None = None
    steadiness: Robustness | None = None
    dataset: record.Dataset | None = None
    quality: SetQuality | None = None
    thumbnails: Mapping[str, record.Tile] = field(default_factory=dict)


def joined(parts: Iterable[Contribution]) -> Contribution:
    """Contributions as one, in their order; notes one after another."""
    every = list(parts)
    notes = [part.note for part in every if part.note is not None]
    return Contribution(
        figures=tuple(figure for part in every for figure in part.figures),
        maximizations=tuple(shown for part in every for shown in part.maximizations),
        channels=tuple(channel for part in every for channel in part.channels),
        features=tuple(feature for part in every for feature in part.features),
        attributions=tuple(shown for part in every for shown in part.attributions),
        attribution_methods=tuple(found for part in every for found in part.attribution_methods),
        channel_uses=tuple(use for part in every for use in part.channel_uses),
        contrasts=tuple(contrast for part in every for contrast in part.contrasts),
        attribution_facts=AttributionFacts.joined(part.attribution_facts for part in every),
        graph=next((part.graph for part in every if part.graph is not None), None),
        answers={file: answers for part in every for file, answers in part.answers.items()},
        note=" ".join(notes) or None,
        left_out=any(part.left_out for part in every),
        robustness=next((part.robustness for part in every if part.robustness is not None), None),
        steadiness=next((part.steadiness for part in every if part.steadiness is not None), None),
        dataset=next((part.dataset for part in every if part.dataset is not None), None),
        quality=next((part.quality for part in every if part.quality is not None), None),
        thumbnails={file: tile for part in every for file, tile in part.thumbnails.items()},
    )


def nothing_more() -> Contribution:
    """What a section that is done with its images adds in the end."""
    return Contribution()


def nothing_of_it(_visited: VisitedImage) -> Contribution:
    """What a section that looks at no image makes of one."""
    return Contribution()


@dataclass(frozen=True, eq=False)
class Work:
    """What a section does: `visit` each of `images` while all are gone through once, then `finish`.

    `layers` are those whose outputs `visit` reads, `reads_answers` says that it reads the network's own;
    they come from one forward pass for all sections.
    """

    images: Sequence[ImageFile] = ()
    layers: tuple[str, ...] = ()
    visit: Callable[[VisitedImage], Contribution] = nothing_of_it
    finish: Callable[[], Contribution] = nothing_more
    reads_answers: bool = False


def needed_by_no_option(_config: Config) -> bool:
    """For sections that only `--sections` asks for."""
    return False


@dataclass(frozen=True)
class Section:
    """A part of the report; `plan` says what it does, `traits` how it behaves on the pages.

    `needed` says whether an option asks for it, whatever `--sections` says.
    """

    slug: str
    title: str
    plan: Callable[[Study, Workshop], Work | Contribution]
    traits: record.Traits = field(default_factory=record.Traits)
    needed: Callable[[Config], bool] = needed_by_no_option

    def describe(self, made: Contribution) -> record.Section:
        """The section for the record, with what `made` has to say of what is missing."""
        return record.Section(
            slug=self.slug, title=self.title, note=made.note, left_out=made.left_out, **dict(self.traits)
        )
