"""Images as the pages of the review list them: small pictures, a name, some words."""

from __future__ import annotations

from collections.abc import Iterable

from reportgen import formats
from reportgen.record import EvaluationOutput
from reportgen.record.review import WorstImage, WorstPanels
from reportgen.record.tile import Tile
from reportgen.site.catalogue import Catalogue
from reportgen.site.difference_words import named_colours
from reportgen.site.review_views import Shot, WorstView


def view_shot(file: str, catalogue: Catalogue, words: str = "", tile: Tile | None = None) -> Shot:
    """The image called `file`, with its page and small picture (by default its own) where it has them."""
    return Shot(file, catalogue.image_page(file), tile or catalogue.record.thumbnails.get(file), words)


def picture_of_worst(worst: WorstImage, output: EvaluationOutput, catalogue: Catalogue) -> Shot:
    """An image that was answered badly, as one picture with words on how badly."""
    tile = worst.thumbnail if worst.panels is None else worst.panels.photograph or worst.panels.truth
    return view_shot(worst.image, catalogue, ", ".join(_worst_words(worst, output)), tile)


def view_worst(worst: WorstImage, output: EvaluationOutput, catalogue: Catalogue) -> WorstView:
    """An image that was answered badly, with the right answer beside the network's."""
    shot = picture_of_worst(worst, output, catalogue)
    panels = () if worst.panels is None else tuple(_named_panels(worst.panels, output))
    return WorstView(shot, panels, worst.classes)


def _worst_words(worst: WorstImage, output: EvaluationOutput) -> Iterable[str]:
    """How badly it was answered."""
    if output.kind == "map":
        yield f"mean IoU {formats.number(round(worst.score, 3))}"
        if worst.pixel_accuracy is not None:
            yield f"{formats.percent(worst.pixel_accuracy)} of the pixels right"
    elif output.kind == "picture":
        yield f"off by {formats.number(worst.score)} of 255"
        yield from () if worst.psnr is None else (f"PSNR {formats.number(worst.psnr)} dB",)
        yield from () if worst.ssim is None else (f"SSIM {formats.number(round(worst.ssim, 3))}",)
    else:
        name = f"{worst.name}: " if worst.name is not None and len(output.values or ()) > 1 else ""
        if worst.truth is None:
            yield f"{name}off by {formats.number(worst.score)}"
        else:
            yield f"{name}{formats.number(worst.answer)}, right is {formats.number(worst.truth)}"


def _named_panels(panels: WorstPanels, output: EvaluationOutput) -> Iterable[tuple[str, Tile]]:
    is_map = output.kind == "map"
    if panels.photograph is not None:
        yield "photograph" if is_map else "given", panels.photograph
    yield (
        ("right mask" if is_map else "right picture" if panels.photograph is not None else "given, and right"),
        panels.truth,
    )
    yield "answer", panels.answer
    yield "difference", panels.difference


def difference_keys(output: EvaluationOutput) -> tuple[tuple[str, str], ...]:
    """The colours of the differences of maps, each with what it means."""
    return named_colours(output.colours or {})
