from __future__ import annotations

import math

import numpy as np
import pytest

from reportgen.similarity import (
    SKETCH_SIZE,
    centred_products,
    debiased_cka,
    linear_cka,
    relative_change,
    sketch,
)

RANDOM = np.random.default_rng(3)
FEATURES = RANDOM.normal(size=(400, 12)) * RANDOM.uniform(0.2, 3, 12) + 5


def rotation(size: int) -> np.ndarray:
    return np.linalg.qr(RANDOM.normal(size=(size, size)))[0]


@pytest.mark.parametrize(
    "other",
    [FEATURES, FEATURES @ rotation(12), FEATURES * -7.5, FEATURES[:, ::-1] + 100, FEATURES @ rotation(12) * 1e-3],
    ids=["itself", "rotated", "scaled", "permuted and shifted", "rotated and scaled"],
)
def test_features_that_are_the_same_but_for_rotation_and_scale(other: np.ndarray) -> None:
    assert linear_cka(FEATURES, other) == pytest.approx(1)
    assert debiased_cka(centred_products(FEATURES), centred_products(other)) == pytest.approx(1)


def test_independent_features_have_little_in_common() -> None:
    other = RANDOM.normal(size=(400, 30))
    plain = linear_cka(FEATURES, other)
    debiased = debiased_cka(centred_products(FEATURES), centred_products(other))
    assert plain is not None
    assert plain < 0.2
    assert debiased is not None
    assert debiased < 0.1


def test_many_features_of_few_images_are_not_taken_for_alike() -> None:
    one, two = RANDOM.normal(size=(2, 24, 2000))
    plain, debiased = linear_cka(one, two), debiased_cka(centred_products(one), centred_products(two))
    assert plain is not None
    assert plain > 0.8
    assert debiased is not None
    assert debiased < 0.2


def test_half_of_the_features_shared() -> None:
    shared, mine, theirs = RANDOM.normal(size=(3, 2000, 6))
    alike = linear_cka(np.hstack([shared, mine]), np.hstack([shared, theirs]))
    assert alike == pytest.approx(0.5, abs=0.05)


def test_products_of_some_images_are_those_of_their_features() -> None:
    some = [3, 8, 21, 34, 77, 120]
    other = FEATURES @ RANDOM.normal(size=(12, 5))
    direct = debiased_cka(centred_products(FEATURES[some]), centred_products(other[some]))
    cut = [centred_products(side)[np.ix_(some, some)] for side in (FEATURES, other)]
    assert debiased_cka(*cut) == pytest.approx(direct)


def test_nothing_is_said_of_features_that_do_not_vary_and_of_few_images() -> None:
    assert linear_cka(FEATURES, np.ones((400, 3))) is None
    assert debiased_cka(centred_products(np.ones((9, 3))), centred_products(FEATURES[:9])) is None
    assert debiased_cka(centred_products(FEATURES[:3]), centred_products(FEATURES[:3])) is None
    assert debiased_cka(np.full((5, 5), np.nan), centred_products(FEATURES[:5])) is None
    with pytest.raises(ValueError, match="same images"):
        linear_cka(FEATURES, FEATURES[:9])


def test_few_weights_are_kept_as_they_are() -> None:
    kernel, bias = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([np.nan, 2])
    assert sketch([kernel, bias]) == [0, 1, 2, 3, 4, 5, 0, 2]


@pytest.mark.parametrize("scale", [0.01, 0.5, 2.0])
def test_sketches_lie_as_far_apart_as_the_weights(scale: float) -> None:
    kernel = RANDOM.normal(size=(3, 3, 64, 256)).astype(np.float32)
    moved = kernel + RANDOM.normal(size=kernel.shape) * scale
    assert relative_change(sketch([kernel]), sketch([moved])) == pytest.approx(scale, rel=0.2)
    assert relative_change(sketch([kernel]), sketch([kernel.copy()])) == 0
    assert len(sketch([kernel])) == SKETCH_SIZE


def test_a_sketch_of_many_parts_does_not_depend_on_how_they_are_read() -> None:
    kernel = RANDOM.normal(size=2_200_000)
    assert math.dist(sketch([kernel]), sketch([kernel])) == 0
    apart = relative_change(sketch([kernel]), sketch([kernel * 1.25]))
    assert apart == pytest.approx(0.25, rel=1e-6)  # a sketch is linear


def test_change_against_nothing() -> None:
    assert relative_change([0.0, 0.0], [0.0, 0.0]) == 0
    assert relative_change([0.0], [1.0]) is None
    assert relative_change([1.0, None], [2.0, None]) == 1
    assert relative_change([1.0], [1.0, 2.0]) is None
    assert relative_change(None, [1.0]) is None
