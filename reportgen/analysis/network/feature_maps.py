"""What layers give for one image: their maps, all from one forward pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.network.tokens import fold_tokens
from reportgen.results import FeatureMaps, FloatArray, LayerSummary


def gives_maps(layer: LayerSummary) -> bool:
    """Whether a layer's output can be drawn: maps, tokens that fold into maps, or a number per channel."""
    shape = layer.actual_shape
    return layer.is_map or layer.token_grid is not None or (shape is not None and len(shape) == 2)


def extract_feature_maps(
    layers: Iterable[LayerSummary], outputs: Mapping[str, FloatArray], image: str, *, max_channels: int = 64
) -> tuple[FeatureMaps, ...]:
    """The maps of `layers` for one image, in their order.

    Args:
        layers: those whose maps are wanted, all of which `gives_maps`.
        outputs: what the layers gave for the image, without the batch.
        image: the image's name.
        max_channels: keep the first so many maps of a layer.
    """
    return tuple(_feature_maps(layer, image, outputs[layer.name], max_channels) for layer in layers)


def _feature_maps(layer: LayerSummary, image: str, output: NDArray[np.float32], max_channels: int) -> FeatureMaps:
    maps = as_maps(layer, output)
    count = maps.shape[-1]
    kept = min(count, max_channels)
    return FeatureMaps(
        layer=layer.name,
        image=image,
        activations=np.ascontiguousarray(maps[..., :kept], dtype=np.float32),
        channels=tuple(range(kept)),
        channel_count=count,
    )


def as_maps(layer: LayerSummary, output: NDArray[np.float32]) -> FloatArray:
    """A layer's output for one image as `(height, width, channels)`.

    A row of tokens that folds into a grid is folded, one number per channel counts as a map of 1 x 1.

    Raises:
        ValueError: the output is neither.
    """
    if output.ndim == 3:
        return output
    if layer.token_grid is not None and output.ndim == 2:
        folded: FloatArray = fold_tokens(output[None], layer.token_grid)[0]
        return folded
    if output.ndim == 1:
        return output[None, None]
    raise ValueError(f"expected {layer.name} to give maps, got an output of shape {output.shape}")
