"""The written form of a network of Keras 2 (TensorFlow 2.0 to 2.15) turned into one Keras 3 reads.

Pure functions from configuration to configuration. What only changed its name is renamed, what asks for nothing is
left out, what means something else now is said in the new words; anything else is refused with its name.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import keras

from reportgen.models.keras2_activations import HARD_SIGMOID
from reportgen.models.keras2_calls import Call, Earlier, Step, Tensor, UntranslatableError
from reportgen.models.keras2_nodes import all_values, layer_call, name, read_call, sources, written_call
from reportgen.models.keras2_operations import translate_call

_NETWORKS = ("Functional", "Model", "Sequential")
_OPERATIONS = ("TFOpLambda", "SlicingOpLambda")

_RENAMED = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "LayerNormalizationV2": "LayerNormalization",
}

# Arguments Keras 3 no longer has, with the values at which they change no answer. None stands for any value:
# separable layers never used their kernel_initializer, shapes are found anew, the rest is of training.
_DROPPED: dict[str, tuple[Any, ...] | None] = {
    "groups": (1, None),
    "causal": (False, None),
    "time_major": (False, None),
    "renorm": (False, None),
    "virtual_batch_size": (None,),
    "adjustment": (None,),
    "ragged": (False, None),
    "dynamic": (False, None),
    "implementation": None,
    "type_spec": (None,),
    "fused": None,
    "experimental_autocast": None,
    "kernel_initializer": None,
    "kernel_regularizer": None,
    "kernel_constraint": None,
    "query_shape": None,
    "key_shape": None,
    "value_shape": None,
    "renorm_clipping": (None, {}),
    "renorm_momentum": None,
    "noise_shape": (None,),
}

_ACTIVATIONS = ("activation", "recurrent_activation")
_INNER = ("layer", "backward_layer", "cell")


def translate(saved: dict[str, Any]) -> dict[str, Any]:
    """A network as Keras 2 wrote it, `{"class_name", "config"}`, in the form Keras 3 reads.

    Raises:
        UntranslatableError: a part Keras 3 has no equal for.
    """
    entry = _named(_plain(saved))
    kind = entry["class_name"]
    config: Any = entry.get("config")
    if kind in ("Functional", "Model") and isinstance(config, dict) and "layers" in config:
        return {**entry, "config": _graph(config)}
    if kind == "Sequential":
        # The oldest wrote the layers alone.
        whole: dict[str, Any] = {"name": "sequential", "layers": config} if isinstance(config, list) else config
        layers = [*_missing_input(whole["layers"]), *whole["layers"]]
        return {**entry, "config": {**whole, "layers": [translate(layer) for layer in layers]}}
    return _layer(entry)


def _missing_input(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The input of a row of layers where it is said by the first of them alone."""
    config = layers[0].get("config") if layers else None
    if not isinstance(config, dict) or layers[0]["class_name"] == "InputLayer" or "batch_input_shape" not in config:
        return []
    shape = {"batch_input_shape": config["batch_input_shape"], "name": f"{config['name']}_input"}
    return [{"class_name": "InputLayer", "config": shape}]


def holds_code(written: Any) -> bool:
    """Whether Python code stands anywhere in a configuration."""
    if isinstance(written, dict):
        function = written.get("config", {}).get("function") if written.get("class_name") == "Lambda" else None
        return (
            written.get("class_name") == "__lambda__"
            or isinstance(function, list)
            or any(holds_code(each) for each in written.values())
        )
    return isinstance(written, list) and any(holds_code(each) for each in written)


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    """A layer's entry without the module it lay in, which moved; the user's own goes by its registered name."""
    kind = entry["class_name"]
    module, registered = entry.get("module"), entry.get("registered_name")
    if registered and not str(module).startswith("keras."):
        kind = registered
    others = {key: value for key, value in entry.items() if key not in ("module", "registered_name", "build_config")}
    return {**others, "class_name": _RENAMED.get(kind, kind)}


def _named(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with names Keras 3 takes: without strokes, which part the paths of its weights."""
    config = entry.get("config")
    named = {key: name(entry[key]) for key in ("name",) if key in entry}
    if isinstance(config, dict) and isinstance(config.get("name"), str):
        return {**entry, **named, "config": {**config, "name": name(config["name"])}}
    return {**entry, **named}


def _layer(entry: dict[str, Any]) -> dict[str, Any]:
    """A layer that is no network: its arguments in the words of Keras 3, its own layers and functions, too."""
    kind, config = entry["class_name"], dict(entry.get("config") or {})
    cls = getattr(keras.layers, kind, None)
    if cls is None and kind in _GONE:
        raise UntranslatableError(f"the layer {config.get('name', kind)}, {_GONE[kind]}")
    shape = config.pop("batch_input_shape", None)
    if kind == "InputLayer" and shape is not None:
        config["batch_shape"] = shape
    if kind in _REPLACED:
        kind, config = _REPLACED[kind](config)
        cls = getattr(keras.layers, kind)
    for key, value in config.items():
        if key == "dtype" and isinstance(value, dict):
            config[key] = value.get("config", {}).get("name", value)
        elif key in _ACTIVATIONS:
            config[key] = _activation(value)
        elif isinstance(value, dict) and {"class_name", "config"} <= set(value):
            config[key] = _with_module(translate(value)) if key in _INNER else _plain(value)
    if cls is not None:
        config = _without_dropped(config, cls)
    written = {**entry, "class_name": kind, "config": config}
    if kind in _OF_APPLICATIONS:
        written |= {"module": _OF_APPLICATIONS[kind], "registered_name": kind}
    elif cls is not None and "axis" in config:
        if isinstance(config["axis"], list) and len(config["axis"]) == 1:
            config["axis"] = config["axis"][0]
        # Without a module, Keras 3 forgets an axis that is not one number.
        written |= {"module": "keras.layers", "registered_name": None}
    return written


def _threshold(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    others = {key: value for key, value in config.items() if key != "theta"}
    return "ReLU", {**others, "threshold": config["theta"]}


def _slope(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    others = {key: value for key, value in config.items() if key != "alpha"}
    return "LeakyReLU", {**others, "negative_slope": config["alpha"]} if "alpha" in config else config


def _nothing(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Augmentation that changes sides in training alone."""
    return "Identity", {key: config[key] for key in ("name", "dtype", "trainable") if key in config}


_REPLACED = {
    "ThresholdedReLU": _threshold,
    "LeakyReLU": _slope,
    "RandomHeight": _nothing,
    "RandomWidth": _nothing,
}

# Layers that only networks of keras.applications have, and where Keras 3 keeps them.
_OF_APPLICATIONS = {"LayerScale": "keras.src.applications.convnext"}


_GONE = {
    "LocallyConnected1D": "LocallyConnected1D, which Keras 3 does not have",
    "LocallyConnected2D": "LocallyConnected2D, which Keras 3 does not have",
    "TensorFlowOpLayer": "a piece of a TensorFlow graph",
    "ClassMethod": "a method of a TensorFlow class",
    "InstanceMethod": "a method of a TensorFlow tensor",
    "InstanceProperty": "a property of a TensorFlow tensor",
    "DenseFeatures": "DenseFeatures, which Keras 3 does not have",
    "CuDNNLSTM": "CuDNNLSTM, which Keras 3 does not have",
    "CuDNNGRU": "CuDNNGRU, which Keras 3 does not have",
    "RandomFourierFeatures": "RandomFourierFeatures, which Keras 3 does not have",
}


def _activation(value: Any) -> Any:
    if value == "hard_sigmoid" or (isinstance(value, dict) and value.get("config") == "hard_sigmoid"):
        return HARD_SIGMOID
    if isinstance(value, dict) and hasattr(keras.layers, str(value.get("class_name"))):
        return _with_module(translate(value))
    return value


def _with_module(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry of a layer that stands within another's, where Keras 3 looks it up by its module."""
    if entry["class_name"] in _NETWORKS:
        kind = "Sequential" if entry["class_name"] == "Sequential" else "Model"
        return {**entry, "module": "keras", "class_name": kind, "registered_name": None}
    if hasattr(keras.layers, entry["class_name"]):
        return {**entry, "module": "keras.layers", "registered_name": None}
    return entry


def _without_dropped(config: dict[str, Any], cls: type[keras.layers.Layer]) -> dict[str, Any]:
    accepted = inspect.signature(cls.__init__).parameters

    def asks_for_nothing(key: str, value: Any) -> bool:
        if key in accepted or (key == "trainable" and "kwargs" in accepted):
            return False
        if key == "trainable":
            return True  # a layer without weights
        neutral = _DROPPED.get(key, ())
        if key in _DROPPED and neutral is not None and value not in neutral:
            raise UntranslatableError(f"the layer {config.get('name')}, {cls.__name__} with {key}={value!r}")
        return key in _DROPPED

    return {key: value for key, value in config.items() if not asks_for_nothing(key, value)}


def _graph(config: dict[str, Any]) -> dict[str, Any]:
    """A functional network: its layers, their calls, its functions of TensorFlow as operations.

    Functions whose outcome goes nowhere (the shape a later one no longer asks for) are left out.
    """
    entries = [_plain(entry) for entry in config["layers"]]
    names = {entry["name"] for entry in entries}
    shifts = {entry["name"]: _first_call(entry) for entry in entries}
    layers: list[dict[str, Any]] = []
    refused: dict[str, UntranslatableError] = {}
    kept: set[str] = set()  # layers; of the operations, those something goes back to are added
    for entry in entries:
        if entry["class_name"] not in _OPERATIONS:
            kept.add(name(entry["name"]))
            calls = [read_call(node, names) for node in entry.get("inbound_nodes") or []]
            layers.append({**translate(entry), "inbound_nodes": [layer_call(*call, shifts) for call in calls]})
            continue
        try:
            layers += _operations(entry, names, shifts)
        except UntranslatableError as error:
            refused[name(entry["name"])] = error
    # Keras 3 counts the calls of functional networks from 1 among the outputs, and here alone.
    sequential = {entry["name"]: shifts[entry["name"]] for entry in entries if entry["class_name"] == "Sequential"}
    outputs = _ends(config["output_layers"], sequential)
    needed = _needed(layers, [*kept, *_named_layers(outputs)])
    for layer, refusal in refused.items():
        if layer in needed:
            raise refusal
    used = [layer for layer in layers if layer["name"] in needed]
    return {**config, "layers": used, "input_layers": _ends(config["input_layers"], {}), "output_layers": outputs}


def _first_call(entry: dict[str, Any]) -> int:
    """The number Keras 2 gave the first call of a layer: 1 for networks, whose own making counted as one."""
    config = entry.get("config")
    layers = config.get("layers") if isinstance(config, dict) else config
    if entry["class_name"] not in _NETWORKS or not layers:
        return 0
    row_with_input = layers[0]["class_name"] == "InputLayer" or bool(_missing_input(layers))
    return int(entry["class_name"] != "Sequential" or row_with_input)


def _ends(ends: Any, shifts: dict[str, int]) -> Any:
    """The inputs or outputs of a network; a list of one is that one, as for Keras 2."""
    if isinstance(ends, dict):
        return {key: _ends(value, shifts) for key, value in ends.items()}
    if ends and isinstance(ends[0], str):
        return [name(ends[0]), ends[1] - shifts.get(ends[0], 0), ends[2]]
    return _ends(ends[0], shifts) if len(ends) == 1 else [_ends(each, shifts) for each in ends]


def _named_layers(ends: Any) -> Iterator[str]:
    if isinstance(ends, list) and isinstance(ends[0], str):
        yield ends[0]
        return
    for each in ends.values() if isinstance(ends, dict) else ends:
        yield from _named_layers(each)


def _operations(entry: dict[str, Any], names: set[str], shifts: dict[str, int]) -> list[dict[str, Any]]:
    """The chain of operations that stands for a function of TensorFlow; the last has the function's name."""
    label, function = name(entry["name"]), entry["config"]["function"]
    chains: list[list[Step]] = []
    for node in entry["inbound_nodes"]:
        first, others = read_call(node, names)
        if function == "__operators__.getitem":
            key = others.get("slice_spec")
            if any(isinstance(each, Tensor) for each in all_values(key)):
                raise UntranslatableError(f"tf.{function} with a place computed while it runs")
            chains.append([Step("numpy.GetItem", (first, _key(key if isinstance(key, list) else [key])))])
        else:
            chains.append(translate_call(Call(function, first, others)))
    if len(chains) != 1:
        raise UntranslatableError(f"tf.{function} called {len(chains)} times")
    labels = [f"{label}.{i}" for i in range(len(chains[0]) - 1)] + [label]
    written = []
    for each, step in zip(labels, chains[0], strict=True):
        arguments = [_resolved(argument, labels) for argument in step.arguments]
        written.append({**step.written(each), "inbound_nodes": [written_call(arguments, {}, shifts)]})
    return written


def _resolved(argument: Any, labels: list[str]) -> Any:
    return Tensor(labels[argument.number], 0, 0) if isinstance(argument, Earlier) else argument


def _key(spec: Any) -> Any:
    """The index between brackets as Keras 3 writes it."""
    if isinstance(spec, list):
        return [_key(each) for each in spec]
    if isinstance(spec, dict) and spec.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(spec, dict):
        return {"class_name": "__slice__", "config": {end: spec[end] for end in ("start", "stop", "step")}}
    return spec


def _needed(layers: list[dict[str, Any]], wanted: list[str]) -> set[str]:
    """The names of the wanted layers and of all they go back to."""
    origins = {layer["name"]: set(sources(layer["inbound_nodes"])) for layer in layers}
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        layer = waiting.pop()
        if layer not in found:
            found.add(layer)
            waiting += origins.get(layer, ())
    return found
