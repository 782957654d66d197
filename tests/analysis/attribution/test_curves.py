"""Deletion and insertion where the right order is known."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.attribution import Curve, Faithfulness, TracedCall, check_faithfulness, output_value
from reportgen.analysis.attribution import curves as curves_module
from reportgen.analysis.attribution.checks import averaged
from reportgen.analysis.attribution.curves import CELLS, STEPS, Disturbed, blur, enlarged, pixel_order, ranked
from reportgen.config import Config
from reportgen.models import Network, load_network

SIDE = 7


def _sum_network(side: int = SIDE) -> Network:
    """The sum of all values, in units of 255."""
    model = keras.Sequential([keras.Input((side, side, 1)), layers.Flatten(), layers.Dense(1, name="sum")])
    model.set_weights([np.ones((side * side, 1), np.float32), np.zeros(1)])
    return load_network(Config(preprocess="unit"), model)


def _image(side: int = SIDE) -> np.ndarray:
    values = np.random.default_rng(0).permutation(np.linspace(80, 255, side * side))
    return values.reshape(side, side, 1).astype(np.uint8)


def test_deletion_of_a_perfect_map_is_the_lowest_possible() -> None:
    traced, image, target = TracedCall(_sum_network()), _image(), output_value(1, 0)
    best = check_faithfulness(traced, image, target, image[..., 0].astype(np.float32))
    values, places = np.sort(image.reshape(-1).astype(np.float64))[::-1], np.arange(image.size)
    states = [
        np.where(places < round(step * image.size / STEPS), 127.5, values).sum() / 255 for step in range(STEPS + 1)
    ]
    assert best.deletion.area == pytest.approx(np.trapezoid(states, dx=1 / STEPS), rel=1e-5)
    random = np.random.default_rng(1)
    for _ in range(20):
        other = check_faithfulness(traced, image, target, random.random((SIDE, SIDE)).astype(np.float32))
        assert other.deletion.area > best.deletion.area
    worst = check_faithfulness(traced, image, target, -image[..., 0].astype(np.float32))
    assert worst.gain < -0.2 < 0.2 < best.gain
    assert best.score == pytest.approx(image.sum() / 255, rel=1e-5)
    assert best.deleted == pytest.approx(SIDE * SIDE / 2, rel=1e-5)


def test_random_orders_come_from_the_seed() -> None:
    traced, image, target = TracedCall(_sum_network()), _image(), output_value(1, 0)
    values = image[..., 0].astype(np.float32)
    one, same, other = (check_faithfulness(traced, image, target, values, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one.deletion.area == pytest.approx(other.deletion.area)
    assert one.deletion.random != other.deletion.random


def test_an_answer_that_never_changes_gains_nothing() -> None:
    level = Curve(0.5, 0.5)
    assert Faithfulness(level, level, score=0.5, deleted=0.5, blurred=0.5, span=0.0).gain == 0


def test_equal_pixels_are_ordered_at_random_not_by_row() -> None:
    order = pixel_order(np.zeros((4, 4), np.float32), (20, 20), np.random.default_rng(0))
    assert sorted(order) == list(range(400))
    assert abs(np.corrcoef(order, np.arange(400))[0, 1]) < 0.2
    values = np.zeros((2, 2), np.float32)
    values[1, 1] = 1
    assert (pixel_order(values, (20, 20), np.random.default_rng(0))[:25] // 20 >= 10).all()


def test_the_blur_is_a_gaussian_of_five_pixels_at_224() -> None:
    image = np.zeros((112, 224, 1), np.float32)
    image[50, 100] = 1000
    down, right = np.arange(112) - 50, np.arange(224) - 100
    bell = np.exp(-0.5 * ((down[:, None] / 2.5) ** 2 + (right / 5) ** 2)) / (2 * np.pi * 2.5 * 5)
    np.testing.assert_allclose(blur(image)[..., 0], 1000 * bell, atol=0.01)
    level = np.full((20, 30, 3), 77, np.float32)
    np.testing.assert_allclose(blur(level), level, rtol=1e-6)


def test_maps_are_enlarged_between_the_centres_of_cells() -> None:
    large = enlarged(np.array([[0, 1]], np.float32), (1, 4))
    np.testing.assert_allclose(large, [[0, 0.25, 0.75, 1]])


def test_a_fine_map_is_judged_by_its_cells() -> None:
    network, image, target = _sum_network(4 * SIDE), _image(4 * SIDE), output_value(1, 0)
    fine = np.random.default_rng(1).random((4 * SIDE, 4 * SIDE)).astype(np.float32)
    coarse = averaged(fine, (CELLS, CELLS)).astype(np.float32)
    assert check_faithfulness(TracedCall(network), image, target, fine) == check_faithfulness(
        TracedCall(network), image, target, coarse
    )


def test_cells_are_ranked_equal_ones_at_random() -> None:
    cells = np.array([[5, 1], [1, 9]], np.float32)
    seen = {tuple(ranked(cells, np.random.default_rng(seed)).reshape(-1)) for seed in range(20)}
    assert seen == {(2, 0, 1, 3), (2, 1, 0, 3)}


def test_a_map_gains_what_its_opposite_loses_and_a_random_one_nothing_on_average() -> None:
    traced, image, target = TracedCall(_sum_network()), _image(), output_value(1, 0)
    disturbed, random = Disturbed(traced, image.astype(np.float32), [target]), np.random.default_rng(2)
    gains = []
    for _ in range(100):
        values = random.permutation(SIDE * SIDE).reshape(SIDE, SIDE).astype(np.float32)
        one, opposite = (
            check_faithfulness(traced, image, target, each, disturbed=disturbed) for each in (values, -values)
        )
        assert one.gain == pytest.approx(-opposite.gain, abs=1e-4)
        gains.append(one.gain)
    assert abs(np.mean(gains)) < 4 * np.std(gains) / np.sqrt(len(gains))


def test_random_orders_change_a_sum_evenly() -> None:
    traced, image, target = TracedCall(_sum_network()), _image(), output_value(1, 0)
    disturbed = Disturbed(traced, image.astype(np.float32), [target])
    whole, grey = image.sum() / 255, SIDE * SIDE / 2
    for way, ends in ((("whole", "mean"), (whole, whole)), (("whole", "grey"), (whole, grey))):
        area = disturbed.random_area(way, (SIDE, SIDE), target)
        assert area == pytest.approx(sum(ends) / 2, rel=0.05)
        assert disturbed.random_area(way[::-1], (SIDE, SIDE), target) == pytest.approx(area, rel=0.05)


def test_what_does_not_depend_on_a_map_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = keras.Sequential([keras.Input((SIDE, SIDE, 1)), layers.Flatten(), layers.Dense(2)])
    model.set_weights([np.random.default_rng(0).random((SIDE * SIDE, 2), np.float32), np.zeros(2)])
    traced, image = TracedCall(load_network(Config(preprocess="unit"), model)), _image()
    targets, random = [output_value(2, 0), output_value(2, 1)], np.random.default_rng(3)
    maps = [random.random((SIDE, SIDE)).astype(np.float32) for _ in range(4)]
    asked = [(target, values) for target in targets for values in maps[:2]]
    alone = [check_faithfulness(traced, image, target, values) for target, values in asked]
    counts = []
    score = curves_module.score_images
    monkeypatch.setattr(curves_module, "score_images", lambda *given: (counts.append(len(given[1])), score(*given))[1])
    disturbed = Disturbed(traced, image.astype(np.float32), targets)
    assert [check_faithfulness(traced, image, *each, disturbed=disturbed) for each in asked] == alone
    assert counts[0] == 4  # the image and what it is disturbed to
    of_random = len(curves_module._RANDOM_STEPS)
    assert 2 <= counts.count(of_random) <= 4  # deletion and insertion, each perhaps to another end
    assert counts.count(STEPS - 1) >= 2 * len(asked)
