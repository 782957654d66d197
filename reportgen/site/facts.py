"""What is known of a network, a layer, a channel or an image, as names and words."""

from __future__ import annotations

import re

from reportgen.facts import Shape
from reportgen.formats import TIMES, byte_count, count, counted, is_open, number, percent, shape, short_count, size
from reportgen.record import (
    Activations,
    ChannelActivation,
    Image,
    Layer,
    Maximization,
    MeasuredPreprocessing,
    Model,
    ModelInput,
    Provenance,
    Unit,
    Weights,
)
from reportgen.record.objectives import objective_words

Facts = tuple[tuple[str, str], ...]

# Sides of kernels and strides, as in "3x3".
_SIDES = re.compile(r"(?<=\d)x(?=\d)")

_ORIGINS = {
    "flag": "as asked for",
    "application": "the application's own",
    "inside": "the network rescales inside",
    "fallback": "assumed, since nothing says what the network was trained with",
}
_FITS = {"squash": "squashed", "crop": "cropped in the middle", "pad": "padded"}


def key_facts(model: Model) -> Facts:
    """The size of a network at a glance: what is counted, and how much of it."""
    return (
        ("parameters", short_count(model.parameter_count)),
        ("multiply-accumulates an image", "" if model.mac_count is None else short_count(model.mac_count)),
        ("layers", count(model.layer_count)),
        ("input, the network takes any" if takes_any_size(model) else "input", fed_shape(model)),
        ("output", shape(model.output_shape)),
    )


def _image_shape(model: Model) -> Shape | list[Shape]:
    """The shape of the input that takes the images, of several."""
    inputs = model.inputs or []
    return next((one.shape for one in inputs if one.given == "image" and len(inputs) > 1), model.input_shape)


def takes_any_size(model: Model) -> bool:
    """Whether the network leaves the size of the images open."""
    return is_open(_image_shape(model))


def fed_shape(model: Model) -> str:
    """The shape of the network's input, with this report's size where it takes any."""
    if model.latent is not None:
        return shape(model.input_shape)
    if not takes_any_size(model):
        return shape(_image_shape(model))
    return size([*model.preprocessing.size, model.preprocessing.channels])


def model_facts(model: Model) -> Facts:
    """All else there is to know of a network."""
    return (
        ("Parameters", count(model.parameter_count)),
        ("Trainable parameters", count(model.trainable_parameter_count)),
        ("Multiply-accumulates", "" if model.mac_count is None else count(model.mac_count)),
        ("Memory of all outputs", "" if model.memory_bytes is None else byte_count(model.memory_bytes)),
        ("Answer", "" if model.outputs else model.head.note or ""),
        ("Source", model.source),
        ("SHA-256", model.sha256 or ""),
    )


def preprocessing_words(model: Model) -> str:
    """How photographs were fitted and scaled, in sentences."""
    preprocessing = model.preprocessing
    if model.latent is not None:
        return preprocessing.description
    low_high = preprocessing.value_range
    values = "" if low_high is None else f", values {number(low_high[0])} to {number(low_high[1])}"
    fitted = _FITS.get(preprocessing.resize, preprocessing.resize)
    return (
        f"Images are {fitted} to {size(preprocessing.size)} pixels ({preprocessing.interpolation}). "
        f"{preprocessing.description.rstrip('.')}. Preprocessing {preprocessing.mode}{values}: "
        f"{_ORIGINS[preprocessing.origin]}.{_measured_words(preprocessing.measured)}"
    )


def _measured_words(measured: MeasuredPreprocessing | None) -> str:
    """What was measured to reach the first layer with a kernel, as a further sentence."""
    if measured is None:
        return ""
    if measured.total is None:
        return f" What reaches the first layer with a kernel is not known: {measured.note}."
    layer = f" {measured.layer}" if measured.layer else ""
    alone = measured.inside is not None and measured.inside.words != measured.total.words
    inside = f" (by the network alone: {measured.inside.words})" if measured.inside is not None and alone else ""
    return f" What reaches its first layer with a kernel{layer}, measured: {measured.total.words}{inside}."


def input_words(model: Model) -> str:
    """What the network's other inputs were held at, as a sentence; nothing where it has one input."""
    inputs = model.inputs or []
    if len(inputs) < 2:
        return ""
    images = next((one.name for one in inputs if one.given == "image"), "")
    others = [one for one in inputs if one.given != "image"]
    held = [f"{one.name} ({shape(one.shape)}) at {one.given}" for one in others if not _has_values_of_images(one)]
    varied = [
        f"{one.name} ({shape(one.shape)}) got the value that {one.given} has for each image"
        for one in others
        if _has_values_of_images(one)
    ]
    words = [f"held were {', '.join(held)}"] if held else []
    return (
        f" The network has {count(len(inputs))} inputs: the images went into {images}; {'; '.join([*words, *varied])}."
    )


def _has_values_of_images(one: ModelInput) -> bool:
    """Whether an input had a value for each image, from a table."""
    return one.given.lower().endswith(".csv")


def provenance_facts(provenance: Provenance) -> Facts:
    """What to know to make the report again; settings that were left alone are in the record."""
    versions = ", ".join(f"{name} {version}" for name, version in provenance.versions.items())
    return (("Seed", str(provenance.seed)), ("Versions", versions), ("Made", provenance.created or ""))


def layer_facts(layer: Layer) -> Facts:
    """What a layer is."""
    field = layer.receptive_field
    seen = (
        f"{size(field.size)} pixels, every {number(field.stride[0])}"
        + (f" and {number(field.stride[1])}" if field.stride[0] != field.stride[1] else "")
        if field is not None
        else layer.receptive_field_note or ""
    )
    own = (
        ("Output", shape(layer.output_shape)),
        ("Here", shape(layer.actual_shape) if is_open(layer.output_shape) else ""),
        ("Parameters", count(layer.parameter_count)),
        ("Multiply-accumulates", "" if layer.mac_count is None else count(layer.mac_count)),
        ("Memory of its output", "" if layer.memory_bytes is None else byte_count(layer.memory_bytes)),
        ("Receptive field", seen),
        ("Block", layer.block or ""),
    )
    return (*own, *((name.capitalize(), _SIDES.sub(TIMES, value)) for name, value in layer.details.items()))


def weight_facts(weights: Weights | None) -> Facts:
    """Statistics of a kernel."""
    if weights is None:
        return ()
    return (
        ("Kernel", size(weights.kernel_shape)),
        ("Bias", "none" if weights.bias_shape is None else size(weights.bias_shape)),
        ("Range", _span(weights.min, weights.max)),
        ("Mean and deviation", f"{number(weights.mean)} ± {number(weights.std)}"),
        ("Zeros", percent(weights.zero_fraction)),
        ("Dead filters", count(len(weights.dead_filters))),
    )


def activation_facts(activations: Activations | None) -> Facts:
    """Statistics of a layer's output."""
    if activations is None:
        return ()
    return (
        ("Range", _span(activations.min, activations.max)),
        ("Mean and deviation", f"{number(activations.mean)} ± {number(activations.std)}"),
        ("Zeros", percent(activations.zero_fraction)),
        ("Channels dead on these images", count(len(activations.dead_channels))),
    )


def unit_facts(unit: Unit) -> Facts:
    """Statistics of a channel."""
    activation: ChannelActivation = unit.activation
    return (
        ("Fires on", "" if unit.firing_rate is None else f"{percent(unit.firing_rate)} of the images"),
        ("Range", _span(activation.min, activation.max)),
        ("Mean and deviation", f"{number(activation.mean)} ± {number(activation.std)}"),
        ("Zeros", percent(activation.zero_fraction)),
    )


def maximization_facts(shown: Maximization) -> Facts:
    """How a maximised image was made and how far it can be trusted."""
    words = objective_words(shown.objective)
    return (
        ("Made for", f"{shown.objective}, seed {shown.seed}"),
        ("Activation", number(shown.activation)),
        (words.furthest, number(shown.dataset_max)),
        ("Rank in its layer" if words.is_channel else "Rank", "" if shown.rank is None else ordinal(shown.rank)),
        ("Preset", f"{shown.preset}, {counted(shown.steps, 'step')}"),
        ("Canvas", f"{size(shown.canvas)} pixels"),
    )


def trust_words(shown: Maximization) -> str:
    """How a maximised image compares with the images, in a few words."""
    if shown.objective in ("value", "value down", "nearest"):
        if shown.dataset_max is None:
            return ""
        end = "at least" if shown.objective == "value down" else "at most"
        return f"{number(shown.activation)}, images {end} {number(shown.dataset_max)}"
    if shown.activation is None or shown.dataset_max is None or shown.dataset_max <= 0:
        return ""
    words = f"{shown.activation / shown.dataset_max:.2f}{TIMES}the best image"
    return words if shown.rank is None else f"{words}, rank {shown.rank + 1}"


def image_facts(image: Image) -> Facts:
    """What an image file is."""
    return (
        ("Right class", image.truth or ""),
        # A vector is kept as an image of one position.
        ("Size", f"{size((image.width, image.height))} pixels" if image.width * image.height > 1 else ""),
        ("SHA-256", image.sha256),
    )


def ordinal(rank: int) -> str:
    """A place counted from zero, in words.

    >>> ordinal(0), ordinal(11)
    ('first', 'place 12')
    """
    return "first" if rank == 0 else f"place {rank + 1}"


def _span(low: float | None, high: float | None) -> str:
    return f"{number(low)} to {number(high)}"
