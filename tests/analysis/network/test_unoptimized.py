from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tensorflow as tf
from support.networks import two_convolutions
from tensorflow.python.eager import context

from reportgen.analysis.network.traced import TracedNetwork
from reportgen.analysis.network.unoptimized import unoptimized

OFF = "disable_meta_optimizer"


def is_off() -> bool:
    """Whether functions that this thread calls run without the optimizer."""
    options = tf.compat.v1.ConfigProto.FromString(context.context().function_call_options.config_proto_serialized)
    return bool(options.graph_options.rewrite_options.disable_meta_optimizer)


def is_set_off() -> bool:
    """The same as the user sets and sees it, for all threads."""
    return bool(tf.config.optimizer.get_experimental_options().get(OFF, False))


@pytest.mark.parametrize("before", [False, True])
def test_what_was_set_is_set_again_whatever_happens(before: bool) -> None:
    was = is_set_off()
    tf.config.optimizer.set_experimental_options({OFF: before})
    try:
        with pytest.raises(ValueError, match="on purpose"), unoptimized():
            assert is_off()
            with unoptimized():
                assert is_off()
            assert is_off()
            raise ValueError("on purpose")
        assert (is_off(), is_set_off()) == (before, before)
    finally:
        tf.config.optimizer.set_experimental_options({OFF: was})


@pytest.fixture
def leave_elsewhere() -> Iterator[Callable[[], None]]:
    """Another thread is in a block; what makes it leave."""
    entered, leave = threading.Event(), threading.Event()

    def elsewhere() -> None:
        with unoptimized():
            entered.set()
            leave.wait(timeout=30)

    def left() -> None:
        leave.set()
        thread.join(timeout=30)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    assert entered.wait(timeout=30)
    yield left
    left()


def test_threads_do_not_see_each_others_blocks(leave_elsewhere: Callable[[], None]) -> None:
    tf.config.optimizer.set_experimental_options({})  # what is set for all is read anew
    outside = is_off()
    with unoptimized():
        leave_elsewhere()
        inside = is_off()
    assert (outside, inside, is_off(), is_set_off()) == (False, True, False, False)


def test_a_thread_that_leaves_first_does_not_keep_the_optimizer_off(leave_elsewhere: Callable[[], None]) -> None:
    with unoptimized():
        pass
    tf.function(lambda number: number + 1)(tf.constant(1))  # of the user's own, which settles what the thread runs with
    leave_elsewhere()
    assert not is_off()


def test_what_the_block_itself_sets_stays() -> None:
    was = tf.config.optimizer.get_experimental_options().get("remapping", True)
    try:
        with unoptimized():
            tf.config.optimizer.set_experimental_options({"remapping": False})
        assert tf.config.optimizer.get_experimental_options()["remapping"] is False
        read = tf.compat.v1.ConfigProto.FromString(context.context().function_call_options.config_proto_serialized)
        assert read.graph_options.rewrite_options.remapping == 2  # off
    finally:
        tf.config.optimizer.set_experimental_options({"remapping": was})


def test_the_optimizer_is_off_where_functions_run(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    call = context.Context.call_function
    monkeypatch.setattr(
        context.Context, "call_function", lambda self, *given: seen.append(is_off()) or call(self, *given)
    )
    traced = TracedNetwork(two_convolutions(8), tf.TensorSpec((None, 8, 8, 3)))
    traced.compute(tf.zeros((1, 8, 8, 3)))
    assert seen == [True]


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
