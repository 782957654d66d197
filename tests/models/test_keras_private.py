from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.models.keras_private import (
    calls_of,
    drawing_nothing,
    has_mask,
    held_layers,
    input_structure,
    layers_below,
    networks_of_any_size,
    origin_of,
)


class Pair(layers.Layer):
    """A custom layer made of two, one of them in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.first = layers.Conv2D(2, 3, name="first")
        self.rest = [layers.Dense(2, name="second")]

    def call(self, inputs):
        return self.rest[0](self.first(inputs))


def test_what_a_custom_layer_holds() -> None:
    assert [layer.name for layer in held_layers(Pair())] == ["first", "second"]
    assert held_layers(layers.Dense(2)) == []


def test_layers_below_a_network_with_and_without_those_inside_others() -> None:
    inner = keras.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(2, 3, name="deep")], name="inner")
    model = keras.Sequential([layers.Input((8, 8, 3)), inner, layers.ReLU(name="relu")])
    assert {"inner", "deep", "relu"} <= {layer.name for layer in layers_below(model)}
    assert "deep" not in {layer.name for layer in layers_below(model, recursive=False)}


def test_a_symbolic_tensor_and_the_call_it_comes_from() -> None:
    image, other = layers.Input((8, 8, 3), name="image"), layers.Input((8, 8, 3), name="other")
    shared = layers.Conv2D(2, 3, name="shared")
    first, second = shared(image), shared(other)
    model = keras.Model({"image": image, "other": other}, [first, second])
    operation, call, output = origin_of(model.outputs[1])
    assert (operation, output) == (shared, 0)
    assert calls_of(shared)[call].input_tensors == [other]
    assert len(calls_of(shared)) == 2
    assert set(input_structure(model)) == {"image", "other"}


def test_only_masked_tensors_have_a_mask() -> None:
    tokens = np.array([[1, 0]])
    assert has_mask(layers.Embedding(3, 2, mask_zero=True)(tokens))
    assert not has_mask(layers.Embedding(3, 2)(tokens))


def test_a_network_takes_another_size_inside_the_block_alone() -> None:
    image = layers.Input((8, 8, 3))
    model = keras.Model(image, layers.GlobalMaxPooling2D()(layers.Conv2D(2, 3)(image)))
    pixels = np.zeros((1, 12, 12, 3), np.float32)
    with networks_of_any_size():
        assert model(pixels).shape == (1, 2)
    with pytest.raises(ValueError, match="incompatible"):
        model(pixels)


def test_layers_still_refuse_what_they_cannot_take() -> None:
    model = keras.Sequential([layers.Input((4,)), layers.Dense(2)])
    with networks_of_any_size(), pytest.raises(ValueError, match="axis"):
        model(np.zeros((1, 5), np.float32))


@keras.saving.register_keras_serializable("private")
class Forgetful(layers.Layer):
    """Writes nothing of its weights into a file."""

    def build(self, shape):
        self.scale = self.add_weight(name="scale", shape=(shape[-1],), initializer="glorot_uniform")

    def call(self, inputs):
        return inputs * self.scale

    def save_own_variables(self, store):
        pass

    def load_own_variables(self, store):
        pass


def test_what_a_file_holds_is_not_drawn_and_what_it_does_not_hold_is(tmp_path, monkeypatch) -> None:
    stack = [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="kept"), Forgetful(name="lost")]
    model = keras.Sequential(stack)
    model.save(tmp_path / "model.keras")
    drawn: list[tuple[int, ...]] = []
    draw = keras.initializers.GlorotUniform.__call__

    def counted(self, shape, dtype=None):
        drawn.append(tuple(shape))
        return draw(self, shape, dtype)

    monkeypatch.setattr(keras.initializers.GlorotUniform, "__call__", counted)
    with drawing_nothing():
        loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert drawn == [(4,)]
    np.testing.assert_array_equal(loaded.get_layer("kept").kernel, model.get_layer("kept").kernel)
    assert np.all(loaded.get_layer("lost").scale)


@keras.saving.register_keras_serializable("private")
class Subclassed(keras.Model):
    """A network without a description of its own."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.pruned = layers.Conv2D(4, 3, name="pruned")

    def call(self, inputs):
        return self.pruned(inputs)


def plain() -> keras.Model:
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="pruned")])


def nested() -> keras.Model:
    image = keras.Input((8, 8, 3))
    return keras.Model(image, layers.ReLU()(plain()(image)))


def trained() -> keras.Model:
    model = plain()
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 8, 8, 3)), np.zeros((4, 6, 6, 4)), epochs=1, verbose=0)
    return model


def subclassed() -> keras.Model:
    model = Subclassed()
    model(np.zeros((1, 8, 8, 3)))
    return model


@pytest.mark.parametrize("make", [plain, nested, trained, subclassed])
@pytest.mark.parametrize("form", ["keras", "h5"])
def test_zeros_of_a_file_stay_zeros(make: Callable[[], keras.Model], form: str, tmp_path) -> None:
    if make is subclassed and form == "h5":
        pytest.skip("HDF5 holds no subclassed networks")
    model = make()
    kernel = next(layer for layer in layers_below(model) if layer.name == "pruned").kernel
    kernel.assign(np.zeros(kernel.shape))
    model.save(tmp_path / f"model.{form}")
    with drawing_nothing():
        loaded = keras.saving.load_model(tmp_path / f"model.{form}", compile=False)
    assert not np.any(next(layer for layer in layers_below(loaded) if layer.name == "pruned").kernel)
