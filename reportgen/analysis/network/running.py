"""A network run as Keras runs it, and what is said where it cannot run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.traced import traced_network
from reportgen.analysis.network.watching import has_gpu
from reportgen.errors import ReportgenError
from reportgen.models import NO_OTHERS, Network, Others

# What TensorFlow and Keras raise when a network cannot run on what it is given.
RUN_ERRORS = (tf.errors.OpError, ValueError, TypeError, AttributeError, NotImplementedError)

# How lines begin that say where something went wrong, not what.
_WRAPPING = (
    "Exception encountered when calling",
    "Graph execution error",
    "Detected at node",
    "<stack traces unavailable>",
    'File "',
)

# What comes before that in a line, where images run one by one.
_PASSED_ON = r"^Error in user-defined function passed to \S+ transformation with iterator: \S+: "


@contextmanager
def run_errors_explained(network: Network) -> Iterator[None]:
    """Turn what TensorFlow raises while `network` runs into one clear line.

    Raises:
        ReportgenError: the network cannot run on this machine, or not on this input.
    """
    try:
        yield
    except RUN_ERRORS as error:
        height, width = network.size
        raise ReportgenError(
            f"{network.name} cannot run on an input of {height}x{width}x{network.channels} "
            f"(height x width x channels): {_essence(error)}; check --size, --input and "
            "--custom-objects, and that its layers run inside a tf.function"
        ) from error


def _essence(error: Exception) -> str:
    """The line of an error's text that says what is wrong, without Keras' and TensorFlow's wrapping."""
    lines = [re.sub(r"\x1b\[\d*m|\{\{.*?\}\}|\[Op:.*?\]", "", line).strip() for line in str(error).splitlines()]
    telling = [re.sub(_PASSED_ON, "", line) for line in lines if line and not line.startswith(_WRAPPING)]
    return telling[0].rstrip(".") if telling else type(error).__name__


def run_traced(network: Network, pixels: NDArray[Any], others: Others = NO_OTHERS) -> Any:
    """The network's answer by its one trace, in the model's own structure; sooner than Keras gives it.

    Args:
        pixels: `(batch, height, width, channels)` of 0..255.
        others: as `Network.feed` takes them.

    Raises:
        ReportgenError: the network cannot run here.
    """
    with run_errors_explained(network):
        return traced_network(network).compute(network.feed(network.prepare(pixels), others))


def run_unwatched(network: Network, pixels: NDArray[Any], others: Others = NO_OTHERS) -> Any:
    """The network's answer as Keras itself gives it, without a trace: what `run_traced` is to agree with.

    Args:
        pixels: `(batch, height, width, channels)` of 0..255.
        others: as `Network.feed` takes them.

    Raises:
        ReportgenError: the network cannot run here.
    """
    with run_errors_explained(network):
        # Compiled as a whole, a network with channels first runs on any machine too.
        needs_xla = network.channels_first and not has_gpu()
        model = tf.function(network.model, jit_compile=True) if needs_xla else network.model
        return model(network.feed(network.prepare(pixels), others), training=False)
