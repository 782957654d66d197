"""The architectures of `keras.applications`: their names, how they want pixels, how to know one again."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass

import keras

from reportgen.errors import UsageError


@dataclass(frozen=True)
class Family:
    """Architectures that want pixels in the same way, where they do not rescale them themselves.

    A network is taken for one of the family only if its whole name matches `name` and all of `layers` are
    among its layers' names: others rebuild these architectures, and may have trained them otherwise.
    """

    module: str
    mode: str
    name: str
    layers: tuple[str, ...]


FAMILIES = (
    Family("vgg16", "caffe", r"vgg16", ("block1_conv1", "block3_conv3", "block5_conv3", "block5_pool")),
    Family("vgg19", "caffe", r"vgg19", ("block1_conv1", "block3_conv4", "block5_conv4", "block5_pool")),
    Family("resnet", "caffe", r"resnet(50|101|152)", ("conv1_pad", "conv1_conv", "conv1_bn", "conv5_block3_out")),
    Family(
        "resnet_v2", "tf", r"resnet(50|101|152)v2", ("conv1_pad", "conv1_conv", "conv2_block1_preact_bn", "post_bn")
    ),
    Family("mobilenet", "tf", r"mobilenet_\d\.\d\d_\w+", ("conv1", "conv1_bn", "conv_dw_1", "conv_pw_13")),
    Family("mobilenet_v2", "tf", r"mobilenetv2_\d\.\d\d_\w+", ("Conv1", "bn_Conv1", "expanded_conv_depthwise")),
    Family("densenet", "torch", r"densenet(121|169|201)", ("conv1_conv", "conv2_block1_1_conv", "pool2_conv")),
    Family("inception_v3", "tf", r"inception_v3", ("mixed0", "mixed5", "mixed9_1", "mixed10")),
    Family("inception_resnet_v2", "tf", r"inception_resnet_v2", ("mixed_5b", "block35_1_mixed", "conv_7b")),
    Family("xception", "tf", r"xception", ("block1_conv1", "block2_sepconv1", "block14_sepconv2")),
    Family("nasnet", "tf", r"nasnet\w*", ("stem_conv1", "stem_bn1", "separable_conv_1_bn_normal_left1_0")),
)


def architectures() -> dict[str, Callable[..., keras.Model]]:
    """Every architecture of the installed Keras, by its public name."""
    return {
        name: value for name, value in sorted(vars(keras.applications).items()) if name[0].isupper() and callable(value)
    }


def find_architecture(name: str) -> str:
    """The public name of the architecture called `name`, whatever its case.

    Raises:
        UsageError: there is none; the nearest names are given.
    """
    by_lower = {known.lower(): known for known in architectures()}
    if name.lower() in by_lower:
        return by_lower[name.lower()]
    near = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)
    hint = f"the nearest are {', '.join(by_lower[key] for key in near)}" if near else "see keras.applications"
    raise UsageError(
        f"keras:{name}: expected an architecture of keras.applications, there is none of this name; {hint}"
    )


def family_of_architecture(name: str) -> Family | None:
    """The family of an architecture given by its public name; None for those that rescale pixels inside."""
    module = architectures()[name].__module__.rpartition(".")[2]
    return next((family for family in FAMILIES if family.module == module), None)


def recognize(model: keras.Model) -> Family | None:
    """The family `model` surely belongs to by its name and its layers' names, as Keras gives them; else None."""
    names = {layer.name for layer in model.layers}
    for family in FAMILIES:
        if re.fullmatch(family.name, model.name, re.IGNORECASE) and names.issuperset(family.layers):
            return family
    return None
