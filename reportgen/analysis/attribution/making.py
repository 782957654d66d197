"""Maps of one method for the questions about many images, as few calls of the network as there can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.attention import attention_rollout
from reportgen.analysis.attribution.cams import grad_cam, layer_cam
from reportgen.analysis.attribution.explained import Explained
from reportgen.analysis.attribution.integrated_gradients import integrated_gradients
from reportgen.analysis.attribution.occlusion import occlusion
from reportgen.analysis.attribution.planning import Plan
from reportgen.analysis.attribution.questions import Question
from reportgen.analysis.attribution.results import AttributionMaps, Method
from reportgen.analysis.attribution.targets import Target
from reportgen.analysis.attribution.tracing import Grid, TracedCall
from reportgen.attribution_settings import AttributionSettings
from reportgen.results import FloatArray


@dataclass(frozen=True, eq=False)
class _Batch:
    """Rows of images and the targets asked of all of them; of `asked` `[target][row]` None is of no interest."""

    places: tuple[int, ...]
    targets: list[Target]
    asked: list[list[Question | None]]


def make_maps(
    method: Method,
    traced: TracedCall,
    pixels: Sequence[FloatArray],
    asked: Sequence[Sequence[Question]],
    places: Sequence[int],
    plan: Plan,
) -> list[Explained]:
    """The maps of one method for the questions about images at `places`."""
    made: list[Explained] = []
    for batch in _batches(method, asked, places):
        images = np.stack([pixels[place] for place in batch.places])
        for maps in run_method(
            method, traced.at(batch.places), images, batch.targets, plan.settings, plan.grid
        ).values():
            made += _unpacked(maps, batch)
    return made


def _batches(method: Method, asked: Sequence[Sequence[Question]], places: Sequence[int]) -> list[_Batch]:
    """What goes through the network together.

    Further targets of an image share its forward pass. Integrated gradients go back through the whole network for each,
    so that only the first one and the right class are asked about.
    """
    if method == "attention-rollout":
        told = [place for place in places if asked[place]]
        return [_Batch(tuple(told), [], [[asked[place][0] for place in told]])] if told else []
    if method == "integrated-gradients":
        return _by_question(asked, places)
    return _by_image(asked, places)


def _by_question(asked: Sequence[Sequence[Question]], places: Sequence[int]) -> list[_Batch]:
    """Images with as many questions of the same forms together, so that those of an image share their points."""
    rows: dict[tuple[tuple[object, float], ...], list[tuple[int, list[Question]]]] = {}
    for place in places:
        first = {question.output: question for question in reversed(asked[place])}
        own = [one for one in asked[place] if one.kind == "truth" or one is first[one.output]]
        if own:
            rows.setdefault(tuple((one.target.form, one.target.offset) for one in own), []).append((place, own))
    return [
        _Batch(
            tuple(place for place, _ in found),
            [together([own[slot].target for _, own in found]) for slot in range(len(forms))],
            [[own[slot] for _, own in found] for slot in range(len(forms))],
        )
        for forms, found in rows.items()
    ]


def _by_image(asked: Sequence[Sequence[Question]], places: Sequence[int]) -> list[_Batch]:
    slots: dict[tuple[object, float, int], dict[int, Question]] = {}
    for place in places:
        counts: dict[tuple[object, float], int] = {}
        for question in asked[place]:
            key = question.target.form, question.target.offset
            counts[key] = counts.get(key, -1) + 1
            slots.setdefault((*key, counts[key]), {})[place] = question
    if not slots:
        return []
    targets, rows = [], []
    for own in slots.values():
        nothing = replace(next(iter(own.values())).target, directions=_zeros(next(iter(own.values())).target))
        targets.append(together([own[place].target if place in own else nothing for place in places]))
        rows.append([own.get(place) for place in places])
    return [_Batch(tuple(places), targets, rows)]


def _zeros(target: Target) -> NDArray[np.float32]:
    return np.zeros_like(target.directions)


def together(targets: Sequence[Target]) -> Target:
    """One target of several images from those of each; all of one form and offset."""
    return replace(targets[0], directions=np.concatenate([target.directions for target in targets]))


def run_method(
    method: Method,
    traced: TracedCall,
    pixels: FloatArray,
    targets: Sequence[Target],
    settings: AttributionSettings,
    grid: Grid | None,
) -> dict[str, AttributionMaps]:
    """The maps of one method, by layer; "" where it reads none."""
    if method == "grad-cam":
        return grad_cam(traced, pixels, targets)
    if method == "layer-cam":
        return layer_cam(traced, pixels, targets)
    if method == "occlusion":
        return {"": occlusion(traced, pixels, targets, window=settings.window, grey=settings.grey)}
    if method == "attention-rollout" and grid is not None:
        return {"": attention_rollout(traced, pixels, grid)}
    return {
        "": integrated_gradients(
            traced,
            pixels,
            targets,
            baseline=settings.baseline,
            points=settings.points,
            most_points=settings.most_points,
        )
    }


def _unpacked(maps: AttributionMaps, batch: _Batch) -> Iterator[Explained]:
    """The maps of a batch image by image."""
    for row, place in enumerate(batch.places):
        for slot, questions in enumerate(batch.asked):
            question = questions[row]
            if question is not None:
                error = maps.completeness_error
                yield Explained(
                    image=place,
                    question=question,
                    method=maps.method,
                    layer=maps.layer,
                    values=maps.maps[slot, row],
                    positive_evidence=bool(maps.positive_evidence[slot, row]),
                    completeness_error=None if error is None else float(error[slot, row]),
                    points=None if maps.points is None else int(maps.points[row]),
                    evidence=None if maps.evidence is None else maps.evidence[slot, row],
                    channels=None if maps.channels is None else maps.channels[slot, row],
                )
