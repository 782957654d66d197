"""The recipes of activation maximisation by name, every parameter of which the settings may change."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from reportgen.config import Config

Size = tuple[int, int]


def shrunk(size: Size, share: float, step: int) -> Size:
    """`size` times `share`, the sides multiples of `step`; none becomes longer."""
    if share >= 1:
        return size
    height, width = (min(side, math.ceil(share * side / step) * step) for side in size)
    return height, width


@dataclass(frozen=True, kw_only=True)
class Preset:
    """All parameters of an ascent; `reportgen.config.AscentSettings` describes those a user may set.

    `canvas` None means as large as the layer's receptive field asks for.
    """

    name: str
    steps: int
    canvas: Size | None
    least_canvas: int
    canvas_margin: float
    most_canvas: int
    shown: int
    parameterization: Literal["pixels", "fourier"]
    before_activation: bool
    spread: float
    optimizer: Literal["adam", "normalized"]
    step_size: float
    damping: float
    noise_mean: float
    noise_std: float
    spectrum_std: float
    spectrum_decay: float
    mirror: bool
    pad: int
    jitter: int
    scale: tuple[float, float]
    rotate: tuple[float, float]
    final_jitter: int
    relief_steps: int
    check_every: int
    patience: int
    least_gain: float
    cool_steps: int
    restarts: int
    rival_steps: int
    rival_weight: float
    second_seeds: int
    display: Literal["as-is", "standardized"]

    def content(self) -> dict[str, Any]:
        """What a cached result depends on."""
        content = asdict(self)
        content.pop("second_seeds")
        return content


# The recipe of the tutorials: noise around middle grey, the gradient at the same length every time, the picture
# shown with its contrast evened out. It looks at the layer's output, so a channel at rest stays at rest.
CLASSIC = Preset(
    name="classic",
    steps=20,
    canvas=(128, 128),
    least_canvas=1,
    canvas_margin=0,
    most_canvas=0,
    shown=0,
    parameterization="pixels",
    before_activation=False,
    spread=0.0,
    optimizer="normalized",
    step_size=1.0,
    damping=0.0,
    noise_mean=127.0,
    noise_std=10.0,
    spectrum_std=0.01,
    spectrum_decay=1.0,
    mirror=False,
    pad=0,
    jitter=0,
    scale=(1.0, 1.0),
    rotate=(0.0, 0.0),
    final_jitter=0,
    relief_steps=0,
    check_every=0,
    patience=0,
    least_gain=0.0,
    cool_steps=0,
    restarts=0,
    rival_steps=0,
    rival_weight=0.0,
    second_seeds=0,
    display="standardized",
)

# Few long steps, held back in variables whose gradient is small and unsteady, as that of high frequencies is.
# Pictures are enlarged more than they are made smaller: planted gratings come out right in 88 of 90 so, in 84 by as
# much of both (five seeds). All steps are made on one canvas. First ones on half of it cost a quarter each, but the
# picture they give must climb again on the whole: on deep layers of four trained networks that gained nothing on
# average for the same time (`tests/benchmarks/coarse_to_fine.py`).
CRISP = Preset(
    name="crisp",
    steps=56,
    canvas=None,
    least_canvas=64,
    canvas_margin=0.25,
    most_canvas=144,
    shown=0,
    parameterization="fourier",
    before_activation=True,
    spread=1.0,
    optimizer="adam",
    step_size=0.14,
    damping=2.0,
    noise_mean=127.0,
    noise_std=10.0,
    spectrum_std=0.01,
    spectrum_decay=1.0,
    mirror=False,
    pad=12,
    jitter=8,
    scale=(0.93, 1.14),
    rotate=(-10.0, 10.0),
    final_jitter=4,
    relief_steps=16,
    check_every=8,
    patience=4,
    least_gain=0.02,
    cool_steps=8,
    restarts=2,
    rival_steps=96,
    rival_weight=5.0,
    second_seeds=1,
    display="as-is",
)

REFERENCE = replace(
    CRISP,
    name="reference",
    steps=512,
    patience=0,
    step_size=0.05,
    damping=0.0,
    check_every=16,
    most_canvas=0,
)

PRESETS = {preset.name: preset for preset in (CLASSIC, CRISP, REFERENCE)}


# A picture for an answer is to show what the class is, not what this one network goes by: others recognise it far more
# often where it had to hold enlarged and shifted, and where fine detail comes less easily (`docs`, the measure of
# recognition). A channel of an early layer has no such room: its field of view is all there is.
_FOR_ANSWERS: Mapping[str, Any] = {
    "steps": 120,
    "step_size": 0.05,
    "damping": 1.0,
    "shown": 160,
    "pad": 24,
    "jitter": 32,
    "scale": (0.7, 1.5),
    "rotate": (-15.0, 15.0),
    "spectrum_decay": 1.15,
    "patience": 0,
    "cool_steps": 16,
}


def for_answers(preset: Preset, *, mirrors: bool = False) -> Preset:
    """The preset for pictures of a network's answers: other transforms and another spectrum, unless they were set.

    Args:
        mirrors: whether the answers to images and to their mirror images are alike.
    """
    own = PRESETS[preset.name]
    if own != CRISP:
        return preset
    wanted = {**_FOR_ANSWERS, "mirror": own.mirror or mirrors}
    left = {name: value for name, value in wanted.items() if getattr(preset, name) == getattr(own, name)}
    return replace(preset, **left)


def chosen_preset(config: Config) -> Preset:
    """The preset `config.activation_max` names, with the changes `config` makes to it."""
    preset = PRESETS[config.activation_max]
    changes: dict[str, Any] = config.ascent.model_dump(exclude_none=True)
    if config.steps is not None:
        changes["steps"] = config.steps
    if config.canvas is not None:
        changes["canvas"] = config.canvas
    return replace(preset, **changes)
