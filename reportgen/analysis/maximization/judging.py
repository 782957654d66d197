"""How far a maximised image can be trusted: measured on the saved 8-bit picture, by the ordinary forward pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.results import FloatArray

Status = Literal["ok", "weak", "failed"]

# A picture speaks for its channel if at most this many other channels answer to it more, each by its own measure.
RANKS_OK = 5

# A channel rests where it stays below this share of what the images reach.
_REST = 0.1


@dataclass(frozen=True)
class Verdict:
    """What is said of a picture: `activation` is its own, `extreme` the furthest over the images in its direction."""

    activation: float
    extreme: float | None
    rank: int | None
    status: Status


def rank_of(channel: int, responses: FloatArray, dataset_max: FloatArray) -> int | None:
    """The place of `channel` among its layer's channels on one picture, by response over `dataset_max`, 0 is first.

    A channel whose `dataset_max` is not above zero has no scale of its own: it is left out of the others' ranking,
    and has no rank itself (None). Ties count in favour of `channel`.

    Args:
        responses: `(channels,)` on the picture.
        dataset_max: `(channels,)`, the same measure over the images.
    """
    known = dataset_max > 0
    if not known[channel]:
        return None
    ratios = np.divide(responses, dataset_max, out=np.full(responses.shape, -np.inf), where=known)
    return int(np.count_nonzero(ratios > ratios[channel]))


def judge(
    activation: float, dataset_max: float | None, rank: int | None, flat: bool, ranks_ok: int = RANKS_OK
) -> Status:
    """Whether a picture shows what excites its channel.

    `failed`: nothing could be done, or the layer's output stayed at zero. `ok`: the picture excites the channel at
    least as much as any image did, and fewer than `ranks_ok` channels answer to it more. `weak`: anything else,
    also where there is nothing to compare with.
    """
    if flat or not np.isfinite(activation) or activation == 0:
        return "failed"
    if dataset_max is None:
        return "weak"
    enough = activation >= dataset_max
    return "ok" if enough and (rank is None or rank < ranks_ok) else "weak"


def channel_verdict(channel: int, responses: FloatArray, highest: FloatArray | None, *, flat: bool) -> Verdict:
    """Of the picture of a channel, from the responses of its layer's channels."""
    activation = float(responses[channel])
    extreme = None if highest is None else float(highest[channel])
    rank = None if highest is None else rank_of(channel, responses, highest)
    return Verdict(activation, extreme, rank, judge(activation, extreme, rank, flat))


def rest_verdict(channel: int, responses: FloatArray, highest: FloatArray | None, *, flat: bool) -> Verdict:
    """Of the picture of what a channel likes least: right where the channel nearly rests on it, everywhere.

    Where no image lifts it above zero it must not do more than on all of them.
    """
    activation = float(responses[channel])
    extreme = None if highest is None else float(highest[channel])
    if flat or not np.isfinite(activation):
        return Verdict(activation, extreme, None, "failed")
    rests = extreme is not None and activation <= (_REST * extreme if extreme > 0 else extreme)
    return Verdict(activation, extreme, None, "ok" if rests else "weak")


def answer_verdict(
    output: SettledOutput, index: int, responses: FloatArray, extreme: float | None, *, down: bool, flat: bool
) -> Verdict:
    """Of the picture of a number of an answer, from all of them.

    A picture is right where the number is at least as far in its direction as on any image, and the network takes it
    for what it was made for: of classes that exclude each other it names this one first, of a label it says that it
    holds. The rank is the place among the classes or labels.
    """
    activation = float(responses[index])
    ranked = output.kind in ("classes", "multilabel", "map") and len(responses) > 1
    rank = int(np.count_nonzero(responses > activation)) if ranked else None
    if flat or not np.isfinite(activation):
        return Verdict(activation, extreme, rank, "failed")
    if output.kind == "multilabel":
        taken = activation > 0
    else:
        taken = not rank or (output.kind == "map" and output.scores == "sigmoid")
    further = extreme is not None and (activation <= extreme if down else activation >= extreme)
    return Verdict(activation, extreme, rank, "ok" if taken and further else "weak")
