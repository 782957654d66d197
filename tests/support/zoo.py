"""Small odd networks: each exists for one peculiarity that tools reading Keras networks stumble over.

`ZOO` maps a name to a function that builds the network; `build` seeds the weights before. `open_zoo` gives
the network ready to be fed.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from reportgen.config import Config
from reportgen.models import Network, load_network

SIDE = 16
CLASSES = 4


def _head(tensor: Any) -> Any:
    pooled = layers.GlobalAveragePooling2D(name="pool")(tensor)
    return layers.Dense(CLASSES, activation="softmax", name="classes")(pooled)


def _image(channels: int = 3, **settings: Any) -> Any:
    return keras.Input((SIDE, SIDE, channels), name="image", **settings)


def sequential_built() -> keras.Model:
    return keras.Sequential(
        [
            _image(),
            layers.Conv2D(4, 3, activation="relu", name="conv_a"),
            layers.MaxPooling2D(name="halve"),
            layers.Conv2D(6, 3, activation="relu", name="conv_b"),
            layers.Flatten(name="flatten"),
            layers.Dense(CLASSES, name="classes"),
        ]
    )


def sequential_called() -> keras.Model:
    """Built by being called: it has no input layer of its own making."""
    model = keras.Sequential(
        [
            layers.Rescaling(1 / 255, name="rescale"),
            layers.Conv2D(4, 3, strides=2, name="conv"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(CLASSES, name="classes"),
        ]
    )
    model(np.zeros((1, SIDE, SIDE, 3), np.float32))
    return model


def nested() -> keras.Model:
    """A network in a network in a network."""
    inner_in = keras.Input((SIDE, SIDE, 4), name="inner_in")
    inner = keras.Model(inner_in, layers.Conv2D(5, 3, padding="same", name="conv")(inner_in), name="inner")
    middle = keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), layers.Conv2D(4, 3, padding="same", name="conv"), inner], name="middle"
    )
    image = _image()
    return keras.Model(image, _head(middle(image)))


def shared_layer() -> keras.Model:
    image = _image()
    conv = layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")
    return keras.Model(image, _head(layers.Add(name="join")([conv(conv(image)), image])))


def shared_network() -> keras.Model:
    """Two images through one network (a Siamese pair)."""
    tower = keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), layers.Conv2D(4, 3, name="conv"), layers.GlobalAveragePooling2D(name="pool")],
        name="tower",
    )
    image, other = _image(), keras.Input((SIDE, SIDE, 3), name="other")
    apart = layers.Subtract(name="apart")([tower(image), tower(other)])
    return keras.Model([image, other], layers.Dense(1, activation="sigmoid", name="same")(apart))


def several_outputs() -> keras.Model:
    image = _image()
    maps = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    mask = layers.Conv2D(1, 1, activation="sigmoid", name="mask")(maps)
    return keras.Model(image, [_head(maps), mask])


def output_dictionary() -> keras.Model:
    image = _image()
    maps = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    return keras.Model(image, {"zebra": _head(maps), "area": layers.Conv2D(1, 1, name="area")(maps)})


def two_inputs() -> keras.Model:
    image, age = _image(), keras.Input((2,), name="age")
    maps = layers.Conv2D(4, 3, name="conv")(image)
    joined = layers.Concatenate(name="join")([layers.GlobalMaxPooling2D(name="pool")(maps), age])
    return keras.Model([age, image], layers.Dense(CLASSES, name="classes")(joined))


def input_dictionary() -> keras.Model:
    image, gate = _image(), keras.Input((4,), name="gate")
    maps = layers.Conv2D(4, 3, name="conv")(image)
    gated = layers.Multiply(name="gated")([maps, layers.Reshape((1, 1, 4), name="spread")(gate)])
    return keras.Model({"image": image, "gate": gate}, _head(gated))


@keras.saving.register_keras_serializable("zoo")
class Halves(layers.Layer):
    """Gives a list."""

    def call(self, inputs: Any) -> Any:
        return [inputs[..., :2], inputs[..., 2:]]


@keras.saving.register_keras_serializable("zoo")
class NamedHalves(layers.Layer):
    """Gives a dictionary."""

    def call(self, inputs: Any) -> Any:
        return {"left": inputs[..., :2], "right": inputs[..., 2:]}


def layer_gives_list() -> keras.Model:
    image = _image()
    left, right = Halves(name="halves")(layers.Conv2D(4, 3, name="conv")(image))
    return keras.Model(image, _head(layers.Add(name="join")([left, right])))


def layer_gives_dictionary() -> keras.Model:
    image = _image()
    parts = NamedHalves(name="halves")(layers.Conv2D(4, 3, name="conv")(image))
    return keras.Model(image, _head(layers.Add(name="join")([parts["left"], parts["right"]])))


@keras.saving.register_keras_serializable("zoo")
class Subclassed(keras.Model):
    """Defined by its `call`, with an addition outside any layer and a layer that is never called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.first = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")
        self.second = layers.Conv2D(4, 3, padding="same", name="second")
        self.spare = layers.Conv2D(4, 3, name="spare")
        self.classes = layers.Dense(CLASSES, name="classes")

    def call(self, inputs: Any) -> Any:
        maps = self.first(inputs)
        maps = self.second(maps) + maps
        return self.classes(ops.mean(maps, axis=(1, 2)))


def subclassed() -> keras.Model:
    model = Subclassed(name="subclassed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras minds that one layer stays unbuilt
        model(np.zeros((1, SIDE, SIDE, 3), np.float32))
    return model


def grey() -> keras.Model:
    image = _image(1)
    return keras.Model(image, _head(layers.Conv2D(4, 3, name="conv")(image)))


def five_channels() -> keras.Model:
    image = _image(5)
    return keras.Model(image, _head(layers.Conv2D(4, 3, name="conv")(image)))


def open_size() -> keras.Model:
    image = keras.Input((None, None, 3), name="image")
    maps = layers.Conv2D(4, 3, strides=2, padding="same", name="conv")(image)
    return keras.Model(image, _head(layers.UpSampling2D(name="double")(maps)))


def channels_first() -> keras.Model:
    image = keras.Input((3, SIDE, SIDE), name="image")
    maps = layers.Conv2D(4, 3, data_format="channels_first", name="conv")(image)
    maps = layers.BatchNormalization(axis=1, name="norm")(maps)
    maps = layers.MaxPooling2D(data_format="channels_first", name="halve")(layers.ReLU(name="relu")(maps))
    pooled = layers.GlobalAveragePooling2D(data_format="channels_first", name="pool")(maps)
    return keras.Model(image, layers.Dense(CLASSES, name="classes")(pooled))


def _mixed(policy: str) -> keras.Model:
    image = _image()
    maps = layers.Conv2D(4, 3, activation="relu", dtype=policy, name="conv")(image)
    pooled = layers.GlobalAveragePooling2D(dtype=policy, name="pool")(maps)
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax", dtype="float32", name="classes")(pooled))


def mixed_float16() -> keras.Model:
    return _mixed("mixed_float16")


def mixed_bfloat16() -> keras.Model:
    return _mixed("mixed_bfloat16")


def convolution_kinds() -> keras.Model:
    """Dilated, grouped, depthwise, separable and transposed convolutions, one after the other."""
    image = _image(4)
    maps = layers.Conv2D(8, 3, dilation_rate=2, padding="same", name="dilated")(image)
    maps = layers.Conv2D(8, 3, groups=4, padding="same", name="grouped")(maps)
    maps = layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same", name="depthwise")(maps)
    maps = layers.SeparableConv2D(6, 3, padding="same", name="separable")(maps)
    maps = layers.Conv2DTranspose(4, 4, strides=2, padding="same", name="transposed")(maps)
    return keras.Model(image, _head(maps))


def one_by_one() -> keras.Model:
    """A map of a single position."""
    image = _image()
    maps = layers.Conv2D(4, SIDE, name="conv")(image)
    return keras.Model(image, layers.Conv2D(CLASSES, 1, name="classes")(maps))


def one_dimensional() -> keras.Model:
    """Rows of the image as a sequence."""
    image = _image()
    rows = layers.Reshape((SIDE, SIDE * 3), name="rows")(image)
    pooled = layers.GlobalAveragePooling1D(name="pool")(layers.Conv1D(4, 3, name="conv")(rows))
    return keras.Model(image, layers.Dense(CLASSES, name="classes")(pooled))


def three_dimensional() -> keras.Model:
    image = _image()
    volume = layers.Reshape((SIDE, SIDE, 3, 1), name="volume")(image)
    pooled = layers.GlobalAveragePooling3D(name="pool")(layers.Conv3D(4, 3, padding="same", name="conv")(volume))
    return keras.Model(image, layers.Dense(CLASSES, name="classes")(pooled))


@keras.saving.register_keras_serializable("zoo")
class ClassToken(layers.Layer):
    """Puts a learned token before the others and adds learned positions to all."""

    def build(self, shape: Any) -> None:
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")
        self.positions = self.add_weight(shape=(1, shape[1] + 1, shape[-1]), name="positions")

    def call(self, inputs: Any) -> Any:
        token = ops.broadcast_to(self.token, (ops.shape(inputs)[0], 1, inputs.shape[-1]))
        return ops.concatenate([token, inputs], axis=1) + self.positions


def vision_transformer() -> keras.Model:
    """Patches, a class token, two blocks of attention."""
    image = _image()
    maps = layers.Conv2D(8, 4, strides=4, name="patches")(image)
    tokens = ClassToken(name="class_token")(layers.Reshape((16, 8), name="row")(maps))
    for i in range(2):
        normed = layers.LayerNormalization(name=f"layer{i}_norm")(tokens)
        attended = layers.MultiHeadAttention(2, 4, name=f"layer{i}_attention")(normed, normed)
        tokens = layers.Add(name=f"layer{i}_add")([tokens, attended])
        hidden = layers.Dense(16, activation="gelu", name=f"layer{i}_hidden")(tokens)
        tokens = layers.Add(name=f"layer{i}_out")([tokens, layers.Dense(8, name=f"layer{i}_dense")(hidden)])
    return keras.Model(image, layers.Dense(CLASSES, name="classes")(tokens[:, 0]))


@keras.saving.register_keras_serializable("zoo")
class Scale(layers.Layer):
    """A learned factor for each channel, as in ConvNeXt."""

    def build(self, shape: Any) -> None:
        self.gamma = self.add_weight(shape=(shape[-1],), initializer="ones", name="gamma")

    def call(self, inputs: Any) -> Any:
        return inputs * self.gamma


def next_generation() -> keras.Model:
    """A block of the ConvNeXt kind: depthwise convolution, layer norm, dense layers on a map, scale, skip."""
    image = _image(4)
    maps = layers.DepthwiseConv2D(7, padding="same", name="depthwise")(image)
    maps = layers.Dense(8, activation="gelu", name="widen")(layers.LayerNormalization(name="norm")(maps))
    maps = Scale(name="scale")(layers.Dense(4, name="narrow")(maps))
    return keras.Model(image, _head(layers.Add(name="skip")([image, maps])))


def adapted_normalization() -> keras.Model:
    """Preprocessing learned from data: its mean and variance are no trained weights."""
    normalization = layers.Normalization(name="normalize")
    normalization.adapt(np.random.default_rng(0).uniform(0, 255, (8, SIDE, SIDE, 3)).astype(np.float32))
    image = _image()
    return keras.Model(image, _head(layers.Conv2D(4, 3, name="conv")(normalization(image))))


def anonymous_function() -> keras.Model:
    image = _image()
    doubled = layers.Lambda(lambda tensor: tensor * 2, output_shape=(SIDE, SIDE, 3), name="double")(image)
    return keras.Model(image, _head(layers.Conv2D(4, 3, name="conv")(doubled)))


def time_distributed() -> keras.Model:
    """The four quarters of the image as a sequence of images."""
    image = _image()
    quarters = layers.Reshape((4, 4, SIDE, 3), name="quarters")(image)
    maps = layers.TimeDistributed(layers.Conv2D(4, 3, name="conv"), name="each")(quarters)
    pooled = layers.GlobalAveragePooling3D(name="pool")(maps)
    return keras.Model(image, layers.Dense(CLASSES, name="classes")(pooled))


def bidirectional() -> keras.Model:
    """Columns of a map read in both directions, as in text recognition."""
    image = _image()
    maps = layers.Conv2D(2, 3, padding="same", name="conv")(image)
    columns = layers.Reshape((SIDE, SIDE * 2), name="columns")(layers.Permute((2, 1, 3), name="turn")(maps))
    read = layers.Bidirectional(layers.LSTM(3), name="read")(columns)
    return keras.Model(image, layers.Dense(CLASSES, name="classes")(read))


@keras.saving.register_keras_serializable("zoo")
class ResidualBlock(layers.Layer):
    """A layer made of layers, with an addition and a weight of its own."""

    def __init__(self, channels: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.channels = channels
        self.conv = layers.Conv2D(channels, 3, padding="same", activation="relu", name="conv")
        self.norm = layers.BatchNormalization(name="norm")

    def build(self, shape: Any) -> None:
        self.conv.build(shape)
        self.norm.build((*shape[:-1], self.channels))
        self.strength = self.add_weight(shape=(1,), initializer="ones", name="strength")

    def call(self, inputs: Any) -> Any:
        return inputs + self.strength * self.norm(self.conv(inputs))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "channels": self.channels}


def composite_layers() -> keras.Model:
    image = _image()
    maps = layers.Conv2D(4, 3, name="stem")(image)
    return keras.Model(image, _head(ResidualBlock(4, name="block2")(ResidualBlock(4, name="block1")(maps))))


def squeeze_and_excite() -> keras.Model:
    """A gate computed from the whole map multiplies it."""
    image = _image()
    maps = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    squeezed = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(maps)
    gate = layers.Conv2D(4, 1, activation="sigmoid", name="excite")(squeezed)
    return keras.Model(image, _head(layers.Multiply(name="gated")([maps, gate])))


def resizing_inside() -> keras.Model:
    image = _image()
    maps = layers.Conv2D(4, 3, name="conv")(layers.Resizing(12, 12, name="resize")(image))
    return keras.Model(image, _head(maps))


def operations_outside_layers() -> keras.Model:
    """Arithmetic between layers, and an answer no layer gives."""
    image = _image()
    maps = layers.Conv2D(4, 3, padding="same", name="conv")(image / 127.5 - 1)
    maps = ops.relu(maps) + ops.sigmoid(maps)
    pooled = layers.GlobalAveragePooling2D(name="pool")(maps)
    return keras.Model(image, ops.softmax(layers.Dense(CLASSES, name="classes")(pooled)))


def byte_input() -> keras.Model:
    image = _image(dtype="uint8")
    return keras.Model(image, _head(layers.Conv2D(4, 3, name="conv")(layers.Rescaling(1 / 255, name="rescale")(image))))


def augmentation_inside() -> keras.Model:
    """Layers that do nothing at rest."""
    image = _image()
    maps = layers.RandomRotation(0.1, name="rotate")(layers.RandomFlip(name="flip")(image))
    maps = layers.SpatialDropout2D(0.5, name="drop")(layers.Conv2D(4, 3, padding="same", name="conv")(maps))
    skip = layers.Add(name="skip")([layers.Dropout(0.5, name="rest")(maps), maps])
    return keras.Model(image, _head(skip))


def _base() -> keras.Model:
    return keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3), alpha=0.35)


def transfer_sequential() -> keras.Model:
    """Transfer learning as people write it, not built before it is loaded."""
    return keras.Sequential(
        [
            layers.Rescaling(1 / 127.5, -1, name="rescale"),
            _base(),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(CLASSES, activation="softmax", name="classes"),
        ]
    )


def transfer_functional() -> keras.Model:
    image = keras.Input((32, 32, 3), name="image")
    base = _base()
    base.trainable = False
    return keras.Model(image, _head(base(layers.Rescaling(1 / 127.5, -1, name="rescale")(image), training=False)))


ZOO: Mapping[str, Callable[[], keras.Model]] = {
    make.__name__: make
    for make in (
        sequential_built,
        sequential_called,
        nested,
        shared_layer,
        shared_network,
        several_outputs,
        output_dictionary,
        two_inputs,
        input_dictionary,
        layer_gives_list,
        layer_gives_dictionary,
        subclassed,
        grey,
        five_channels,
        open_size,
        channels_first,
        mixed_float16,
        mixed_bfloat16,
        convolution_kinds,
        one_by_one,
        one_dimensional,
        three_dimensional,
        vision_transformer,
        next_generation,
        adapted_normalization,
        anonymous_function,
        time_distributed,
        bidirectional,
        composite_layers,
        squeeze_and_excite,
        resizing_inside,
        operations_outside_layers,
        byte_input,
        augmentation_inside,
        transfer_sequential,
        transfer_functional,
    )
}


def build(name: str) -> keras.Model:
    """The network `name` with seeded weights."""
    keras.utils.set_random_seed(0)
    return ZOO[name]()


@functools.cache
def open_zoo(name: str) -> Network:
    """The network `name`, ready to be fed; one for all tests, none of which changes it."""
    size = {"transfer_sequential": (32, 32), "open_size": (SIDE, SIDE)}.get(name)
    return load_network(Config(preprocess="none", size=size), build(name))


def pictures(network: Network, count: int = 2) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Random pictures of the size `network` takes, `(count, height, width, channels)`."""
    generator = np.random.default_rng(1)
    return generator.integers(0, 256, (count, *network.size, network.channels), dtype=np.uint8)
