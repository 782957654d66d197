"""The dreams of a report: which there are, how they were made in words, kept between runs."""

from __future__ import annotations

from collections.abc import Callable

from reportgen.analysis.maximization import deep_dream
from reportgen.config import Config
from reportgen.files.cache import Cache, content_key
from reportgen.models import Network
from reportgen.results import ByteArray

# Counted up when the same settings would give other dreams than before.
_VERSION = 2


def make_dreams(
    network: Network, pixels: ByteArray, layer: str, config: Config, cache: Cache
) -> list[tuple[str, ByteArray, str]]:
    """Dream of `layer` from `pixels`, at several sizes and in the tutorials' form at one.

    Returns:
        For each dream the name of its variant, its pixels, and a sentence on how it was made.
    """
    channel = config.dream_channel
    whole = "all channels" if channel is None else f"channel {channel}"
    in_octaves = (
        f"of ratio {deep_dream.OCTAVE_RATIO}, {deep_dream.STEPS} steps of "
        f"{deep_dream.STEP_SIZE} in each, on {whole} before the nonlinearity; lost detail put back; seed {config.seed}."
    )
    steps = deep_dream.CLASSIC_STEPS
    classic = f"The tutorials' form: {steps} steps of 1.0 on the mean of channel {channel or 0}, at one size."
    key = [network.content, pixels, layer, channel, _VERSION]
    dreamt, count = _kept(
        cache,
        content_key("deep dream", deep_dream.OCTAVES, in_octaves, *key),
        lambda: deep_dream.dream(network, pixels, layer, channel, seed=config.seed),
    )
    plain, _ = _kept(
        cache,
        content_key("deep dream", classic, *key),
        lambda: (deep_dream.classic_dream(network, pixels, layer, channel or 0), 1),
    )
    return [
        ("octaves", dreamt, f"{count} {'octave' if count == 1 else 'octaves'} {in_octaves}"),
        ("classic", plain, classic),
    ]


def _kept(cache: Cache, key: str, make: Callable[[], tuple[ByteArray, int]]) -> tuple[ByteArray, int]:
    """The dream kept under `key` and its number of sizes, else what `make` gives, kept for the next run."""
    entry = cache.get(key)
    if entry is not None:
        return entry.arrays["pixels"], int(entry.meta["sizes"])
    pixels, sizes = make()
    cache.put(key, {"pixels": pixels}, {"sizes": sizes})
    return pixels, sizes
