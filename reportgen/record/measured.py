"""What was measured of activations over all images."""

from __future__ import annotations

from reportgen.facts import Fact, Histogram


class ChannelColumns(Fact):
    """One value per channel of a layer, over all images: the columns of the layer's sheet of channels."""

    min: list[float | None]
    max: list[float | None]
    mean: list[float | None]
    std: list[float | None]
    zero_fraction: list[float | None]
    firing_rate: list[float | None]  # share of images in which the channel is above zero anywhere


class Activations(Fact):
    """Statistics of a layer's output over all images."""

    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    zero_fraction: float | None
    dead_channels: list[int]
    histogram: Histogram | None
    columns: ChannelColumns | None


class ChannelActivation(Fact):
    """Statistics of one channel over all images."""

    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    zero_fraction: float | None
    histogram: Histogram
