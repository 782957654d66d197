"""How a network is fed, settled by measuring it: what it does to pixels itself, and what its other inputs get."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.first_kernel import find_first_kernel
from reportgen.analysis.network.measured_input import measure_input
from reportgen.analysis.network.measured_words import describe_map, is_identity
from reportgen.config import Config
from reportgen.errors import ReportgenError, UsageError
from reportgen.images import Fitting, UnreadableImageError, collect_images, load_image
from reportgen.models import MeasuredInput, Network, Preprocessing, load_network, make_preprocessing
from reportgen.models.applications import recognize
from reportgen.models.inputs import InputSlot, expected_value, is_file, is_table, value_shape

# What reaches the first layer when pixels were scaled twice spans less than this: 0..1 divided by 255 once more
# spans 0.004, -1..1 divided by 127.5 once more 0.016. Nothing that is trained on spans so little.
SCALED_TWICE = 0.02

# An input whose 255 levels are spread over no more than this was made for pixels as they are: the widest in use
# is about 5 (ImageNet's deviations), and what is made for 0..1 spreads them over 255 and more.
_WIDEST = 30.0

# A mean that only pixels of 0..255 can have; that of 0..1 and of -1..1 stays below it.
_RAW_MEAN = 1.5

# What multiplies by as much as this makes pixels of 0..1 into pixels of 0..255.
_BACK_TO_PIXELS = 128.0


def open_network(config: Config, model: keras.Model | None = None) -> Network:
    """Load the network `config.model` names, or take `model`, and settle how it is fed.

    Raises:
        UsageError: an option that does not fit.
        ReportgenError: what cannot be loaded, or takes no images.
    """
    return settle_feeding(load_network(config, model), config)


def settle_feeding(network: Network, config: Config) -> Network:
    """`network` with the preprocessing and the other inputs that measuring it settles; a generator as it is.

    Raises:
        UsageError: a picture for another input that cannot be read or does not fit.
    """
    if network.latent:
        return network
    return _with_pictures(_with_preprocessing(network, config), config)


def _with_preprocessing(network: Network, config: Config) -> Network:
    try:
        first = find_first_kernel(network)
    except ReportgenError as error:
        unknown = MeasuredInput(None, None, None, None, str(error))
        chosen = _chosen(network, config, unknown, ())
        return replace(network, preprocessing=replace(chosen, inside=unknown, total=unknown))
    inside = measure_input(network, first, _as_it_is)
    chosen = _chosen(network, config, inside, first.path)
    total = measure_input(network, first, chosen.apply)
    return replace(network, preprocessing=replace(chosen, inside=inside, total=total))


def _with_pictures(network: Network, config: Config) -> Network:
    """`network` with the pictures given for other inputs, fitted and prepared as its images are."""
    pictures = {
        slot.name: _prepared_picture(network, config, slot)
        for slot in network.other_slots
        if is_file(text := config.inputs.get(slot.name, "0")) and not is_table(text)
    }
    return replace(network, other_inputs={**network.other_inputs, **pictures}) if pictures else network


def _prepared_picture(network: Network, config: Config, slot: InputSlot) -> NDArray[Any]:
    text = config.inputs[slot.name]
    if len(slot.shape) != 4 or not Path(text).is_file():
        raise UsageError(
            f"{expected_value(slot, text)}; a picture is a file, for an input of height, width and channels"
        )
    first = network.channels_first
    channels, size = (slot.shape[1], slot.shape[2:]) if first else (slot.shape[3], slot.shape[1:3])
    if channels != network.channels:
        raise UsageError(
            f"--input {slot.name}={text}: a picture is prepared as the images are, which have {network.channels} "
            f"channels, this input has {channels}; give a .npy file of shape {value_shape(slot)}"
        )
    try:
        pixels = load_image(collect_images([text], channels=network.channels, strict=True).images[0], network.channels)
    except UnreadableImageError as error:
        raise UsageError(f"--input {slot.name}={text}: the picture {error}") from error
    height, width = (side or fed for side, fed in zip(size, network.size, strict=True))
    fitted, _ = Fitting((height, width), config.resize, config.interpolation).apply(pixels)
    prepared = np.asarray(network.prepare(fitted[np.newaxis]))[0]
    whole = tf.as_dtype(slot.dtype).is_integer
    return np.asarray(np.round(prepared) if whole else prepared, slot.dtype).transpose(
        (2, 0, 1) if first else (0, 1, 2)
    )


def _as_it_is(pixels: tf.Tensor) -> tf.Tensor:
    return pixels


def _chosen(network: Network, config: Config, inside: MeasuredInput, path: tuple[Any, ...]) -> Preprocessing:
    """The preprocessing as it is where it was stated or is the application's own, else by what was measured."""
    if config.preprocess != "auto" or network.preprocessing.origin == "application":
        return network.preprocessing
    expected = expected_mode(inside)
    if expected is not None:
        return make_preprocessing(
            expected, network.channels, "inside", f"The network rescales them itself: {describe_map(inside)}."
        )
    if _takes_whole_numbers(network):
        return make_preprocessing("none", network.channels, "inside", "The network takes whole numbers.")
    # Nested behind something that cannot be followed, an application gets what nobody knows.
    models = [network.model, *(layer for layer in path if isinstance(layer, keras.Model))]
    for model in models if is_identity(inside) else models[:1]:
        family = recognize(model)
        if family is not None and network.channels == 3:
            reason = f"This is how Keras' own {model.name} was trained."
            return make_preprocessing(family.mode, network.channels, "application", reason)
    return make_preprocessing("unit", network.channels, "fallback", f"This is a guess: {_nothing_tells(inside)}.")


def _nothing_tells(inside: MeasuredInput) -> str:
    if inside.matrix is None:
        return f"what the network does to them itself is not known ({inside.reason})"
    if is_identity(inside):
        return "the network takes them as they are given and does not say what it was trained on"
    return f"what the network does itself ({describe_map(inside)}) does not tell what it was trained on"


def expected_mode(inside: MeasuredInput) -> str | None:
    """The mode that what a network does inside was made for: `none` or `unit`; None where it does not tell.

    Inside, pixels are scaled by `a` and shifted by `b`, a channel each, which takes the mean `-b / a` and the
    deviation `1 / a` for those of what comes in. Pixels of 0..255 are told by a range that becomes small, or by
    a mean they alone can have. Values of 0..1 have a mean `m` in between and a deviation of at most
    `sqrt(m (1 - m))` (Bhatia and Davis 2000); where only a mean is subtracted, the mean alone tells.
    """
    if inside.matrix is None or inside.offset is None or is_identity(inside):
        return None
    matrix, offset = np.array(inside.matrix), np.array(inside.offset)
    scales = np.abs(matrix).sum(axis=1)
    used = scales > 0
    means = -offset[used] / matrix.sum(axis=1)[used] if np.abs(matrix.sum(axis=1)[used]).min() > 0 else np.zeros(1)
    scale, mean = float(np.median(scales[used])), float(np.median(means))
    if scale * 255 <= _WIDEST or mean > _RAW_MEAN:
        return "none"
    plausible = abs(scale - 1) < 1e-3 or 1 / scale**2 <= 1.02 * mean * (1 - mean)
    if scale >= _BACK_TO_PIXELS or (0.0 < mean < 1.0 and plausible):
        return "unit"
    return None


def scaled_twice(network: Network) -> bool:
    """Whether what reaches the first layer has next to no contrast, though pixels with theirs would reach it."""
    total, inside = network.preprocessing.total, network.preprocessing.inside
    if total is None or inside is None:
        return False
    span, own = total.span(), inside.span()
    return span is not None and own is not None and span < SCALED_TWICE <= own


def rounded_away(network: Network) -> bool:
    """Whether a network that takes whole numbers is fed a range that holds hardly any."""
    low_high = network.preprocessing.value_range
    narrow = low_high is not None and low_high[1] - low_high[0] < 10  # torch's is the widest of the small ones
    return narrow and _takes_whole_numbers(network)


def _takes_whole_numbers(network: Network) -> bool:
    slot = network.image_slot
    return slot is not None and tf.as_dtype(slot.dtype).is_integer
