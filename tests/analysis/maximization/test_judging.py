from __future__ import annotations

import numpy as np
import pytest
from support.ascents import small_network
from support.settled import settled_output

from reportgen.analysis.maximization.judging import judge, rank_of, rest_verdict
from reportgen.analysis.maximization.subjects import OutputNumbers, response_function
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.models import Network


@pytest.fixture(scope="module")
def network() -> Network:
    return small_network()


def test_responses_are_the_highest_outputs_of_the_ordinary_forward_pass(network):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    first = network.model.get_layer("conv1")(pixels / np.float32(255)).numpy()
    got = response_function(TracedPasses(network), "conv1")(pixels)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, first.max(axis=(1, 2)), rtol=1e-5)
    # Any canvas will do, and the head is not run.
    assert response_function(TracedPasses(network), "conv2")(pixels[:, :10, :12]).shape == (3, 8)


def test_logits_are_the_networks_answer_before_the_softmax(network):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    logits = OutputNumbers(settled_output(), "classes").measure(TracedPasses(network))(pixels)
    answers = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answers, network.model(pixels / np.float32(255)), rtol=1e-4)


def test_rank_counts_the_channels_that_answer_more_by_their_own_measure():
    responses = np.array([4.0, 9.0, 5.0, 8.0], np.float32)
    dataset_max = np.array([2.0, 3.0, 5.0, 2.0], np.float32)  # ratios 2, 3, 1, 4
    assert [rank_of(channel, responses, dataset_max) for channel in range(4)] == [2, 1, 3, 0]


def test_ties_count_in_favour_of_the_channel():
    assert rank_of(1, np.array([6.0, 6.0, 6.0]), np.array([6.0, 6.0, 6.0])) == 0


def test_channels_the_images_leave_at_rest_are_out_of_the_ranking():
    responses = np.array([1.0, 50.0, 50.0, 3.0], np.float32)
    dataset_max = np.array([1.0, 0.0, -2.0, 1.0], np.float32)
    assert rank_of(0, responses, dataset_max) == 1
    assert rank_of(1, responses, dataset_max) is None
    assert rank_of(2, responses, dataset_max) is None


@pytest.mark.parametrize(
    ("activation", "dataset_max", "rank", "flat", "status"),
    [
        (3.0, 3.0, 4, False, "ok"),
        (3.0, 2.0, 5, False, "weak"),
        (2.9, 3.0, 0, False, "weak"),
        (1.0, 0.0, None, False, "ok"),
        (3.0, None, None, False, "weak"),
        (3.0, 1.0, 0, True, "failed"),
        (0.0, 0.0, None, False, "failed"),
        (float("nan"), 1.0, 0, False, "failed"),
        (float("inf"), 1.0, 0, False, "failed"),
        (-0.5, -1.0, None, False, "ok"),
    ],
)
def test_status(activation, dataset_max, rank, flat, status):
    assert judge(activation, dataset_max, rank, flat) == status


@pytest.mark.parametrize(
    ("activation", "highest", "status"),
    [
        (-5.0, -2.0, "ok"),
        (-1.0, -2.0, "weak"),
        (-0.1, 0.0, "ok"),
        (0.1, 0.0, "weak"),
        (0.0, 3.0, "ok"),
        (2.0, 3.0, "weak"),
    ],
)
def test_what_a_channel_likes_least_does_not_lift_it_above_what_images_do(activation, highest, status):
    assert rest_verdict(0, np.array([activation], np.float32), np.array([highest]), flat=False).status == status
