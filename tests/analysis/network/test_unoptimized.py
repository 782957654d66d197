from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf
from support.networks import two_convolutions

from reportgen.analysis.network.traced import TracedNetwork
from reportgen.analysis.network.unoptimized import unoptimized

OFF = "disable_meta_optimizer"


def is_off() -> bool:
    return bool(tf.config.optimizer.get_experimental_options().get(OFF, False))


@pytest.mark.parametrize("before", [False, True])
def test_what_was_set_is_set_again_whatever_happens(before: bool) -> None:
    was = is_off()
    tf.config.optimizer.set_experimental_options({OFF: before})
    try:
        with pytest.raises(ValueError, match="on purpose"), unoptimized():
            assert is_off()
            raise ValueError("on purpose")
        assert is_off() is before
    finally:
        tf.config.optimizer.set_experimental_options({OFF: was})


def test_of_several_threads_the_last_to_leave_sets_it_back() -> None:
    entered, left = threading.Event(), threading.Event()

    def second() -> None:
        with unoptimized():
            entered.set()
            assert left.wait(timeout=30)

    assert not is_off()
    with ThreadPoolExecutor(1) as pool:
        with unoptimized():
            other = pool.submit(second)
            assert entered.wait(timeout=30)
        assert is_off()  # the other is still at it
        left.set()
        other.result()
    assert not is_off()


def test_a_function_gives_the_same_inside_and_outside() -> None:
    model = two_convolutions(8)
    pixels = np.random.default_rng(0).uniform(0, 1, (3, 8, 8, 3)).astype(np.float32)
    traced = TracedNetwork(model, tf.TensorSpec((None, 8, 8, 3)))
    function = tf.function(lambda given: traced.replay(given, [], whole=True)[1], autograph=False)
    with unoptimized():
        inside = function(tf.constant(pixels)).numpy()
    np.testing.assert_allclose(inside, function(tf.constant(pixels)).numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(inside, np.asarray(model(pixels)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(inside, traced.compute(tf.constant(pixels)).numpy(), rtol=1e-5, atol=1e-6)
