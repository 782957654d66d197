"""Parameters of activation maximisation that replace a preset's: the table `ascent` of the configuration file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from reportgen.option_values import MOST_CHANNELS
from reportgen.options import FrozenSettings, OptionFacts

# More than any run needs: a value beyond is a slip, and the run would end late, after hours or for want of memory.
MOST_STEPS = 100_000
MOST_RESTARTS = 1000
MOST_WEIGHT = 1_000_000
MOST_DECAY = 10
MOST_TRAVEL = 112  # half the side on which the transforms' borders and shifts are measured
MOST_ENLARGEMENT = 100
FULL_TURN = 360
MOST_SIDE = 8192

Interval = tuple[float, float]


class AscentSettings(FrozenSettings):
    """Parameters of activation maximisation that replace the preset's: `ascent` in the configuration file."""

    parameterization: Literal["pixels", "fourier"] | None = Field(
        default=None, description="how the image is held: its pixels, or its spectrum with decorrelated colours"
    )
    before_activation: bool | None = Field(
        default=None, description="maximise what goes into the layer's nonlinearity instead of what comes out"
    )
    spread: float | None = Field(
        default=None, ge=0, le=MOST_WEIGHT, description="the weight of a map's mean absolute deviation beside its mean"
    )
    optimizer: Literal["adam", "normalized"] | None = Field(
        default=None, description="Adam, or steps along the gradient over its root mean square"
    )
    step_size: float | None = Field(default=None, gt=0, le=MOST_WEIGHT, description="the learning rate")
    damping: float | None = Field(
        default=None,
        ge=0,
        le=MOST_WEIGHT,
        description="how much shorter steps of Adam are along small gradients, in shares of the usual gradient",
    )
    noise_mean: float | None = Field(
        default=None, ge=-MOST_WEIGHT, le=MOST_WEIGHT, description="of the pixels at the start, in units of 0..255"
    )
    noise_std: float | None = Field(
        default=None, ge=0, le=MOST_WEIGHT, description="of the pixels at the start, in units of 0..255"
    )
    spectrum_std: float | None = Field(default=None, ge=0, le=MOST_WEIGHT, description="of the spectrum at the start")
    spectrum_decay: float | None = Field(
        default=None, ge=0, le=MOST_DECAY, description="the power of frequency the spectrum falls by"
    )
    mirror: bool | None = Field(
        default=None, description="left and right are exchanged at random; of answers it follows from the images"
    )
    pad: int | None = Field(
        default=None, ge=0, le=MOST_TRAVEL, description="border of the random transforms, on 224 pixels"
    )
    jitter: int | None = Field(default=None, ge=0, le=MOST_TRAVEL, description="first random shift, on 224 pixels")
    scale: Annotated[
        Interval | None,
        OptionFacts(expects=f"two factors, the lower first, above 0 and at most {MOST_ENLARGEMENT}"),
    ] = Field(default=None, description="random enlargement, lowest and highest factor")
    rotate: Annotated[
        Interval | None,
        OptionFacts(expects=f"two angles, the lower first, from -{FULL_TURN} to {FULL_TURN} degrees"),
    ] = Field(default=None, description="random rotation, lowest and highest angle in degrees")
    final_jitter: int | None = Field(default=None, ge=0, le=MOST_TRAVEL, description="last random shift, on 224 pixels")
    relief_steps: int | None = Field(
        default=None,
        ge=0,
        le=MOST_STEPS,
        description="first steps in which gradients pass rectifiers that are silent on the whole image",
    )
    check_every: int | None = Field(
        default=None,
        ge=0,
        le=MOST_STEPS,
        description="steps between measurements of the picture; the best is kept; 0: only at the end",
    )
    patience: int | None = Field(
        default=None, ge=0, le=MOST_STEPS, description="measurements without gain after which an ascent ends; 0: never"
    )
    least_gain: float | None = Field(
        default=None, ge=0, le=MOST_WEIGHT, description="the share by which a measurement must be higher"
    )
    cool_steps: int | None = Field(
        default=None, ge=0, le=MOST_STEPS, description="last steps, in which the step size falls to nothing"
    )
    least_canvas: int | None = Field(
        default=None, ge=1, le=MOST_SIDE, description="the smallest side of a canvas, in pixels"
    )
    canvas_margin: float | None = Field(
        default=None,
        ge=0,
        le=MOST_ENLARGEMENT,
        description="how much wider than the receptive field a canvas is, in receptive fields",
    )
    most_canvas: int | None = Field(
        default=None,
        ge=0,
        le=MOST_SIDE,
        description="the most that the smaller side of a layer's canvas has, in pixels; 0: no limit",
    )
    shown: int | None = Field(
        default=None,
        ge=0,
        le=MOST_SIDE,
        description="the smaller side of what the network sees of a larger canvas at once; 0: all of it",
    )
    restarts: int | None = Field(
        default=None, ge=0, le=MOST_RESTARTS, description="new seeds tried where an ascent has no gradient"
    )
    rival_steps: int | None = Field(
        default=None,
        ge=0,
        le=MOST_STEPS,
        description="further steps with the other channels held down, where these answer more",
    )
    rival_weight: float | None = Field(
        default=None, ge=0, le=MOST_WEIGHT, description="how strongly they are held down"
    )
    second_seeds: int | None = Field(
        default=None, ge=0, le=MOST_CHANNELS, description="channels of each layer made from two seeds"
    )
    display: Literal["as-is", "standardized"] | None = Field(
        default=None, description="how the picture is shown: as it is, or with its contrast evened out"
    )

    @field_validator("scale", "rotate")
    @classmethod
    def _ordered(cls, value: Interval | None, info: ValidationInfo) -> Interval | None:
        low, high = (0, MOST_ENLARGEMENT) if info.field_name == "scale" else (-FULL_TURN, FULL_TURN)
        if value is not None and not low <= value[0] <= value[1] <= high:
            raise ValueError("out of order or of range")
        if value is not None and info.field_name == "scale" and value[0] == 0:
            raise ValueError("nothing is left of a picture")
        return value
