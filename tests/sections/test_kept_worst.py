from __future__ import annotations

import numpy as np

from reportgen.sections.kept_worst import KeptWorst


def test_the_lowest_are_kept_in_any_order_of_arrival() -> None:
    scores = np.random.default_rng(0).integers(0, 20, 60).tolist()
    expected = sorted((score, place) for place, score in enumerate(scores))[:7]
    for seed in range(20):
        kept = KeptWorst[tuple[int, int]](7)
        for place in np.random.default_rng(seed).permutation(60).tolist():
            kept.add((scores[place], place), lambda place=place: (scores[place], place))
        assert kept.in_order() == expected


def test_nothing_is_made_of_what_is_not_kept() -> None:
    kept, made = KeptWorst[int](2), []
    for place in range(10):
        kept.add((place,), lambda place=place: made.append(place) or place)
    assert made == [0, 1]
