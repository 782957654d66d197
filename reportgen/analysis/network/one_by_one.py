"""Images one by one, each on one processor, several at a time: whatever else runs, an image gives the same bits.

TensorFlow's convolutions and products give other last digits with another batch size, another place in the batch or
another number of threads, since these decide how their sums are cut up; an image alone on one thread always gets the
same bits, so it does not matter how images are split over chunks, threads and machines alike. (The products of dense
layers that oneDNN computes are cut up by the number of processors whatever a thread is told.) It is no slower: whole
images in parallel need no waiting for each other inside an operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.machine.memory import processor_count
from reportgen.models import Network
from reportgen.results import PixelArray

# Memory that maps of images under way may take together; on machines of many processors it bounds how
# many images run at a time.
_MAP_MEMORY = 4 << 30


def one_by_one(
    places: range, function: Callable[[tf.Tensor], Any], at_a_time: int, *, in_order: bool
) -> tf.data.Dataset:
    """What `function` gives for each of `places`, an int64 scalar, each on one processor.

    Args:
        function: from a place to tensors; it is traced.
        at_a_time: how many places are under way.
        in_order: results come in the order of the places, else as they are done: those that would have to wait for
            their turn would keep others from starting.
    """
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1
    # With threads of its own, one for each image under way, operations of one image seldom change threads: a tenth.
    options.threading.private_threadpool_size = at_a_time
    # There is nothing to tune, and the end of a pass may wait seconds for the thread that would.
    options.autotune.enabled = False
    # Nor is there anything that a rewrite could make better, and it takes as long as an image.
    options.experimental_optimization.apply_default_optimizations = False
    unconverted = tf.autograph.experimental.do_not_convert(function)  # conversion takes as long as tracing
    indices = tf.data.Dataset.range(places.start, places.stop)
    return indices.map(unconverted, at_a_time, deterministic=in_order).with_options(options)


def images_at_a_time(bytes_each: int, processors: int | None = None) -> int:
    """How many images are under way, each of which takes so much memory: less for lack of room.

    Args:
        processors: how many there are to use; None: all, and one image more than those, since some wait for the
            interpreter's lock or a disk.
    """
    return max(1, min(processors or processor_count() + 1, _MAP_MEMORY // max(1, bytes_each)))


def fed_at(
    network: Network,
    place: tf.Tensor,
    load: Callable[[int], PixelArray],
    file_of: Callable[[int], str],
    dtype: str,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """The fitted image at `place`, `(height, width, channels)`, and what `Network.feed` takes beside it.

    To be called in a function of `one_by_one`.

    Args:
        load: gives the fitted image at a place; from any thread.
        file_of: gives the name of the image at a place.
        dtype: of fitted images.
    """
    shape, specs = (*network.size, network.channels), network.other_specs(batch=1)
    pixels = tf.numpy_function(lambda index: load(int(index)), [place], tf.as_dtype(dtype), stateful=False)
    pixels = tf.ensure_shape(pixels, shape)
    if not specs:
        return pixels, {}

    def values(index: NDArray[np.int64]) -> list[NDArray[Any]]:
        return list(network.others_of([file_of(int(index))]).values())

    given = tf.numpy_function(values, [place], [spec.dtype for spec in specs.values()], stateful=False)
    return pixels, {name: tf.ensure_shape(each, specs[name].shape) for name, each in zip(specs, given, strict=True)}


def image_spec(network: Network, dtype: str) -> tf.TensorSpec:
    """What `fed_at` gives of an image, for functions that take it."""
    return tf.TensorSpec((*network.size, network.channels), tf.as_dtype(dtype))
