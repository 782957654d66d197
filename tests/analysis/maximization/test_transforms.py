from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from reportgen.analysis.maximization import transforms

IMAGE = np.arange(1, 13, dtype=np.float32).reshape(3, 4)


def applied(transform: transforms.Transform, image: np.ndarray = IMAGE, seed: int = 0, fill: float = 0) -> np.ndarray:
    size = image.shape[0], image.shape[1]
    matrix = transform.draw(np.random.default_rng(seed), size).astype(np.float32)
    result = transforms.resample(tf.constant(image[None, :, :, None]), tf.constant(matrix), transform.size(size), fill)
    return result.numpy()[0, :, :, 0]


def test_pad_adds_a_border_of_the_fill_value():
    expected = np.pad(IMAGE, 2, constant_values=9)
    np.testing.assert_allclose(applied(transforms.pad(2), fill=9), expected)


def test_crop_takes_the_middle_and_puts_a_smaller_image_into_a_border():
    np.testing.assert_allclose(applied(transforms.crop((1, 2))), [[6, 7]])
    np.testing.assert_allclose(applied(transforms.crop((5, 4))), np.pad(IMAGE, [(1, 1), (0, 0)]))


def test_jitter_cuts_out_every_shift_and_no_other():
    expected = {(y, x): IMAGE[y : y + 2, x : x + 3] for y in (0, 1) for x in (0, 1)}
    seen = set()
    for seed in range(40):
        cut = applied(transforms.jitter(1), seed=seed)
        seen |= {shift for shift, wanted in expected.items() if np.array_equal(cut, wanted)}
    assert seen == set(expected)


def test_scale_enlarges_about_the_centre():
    # Twice as large: positions of the result lie half a pixel apart around the centre (1, 1.5).
    columns = np.array([0.75, 1.25, 1.75, 2.25])
    rows = np.array([0.5, 1.0, 1.5])
    expected = 1 + 4 * rows[:, None] + columns[None, :]
    np.testing.assert_allclose(applied(transforms.scale(2, 2)), expected, rtol=1e-6)


def test_reducing_shows_what_lies_outside():
    reduced = applied(transforms.scale(0.5, 0.5), np.ones((3, 3), np.float32), fill=-1)
    np.testing.assert_allclose(reduced, [[-1, -1, -1], [-1, 1, -1], [-1, -1, -1]])


def test_rotate_turns_anticlockwise():
    square = np.arange(9, dtype=np.float32).reshape(3, 3)
    np.testing.assert_allclose(applied(transforms.rotate(90, 90), square), np.rot90(square), atol=1e-5)


def test_compose_does_one_after_the_other_but_resamples_once():
    both = transforms.compose([transforms.pad(1), transforms.rotate(180, 180), transforms.crop((3, 4))])
    np.testing.assert_allclose(applied(both), np.rot90(IMAGE, 2), atol=1e-5)
    shifted = transforms.compose([transforms.pad(2), transforms.jitter(4)])
    assert shifted.size((3, 4)) == (3, 4)
    assert np.all(np.isclose(applied(shifted, seed=3), np.round(applied(shifted, seed=3))))


def test_the_same_seed_gives_the_same_transforms_and_each_draw_another():
    transform = transforms.compose([transforms.jitter(2), transforms.scale(0.9, 1.1), transforms.rotate(-10, 10)])
    one, other = np.random.default_rng(7), np.random.default_rng(7)
    first = [transform.draw(one, (32, 32)) for _ in range(3)]
    second = [transform.draw(other, (32, 32)) for _ in range(3)]
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first[0], first[1])


def test_gradients_are_those_of_the_linear_map():
    transform = transforms.compose([transforms.pad(1), transforms.jitter(1), transforms.rotate(5, 5)])
    matrix = tf.constant(transform.draw(np.random.default_rng(0), (3, 4)).astype(np.float32))
    size = transform.size((3, 4))
    weights = tf.constant(np.random.default_rng(1).normal(size=(1, *size, 1)).astype(np.float32))
    image = tf.constant(IMAGE[None, :, :, None])

    @tf.function
    def gradient(pixels):
        return tf.gradients(tf.reduce_sum(weights * transforms.resample(pixels, matrix, size, 0.0)), pixels)[0]

    got = gradient(image).numpy()
    for y, x in ((0, 0), (1, 2), (2, 3)):
        impulse = np.zeros((1, 3, 4, 1), np.float32)
        impulse[0, y, x, 0] = 1
        expected = tf.reduce_sum(weights * transforms.resample(tf.constant(impulse), matrix, size, 0.0))
        assert got[0, y, x, 0] == pytest.approx(float(expected), abs=1e-6)


def test_images_of_a_batch_keep_to_themselves():
    images = np.random.default_rng(0).uniform(0, 255, (3, 5, 6, 2)).astype(np.float32)
    matrix = tf.constant(transforms.rotate(8, 8).draw(np.random.default_rng(0), (5, 6)).astype(np.float32))
    together = transforms.resample(tf.constant(images), matrix, (5, 6), 127.0).numpy()
    for i in range(3):
        alone = transforms.resample(tf.constant(images[i : i + 1]), matrix, (5, 6), 127.0).numpy()
        np.testing.assert_allclose(together[i], alone[0], rtol=1e-6)


def test_left_and_right_are_exchanged_every_other_time():
    generator, mirror = np.random.default_rng(0), transforms.mirror()
    drawn = [mirror.draw(generator, IMAGE.shape) for _ in range(200)]
    turned = [matrix[1, 1] < 0 for matrix in drawn]
    assert 60 < sum(turned) < 140
    for matrix in (drawn[turned.index(True)], drawn[turned.index(False)]):
        given = tf.constant(IMAGE[None, :, :, None])
        shown = transforms.resample(given, tf.constant(matrix, tf.float32), IMAGE.shape, 0.0).numpy()[0, :, :, 0]
        np.testing.assert_allclose(shown, IMAGE[:, ::-1] if matrix[1, 1] < 0 else IMAGE)
