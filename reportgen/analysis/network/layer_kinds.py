"""What kind of layer a layer is: decided here, from the Keras layer, and nowhere else."""

from __future__ import annotations

import keras

from reportgen.facts import LayerKind

_LAYERS = keras.layers

# The first entry that matches counts.
_KINDS: tuple[tuple[LayerKind, tuple[type, ...]], ...] = (
    ("input", (_LAYERS.InputLayer,)),
    (
        "convolution",
        (_LAYERS.Conv2D, _LAYERS.Conv2DTranspose, _LAYERS.DepthwiseConv2D, _LAYERS.SeparableConv2D),
    ),
    ("dense", (_LAYERS.Dense,)),
    (
        "activation",
        (_LAYERS.Activation, _LAYERS.ELU, _LAYERS.LeakyReLU, _LAYERS.PReLU, _LAYERS.ReLU),
    ),
    ("softmax", (_LAYERS.Softmax,)),
    (
        "normalization",
        (
            _LAYERS.BatchNormalization,
            _LAYERS.GroupNormalization,
            _LAYERS.LayerNormalization,
            _LAYERS.RMSNormalization,
            _LAYERS.UnitNormalization,
        ),
    ),
    (
        "pooling",
        (
            _LAYERS.AveragePooling1D,
            _LAYERS.AveragePooling2D,
            _LAYERS.AveragePooling3D,
            _LAYERS.MaxPooling1D,
            _LAYERS.MaxPooling2D,
            _LAYERS.MaxPooling3D,
        ),
    ),
    (
        "global pooling",
        (
            _LAYERS.GlobalAveragePooling1D,
            _LAYERS.GlobalAveragePooling2D,
            _LAYERS.GlobalAveragePooling3D,
            _LAYERS.GlobalMaxPooling1D,
            _LAYERS.GlobalMaxPooling2D,
            _LAYERS.GlobalMaxPooling3D,
        ),
    ),
    (
        "resting",
        (
            _LAYERS.ActivityRegularization,
            _LAYERS.AlphaDropout,
            _LAYERS.Dropout,
            _LAYERS.GaussianDropout,
            _LAYERS.GaussianNoise,
            _LAYERS.Identity,
            _LAYERS.RandomBrightness,
            _LAYERS.RandomContrast,
            _LAYERS.RandomFlip,
            _LAYERS.RandomRotation,
            _LAYERS.RandomTranslation,
            _LAYERS.RandomZoom,
            _LAYERS.SpatialDropout1D,
            _LAYERS.SpatialDropout2D,
            _LAYERS.SpatialDropout3D,
        ),
    ),
    ("rescaling", (_LAYERS.Rescaling, _LAYERS.Normalization)),
    ("padding", (_LAYERS.ZeroPadding1D, _LAYERS.ZeroPadding2D, _LAYERS.ZeroPadding3D)),
    # At rest a random crop is a crop in the middle, or a resizing.
    (
        "cropping",
        (_LAYERS.CenterCrop, _LAYERS.Cropping1D, _LAYERS.Cropping2D, _LAYERS.Cropping3D, _LAYERS.RandomCrop),
    ),
    ("resizing", (_LAYERS.Resizing, _LAYERS.UpSampling1D, _LAYERS.UpSampling2D, _LAYERS.UpSampling3D)),
    ("flattening", (_LAYERS.Flatten,)),
    ("reshaping", (_LAYERS.Permute, _LAYERS.RepeatVector, _LAYERS.Reshape)),
    (
        "merge",
        (
            _LAYERS.Add,
            _LAYERS.Average,
            _LAYERS.Dot,
            _LAYERS.Maximum,
            _LAYERS.Minimum,
            _LAYERS.Multiply,
            _LAYERS.Subtract,
        ),
    ),
    ("concatenation", (_LAYERS.Concatenate,)),
    (
        "attention",
        (_LAYERS.AdditiveAttention, _LAYERS.Attention, _LAYERS.GroupQueryAttention, _LAYERS.MultiHeadAttention),
    ),
)

# Kinds of layers that do nothing but apply a nonlinearity.
ACTIVATIONS: frozenset[LayerKind] = frozenset({"activation", "softmax"})


def kind_of(layer: keras.Layer) -> LayerKind:
    """The kind of `layer`, "other" for custom layers and what images rarely meet."""
    return next((kind for kind, types in _KINDS if isinstance(layer, types)), "other")
