from __future__ import annotations

from reportgen.sampling import sample_evenly


def test_a_sample_is_spread_evenly_and_keeps_the_first() -> None:
    assert sample_evenly(range(10), 5) == (0, 2, 4, 6, 8)
    assert sample_evenly(range(3), 5) == (0, 1, 2)
    assert sample_evenly(range(7), 0) == sample_evenly([], 3) == ()


def test_a_sample_has_as_many_as_asked_for_none_of_them_twice() -> None:
    for length in range(1, 40):
        for count in range(1, length + 1):
            chosen = sample_evenly(range(length), count)
            assert len(set(chosen)) == len(chosen) == count
            assert list(chosen) == sorted(chosen)
