from __future__ import annotations

import numpy as np

from reportgen.analysis.sampling import sample, sampling_keys


def test_keys_of_different_images_differ() -> None:
    assert len(np.unique(sampling_keys(np.arange(100_000), 7))) == 100_000


def test_the_sample_of_the_whole_is_that_of_the_samples_of_its_parts() -> None:
    parts = [sample(part, 50, 3) for part in (np.arange(700, 1_000), np.arange(300), np.arange(300, 700))]
    np.testing.assert_array_equal(sample(np.concatenate(parts), 50, 3), sample(np.arange(1_000), 50, 3))


def test_another_seed_is_another_sample_and_each_is_even() -> None:
    first, second = sample(np.arange(10_000), 1_000, 0), sample(np.arange(10_000), 1_000, 1)
    assert len(np.intersect1d(first, second)) < 200
    for chosen in (first, second):
        assert abs(chosen.mean() - 5_000) < 300
        assert 50 < np.histogram(chosen, 10, (0, 10_000))[0].min() < 150


def test_few_images_are_all_sampled_in_order() -> None:
    assert sample(np.array([9, 2, 5]), 10, 0).tolist() == [2, 5, 9]
