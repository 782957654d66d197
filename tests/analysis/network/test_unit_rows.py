"""Rows over their lengths."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from reportgen.analysis.network.unit_rows import unit_rows

ROWS = np.random.default_rng(0).normal(size=(13, 700)).astype(np.float32) * np.arange(1, 14, dtype=np.float32)[:, None]
UPSTREAM = np.random.default_rng(1).normal(size=ROWS.shape).astype(np.float32)


def units_and_slopes(function, rows, upstream):
    rows = tf.constant(rows)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        units = function(rows)
    return units.numpy(), tape.gradient(units, rows, tf.constant(upstream)).numpy()


def test_rows_and_gradients_are_those_of_tensorflow():
    expected = units_and_slopes(lambda rows: tf.math.l2_normalize(rows, axis=1), ROWS, UPSTREAM)
    for found, wanted in zip(units_and_slopes(unit_rows, ROWS, UPSTREAM), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("rows", [slice(0, 1), slice(0, 3), slice(4, 9), slice(7, 13)])
def test_a_row_has_the_same_bits_whatever_is_beside_it(rows):
    whole = units_and_slopes(unit_rows, ROWS, UPSTREAM)
    for found, among in zip(units_and_slopes(unit_rows, ROWS[rows], UPSTREAM[rows]), whole, strict=True):
        np.testing.assert_array_equal(found, among[rows])


def test_a_row_of_zeros_stays():
    units, slopes = units_and_slopes(unit_rows, np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal([units, slopes], 0)
