from __future__ import annotations

import keras
import tensorflow as tf
from keras import layers
from support import zoo

from reportgen.analysis.network.trace import trace_network


def test_building_inside_a_trace_is_not_taken_for_a_call() -> None:
    model = keras.Sequential([layers.Conv2D(2, 3, name="conv"), layers.GlobalAveragePooling2D(name="pool")])
    trace = trace_network(model, tf.TensorSpec((None, 8, 8, 3)))
    assert [call.name for call in trace.calls] == ["conv", "pool"]


def test_what_a_call_reads_is_followed_through_operations() -> None:
    network = zoo.open_zoo("operations_outside_layers")
    calls = {call.name: call for call in trace_network(network.model, network.input_specs()).calls}
    assert calls["conv"].inputs == ("image",)
    assert calls["conv"].operations == ("RealDiv", "Sub")
    assert calls["pool"].inputs == ("conv",)
    assert set(calls["pool"].operations) == {"Relu", "Sigmoid", "AddV2"}


def test_a_skip_around_a_layer_at_rest_is_told_from_the_way_through_it() -> None:
    network = zoo.open_zoo("augmentation_inside")
    calls = {call.name: call for call in trace_network(network.model, network.input_specs()).calls}
    assert calls["rest"].inputs == ("drop",)
    assert calls["skip"].inputs == ("rest", "drop")
