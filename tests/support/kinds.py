"""Kinds of layers by the names of Keras' classes, for summaries made by hand."""

from __future__ import annotations

import keras

from reportgen.analysis.network.layer_kinds import kind_of
from reportgen.facts import LayerKind


def kind_named(name: str) -> LayerKind:
    """The kind of the layers of class `name`."""
    layer_type = getattr(keras.layers, name, keras.layers.Layer)
    return kind_of(object.__new__(layer_type))
