"""Receptive fields against gradients: which input pixels move the centre unit of an all-positive network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from reportgen.analysis.maximization.gradients import ascent_gradients
from reportgen.analysis.network.capture import run_layers
from reportgen.analysis.network.receptive_field import find_receptive_fields
from reportgen.analysis.network.trace import trace_network
from reportgen.analysis.network.watching import INPUT
from reportgen.facts import ReceptiveField

SIDE = 61  # odd, and wider than any receptive field below

Build = Callable[[Any], Any]


def plain_chain(image: Any) -> Any:
    maps = layers.Conv2D(2, 3, name="a")(image)
    maps = layers.Conv2D(2, (5, 2), strides=(1, 2), name="b")(maps)
    return layers.MaxPooling2D(2, name="c")(maps)


def same_padding(image: Any) -> Any:
    maps = layers.Conv2D(2, 3, strides=2, padding="same", name="a")(image)
    maps = layers.Conv2D(2, 4, padding="same", name="b")(maps)
    maps = layers.AveragePooling2D(3, strides=2, padding="same", name="c")(maps)
    return layers.Conv2D(2, 2, strides=3, padding="same", name="d")(maps)


def same_padding_of_even_sides(image: Any) -> Any:
    cropped = layers.Cropping2D(((0, 1), (1, 0)), name="crop")(image)
    maps = layers.Conv2D(2, 3, strides=2, padding="same", name="a")(cropped)
    return layers.MaxPooling2D(3, strides=2, padding="same", name="b")(maps)


def dilated(image: Any) -> Any:
    maps = layers.Conv2D(2, 3, dilation_rate=3, padding="same", name="a")(image)
    return layers.Conv2D(2, 3, dilation_rate=(2, 1), name="b")(maps)


def residual(image: Any) -> Any:
    maps = layers.Conv2D(2, 3, padding="same", name="a")(image)
    wide = layers.Conv2D(2, 3, padding="same", name="b")(layers.Conv2D(2, 5, padding="same", name="c")(maps))
    return layers.Add(name="join")([maps, wide])


def inception(image: Any) -> Any:
    narrow = layers.Conv2D(2, 1, strides=2, padding="same", name="a")(image)
    wide = layers.Conv2D(2, 5, strides=2, padding="same", name="b")(image)
    pooled = layers.MaxPooling2D(3, strides=2, padding="same", name="c")(image)
    return layers.Conv2D(2, 3, name="d")(layers.Concatenate(name="join")([narrow, wide, pooled]))


def depthwise_and_separable(image: Any) -> Any:
    maps = layers.DepthwiseConv2D(3, strides=2, padding="same", name="a")(image)
    maps = layers.SeparableConv2D(2, 5, padding="same", name="b")(maps)
    return layers.Conv2D(4, 3, groups=2, name="c")(maps)


def padded_by_layers(image: Any) -> Any:
    maps = layers.ZeroPadding2D(((0, 1), (2, 0)), name="pad")(image)
    maps = layers.Conv2D(2, 3, strides=2, name="a")(maps)
    maps = layers.Cropping2D(((1, 0), (2, 1)), name="crop")(maps)
    return layers.Conv2D(2, 3, name="b")(maps)


def dense_on_maps(image: Any) -> Any:
    maps = layers.Dense(4, name="dense")(layers.Conv2D(2, 3, name="a")(image))
    maps = layers.EinsumDense("bhwc,cd->bhwd", output_shape=(None, None, 2), name="einsum")(maps)
    return layers.Conv2D(2, 3, name="b")(maps)


def written_out(image: Any) -> Any:
    """The same kinds of windows as TensorFlow operations inside a custom layer."""
    return RawWindows(name="raw")(image)


class RawWindows(layers.Layer):
    def build(self, _: Any) -> None:
        self.kernel = self.add_weight(shape=(3, 3, 3, 2), name="kernel")

    def call(self, inputs: Any) -> Any:
        padded = tf.pad(inputs, [[0, 0], [1, 0], [0, 2], [0, 0]])
        maps = tf.nn.relu(tf.nn.conv2d(padded, self.kernel, strides=2, padding="SAME"))
        maps = tf.nn.avg_pool2d(maps, 3, 2, "SAME")[:, 1:, 2:]
        return maps + tf.reduce_mean(maps, axis=-1, keepdims=True)


def _traced(build: Build) -> tuple[keras.Model, dict[str, ReceptiveField | str]]:
    image = keras.Input((SIDE, SIDE, 3), name="image")
    model = keras.Model(image, build(image))
    for weight in model.weights:
        weight.assign(np.full(weight.shape, 0.1, np.float32))
    trace = trace_network(model, tf.TensorSpec((None, SIDE, SIDE, 3)))
    return model, find_receptive_fields(trace, trace.inputs[0])


def _moving_pixels(model: keras.Model, name: str, centre: tuple[int, int] | None = None) -> Any:
    """The position asked about, and `(top, left, bottom, right)` of the pixels its value depends on.

    The gradient is that of the pixels alone: a tape takes that of the weights along, which for a kernel narrower than
    its stride ends the process where TensorFlow uses oneDNN.
    """

    @tf.function(autograph=False)
    def slope(pixels: tf.Tensor) -> tuple[tf.Tensor, tuple[int, int]]:
        with ascent_gradients():
            maps = run_layers(model, pixels, [name])[0][name][0]
            y, x = centre or (maps.shape[1] // 2, maps.shape[2] // 2)
            [gradient] = tf.gradients(tf.reduce_sum(maps[0, y, x]), [pixels])
        return gradient, (y, x)

    gradient, (y, x) = slope(tf.constant(np.ones((1, SIDE, SIDE, 3), np.float32)))
    y, x = int(y), int(x)
    moving = np.abs(gradient.numpy()[0]).sum(-1) > 0
    rows, columns = np.flatnonzero(moving.any(1)), np.flatnonzero(moving.any(0))
    return (y, x), (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)


@pytest.fixture
def mean_for_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let maximum pooling pass its gradient to all it sees, not to the largest value alone."""

    def pooled(
        inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: Any = None
    ) -> Any:
        return keras.ops.average_pool(inputs, pool_size, strides, padding, data_format)

    monkeypatch.setattr("keras.src.ops.max_pool", pooled)


@pytest.mark.parametrize(
    "build",
    [
        plain_chain,
        same_padding,
        same_padding_of_even_sides,
        dilated,
        residual,
        inception,
        depthwise_and_separable,
        padded_by_layers,
        dense_on_maps,
        written_out,
    ],
    ids=lambda build: build.__name__,
)
@pytest.mark.usefixtures("mean_for_maximum")
def test_fields_are_exactly_the_pixels_with_a_gradient(build: Build) -> None:
    model, fields = _traced(build)
    for name, field in fields.items():
        assert isinstance(field, ReceptiveField), (name, field)
        (y, x), box = _moving_pixels(model, name)
        assert field.box(y, x) == box, name


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_size_behind_a_transposed_convolution_is_that_of_the_widest_phase(kernel: int, padding: str) -> None:
    def build(image: Any) -> Any:
        maps = layers.Conv2D(2, 3, strides=2, padding="same", name="a")(image)
        maps = layers.Conv2DTranspose(2, kernel, strides=2, padding=padding, name="up")(maps)
        return layers.Conv2D(2, 3, padding="same", name="b")(maps)

    model, fields = _traced(build)
    for name in ("up", "b"):
        field = fields[name]
        assert isinstance(field, ReceptiveField)
        assert field.stride == (1.0, 1.0)
        boxes = [_moving_pixels_or_none(model, name, (y, y)) for y in (28, 29)]
        sizes = [box[2] - box[0] for box in boxes if box]
        assert field.size[0] == max(sizes)
        middles = np.mean([(box[0] + box[2]) / 2 - y for y, box in zip((28, 29), boxes, strict=True) if box])
        assert field.size[0] / 2 - field.padding[0] == pytest.approx(middles, abs=1)


def _moving_pixels_or_none(model: keras.Model, name: str, centre: tuple[int, int]) -> Any:
    try:
        return _moving_pixels(model, name, centre)[1]
    except IndexError:  # a kernel narrower than its stride leaves positions that see nothing
        return None


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_size_behind_upsampling_is_that_of_the_widest_phase(interpolation: str) -> None:
    def build(image: Any) -> Any:
        maps = layers.Conv2D(2, 5, strides=2, padding="same", name="a")(image)
        return layers.UpSampling2D(2, interpolation=interpolation, name="up")(maps)

    model, fields = _traced(build)
    field = fields["up"]
    assert isinstance(field, ReceptiveField)
    boxes = [_moving_pixels(model, "up", (y, y))[1] for y in (28, 29)]
    assert field.size[0] == max(box[2] - box[0] for box in boxes)
    middle = np.mean([(box[0] + box[2]) / 2 - y for y, box in zip((28, 29), boxes, strict=True)])
    assert field.size[0] / 2 - field.padding[0] == pytest.approx(middle)


def _note(build: Build, name: str) -> str:
    note = _traced(build)[1][name]
    assert isinstance(note, str)
    return note


def test_global_pooling_leaves_no_field_and_names_the_layer() -> None:
    def build(image: Any) -> Any:
        gate = layers.Conv2D(3, 1, name="gate")(layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(image))
        return layers.Multiply(name="gated")([image, gate])

    assert _note(build, "gated") == "every position sees the whole image, after global pooling (squeeze)"


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (layers.Flatten(name="odd"), "flattened"),
        (layers.Resizing(8, 8, name="odd"), "resized"),
        (layers.UpSampling2D(2, interpolation="bicubic", name="odd"), "resized"),
        (layers.GroupNormalization(1, name="odd"), "normalisation"),
        (layers.LayerNormalization(axis=(1, 2), name="odd"), "normalisation"),
        (layers.Permute((2, 1, 3), name="odd"), "rearranged"),
        (layers.Lambda(lambda maps: tf.image.resize(maps, (8, 8)), output_shape=(8, 8, 3), name="odd"), "resized"),
        (
            layers.Lambda(lambda maps: tf.nn.space_to_depth(maps[:, 1:, 1:], 2), (30, 30, 12), name="odd"),
            "SpaceToDepth",
        ),
    ],
)
def test_what_cannot_be_followed_is_said(layer: keras.Layer, reason: str) -> None:
    note = _note(layer, "odd")
    assert reason in note
    assert note.endswith("(odd)")


def test_paths_of_different_strides_leave_no_field() -> None:
    def build(image: Any) -> Any:
        halved = layers.Conv2D(2, 1, strides=2, name="halve")(layers.Cropping2D(((1, 0), (1, 0)), name="even")(image))
        middle = layers.Cropping2D(((15, 16), (15, 16)), name="middle")(image)
        return layers.Concatenate(name="join")([halved, layers.Conv2D(2, 1, name="trim")(middle)])

    assert _note(build, "join") == "paths of different strides join (join)"


def test_attention_leaves_no_field() -> None:
    def build(image: Any) -> Any:
        maps = layers.Conv2D(2, 3, strides=9, name="a")(image)
        return layers.MultiHeadAttention(1, 2, attention_axes=(1, 2), name="attention")(maps, maps)

    assert "attention" in _note(build, "attention")


def test_what_does_not_depend_on_the_image_is_said() -> None:
    image, other = keras.Input((8, 8, 3), name="image"), keras.Input((8, 8, 3), name="other")
    model = keras.Model([image, other], [layers.Conv2D(1, 3, name="seeing")(image), layers.ReLU(name="blind")(other)])
    trace = trace_network(model, [tf.TensorSpec((None, 8, 8, 3))] * 2)
    fields = find_receptive_fields(trace, trace.inputs[0])
    assert fields["blind"] == "the output does not depend on the image"
    assert isinstance(fields["seeing"], ReceptiveField)
    assert INPUT not in fields
