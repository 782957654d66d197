"""Whether what was captured is what the network itself answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.running import run_errors_explained, run_unwatched
from reportgen.analysis.network.traced import traced_network
from reportgen.analysis.network.unfused import unfused
from reportgen.analysis.network.watching import is_of_numbers, tensors_in
from reportgen.analysis.network.whole_run import Captured, WholeRun, activated
from reportgen.models import NO_OTHERS, Network, Others

# More than what another size of the batch does to the last digits.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class CaptureCheck:
    """How the captured final output compares with what the network itself answers, and what it was made from.

    `difference` is the largest of two finite numbers, over the largest absolute value of the answer where that is
    above 1; what is not finite on either side is none, since processors differ in what they make of it. It is
    infinite where shapes differ. `nonfinite` has, for the layer calls that gave any, how many values that are not
    finite went into their activation: ReLU6 or tanh make numbers of what overflowed. Softmax, for which an
    infinite value may be meant as a mask, does not count.
    """

    difference: float
    nonfinite: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class OwnAnswer:
    """What Keras itself gave for a few images, named in order, as `run_unwatched` gives it."""

    files: tuple[str, ...]
    answer: Any


def check_capture(
    network: Network,
    pixels: NDArray[Any],
    others: Others = NO_OTHERS,
    captured: Sequence[Captured] = (),
    own: OwnAnswer | None = None,
) -> CaptureCheck:
    """Compare the captured final output with what the network itself answers.

    Args:
        pixels: `(batch, height, width, channels)` of 0..255.
        others: as `Network.feed` takes them.
        captured: what was captured of each image by itself, where that is done. It is left aside where it differs,
            since an answer may depend on what else is in the batch.
        own: what Keras itself gave for them, where that is known.

    Raises:
        ReportgenError: the network cannot run here.
    """
    given = run_unwatched(network, pixels, others) if own is None else own.answer
    answer = [_as_numbers(tensor) for tensor in tensors_in(given)]
    found = _together(captured)
    if found is None or _largest_difference(found, answer) > _ROUNDING:
        found = WholeRun(network)(pixels, others)
    # Numbers may add up to none that is finite, but what is not finite never adds up to one.
    odd = [name for name, total in found.sums.items() if not np.isfinite(total)]
    counts: dict[str, tf.Tensor] = {}
    if odd:
        with run_errors_explained(network):
            inputs = network.feed(network.prepare(pixels), others)
            counts, _ = tf.function(_nonfinite_counts, autograph=False)(network, inputs, odd)
    difference = _largest_difference(found, answer)
    return CaptureCheck(difference, {name: int(number) for name, number in counts.items() if number})


def _together(captured: Sequence[Captured]) -> Captured | None:
    """What was captured of several images as of one batch; None of none, and where answers do not make one."""
    shapes = {tuple(leaf.shape[1:] if leaf.ndim else None for leaf in one.answer) for one in captured}
    if len(shapes) != 1 or None in next(iter(shapes)):
        return None
    answer = [np.concatenate(leaves) for leaves in zip(*(one.answer for one in captured), strict=True)]
    sums = {name: float(np.sum([one.sums[name] for one in captured])) for name in captured[0].sums}
    return Captured({}, answer, sums)


def _nonfinite_counts(network: Network, inputs: Any, names: list[str]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """How many values that are not finite went into the activations `names`, and what keeps operations apart."""
    going_in = activated(network)
    before, _ = traced_network(network).replay(inputs, [going_in[name] for name in names])
    counts = [tf.math.count_nonzero(~tf.math.is_finite(values)) for values in before]
    return dict(zip(names, counts, strict=True)), unfused()


def _as_numbers(tensor: tf.Tensor) -> NDArray[np.float32] | None:
    return np.asarray(tf.cast(tensor, tf.float32)) if is_of_numbers(tensor) else None


def _largest_difference(captured: Captured, answer: Sequence[NDArray[np.float32] | None]) -> float:
    """The largest of all outputs; None stands for one that gives no numbers."""
    pairs = zip(captured.answer, answer, strict=True)
    return max(
        (_difference(np.asarray(one, np.float32), other) for one, other in pairs if other is not None), default=0.0
    )


def _difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if one.shape != other.shape:
        return float("inf")
    finite = np.isfinite(one) & np.isfinite(other)
    scale = max(1.0, float(np.abs(other[finite]).max(initial=0)))
    return float(np.abs(one[finite] - other[finite]).max(initial=0)) / scale
