"""A picture that was made, judged: how well it excites its channel, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from reportgen.analysis.maximization.judging import Status
from reportgen.analysis.maximization.layer_ascents import Item, LayerAscents, Picture
from reportgen.results import MaximizedChannel

# Objectives are told at no more steps than a chart can show.
_CURVE_POINTS = 64


def judged_picture(maker: LayerAscents, item: Item, outcome: Picture) -> MaximizedChannel:
    """The picture of `item`, with how it does beside the images and the layer's other channels."""
    subject = maker.subject
    verdict = subject.verdict(item.goal, outcome.responses, flat=outcome.flat)
    layer, output = subject.key
    kept = np.linspace(0, len(outcome.scores) - 1, min(_CURVE_POINTS, len(outcome.scores))).round().astype(int)
    return MaximizedChannel(
        layer=layer,
        output=output,
        channel=item.channel,
        objective=subject.objective_name(item.goal),
        label=subject.label(item.goal),
        preset=maker.preset.name,
        seed=item.seed,
        steps=outcome.steps,
        canvas=maker.canvas,
        pixels=None if verdict.status == "failed" else outcome.pixels,
        activation=verdict.activation,
        dataset_max=verdict.extreme,
        rank=verdict.rank,
        status=verdict.status,
        curve=tuple((int(step) + 1, float(outcome.scores[step])) for step in kept),
        note="; ".join(_notes(maker, outcome, verdict.status)) or None,
        again=item.again,
    )


def _notes(maker: LayerAscents, outcome: Picture, status: Status) -> Iterable[str]:
    if status == "failed":
        yield "no image with a gradient was found" if outcome.flat else "the layer's output stayed at zero"
    if outcome.attempts > 1:
        yield f"{outcome.attempts} starts"
    if outcome.against_rivals:
        yield "other channels of the layer held down in the last steps"
    wanted = maker.preset.canvas
    if wanted is not None and wanted != maker.canvas:
        yield f"on the network's own size, since it does not run on {wanted[0]}x{wanted[1]}"
    elif wanted is None and (maker.canvas[0] < maker.network.size[0] or maker.canvas[1] < maker.network.size[1]):
        reason = "what it costs" if maker.subject.key[1] else "the layer's receptive field and its cost"
        yield f"on a smaller canvas, after {reason}"
