"""Whether an ascent that begins on a canvas of half the side reaches as much for less; why `crisp` does not do so.

    python tests/benchmarks/coarse_to_fine.py NETWORK.keras LAYER --preprocess tf [--coarse 32] [--fine 96]

Makes pictures of a few channels in two ways: with all steps on the layer's canvas, and with the first ones on half of
it, after which the picture is enlarged and climbs on. Prints the processor time of each and, after every 16 steps of
the layer's canvas, the highest activation so far over that of the first way in the end, averaged over the channels.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import replace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

from reportgen.analysis.maximization import CRISP
from reportgen.analysis.maximization.ascent import Climb, climb
from reportgen.analysis.maximization.layer_ascents import LayerAscents
from reportgen.analysis.maximization.parameterizations import colour_matrix
from reportgen.analysis.maximization.scheduling import schedule
from reportgen.analysis.maximization.subjects import Goal, LayerChannels
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.analysis.network.layers import summarize_network
from reportgen.config import Config
from reportgen.models import load_network
from reportgen.results import ByteArray

# To the end, with no early stop, so that both ways make the steps they are given.
PRESET = replace(CRISP, patience=0)


def ascend(
    ascents: LayerAscents, channels: Sequence[int], steps: int, begin: Sequence[ByteArray] | None
) -> list[Climb]:
    """Climb from noise, or from the pictures `begin`, enlarged."""
    climber = ascents.climber
    if begin is None:
        state = climber.start([np.random.default_rng([0, channel]) for channel in channels])
    else:
        height, width = ascents.canvas
        enlarged = [Image.fromarray(one).resize((width, height), Image.Resampling.BICUBIC) for one in begin]
        state = climber.resume(
            [climber.frame.parameterization.of_image(np.asarray(one, np.float32)) for one in enlarged]
        )
    return climb(
        climber,
        state,
        [Goal(channel) for channel in channels],
        PRESET,
        steps=steps,
        seed=0,
        measure=ascents.measure,
        value=lambda i, responses: float(responses[channels[i]]),
    )


def best_so_far(climbs: Sequence[Climb]) -> np.ndarray:
    """The highest activation of each channel after each look: `(channels, looks)`."""
    return np.maximum.accumulate([one.history for one in climbs], axis=1)


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("layer")
    parser.add_argument("--preprocess", default="auto")
    parser.add_argument("--channels", type=int, nargs="+", default=[3, 17, 40, 56])
    parser.add_argument("--coarse", type=int, default=32)
    parser.add_argument("--fine", type=int, default=96)
    given = parser.parse_args()
    network = load_network(Config(model=given.network, preprocess=given.preprocess))
    plan = {given.layer: given.channels}
    canvas = schedule(plan, summarize_network(network), network.size, PRESET, in_rounds=False)[0].canvas
    half = canvas[0] // 2, canvas[1] // 2
    passes, subject = TracedPasses(network), LayerChannels(given.layer)
    fine, coarse = (LayerAscents(passes, subject, size, PRESET, colour_matrix()) for size in (canvas, half))
    for ascents in (fine, coarse):
        ascend(ascents, given.channels, 1, None)  # what is traced is traced
    begun = time.process_time()
    direct = best_so_far(ascend(fine, given.channels, PRESET.steps, None))
    middle = time.process_time()
    first = ascend(coarse, given.channels, given.coarse, None)
    then = best_so_far(ascend(fine, given.channels, given.fine, [one.pixels for one in first]))
    ways = {
        f"{PRESET.steps} steps on {canvas[0]} x {canvas[1]}": (middle - begun, direct),
        f"{given.coarse} on {half[0]} x {half[1]}, {given.fine} on the whole": (time.process_time() - middle, then),
    }
    for way, (seconds, reached) in ways.items():
        print(f"{way:32} {seconds:7.1f} s", *(f"{share:.2f}" for share in (reached / direct[:, -1:]).mean(axis=0)))


if __name__ == "__main__":
    main()
