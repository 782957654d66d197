"""TensorFlow functions in a network of Keras 2 as operations of Keras 3.

Keras 2 wrote `x / 127.5` or `tf.concat(...)` on its tensors as a layer that names the function (`TFOpLambda`). Only
functions whose definition is that of an operation of `keras.ops`, or of a short chain of them, are translated.
Everything here works on the written form; no operation is built or run.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from reportgen.models.keras2_calls import Call, Earlier, Step, Tensor, constant, flat

_PAIRS = {
    "math.add": "numpy.Add",
    "__operators__.add": "numpy.Add",
    "add": "numpy.Add",
    "math.subtract": "numpy.Subtract",
    "subtract": "numpy.Subtract",
    "math.multiply": "numpy.Multiply",
    "multiply": "numpy.Multiply",
    "math.truediv": "numpy.TrueDivide",
    "math.divide": "numpy.TrueDivide",
    "math.pow": "numpy.Power",
    "math.maximum": "numpy.Maximum",
    "math.minimum": "numpy.Minimum",
    "compat.v1.floor_div": "numpy.FloorDivide",
    "math.floordiv": "numpy.FloorDivide",
    "math.floormod": "numpy.Mod",
    "math.greater": "numpy.Greater",
    "math.greater_equal": "numpy.GreaterEqual",
    "math.less": "numpy.Less",
    "math.less_equal": "numpy.LessEqual",
    "math.equal": "numpy.Equal",
    "math.not_equal": "numpy.NotEqual",
    "__operators__.eq": "numpy.Equal",
    "__operators__.ne": "numpy.NotEqual",
    "math.logical_and": "numpy.LogicalAnd",
    "math.logical_or": "numpy.LogicalOr",
    "math.atan2": "numpy.Arctan2",
}

_SINGLE = {
    "math.abs": "numpy.Absolute",
    "math.negative": "numpy.Negative",
    "math.square": "numpy.Square",
    "math.sqrt": "numpy.Sqrt",
    "math.rsqrt": "math.Rsqrt",
    "math.exp": "numpy.Exp",
    "math.expm1": "numpy.Expm1",
    "math.log": "numpy.Log",
    "math.log1p": "numpy.Log1p",
    "math.sin": "numpy.Sin",
    "math.cos": "numpy.Cos",
    "math.floor": "numpy.Floor",
    "math.ceil": "numpy.Ceil",
    "math.round": "numpy.Round",
    "math.sign": "numpy.Sign",
    "math.erf": "math.Erf",
    "math.reciprocal": "numpy.Reciprocal",
    "math.logical_not": "numpy.LogicalNot",
    "math.sigmoid": "nn.Sigmoid",
    "nn.sigmoid": "nn.Sigmoid",
    "math.tanh": "numpy.Tanh",
    "nn.tanh": "numpy.Tanh",
    "math.softplus": "nn.Softplus",
    "nn.softplus": "nn.Softplus",
    "nn.softsign": "nn.Softsign",
    "nn.relu": "nn.Relu",
    "nn.relu6": "nn.Relu6",
    "nn.elu": "nn.Elu",
    "nn.selu": "nn.Selu",
    "stop_gradient": "core.StopGradient",
    "identity": "keras.layers.Identity",
}

_REDUCTIONS = {
    "math.reduce_mean": "numpy.Mean",
    "math.reduce_sum": "numpy.Sum",
    "math.reduce_max": "numpy.Max",
    "math.reduce_min": "numpy.Min",
    "math.reduce_prod": "numpy.Prod",
    "math.reduce_std": "numpy.Std",
    "math.reduce_variance": "numpy.Var",
    "math.reduce_any": "numpy.Any",
    "math.reduce_all": "numpy.All",
    "math.reduce_logsumexp": "math.Logsumexp",
}

_POOLS = {
    "nn.max_pool": "nn.MaxPool",
    "nn.max_pool2d": "nn.MaxPool",
    "nn.avg_pool": "nn.AveragePool",
    "nn.avg_pool2d": "nn.AveragePool",
}

# Of the methods of tf.image.resize, those Keras 3 hands on to it.
_RESIZING = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")

Translation = Callable[[Call], list[Step]]
_SPECIAL: dict[str, Translation] = {}


def translate_call(call: Call) -> list[Step]:
    """The chain of operations that does what `call` does; the last step is its outcome.

    Raises:
        UntranslatableError: a function that is not known here, or an argument that changes what it does.
    """
    steps = _steps(call)
    call.finish()
    return steps


def _steps(call: Call) -> list[Step]:
    name = call.function
    if name in _PAIRS:
        return [Step(_PAIRS[name], (constant(call.first), constant(call.take("y"))))]
    if name in _SINGLE:
        return [Step(_SINGLE[name], (call.first,))]
    if name in _REDUCTIONS:
        return [Step(_REDUCTIONS[name], (call.first,), {"axis": call.axes(), "keepdims": call.keeps_sides()})]
    if name in _POOLS:
        return [_pool(call)]
    if name in _SPECIAL:
        return _SPECIAL[name](call)
    raise call.refusal()


def _channels_last(call: Call) -> None:
    if (layout := call.take("data_format", "NHWC")) != "NHWC":
        raise call.refusal(f"data_format={layout!r}")


def _pool(call: Call) -> Step:
    _channels_last(call)
    size, strides = (_sides(call, name) for name in ("ksize", "strides"))
    padding = call.take("padding")
    if padding not in ("SAME", "VALID"):
        raise call.refusal(f"padding={padding!r}")
    settings = {"pool_size": size, "strides": strides, "padding": padding.lower(), "data_format": "channels_last"}
    return Step(_POOLS[call.function], (call.first,), settings)


def _sides(call: Call, name: str) -> list[int]:
    value = call.whole(name)
    sides: list[int] = value if isinstance(value, list) else [value]
    if len(sides) == 4 and sides[0] == sides[3] == 1:
        return sides[1:3]
    if len(sides) not in (1, 2):
        raise call.refusal(f"{name}={value!r}")
    return sides * 2 if len(sides) == 1 else sides


def _special(*names: str) -> Callable[[Translation], Translation]:
    def register(function: Translation) -> Translation:
        _SPECIAL.update(dict.fromkeys(names, function))
        return function

    return register


@_special("nn.leaky_relu")
def _leaky_relu(call: Call) -> list[Step]:
    return [Step("nn.LeakyRelu", (call.first,), {"negative_slope": call.number("alpha", 0.2)})]


@_special("nn.gelu")
def _gelu(call: Call) -> list[Step]:
    return [Step("nn.Gelu", (call.first,), {"approximate": bool(call.take("approximate", False))})]


@_special("nn.silu", "nn.swish")
def _silu(call: Call) -> list[Step]:
    if (beta := call.take("beta", 1.0)) != 1.0:
        raise call.refusal(f"beta={beta!r}")
    return [Step("nn.Silu", (call.first,))]


@_special("nn.softmax", "nn.log_softmax")
def _softmax(call: Call) -> list[Step]:
    kind = "nn.Softmax" if call.function == "nn.softmax" else "nn.LogSoftmax"
    return [Step(kind, (call.first,), {"axis": call.whole("axis", -1)})]


@_special("reshape")
def _reshape(call: Call) -> list[Step]:
    shape = call.take("shape")
    sides = shape if isinstance(shape, list) else [shape]
    # A side taken from another tensor's shape while it runs is the one that is left over, as -1 says.
    sides = [-1 if isinstance(side, Tensor) else side for side in sides]
    if sides.count(-1) > 1 or not isinstance(shape, list):
        raise call.refusal("a shape computed while it runs")
    return [Step("numpy.Reshape", (call.first,), {"newshape": sides})]


@_special("expand_dims")
def _expand_dims(call: Call) -> list[Step]:
    return [Step("numpy.ExpandDims", (call.first,), {"axis": call.whole("axis")})]


@_special("squeeze", "compat.v1.squeeze")
def _squeeze(call: Call) -> list[Step]:
    # Without axes, whether the batch goes away would depend on how many images there are.
    return [Step("numpy.Squeeze", (call.first,), {"axis": call.whole("axis")})]


@_special("transpose", "compat.v1.transpose")
def _transpose(call: Call) -> list[Step]:
    return [Step("numpy.Transpose", (call.first,), {"axes": call.whole("perm")})]


@_special("concat")
def _concat(call: Call) -> list[Step]:
    return [Step("numpy.Concatenate", (_tensors(call),), {"axis": call.whole("axis")})]


@_special("stack")
def _stack(call: Call) -> list[Step]:
    return [Step("numpy.Stack", (_tensors(call),), {"axis": call.whole("axis", 0)})]


@_special("math.add_n")
def _add_n(call: Call) -> list[Step]:
    tensors = _tensors(call)
    steps: list[Step] = []
    for tensor in tensors[1:]:
        steps.append(Step("numpy.Add", (Earlier(len(steps) - 1) if steps else tensors[0], tensor)))
    return steps or [Step("keras.layers.Identity", (tensors[0],))]


def _tensors(call: Call) -> list[Any]:
    if not isinstance(call.first, list) or not all(isinstance(each, Tensor) for each in call.first):
        raise call.refusal("constants among its tensors")
    return call.first


@_special("split")
def _split(call: Call) -> list[Step]:
    sizes = call.whole("num_or_size_splits")
    if isinstance(sizes, list):
        if min(sizes) < 0:
            raise call.refusal(f"num_or_size_splits={sizes}")
        sizes = list(itertools.accumulate(sizes))[:-1]
    return [Step("numpy.Split", (call.first,), {"indices_or_sections": sizes, "axis": call.whole("axis", 0)})]


@_special("unstack")
def _unstack(call: Call) -> list[Step]:
    return [Step("core.Unstack", (call.first,), {"num": call.take("num"), "axis": call.whole("axis", 0)})]


@_special("tile")
def _tile(call: Call) -> list[Step]:
    return [Step("numpy.Tile", (call.first,), {"repeats": call.whole("multiples")})]


@_special("repeat")
def _repeat(call: Call) -> list[Step]:
    return [Step("numpy.Repeat", (call.first,), {"repeats": call.whole("repeats"), "axis": call.whole("axis")})]


@_special("reverse")
def _reverse(call: Call) -> list[Step]:
    return [Step("numpy.Flip", (call.first,), {"axis": call.whole("axis")})]


@_special("roll")
def _roll(call: Call) -> list[Step]:
    return [Step("numpy.Roll", (call.first,), {"shift": call.whole("shift"), "axis": call.whole("axis")})]


@_special("pad", "compat.v1.pad")
def _pad(call: Call) -> list[Step]:
    width, mode = call.take("paddings"), call.take("mode", "CONSTANT").lower()
    fill = call.number("constant_values", 0)
    if mode not in ("constant", "reflect", "symmetric"):
        raise call.refusal(f"mode={mode!r}")
    if not isinstance(width, list) or any(isinstance(each, Tensor) for each in flat(width)):
        raise call.refusal("a width computed while it runs")
    arguments = (call.first, fill) if mode == "constant" else (call.first,)
    return [Step("numpy.Pad", arguments, {"pad_width": width, "mode": mode})]


@_special("gather", "compat.v1.gather")
def _gather(call: Call) -> list[Step]:
    if call.take("batch_dims", 0) != 0:
        raise call.refusal("batch_dims")
    return [Step("numpy.Take", (call.first, constant(call.take("indices"))), {"axis": call.whole("axis", 0)})]


@_special("where", "compat.v1.where")
def _where(call: Call) -> list[Step]:
    yes, no = call.take("x"), call.take("y")
    if yes is None or no is None:
        raise call.refusal("a condition alone")
    return [Step("numpy.Where", (call.first, constant(yes), constant(no)))]


@_special("cast")
def _cast(call: Call) -> list[Step]:
    dtype = call.take("dtype")
    if not isinstance(dtype, str):
        raise call.refusal(f"dtype={dtype!r}")
    return [Step("core.Cast", (call.first,), {"dtype": dtype})]


@_special("clip_by_value")
def _clip(call: Call) -> list[Step]:
    settings = {"x_min": call.number("clip_value_min"), "x_max": call.number("clip_value_max")}
    return [Step("numpy.Clip", (call.first,), settings)]


@_special("math.squared_difference")
def _squared_difference(call: Call) -> list[Step]:
    difference = Step("numpy.Subtract", (constant(call.first), constant(call.take("y"))))
    return [difference, Step("numpy.Square", (Earlier(0),))]


@_special("math.argmax", "math.argmin")
def _argmax(call: Call) -> list[Step]:
    call.take("output_type")  # Keras counts in its own type of whole numbers
    kind = "numpy.Argmax" if call.function == "math.argmax" else "numpy.Argmin"
    return [Step(kind, (call.first,), {"axis": call.whole("axis", 0)})]


@_special("linalg.matmul")
def _matmul(call: Call) -> list[Step]:
    return [Step("numpy.Matmul", (constant(call.first), constant(call.take("b"))))]


@_special("nn.bias_add")
def _bias_add(call: Call) -> list[Step]:
    _channels_last(call)
    return [Step("numpy.Add", (call.first, constant(call.take("bias"))))]


@_special("math.l2_normalize", "linalg.l2_normalize", "nn.l2_normalize")
def _l2_normalize(call: Call) -> list[Step]:
    """By TensorFlow's definition, `x * rsqrt(max(sum(x**2), epsilon))`; that of Keras squares epsilon."""
    return [
        Step("numpy.Square", (call.first,)),
        Step("numpy.Sum", (Earlier(0),), {"axis": call.axes(), "keepdims": True}),
        Step("numpy.Maximum", (Earlier(1), call.number("epsilon", 1e-12))),
        Step("math.Rsqrt", (Earlier(2),)),
        Step("numpy.Multiply", (call.first, Earlier(3))),
    ]


@_special("norm", "math.reduce_euclidean_norm")
def _norm(call: Call) -> list[Step]:
    if (order := call.take("ord", "euclidean")) not in ("euclidean", 2):
        raise call.refusal(f"ord={order!r}")
    return [
        Step("numpy.Square", (call.first,)),
        Step("numpy.Sum", (Earlier(0),), {"axis": call.axes(), "keepdims": call.keeps_sides()}),
        Step("numpy.Sqrt", (Earlier(1),)),
    ]


@_special("nn.depth_to_space", "nn.space_to_depth")
def _depth_and_space(call: Call) -> list[Step]:
    _channels_last(call)
    kind = "nn.DepthToSpace" if call.function == "nn.depth_to_space" else "nn.SpaceToDepth"
    settings = {"block_size": call.whole("block_size"), "data_format": "channels_last"}
    return [Step(kind, (call.first,), settings)]


@_special("image.resize")
def _resize(call: Call) -> list[Step]:
    size, method = call.take("size"), call.take("method", "bilinear")
    if method not in _RESIZING:
        raise call.refusal(f"method={method!r}")
    if not isinstance(size, list) or any(isinstance(side, Tensor) for side in size):
        raise call.refusal("a size computed while it runs")
    antialias = bool(call.take("antialias", False))
    settings = {"size": size, "interpolation": method, "antialias": antialias, "data_format": "channels_last"}
    return [Step("image.Resize", (call.first,), settings)]


@_special("image.flip_left_right", "image.flip_up_down")
def _flip(call: Call) -> list[Step]:
    return [Step("numpy.Flip", (call.first,), {"axis": -2 if call.function.endswith("right") else -3})]


@_special("image.rgb_to_grayscale")
def _grey(call: Call) -> list[Step]:
    return [Step("image.RGBToGrayscale", (call.first,), {"data_format": "channels_last"})]


@_special("image.grayscale_to_rgb")
def _colour(call: Call) -> list[Step]:
    return [Step("numpy.Repeat", (call.first,), {"repeats": 3, "axis": -1})]
