from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers
from support import zoo
from support.ascents import as_network, maximize_layer, small_network
from support.networks import seeded, two_convolutions
from support.settled import settled_output

from reportgen.analysis.maximization import (
    CLASSIC,
    CRISP,
    PRESETS,
    AnswerGoals,
    chosen_preset,
    layer_ascents,
    maximize,
)
from reportgen.analysis.maximization.answer_goals import with_extremes
from reportgen.analysis.maximization.judging import rank_of
from reportgen.analysis.maximization.presets import for_answers
from reportgen.analysis.maximization.subjects import Goal, OutputNumbers, response_function
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.analysis.network.layers import summarize_network
from reportgen.config import Config
from reportgen.files.cache import Cache

QUICK = replace(CRISP, steps=8, check_every=4, rival_steps=0, second_seeds=0, restarts=1)


@pytest.fixture(scope="module")
def network():
    return small_network()


@pytest.fixture(scope="module")
def summary(network):
    return summarize_network(network)


@pytest.fixture(scope="module")
def dataset_max(network):
    pixels = np.random.default_rng(5).integers(0, 256, (4, 16, 16, 3), np.uint8)
    return {layer: response_function(TracedPasses(network), layer)(pixels).max(axis=0) for layer in ("conv1", "conv2")}


def same(one, other):
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        for name in first.__dataclass_fields__:
            if name == "pixels":
                np.testing.assert_array_equal(first.pixels, second.pixels)
            else:
                assert getattr(first, name) == getattr(second, name), name


def test_each_picture_comes_with_what_it_really_does(network, summary, dataset_max):
    plan = {"conv1": (5, 1), "conv2": (3, 5)}
    preset = replace(QUICK, steps=16)
    pictures, left_out = maximize(TracedPasses(network), summary, plan, preset, dataset_max=dataset_max, seed=3)
    assert left_out == []
    assert [(picture.layer, picture.channel) for picture in pictures] == [
        ("conv1", 5), ("conv1", 1), ("conv2", 3), ("conv2", 5),
    ]  # fmt: skip
    for picture in pictures:
        assert picture.pixels.dtype == np.uint8
        assert picture.pixels.shape == (*picture.canvas, 3)
        responses = response_function(TracedPasses(network), picture.layer)(picture.pixels[None])[0]
        assert picture.activation == pytest.approx(responses[picture.channel], rel=1e-5)
        maxima = dataset_max[picture.layer]
        assert picture.dataset_max == pytest.approx(maxima[picture.channel])
        assert picture.rank == rank_of(picture.channel, responses, maxima)
        assert picture.seed == 3
        assert picture.preset == "crisp"
        assert 0 < picture.steps <= 16
        assert [step for step, _ in picture.curve] == list(range(1, len(picture.curve) + 1))


def test_a_channel_that_cannot_be_excited_has_no_picture():
    model = two_convolutions(16)
    kernel, bias = model.get_layer("conv2").get_weights()
    kernel[..., 2] = 0
    bias[2] = -1
    model.get_layer("conv2").set_weights([kernel, bias])
    network = as_network(model, "unit")
    summary = summarize_network(network)
    dead, alive = maximize_layer(network, summary, "conv2", [2, 3], QUICK, dataset_max=np.ones(8, np.float32))
    assert (dead.status, dead.pixels) == ("failed", None)
    assert dead.note.startswith("no image with a gradient was found; 2 starts")
    assert alive.status != "failed"
    assert alive.pixels is not None


def test_an_ascent_without_gradient_starts_again_from_another_seed(network, summary, monkeypatch):
    real = layer_ascents.climb
    starts = []

    def climb(climber, state, goals, preset, **settings):
        climbs = real(climber, state, goals, preset, **settings)
        starts.append([goal.channel for goal in goals])
        if len(starts) == 1:
            climbs[1].flat = True
        return climbs

    monkeypatch.setattr(layer_ascents, "climb", climb)
    pictures = maximize_layer(network, summary, "conv2", [0, 3, 5], QUICK)
    assert starts == [[0, 3, 5], [3]]
    assert [picture.note for picture in pictures] == [None, "2 starts", None]
    assert [picture.status for picture in pictures] == ["weak"] * 3


def test_rivals_are_held_down_until_the_channel_comes_first(network, summary):
    # Channel 3 answers to many pictures, the others hardly: by their own measure they are ahead of it.
    maxima = np.full(8, 0.02, np.float32)
    maxima[3] = 0.3
    without = maximize_layer(
        network, summary, "conv2", [3], replace(QUICK, steps=32, step_size=0.05), dataset_max=maxima
    )
    preset = replace(QUICK, steps=32, rival_steps=96, check_every=8, step_size=0.05)
    (picture,) = maximize_layer(network, summary, "conv2", [3], preset, dataset_max=maxima)
    assert picture.rank < without[0].rank
    assert "held down" in picture.note


def test_a_second_seed_stands_beside_a_weak_first(network, summary):
    preset = replace(QUICK, second_seeds=1)
    # Channel 0 reaches what the images do, 3 and 5 do not.
    maxima = {"conv2": np.full(8, 1e3, np.float32)}
    maxima["conv2"][0] = 1e-3
    pictures, _ = maximize(TracedPasses(network), summary, {"conv2": (0, 3, 5)}, preset, dataset_max=maxima)
    assert [(p.channel, p.seed, p.again) for p in pictures] == [
        (0, 0, False),
        (3, 0, False),
        (3, 1, True),
        (5, 0, False),
    ]
    assert not np.array_equal(pictures[1].pixels, pictures[2].pixels)


def test_what_a_channel_likes_least_leaves_it_at_rest(network, summary, dataset_max):
    preset = replace(QUICK, steps=48, check_every=16)
    config = Config(also=("negative",))
    plan = {"conv2": (3, 5)}
    pictures, _ = maximize(TracedPasses(network), summary, plan, preset, dataset_max=dataset_max, config=config)
    assert [(one.channel, one.objective) for one in pictures] == [
        (3, "channel"), (3, "negative"), (5, "channel"), (5, "negative"),
    ]  # fmt: skip
    outputs = response_function(TracedPasses(network), "conv2")
    noise = np.random.default_rng(0).normal(127, 20, (4, 16, 16, 3)).clip(0, 255).astype(np.uint8)
    for one in pictures[1::2]:
        assert one.activation == pytest.approx(outputs(one.pixels[None])[0][one.channel], abs=1e-5)
        assert one.activation < outputs(noise)[:, one.channel].min()
        assert (one.status == "ok") == (one.activation <= 0.1 * dataset_max["conv2"][one.channel])


def test_three_pictures_of_a_channel_differ_more_than_three_seeds():
    image = keras.Input((16, 16, 3))
    maps = layers.Conv2D(12, 5, activation="relu")(image)
    model = seeded(keras.Model(image, layers.Conv2D(16, 5, name="last")(maps)))
    network = as_network(model, "tf")
    summary = summarize_network(network)
    preset = replace(QUICK, steps=64, check_every=16, patience=0)
    made, _ = maximize(
        TracedPasses(network), summary, {"last": (3,)}, preset, dataset_max={}, config=Config(also=("diversity",))
    )
    assert [one.objective for one in made] == ["channel", "diversity 1", "diversity 2", "diversity 3"]
    seeds = [maximize_layer(network, summary, "last", [3], preset, seed=seed)[0] for seed in (1, 2, 3)]
    assert likeness(model, made[1:]) < likeness(model, seeds) - 0.02
    noise = np.random.default_rng(0).normal(127, 10, (8, 16, 16, 3)).astype(np.float32)
    reached = model(noise / 127.5 - 1).numpy()[..., 3].max()
    assert all(one.activation > reached for one in made)


def likeness(model, pictures):
    """The mean cosine of the Gram matrices of what a network gives, computed with numpy."""
    styles = []
    for one in pictures:
        flat = model(one.pixels[None] / np.float32(127.5) - 1).numpy().reshape(-1, model.output.shape[-1])
        gram = (flat.T @ flat).ravel()
        styles.append(gram / np.linalg.norm(gram))
    pairs = np.stack(styles) @ np.stack(styles).T
    return pairs[np.triu_indices(3, 1)].mean()


def test_classes_are_maximised_by_their_logit(network, summary):
    preset = replace(QUICK, steps=48, check_every=16)
    subject = OutputNumbers(settled_output(), "classes", highest=np.full(4, -9.0, np.float32))
    wanted = AnswerGoals(subject, (Goal(2), Goal(0)))
    pictures, _ = maximize(TracedPasses(network), summary, {}, preset, dataset_max={}, answers=[wanted])
    assert [picture.channel for picture in pictures] == [2, 0]
    for picture in pictures:
        answer = subject.measure(TracedPasses(network))(picture.pixels[None])[0]
        assert picture.activation == pytest.approx(answer[picture.channel], rel=1e-4)
        assert picture.rank == int((answer > answer[picture.channel]).sum())
        assert picture.layer == "classes"
        assert picture.objective == "logit"
        assert picture.canvas == (16, 16)


# --- cache ----------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch):
    """How many pictures were computed, not looked up."""
    computed = []
    real = layer_ascents.LayerAscents.run

    def run(self, items):
        computed.extend((self.subject.key[0], item.channel) for item in items)
        return real(self, items)

    monkeypatch.setattr(layer_ascents.LayerAscents, "run", run)
    return computed


def test_a_second_run_computes_nothing_and_gives_the_same(network, summary, dataset_max, counted, tmp_path):
    plan = {"conv1": (0, 1), "conv2": (0, 3)}
    preset = replace(QUICK, rival_steps=4, second_seeds=1)

    # Out of reach: every picture is weak, and one of each layer is made again.
    beyond = {layer: 1000 * maxima for layer, maxima in dataset_max.items()}

    def run():
        return maximize(TracedPasses(network), summary, plan, preset, dataset_max=beyond, cache=Cache(tmp_path))[0]

    first = run()
    assert len(counted) == 6
    counted.clear()
    same(first, run())
    assert counted == []


def test_a_changed_parameter_computes_only_what_it_touches(network, summary, dataset_max, counted, tmp_path):
    cache = Cache(tmp_path)

    def run(plan, preset=QUICK, maxima=dataset_max, **settings):
        counted.clear()
        maximize(TracedPasses(network), summary, plan, preset, dataset_max=maxima, cache=cache, **settings)
        return sorted(counted)

    assert run({"conv1": (0,), "conv2": (0,)}) == [("conv1", 0), ("conv2", 0)]
    assert run({"conv1": (0, 1), "conv2": (0,)}) == [("conv1", 1)]
    assert run({"conv2": (0,)}, replace(QUICK, steps=4)) == [("conv2", 0)]
    assert run({"conv2": (0,)}, seed=1) == [("conv2", 0)]
    assert run({"conv2": (0,)}, colour_covariance=np.eye(3)) == [("conv2", 0)]
    # Other images change the judgement, not the picture, as long as no rivals are held down by them.
    assert run({"conv2": (0,)}, maxima={"conv2": dataset_max["conv2"] * 2}) == []


def test_other_weights_or_preprocessing_are_another_network(summary, counted, tmp_path):
    for settings in ({"seed": 0}, {"seed": 1}, {"preprocess": "tf"}):
        preprocess = settings.pop("preprocess", "unit")
        network = as_network(two_convolutions(16, **settings), preprocess)
        maximize_layer(network, summary, "conv1", [0], QUICK, cache=Cache(tmp_path))
    assert len(counted) == 3


def test_a_damaged_entry_is_computed_again(network, summary, counted, tmp_path):
    def run():
        return maximize_layer(network, summary, "conv1", [0, 1], QUICK, cache=Cache(tmp_path))

    first = run()
    damaged = sorted(tmp_path.rglob("*.entry"))[0]
    damaged.write_bytes(damaged.read_bytes()[:-7])
    counted.clear()
    second = run()
    assert len(counted) == 1
    # Alone instead of in a batch it is computed with other roundings.
    for one, other in zip(first, second, strict=True):
        assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 1
        assert other.activation == pytest.approx(one.activation, rel=1e-3)


# --- time -----------------------------------------------------------------------------------------


class Ticking:
    """A clock on which every look takes `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.time = 0.0
        self.seconds = seconds

    def __call__(self) -> float:
        self.time += self.seconds
        return self.time


def test_a_time_limit_gives_every_layer_something_and_tells_what_it_left_out(network, summary, dataset_max):
    plan = {"conv1": tuple(range(6)), "conv2": tuple(range(8))}
    pictures, left_out = maximize(
        TracedPasses(network), summary, plan, QUICK, dataset_max=dataset_max, budget=60, now=Ticking(8.0)
    )
    made = {(picture.layer, picture.channel) for picture in pictures}
    assert {layer for layer, _ in made} == {"conv1", "conv2"}
    missing = {(one.layer, channel) for one in left_out for channel in one.channels}
    assert missing
    assert made | missing == {(layer, channel) for layer, channels in plan.items() for channel in channels}
    assert not made & missing
    assert all(one.reason == "the time limit of 1 minute was used up" for one in left_out)


def test_progress_ends_where_it_said_it_would(network, summary, dataset_max):
    told = []
    plan = {"conv1": (0,), "conv2": (0, 1)}
    maximize(
        TracedPasses(network),
        summary,
        plan,
        QUICK,
        dataset_max=dataset_max,
        progress=lambda *what: told.append(what),
        now=Ticking(1.0),
    )
    assert [text.partition(",")[0] for _, _, text in told] == ["conv1", "conv2", ""]
    done = [done for done, _, _ in told]
    assert done == sorted(done)
    assert told[-1][0] == told[-1][1]


# --- settings -------------------------------------------------------------------------------------


def test_every_parameter_of_a_preset_can_be_set():
    config = Config.checked(
        activation_max="crisp", steps=7, canvas="40x50", ascent={"step_size": 0.1, "scale": [0.8, 1.2]}
    )
    preset = chosen_preset(config)
    assert preset == replace(CRISP, steps=7, canvas=(40, 50), step_size=0.1, scale=(0.8, 1.2))
    settable = set(type(config.ascent).model_fields) | {"steps", "canvas"}
    assert settable == set(CRISP.__dataclass_fields__) - {"name"}


def test_pictures_of_answers_have_parameters_of_their_own_unless_they_were_set():
    own = for_answers(CRISP)
    assert own.scale[1] > CRISP.scale[1]
    assert own.spectrum_decay > CRISP.spectrum_decay
    assert for_answers(replace(CRISP, scale=(0.5, 0.6))).scale == (0.5, 0.6)
    assert for_answers(CLASSIC) == CLASSIC
    assert [for_answers(CRISP, mirrors=mirrors).mirror for mirrors in (False, True)] == [False, True]
    assert for_answers(replace(CRISP, mirror=True)).mirror


@pytest.mark.parametrize(("side", "mirrors"), [("left", False), ("top", True)])
def test_pictures_of_classes_hold_mirrored_where_answers_do(side, mirrors, tmp_path, monkeypatch):
    """Of two classes one has the brighter half; where halves are top and bottom, left and right can be exchanged."""
    image = keras.Input((8, 8, 3))
    answer = layers.Dense(2, activation="softmax", name="classes")(layers.Flatten()(image))
    model = keras.Model(image, answer)
    half = np.zeros((8, 8, 3))
    half[(slice(None), slice(4)) if side == "left" else slice(4)] = 1
    kernel = 0.001 * np.stack([half, 1 - half], axis=-1).reshape(-1, 2)
    model.get_layer("classes").set_weights([kernel, np.zeros(2)])
    passes = TracedPasses(as_network(model))
    goals = [AnswerGoals(OutputNumbers(settled_output(size=(2,)), "classes"), (Goal(0),))]
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3)).astype(np.uint8)
    images[:, :4] //= 2
    images[:, :, 4:] //= 2
    cache = Cache(tmp_path)
    (known,) = with_extremes(goals, passes, images, cache)
    monkeypatch.delitem(with_extremes.__globals__, "answer_function")
    (again,) = with_extremes(goals, passes, images, cache)  # without the network
    assert again.subject.mirrors is known.subject.mirrors is mirrors
    for extreme in ("highest", "lowest"):
        np.testing.assert_array_equal(getattr(again.subject, extreme), getattr(known.subject, extreme))
    with pytest.raises(NameError):
        with_extremes(goals, passes, images[1:], cache)  # of other images they are not known
    answers = images.reshape(12, -1).astype(np.float32) @ kernel.astype(np.float32)
    np.testing.assert_allclose(known.subject.highest, answers.max(axis=0), rtol=1e-4)


def pooled(size=48):
    image = keras.Input((size, size, 3))
    maps = layers.Conv2D(6, 5, activation="relu", name="maps")(layers.Rescaling(1 / 255)(image))
    return keras.Model(image, layers.Dense(4, activation="softmax", name="classes")(layers.GlobalMaxPooling2D()(maps)))


def flattened(size=48):
    image = keras.Input((size, size, 3))
    maps = layers.Conv2D(6, 5, activation="relu", name="maps")(layers.Rescaling(1 / 255)(image))
    maps = layers.MaxPooling2D(8)(maps)
    return keras.Model(image, layers.Dense(4, activation="softmax", name="classes")(layers.Flatten()(maps)))


@pytest.mark.parametrize(("model", "shown"), [(pooled, (32, 32)), (flattened, (48, 48))])
def test_a_network_sees_less_of_a_large_canvas_at_once_where_it_runs_on_that(model, shown, monkeypatch):
    network = as_network(seeded(model()))
    seen = []
    real = layer_ascents.make_climber

    def make_climber(passes, objective, frame, *rest, **named):
        seen.append(frame.shown)
        return real(passes, objective, frame, *rest, **named)

    monkeypatch.setattr(layer_ascents, "make_climber", make_climber)
    subject = OutputNumbers(settled_output(), "classes", highest=np.full(4, -9.0, np.float32))
    (picture,), _ = maximize(
        TracedPasses(network),
        summarize_network(network),
        {},
        replace(QUICK, shown=32),
        dataset_max={},
        answers=[AnswerGoals(subject, (Goal(2),))],
    )
    assert seen == [shown]
    assert picture.canvas == (48, 48)
    assert picture.pixels.shape == (48, 48, 3)
    answer = network.model(picture.pixels[None].astype(np.float32)).numpy()[0]
    assert picture.rank == int((answer > answer[2]).sum())


def test_what_is_seen_has_the_form_of_the_canvas():
    preset = replace(CRISP, shown=160)
    assert layer_ascents.shown_of((224, 224), preset) == (160, 160)
    assert layer_ascents.shown_of((224, 448), preset) == (160, 320)
    assert layer_ascents.shown_of((227, 227), preset) == (160, 160)
    assert layer_ascents.shown_of((160, 96), preset) == (160, 96)
    assert layer_ascents.shown_of((161, 161), preset) == (160, 160)
    assert layer_ascents.shown_of((224, 224), CRISP) == (224, 224)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_found_by_name(name):
    assert chosen_preset(Config(activation_max=name)) == PRESETS[name]


# --- networks of all kinds ------------------------------------------------------------------------


def test_a_canvas_the_network_does_not_take_gives_way_to_its_own_size():
    image = keras.Input((32, 32, 3))
    maps = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    halved = layers.MaxPooling2D(4)(maps)
    doubled = layers.UpSampling2D(4)(halved)
    joined = layers.Concatenate(name="joined")([maps, doubled])
    network = as_network(seeded(keras.Model(image, joined)), "unit")
    summary = summarize_network(network)
    (picture,) = maximize_layer(network, summary, "joined", [5], replace(CLASSIC, steps=2, canvas=(30, 30)))
    assert picture.canvas == (32, 32)
    assert "does not run on 30x30" in picture.note


LAYERS_OF_ZOO = 2


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.ZOO)
def test_odd_networks_are_maximised(name):
    network = zoo.open_zoo(name)
    summary = summarize_network(network)
    rows = [row for row in summary.layers if row.is_map and row.type != "InputLayer"] or list(summary.layers[-1:])
    for row in [*rows[:1], *rows[-1:]][:LAYERS_OF_ZOO]:
        channels = row.actual_shape[-1]
        (picture,) = maximize_layer(
            network, summary, row.name, [0], replace(QUICK, steps=2), dataset_max=np.ones(channels, np.float32)
        )
        assert picture.status in ("ok", "weak", "failed")
