"""Make a `Network` of what the user named."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from reportgen.config import FOLDERS, Config
from reportgen.errors import ReportgenError, UsageError, one_line
from reportgen.machine.memory import keep_freed_memory
from reportgen.models.applications import family_of_architecture, find_architecture
from reportgen.models.files import HUB, load_file, load_from_hub
from reportgen.models.inputs import (
    DEFAULT_SIZE,
    InputSlot,
    find_image_slot,
    held_words,
    input_slots,
    other_values,
    resolve_open_size,
    resolve_size,
    takes_channels_first,
)
from reportgen.models.labels import imagenet_labels, odd_names, read_labels
from reportgen.models.latent import find_latent_slot
from reportgen.models.losses import Losses, losses_in_file, losses_of_model
from reportgen.models.network import LabelsOrigin, Network, model_digest
from reportgen.models.preprocessing import choose_preprocessing, make_preprocessing
from reportgen.models.sources import (
    build_application,
    call_python,
    collecting_warnings,
    custom_objects,
    keeping_output_off,
)
from reportgen.models.weighing import bounded_parameters, check_outputs
from reportgen.opening import open_regular

# Names Keras makes up, which say nothing of the network.
_MADE_UP_NAME = re.compile(r"(sequential|functional|model)(_\d+)?")


@dataclass(frozen=True, eq=False)
class _Source:
    """A model, what to call it, and what is known of its origin."""

    model: keras.Model
    name: str
    source: str
    sha256: str | None = None
    architecture: str | None = None  # the public name in keras.applications
    own: bool = True  # made here, so that it may be built here
    losses: Losses = field(default_factory=Losses)


def load_network(config: Config, model: keras.Model | None = None) -> Network:
    """Load the network `config.model` names, or take `model`, with all that can be told without running it.

    How it is fed where nobody says so is settled by `reportgen.analysis.network.feeding.open_network`.

    Raises:
        UsageError: an option that does not fit.
        ReportgenError: what cannot be loaded, or takes no images.
    """
    _check_own(config)
    keep_freed_memory()
    notes: list[str] = []
    with collecting_warnings(notes), bounded_parameters(config.model or "the network"):
        source = _open(config) if model is None else _given(model)
        loaded = _built(source, config)
    slots = input_slots(loaded)
    latent = find_latent_slot(loaded, slots)
    if latent is not None:
        return _generator(config, source, loaded, slots, latent, tuple(notes))
    image = find_image_slot(slots, config.inputs)
    channels_first = takes_channels_first(loaded, image.shape)
    channels, height, width = image.shape[1:4] if channels_first else (image.shape[3], image.shape[1], image.shape[2])
    if height is None or width is None:
        size = resolve_open_size(loaded, slots, image, config.size, channels_first)
    elif config.size and not getattr(loaded, "inputs", None):
        # A subclassed network was called with some size once, which need not be the only one it takes.
        size = config.size
    else:
        size = resolve_size(height, width, config.size)
    channels = channels or 3
    check_outputs(loaded, source.name, size, channels)
    family = family_of_architecture(source.architecture) if source.architecture else None
    labels, origin, named, label_notes = _labels(config, source)
    return Network(
        model=loaded,
        name=source.name,
        source=source.source,
        sha256=source.sha256 or model_digest(loaded),
        preprocessing=choose_preprocessing(
            config.preprocess,
            channels,
            family_mode=family.mode if family else None,
            family_name=source.architecture,
        ),
        size=size,
        channels=channels,
        labels=labels,
        labels_origin=origin,
        image_input=image.name,
        other_inputs=other_values(slots, image, config.inputs),
        held=held_words(slots, image, config.inputs),
        channels_first=channels_first,
        input_slots=slots,
        notes=tuple(notes),
        output_labels=named,
        label_notes=label_notes,
        losses=source.losses,
        is_application=source.architecture is not None and config.top,
    )


def _generator(
    config: Config, source: _Source, loaded: keras.Model, slots: Any, latent: InputSlot, notes: tuple[str, ...]
) -> Network:
    """A network that takes a vector: it is fed as an image of one position, which has as many channels."""
    length = int(latent.shape[-1] or 0)
    as_it_is = make_preprocessing("none", length, "flag")
    others = {name: value for name, value in config.inputs.items() if name not in ("", latent.name)}
    return Network(
        model=loaded,
        name=source.name,
        source=source.source,
        sha256=source.sha256 or model_digest(loaded),
        preprocessing=replace(as_it_is, description="The vector goes in as it is.", value_range=None),
        size=(1, 1),
        channels=length,
        labels=None,
        labels_origin="none",
        image_input=latent.name,
        other_inputs=other_values(slots, latent, others),
        input_slots=slots,
        notes=notes,
        latent=True,
    )


def _open(config: Config) -> _Source:
    """Load what `config.model` names."""
    kind, colon, rest = config.model.partition(":")
    if colon and kind == "keras":
        name = find_architecture(rest)
        model = build_application(name, weights=config.weights, top=config.top, size=config.size)
        weights = config.weights if config.weights in ("imagenet", "none") else Path(config.weights).name
        head = "" if config.top else ", without its head"
        return _Source(model, name, f"keras:{name}, weights {weights}{head}", architecture=name)
    objects = custom_objects(config.custom_objects)
    if colon and kind == "python":
        with keras.saving.custom_object_scope(objects):
            model = call_python(config.model)
        return _Source(model, _name(model, rest.rpartition(":")[2]), config.model, losses=losses_of_model(model))
    if not config.model:
        raise ReportgenError(
            "expected a network: a .keras or .h5 file, keras:NAME, hf://owner/name or python:module:callable"
        )
    if config.model.startswith(HUB):
        model = load_from_hub(config.model, objects)
        return _Source(model, _name(model, config.model.rpartition("/")[2]), config.model)
    path = Path(config.model)
    model = load_file(path, objects)
    return _Source(model, _name(model, path.stem), path.name, sha256=_file_digest(path), losses=losses_in_file(path))


def _check_own(config: Config) -> None:
    """Refuse options on weights and head for a network that has its own: they would do nothing."""
    option = "--no-top" if not config.top else "--weights" if config.weights != "imagenet" else None
    if option is not None and not config.model.startswith("keras:"):
        whose = one_line(config.model, 60) or "the network given"
        raise UsageError(f"{option}: expected it beside keras:NAME; {whose} has weights and a head of its own")


def _given(model: Any) -> _Source:
    if not isinstance(model, keras.Model):
        raise ReportgenError(f"expected a keras.Model or the name of one, got {type(model).__name__}")
    name = _name(model, type(model).__name__)
    return _Source(model, name, "a keras.Model given from Python", own=False, losses=losses_of_model(model))


def _name(model: keras.Model, otherwise: str) -> str:
    return otherwise if _MADE_UP_NAME.fullmatch(model.name) else str(model.name)


def _file_digest(path: Path) -> str:
    with open_regular(path, "network") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _built(source: _Source, config: Config) -> keras.Model:
    """The model, built by running it once on an empty image if nobody did so before.

    A model of the user's is not built in place: what is built is a copy, with the weights of the layers that
    already have some, such as the base of a transfer that was never run.
    """
    model = source.model
    if model.built and input_slots(model) is not None:
        return model
    height, width, channels = _first_shape(model, config)
    try:
        if not source.own:
            model = type(model).from_config(model.get_config())
        with keeping_output_off():
            model(np.zeros((1, height, width, channels), np.float32))
        _take_weights(model, source.model)
    except (ValueError, TypeError, NotImplementedError, AttributeError) as error:
        line = " ".join(str(error).split())[:200]
        raise ReportgenError(
            f"{source.name}: the network was never built, and calling it on an image of {height}x{width}x{channels} "
            f"failed ({line}); give it an Input layer, or call it once on an image of the right size"
        ) from error
    return model


def _first_shape(model: keras.Model, config: Config) -> tuple[int, int, int]:
    """Height, width and channels to call an unbuilt model with: those its first inner network is fixed to, if any."""
    height, width = config.size or DEFAULT_SIZE
    for layer in model.layers:
        shape = layer.input_shape if isinstance(layer, keras.Model) and layer.built else None
        if isinstance(shape, tuple) and len(shape) == 4:
            return shape[1] or height, shape[2] or width, shape[3] or 3
    return height, width, 3


def _take_weights(model: keras.Model, other: keras.Model) -> None:
    """Give the layers of `model` the weights of their counterparts in `other`, as far as these have any."""
    if model is other:
        return
    for layer, counterpart in zip(model.layers, other.layers, strict=True):
        if counterpart.weights:
            layer.set_weights(counterpart.get_weights())
            if isinstance(counterpart, keras.layers.Normalization):
                layer.finalize_state()


def _labels(
    config: Config, source: _Source
) -> tuple[tuple[str, ...] | None, LabelsOrigin, dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Names for whatever output they fit, where they come from, names of outputs by name, and what is odd there.

    Names that are the images' folders are none yet: nobody has looked at the images.
    """
    given: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    for output, item in config.labels.items():
        if item == FOLDERS:
            continue
        names, odd = (item, odd_names(item)) if isinstance(item, tuple) else read_labels(Path(item))
        given[output] = names
        notes += odd
    own = given.pop("", None)
    if own is not None:
        return own, "list" if isinstance(config.labels[""], tuple) else "file", given, tuple(notes)
    if source.architecture and config.top and config.weights == "imagenet" and "" not in config.labels:
        labels = imagenet_labels()
        if labels is not None:
            return labels, "application", given, tuple(notes)
    return None, "none", given, tuple(notes)
