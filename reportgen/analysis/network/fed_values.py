"""How the values of a set of images go into a network: settled once, when both are known."""

from __future__ import annotations

from dataclasses import replace

from reportgen.config import Config
from reportgen.errors import UsageError
from reportgen.formats import number
from reportgen.images import Fitting, ImageSet, ValueScale, choose_scale
from reportgen.models import Network, Preprocessing

# What becomes of 255 in a network that was made for bytes: 1 (to 0..1) or 2 (the width of -1..1).
_BYTES_BECOME = (0.99, 2.01)


def settle_fitting(config: Config, network: Network, images: ImageSet) -> tuple[Network, Fitting]:
    """How `images` are made to fit `network`, and the network that says what of their values goes in.

    Values go in as they are under `--preprocess none`, and under `auto` where the network rescales inside, unless
    it does so from 0..255 or is an application, which were trained on bytes. For all else the range of the values
    is brought to 0..255 first (`ValueScale`), which `Network.prepare` then takes. Vectors go in as they are.

    Raises:
        UsageError: `--bands` names one the images do not have.
        ReportgenError: what black and white are is needed and not to be known.
    """
    if network.latent:
        scale = choose_scale(images, None, kept=True)
        return replace(network, levels=scale.levels), Fitting(network.size, scale=scale)
    if config.bands is not None and max(config.bands) >= network.channels:
        raise UsageError(
            f"--bands: expected numbers of 0 to {network.channels - 1}, the network's channels, got {max(config.bands)}"
        )
    scale = choose_scale(images, config.value_range, kept=_takes_any_values(network))
    fed = replace(network, levels=scale.levels, preprocessing=_described(network.preprocessing, scale))
    return fed, Fitting(network.size, config.resize, config.interpolation, scale)


def _takes_any_values(network: Network) -> bool:
    chosen = network.preprocessing
    if chosen.mode != "none" or chosen.origin == "application":
        return False
    return chosen.origin != "inside" or not _is_of_bytes(chosen)


def _is_of_bytes(preprocessing: Preprocessing) -> bool:
    """Whether the network makes of bytes a range about as wide as 1 or 2 before its first layer with a kernel."""
    span = None if preprocessing.inside is None else preprocessing.inside.span()
    return span is not None and _BYTES_BECOME[0] <= span <= _BYTES_BECOME[1]


def _described(preprocessing: Preprocessing, scale: ValueScale) -> Preprocessing:
    """`preprocessing` with what becomes of values that are not 8 bits."""
    if scale.dtype == "uint8":
        return preprocessing
    if scale.kept:
        low, high = scale.levels
        sentence = f"Values go in as they are; {number(low)} is taken as black and {number(high)} as white."
        return replace(preprocessing, description=sentence, value_range=scale.levels)
    ranges = [interval for depth, interval in scale.ranges if depth != "uint8" and interval is not None]
    words = " and ".join(f"{number(low)} to {number(high)}" for low, high in ranges)
    return replace(preprocessing, description=f"Values of {words} are brought to 0 to 255. {preprocessing.description}")
