"""Files of Keras 2: what can be opened answers as it was defined, what cannot is named on one line."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support.keras2 import function_layer, save_as_keras2, write_graph

from reportgen.errors import ReportgenError
from reportgen.models.files import load_file
from reportgen.models.keras2 import translate

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.usefixtures("sound_files")]


def pixels(*shape: int) -> np.ndarray:
    return (np.random.default_rng(4).random((2, *(shape or (6, 8, 3)))) * 4 - 1).astype("float32")


def answers(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    return np.asarray(model(inputs, training=False))


def one_function(tmp_path: Path, function: str, arguments: dict[str, Any], first: Any = ("x", 0, 0)) -> keras.Model:
    node = [*first, arguments] if isinstance(first[0], str) else [[*each, arguments] for each in first]
    return load_file(write_graph(tmp_path / "net.h5", [function_layer("f", function, node)], "f"), {})


FUNCTIONS: list[tuple[str, dict[str, Any]]] = [
    ("math.truediv", {"y": 127.5}),
    ("math.divide", {"y": 2.0}),
    ("math.subtract", {"y": [103.939, 116.779, 123.68], "name": None}),
    ("math.add", {"y": 1}),
    ("math.multiply", {"y": [[2.0], [3.0], [1.0], [1.0], [0.0], [1.0], [2.0], [5.0]]}),
    ("math.pow", {"y": 2.0}),
    ("math.maximum", {"y": 0.25}),
    ("math.minimum", {"y": 0.25}),
    ("math.floordiv", {"y": 0.3}),
    ("math.floormod", {"y": 0.3}),
    ("math.squared_difference", {"y": 0.5}),
    ("math.abs", {}),
    ("math.negative", {}),
    ("math.square", {}),
    ("math.exp", {}),
    ("math.round", {}),
    ("math.sign", {}),
    ("math.erf", {}),
    ("math.tanh", {}),
    ("math.sigmoid", {}),
    ("math.softplus", {}),
    ("nn.relu", {}),
    ("nn.relu6", {}),
    ("nn.elu", {}),
    ("nn.selu", {}),
    ("nn.silu", {"beta": 1.0}),
    ("nn.gelu", {}),
    ("nn.gelu", {"approximate": True}),
    ("nn.leaky_relu", {}),
    ("nn.leaky_relu", {"alpha": 0.05}),
    ("nn.softmax", {}),
    ("nn.softmax", {"axis": 1}),
    ("nn.log_softmax", {}),
    ("math.reduce_mean", {"axis": [1, 2]}),
    ("math.reduce_mean", {"axis": -1, "keepdims": True}),
    ("math.reduce_max", {"axis": 2}),
    ("math.reduce_sum", {"axis": [1, 2, 3]}),
    ("math.reduce_std", {"axis": [1, 2], "keepdims": True}),
    ("math.reduce_variance", {"axis": 1}),
    ("math.reduce_logsumexp", {"axis": 1}),
    ("math.l2_normalize", {"axis": -1}),
    ("math.l2_normalize", {"axis": [1, 2], "epsilon": 100.0}),
    ("norm", {"axis": -1, "keepdims": True}),
    ("reshape", {"shape": [-1, 48, 3]}),
    ("expand_dims", {"axis": 1}),
    ("transpose", {"perm": [0, 2, 1, 3]}),
    ("tile", {"multiples": [1, 2, 1, 2]}),
    ("repeat", {"repeats": 3, "axis": 2}),
    ("reverse", {"axis": [-1]}),
    ("roll", {"shift": 1, "axis": 2}),
    ("pad", {"paddings": [[0, 0], [1, 2], [0, 3], [0, 0]], "mode": "CONSTANT", "constant_values": 1}),
    ("pad", {"paddings": [[0, 0], [1, 2], [0, 3], [0, 0]], "mode": "REFLECT"}),
    ("gather", {"indices": [2, 0], "axis": -1}),
    ("cast", {"dtype": "float16"}),
    ("clip_by_value", {"clip_value_min": 0.0, "clip_value_max": 1.0}),
    ("linalg.matmul", {"b": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]}),
    ("nn.bias_add", {"bias": [1.0, 2.0, 3.0]}),
    ("nn.max_pool2d", {"ksize": 2, "strides": 2, "padding": "VALID"}),
    ("nn.max_pool", {"ksize": [1, 3, 3, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}),
    ("nn.avg_pool2d", {"ksize": [3, 2], "strides": 1, "padding": "SAME"}),
    ("nn.space_to_depth", {"block_size": 2}),
    ("image.resize", {"size": [9, 5]}),
    ("image.resize", {"size": [9, 5], "method": "nearest"}),
    ("image.resize", {"size": [3, 5], "method": "bicubic", "antialias": True}),
    ("image.flip_left_right", {}),
    ("image.flip_up_down", {}),
    ("image.rgb_to_grayscale", {}),
    ("math.argmax", {"axis": 3}),
]


@pytest.mark.parametrize(("function", "arguments"), FUNCTIONS)
def test_functions_do_what_tensorflow_defines(tmp_path, function, arguments):
    defined = functools.reduce(getattr, function.split("."), tf)
    model = one_function(tmp_path, function, arguments)
    expected = np.asarray(defined(tf.constant(pixels()), **arguments))
    np.testing.assert_allclose(answers(model, pixels()), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        ([{"class_name": "__ellipsis__"}, {"start": None, "stop": None, "step": -1}], np.s_[..., ::-1]),
        ([{"start": None, "stop": None, "step": None}, 1], np.s_[:, 1]),
        (
            [{"start": None, "stop": None, "step": None}, {"start": 1, "stop": -1, "step": None}, None],
            np.s_[:, 1:-1, None],
        ),
        ({"start": 1, "stop": None, "step": None}, np.s_[1:]),
    ],
)
def test_slices(tmp_path, spec, key):
    model = one_function(tmp_path, "__operators__.getitem", {"slice_spec": spec})
    np.testing.assert_array_equal(answers(model, pixels()), pixels()[key])


def test_several_tensors_constants_first_and_a_shape_taken_while_it_runs(tmp_path):
    chain = [
        function_layer("both", "concat", [["x", 0, 0, {"axis": -1}], ["x", 0, 0, {"axis": -1}]]),
        function_layer("less", "math.subtract", ["_CONSTANT_VALUE", -1, 2.0, {"y": ["both", 0, 0]}]),
        function_layer("parts", "split", ["less", 0, 0, {"num_or_size_splits": [1, 3, 2], "axis": 3}]),
        function_layer("sum", "math.add_n", [["parts", 0, 0, {}], ["parts", 0, 0, {}], ["parts", 0, 0, {}]]),
        function_layer("size", "compat.v1.shape", ["x", 0, 0, {"out_type": "int32"}]),
        function_layer("batch", "__operators__.getitem", ["size", 0, 0, {"slice_spec": 0}]),
        function_layer("more", "math.greater", ["sum", 0, 0, {"y": 0.0}]),
        function_layer("chosen", "where", ["more", 0, 0, {"x": ["sum", 0, 0], "y": ["parts", 0, 2]}]),
        function_layer("rows", "reshape", ["chosen", 0, 0, {"shape": [["batch", 0, 0], 96]}]),
    ]
    model = load_file(write_graph(tmp_path / "net.h5", chain, "rows"), {})
    less = 2 - np.concatenate([pixels(), pixels()], -1)
    total = 3 * less[..., :1]
    expected = np.where(total > 0, total, less[..., 4:])
    np.testing.assert_allclose(answers(model, pixels()), expected.reshape(2, 96), rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        ("image.per_image_standardization", {}, "tf.image.per_image_standardization"),
        ("nn.dropout", {"rate": 0.5}, "tf.nn.dropout"),
        ("image.resize", {"size": [4, 4], "method": "area"}, "method='area'"),
        ("image.resize", {"size": [["x", 0, 0], 4]}, "a size computed while it runs"),
        ("compat.v1.squeeze", {}, "axis=None"),
        ("nn.silu", {"beta": 2.0}, "beta=2.0"),
        ("linalg.matmul", {"b": [[1.0], [1.0], [1.0]], "adjoint_b": True}, "adjoint_b=True"),
        ("nn.max_pool2d", {"ksize": 2, "strides": 2, "padding": "SAME", "data_format": "NCHW"}, "data_format='NCHW'"),
    ],
)
def test_other_functions_are_refused_by_name(tmp_path, function, arguments, named):
    with pytest.raises(ReportgenError, match=r"written by Keras 2\.13\.1.*python:module:callable") as caught:
        one_function(tmp_path, function, arguments)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_function_nothing_depends_on_is_not_asked_for(tmp_path):
    chain = [
        function_layer("idle", "image.per_image_standardization", ["x", 0, 0, {}]),
        function_layer("kept", "nn.relu", ["x", 0, 0, {}]),
    ]
    model = load_file(write_graph(tmp_path / "net.h5", chain, "kept"), {})
    np.testing.assert_array_equal(answers(model, pixels()), pixels().clip(0))


def with_old_arguments(entry: dict[str, Any]) -> None:
    """What Keras 2 wrote and Keras 3 does not take."""
    kind, config = entry["class_name"], entry["config"]
    if kind in ("DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose"):
        config["groups"] = 1
    if kind == "SeparableConv2D":
        config |= {"kernel_initializer": None, "kernel_regularizer": None, "kernel_constraint": None}
    if kind == "LeakyReLU":
        config["alpha"] = config.pop("negative_slope")
    if kind == "MultiHeadAttention":
        config |= {"query_shape": [None, 4, 4, 3], "key_shape": [None, 4, 4, 3], "value_shape": [None, 4, 4, 3]}
    if kind == "SpatialDropout2D":
        config |= {"noise_shape": None, "trainable": True}
    if kind == "BatchNormalization":
        config["axis"] = [3]


def plain(*parts: Any, size: int = 12) -> keras.Model:
    return keras.Sequential([keras.Input((size, size, 3)), *parts, layers.Flatten(), layers.Dense(2)])


def within(wrap: str) -> keras.Model:
    """A depthwise convolution in a nested network, called twice."""
    i = keras.Input((12, 12, 3))
    parts = [layers.DepthwiseConv2D(3, padding="same"), layers.BatchNormalization()]
    if wrap == "sequential":
        inner: keras.Model = keras.Sequential([keras.Input((12, 12, 3)), *parts], name="inner")
    else:
        inner = keras.Model(i, parts[1](parts[0](i)), name="inner")
    x = keras.Input((12, 12, 3))
    return keras.Model(x, layers.Add()([inner(inner(x)), x]))


def ends_in(wrap: str) -> keras.Model:
    i, x = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    convolution = layers.DepthwiseConv2D(3)
    inner = keras.Sequential([i, convolution]) if wrap == "sequential" else keras.Model(i, convolution(i))
    return keras.Model(x, inner(layers.ReLU()(x)))


NETWORKS = {
    "depthwise": lambda: plain(layers.DepthwiseConv2D(3, depth_multiplier=2)),
    "separable": lambda: plain(layers.SeparableConv2D(4, 3, strides=2)),
    "transposed": lambda: plain(layers.Conv2DTranspose(2, 3, strides=2, padding="same")),
    "leaky, normalized": lambda: plain(
        layers.BatchNormalization(), layers.LeakyReLU(0.1), layers.SpatialDropout2D(0.2)
    ),
    "in rows": lambda: plain(layers.Reshape((2, 6, 12, 3)), layers.TimeDistributed(layers.DepthwiseConv2D(2))),
    "activated by a layer": lambda: plain(layers.Conv2D(2, 3, activation=layers.LeakyReLU(0.3))),
    "networks in rows": lambda: plain(
        layers.Reshape((2, 6, 12, 3)),
        layers.TimeDistributed(keras.Sequential([keras.Input((6, 12, 3)), layers.DepthwiseConv2D(2)])),
    ),
    "nested row": lambda: plain(keras.Sequential([layers.DepthwiseConv2D(3), layers.LeakyReLU(0.2)])),
    "in a functional network": lambda: within("functional"),
    "in a sequential network": lambda: within("sequential"),
    "functional at the end": lambda: ends_in("functional"),
    "sequential at the end": lambda: ends_in("sequential"),
    "all axes": lambda: plain(layers.LayerNormalization(axis=[1, 2, 3]), size=4),
    "half precision": lambda: plain(layers.DepthwiseConv2D(3, dtype="mixed_float16")),
}


def shaken(model: keras.Model) -> keras.Model:
    """The network with every weight set to something of its own."""
    rng = np.random.default_rng(7)
    model.set_weights([(0.5 + rng.random(weight.shape)).astype(weight.dtype) for weight in model.get_weights()])
    return model


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("name", NETWORKS)
def test_old_arguments_and_nesting(tmp_path, name, suffix):
    model = shaken(NETWORKS[name]())
    loaded = load_file(save_as_keras2(model, tmp_path / f"net{suffix}", with_old_arguments), {})
    inputs = pixels(*model.input_shape[1:])
    np.testing.assert_allclose(answers(loaded, inputs), answers(model, inputs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("version", ["2.4.0", "2.2.4-tf", "2.15.0"])
def test_every_version_of_keras_2(tmp_path, version):
    model = shaken(NETWORKS["separable"]())
    loaded = load_file(save_as_keras2(model, tmp_path / "net.hdf5", with_old_arguments, version), {})
    np.testing.assert_allclose(answers(loaded, pixels(12, 12, 3)), answers(model, pixels(12, 12, 3)), rtol=1e-5)


@pytest.mark.parametrize(
    "layer", [layers.DepthwiseConv2D(3), layers.SeparableConv2D(3, 3), layers.Conv2DTranspose(3, 3)]
)
def test_groups_that_mean_something_are_refused(tmp_path, layer):
    def grouped(entry):
        if entry["class_name"] == type(layer).__name__:
            entry["config"]["groups"] = 3

    path = save_as_keras2(plain(layer), tmp_path / "net.h5", grouped)
    with pytest.raises(ReportgenError, match=r"written by Keras 2\.13\.1.*groups"):
        load_file(path, {})


@pytest.mark.parametrize("place", ["layer", "activation", "nested"])
def test_hard_sigmoid_is_that_of_keras_2(tmp_path, place):
    last: keras.Layer = layers.Dense(3, activation="hard_sigmoid")
    if place == "activation":
        last = layers.Activation("hard_sigmoid")
    elif place == "nested":
        last = keras.Sequential([keras.Input((3,)), layers.Dense(3, activation="hard_sigmoid")])
    model = keras.Sequential([keras.Input((6, 8, 3)), layers.GlobalAveragePooling2D(), last])
    path = save_as_keras2(model, tmp_path / "net.h5", with_old_arguments)
    features = pixels().mean((1, 2))
    if place != "activation":
        kernel, bias = model.get_weights()
        features = features @ kernel + bias
    loaded = load_file(path, {})
    np.testing.assert_allclose(answers(loaded, pixels()), (0.2 * features + 0.5).clip(0, 1), rtol=1e-5, atol=1e-6)
    loaded.save(tmp_path / "again.keras")  # as on the way to another process
    again = load_file(tmp_path / "again.keras", {})
    np.testing.assert_array_equal(answers(again, pixels()), answers(loaded, pixels()))


@pytest.mark.parametrize(
    ("kind", "config", "expected"),
    [
        ("ThresholdedReLU", {"theta": 0.5}, lambda x: np.where(x > 0.5, x, 0)),
        ("RandomHeight", {"factor": 0.2, "interpolation": "bilinear", "seed": None}, lambda x: x),
        ("RandomWidth", {"factor": 0.2, "interpolation": "bilinear", "seed": None}, lambda x: x),
        ("LeakyReLU", {"alpha": 0.3}, lambda x: np.where(x > 0, x, 0.3 * x)),
    ],
)
def test_layers_that_went_by_another_name(tmp_path, kind, config, expected):
    node = [[["x", 0, 0, {}]]]
    layer = {"class_name": kind, "config": {"name": "a/b", "dtype": "float32", **config}, "name": "a/b"}
    path = write_graph(tmp_path / "net.h5", [{**layer, "inbound_nodes": node}], "a/b")
    np.testing.assert_allclose(answers(load_file(path, {}), pixels()), expected(pixels()), rtol=1e-6)


@pytest.mark.parametrize("kind", ["LocallyConnected2D", "TensorFlowOpLayer", "InstanceMethod"])
def test_layers_that_are_gone_are_named(tmp_path, kind):
    layer = {"class_name": kind, "config": {"name": "gone"}, "name": "gone", "inbound_nodes": [[["x", 0, 0, {}]]]}
    with pytest.raises(ReportgenError, match=r"written by Keras 2\.13\.1.*the layer gone"):
        load_file(write_graph(tmp_path / "net.h5", [layer], "gone"), {})


@pytest.mark.parametrize(
    "function",
    [["4wEAAAA=", None, None], {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}],
)
@pytest.mark.parametrize("nested", [False, True])
def test_code_is_not_run(tmp_path, function, nested):
    config = {"name": "code", "function": function, "function_type": "lambda", "arguments": {}}
    layer = {"class_name": "Lambda", "config": config, "name": "code", "inbound_nodes": [[["x", 0, 0, {}]]]}
    if nested:
        row = {"name": "code", "layers": [{"class_name": "Lambda", "config": config}]}
        layer = {**layer, "class_name": "Sequential", "config": row}
    with pytest.raises(ReportgenError, match=r"Lambda layer, that is, Python code.*--custom-objects"):
        load_file(write_graph(tmp_path / "net.h5", [layer], "code"), {})


def test_the_oldest_rows_say_their_input_in_the_first_layer():
    dense = {"class_name": "Dense", "config": {"name": "a", "units": 2, "batch_input_shape": [None, 5]}}
    written = translate({"class_name": "Sequential", "config": [dense]})
    model = keras.Sequential.from_config(written["config"])
    assert model.input_shape == (None, 5)
    assert model.output_shape == (None, 2)


@pytest.mark.parametrize("frozen", [range(2), range(2, 4), [1]])
def test_frozen_weights_in_nested_networks_go_to_their_layers(tmp_path, frozen):
    """Keras 2 wrote the weights that train first, whichever network they were in; shapes do not tell them apart."""
    rng = np.random.default_rng(3)
    parts = [layers.Conv2D(3, 3, padding="same", name=f"c{i}") for i in range(4)]
    inner = keras.Sequential([keras.Input((6, 8, 3)), *parts], name="inner")
    model = shaken(keras.Sequential([keras.Input((6, 8, 3)), inner]))
    path = save_as_keras2(model, tmp_path / "net.h5", with_old_arguments)
    order = [*(p for i, p in enumerate(parts) if i not in frozen), *(parts[i] for i in frozen)]
    rng.shuffle(order)
    with h5py.File(path, "r+") as file:
        group = file["model_weights/inner"]
        written = [(f"{part.name}/{weight.name}:0", np.asarray(weight)) for part in order for weight in part.weights]
        for key in list(group):
            del group[key]
        for key, values in written:
            group[key] = values
        group.attrs["weight_names"] = [key for key, _ in written]
    np.testing.assert_allclose(answers(load_file(path, {}), pixels()), answers(model, pixels()), rtol=1e-5)


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("version", ["3.15.1", "2.13.1"])
def test_adapted_normalization_in_a_nested_network(tmp_path, depth, version):
    """Keras itself reads the moments of a nested one and goes on without them."""
    normalization = layers.Normalization()
    normalization.adapt(pixels() * 100)
    part: keras.Layer = normalization
    for _ in range(depth):
        part = keras.Sequential([keras.Input((6, 8, 3)), part])
    model = keras.Sequential([keras.Input((6, 8, 3)), part])
    if version.startswith("3"):
        path = tmp_path / "net.h5"
        model.save(path)
    else:
        path = save_as_keras2(model, tmp_path / "net.h5", with_old_arguments, version)
    moments = (pixels() * 100).reshape(-1, 3)
    expected = (pixels() - moments.mean(0)) / moments.std(0)
    np.testing.assert_allclose(answers(load_file(path, {}), pixels()), expected, rtol=1e-3, atol=1e-4)


def test_custom_layers_of_keras_2(tmp_path):
    class Doubled(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2.0

    layer = {"class_name": "Doubled", "config": {"name": "d"}, "name": "d", "inbound_nodes": [[["x", 0, 0, {}]]]}
    path = write_graph(tmp_path / "net.h5", [layer], "d")
    with pytest.raises(ReportgenError, match=r"does not know a part of the network .*Doubled.*--custom-objects"):
        load_file(path, {})
    np.testing.assert_array_equal(answers(load_file(path, {"Doubled": Doubled}), pixels()), 2 * pixels())


def test_the_translation_leaves_what_it_was_given_as_it_is():
    written = {
        "class_name": "Sequential",
        "config": {
            "name": "s",
            "layers": [
                {"class_name": "InputLayer", "config": {"name": "i", "batch_input_shape": [None, 4, 4, 3]}},
                {"class_name": "DepthwiseConv2D", "config": {"name": "a/b", "kernel_size": 3, "groups": 1}},
            ],
        },
    }
    before = json.dumps(written)
    translate(written)
    assert json.dumps(written) == before
