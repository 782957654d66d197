"""What judges of outputs share: what they are given, what they give, and pictures of the worst images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reportgen.analysis.answers import MatchedTruth
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.draw.bands import show_image
from reportgen.draw.compared import PANEL_SIDE, draw_panel, panel_size
from reportgen.record.review import EvaluationOutput, WorstPanels
from reportgen.results import ByteArray, FloatArray
from reportgen.sections.section import VisitedImage
from reportgen.sections.study import Study, Workshop
from reportgen.sections.thumbnails import store_tiles

# Of maps and pictures, each with a row of pictures; of values, each with one.
MOST_PANELS = 12
MOST_WORST = 24

PHOTOGRAPH, TRUTH, ANSWER, DIFFERENCE = "photograph", "truth", "answer", "difference"

# Takes the place of an image in the set, the image, and the answer to it.
Judge = Callable[[int, VisitedImage, FloatArray], None]
Judged = tuple[Judge, Callable[[], EvaluationOutput]]


@dataclass(frozen=True, eq=False)
class Judging:
    """An output to be judged, the right answers to it, and the names of all images by place."""

    study: Study
    workshop: Workshop
    output: SettledOutput
    truth: MatchedTruth
    files: Sequence[str]

    def without_truth(self, known: Mapping[str, object]) -> int:
        """How many images have no right answer among those `known`."""
        return sum(file not in known for file in self.files)


def photograph_of(visited: VisitedImage, study: Study) -> ByteArray:
    """An image as it is shown, `(height, width, 3)`."""
    return show_image(visited.original, study.config.bands).pixels


def photograph_panel(visited: VisitedImage, study: Study) -> ByteArray:
    """The whole image as one of the small pictures of a list."""
    shown = photograph_of(visited, study)
    return draw_panel(shown, panel_size(shown.shape[:2], PANEL_SIDE))


def store_panels(
    name: str, rows: Sequence[Mapping[str, ByteArray]], workshop: Workshop, *, flat: bool
) -> list[WorstPanels]:
    """Write the small pictures of the worst images.

    Args:
        name: of the mosaics.
        rows: of each image its pictures, by which of the four they are.
        workshop: where they go.
        flat: all but the photographs are of few colours, which are kept as they are.
    """
    keyed = {f"{place} {what}": pixels for place, row in enumerate(rows) for what, pixels in row.items()}
    photographs = {key: pixels for key, pixels in keyed.items() if key.endswith(PHOTOGRAPH)}
    others = {key: pixels for key, pixels in keyed.items() if key not in photographs}
    tiles = store_tiles(f"{name}-photographs", photographs, workshop.pictures)
    tiles |= store_tiles(name, others, workshop.pictures, lossless=flat)
    return [
        WorstPanels(
            photograph=tiles.get(f"{place} {PHOTOGRAPH}"),
            truth=tiles[f"{place} {TRUTH}"],
            answer=tiles[f"{place} {ANSWER}"],
            difference=tiles[f"{place} {DIFFERENCE}"],
        )
        for place in range(len(rows))
    ]
