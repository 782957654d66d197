"""Each rule on attribution with a planted positive, and near misses on which it stays silent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reportgen.analysis.attribution.places import PLACES, border_share, outside_share, shares_of_cells
from reportgen.analysis.findings import attribution_rules as rules
from reportgen.analysis.findings.evidence import AttributionFacts, MapFacts, RandomizationFacts


def _map(*peaks: tuple[int, int], spread: float = 0.01) -> np.ndarray:
    """A map of 8 x 8 with its evidence at `peaks`, and a little everywhere."""
    values = np.full((PLACES, PLACES), spread)
    for peak in peaks:
        values[peak] = 1
    return values


def _facts(values: np.ndarray, place: int = 0, **changed: Any) -> MapFacts:
    made = MapFacts(
        image=f"image-{place}.png",
        method="grad-cam",
        layer="last",
        answer=1,
        truth=None,
        label="zebra",
        cells=shares_of_cells(values),
        sides=(PLACES, PLACES),
        border=border_share(values),
        padding=0.0,
    )
    return replace(made, **changed)


class _Evidence:
    """As much of what rules look at as these do."""

    def __init__(self, maps: Sequence[MapFacts] = (), methods: Sequence[RandomizationFacts] = ()):
        self.attribution = AttributionFacts(tuple(maps), tuple(methods))


def _found(rule: Callable[..., Any], maps: Sequence[MapFacts] = (), methods: Sequence[RandomizationFacts] = ()) -> Any:
    return list(rule(_Evidence(maps, methods)))


def _correlation(value: float) -> RandomizationFacts:
    return RandomizationFacts("grad-cam", "last", value, 4)


def test_maps_that_survive_shuffled_weights_are_told() -> None:
    (finding,) = _found(rules.surviving_maps, methods=[_correlation(0.95), _correlation(0.5)])
    assert (finding.rule, finding.severity, finding.layer) == ("surviving-maps", "warning", "last")
    assert finding.measured.endswith("on 4 images")
    (alone,) = _found(rules.surviving_maps, methods=[RandomizationFacts("grad-cam", "last", 0.95, 1)])
    assert alone.measured.endswith("on 1 image")
    assert "0.95" in finding.measured


@pytest.mark.parametrize("value", [0.79, 0.0, -0.95])
def test_maps_that_change_with_the_weights_are_not(value: float) -> None:
    assert _found(rules.surviving_maps, methods=[_correlation(value)]) == []


def test_the_same_corner_of_all_images_is_told() -> None:
    maps = [_facts(_map((0, place % 2)), place) for place in range(6)]
    (finding,) = _found(rules.same_place, maps)
    assert "in all images" in finding.message
    assert "upper left" in finding.message


def test_the_same_edge_of_one_class_is_told() -> None:
    others = [_facts(_map((place, 7 - place)), place, answer=0, label="horse") for place in range(6)]
    maps = [_facts(_map((7, 4)), 6 + place) for place in range(6)]
    (finding,) = _found(rules.same_place, [*others, *maps])
    assert "taken for zebra" in finding.message
    assert "lower middle" in finding.message


@pytest.mark.parametrize(
    "maps",
    [
        [_facts(_map((0, 0)), place) for place in range(5)],  # too few
        [_facts(_map((4, place % 2 + 3)), place) for place in range(9)],  # where things are put
        [_facts(_map((place % 5, 0)), place) for place in range(10)],  # one side, but all along it
        [_facts(_map((0, 0)), place, sides=(3, 3)) for place in range(9)],  # a map too coarse to tell
        [_facts(_map((0, 0) if place % 5 else (6, 6)), place) for place in range(10)],  # a fifth elsewhere
    ],
    ids=["few", "middle", "scattered", "coarse", "a fifth elsewhere"],
)
def test_other_places_are_not(maps: list[MapFacts]) -> None:
    assert _found(rules.same_place, maps) == []


def _ring() -> np.ndarray:
    values = np.full((PLACES, PLACES), 0.02)
    values[0], values[-1], values[:, 0], values[:, -1] = 1, 1, 1, 1
    return values


def test_evidence_at_the_border_is_told() -> None:
    maps = [_facts(_ring() if place % 2 else _map((3, place)), place) for place in range(6)]
    (finding,) = _found(rules.evidence_on_border, maps)
    assert "3 of 6 images" in finding.message


@pytest.mark.parametrize("marked", [2, 0])
def test_evidence_at_the_border_of_few_images_is_not(marked: int) -> None:
    maps = [_facts(_ring() if place < marked else np.ones((PLACES, PLACES)), place) for place in range(6)]
    assert _found(rules.evidence_on_border, maps) == []


@pytest.mark.parametrize(("share", "told"), [(0.3, True), (0.2, False)])
def test_evidence_on_padding_is_told(share: float, told: bool) -> None:
    maps = [_facts(_map((0, 4)), place, padding=share) for place in range(3)]
    assert [finding.rule for finding in _found(rules.evidence_on_padding, maps)] == ["evidence-on-padding"] * told


@pytest.mark.parametrize(("share", "padded", "told"), [(0.45, 0.44, False), (0.55, 0.44, True), (0.26, 0.1, True)])
def test_evidence_that_is_spread_over_all_is_not_on_padding(share: float, padded: float, told: bool) -> None:
    maps = [_facts(_map((0, 4)), place, padding=share, padded=padded) for place in range(3)]
    assert bool(_found(rules.evidence_on_padding, maps)) == told


@pytest.mark.parametrize(("on_object", "told"), [(0.9, False), (0.5, False), (0.2, True), (None, True)])
def test_an_object_that_is_in_the_same_place_is_no_mark(on_object: float | None, told: bool) -> None:
    """Masks show that what decides in the corner of all images is the object itself."""
    maps = [_facts(_map((0, 0)), place, on_object=on_object) for place in range(9)]
    assert bool(_found(rules.same_place, maps)) == told


@pytest.mark.parametrize(("on_object", "told"), [(0.9, False), (0.2, True), (None, True)])
def test_an_object_at_the_border_is_no_frame(on_object: float | None, told: bool) -> None:
    maps = [_facts(_ring(), place, on_object=on_object) for place in range(6)]
    assert bool(_found(rules.evidence_on_border, maps)) == told


def _right(place: int) -> MapFacts:
    return _facts(_map((3, 3), (3, 4), (4, 3 + place % 2)), place, truth=1)


def test_a_mistake_by_evidence_elsewhere_is_told() -> None:
    wrong = _facts(_map((0, 7)), 9, truth=0)
    (finding,) = _found(rules.mistaken_places, [*map(_right, range(4)), wrong])
    assert (finding.rule, finding.image) == ("mistaken-place", "image-9.png")


@pytest.mark.parametrize(
    "maps",
    [
        [*map(_right, range(4)), _facts(_map((3, 3), (3, 4)), 9, truth=0)],  # the same place
        [*map(_right, range(2)), _facts(_map((0, 7)), 9, truth=0)],  # too few right answers
        [*map(_right, range(4)), _facts(_map((0, 7)), 9, truth=1)],  # no mistake
        [*map(_right, range(4)), _facts(_map((0, 7)), 9, truth=None)],  # not known
        [*map(_right, range(4)), _facts(_map((0, 7)), 9, truth=1, answer=0)],  # of a class without right answers
        [
            *(_facts(_map((place, 2 * place)), place, truth=1) for place in range(4)),  # right answers all over
            _facts(_map((0, 7)), 9, truth=0),
        ],
    ],
    ids=["same", "few", "right", "unknown", "another class", "scattered"],
)
def test_other_mistakes_are_not(maps: list[MapFacts]) -> None:
    assert _found(rules.mistaken_places, maps) == []


@pytest.mark.parametrize("side", [7, 8, 28, 50])
def test_shares_count_area_whatever_the_resolution(side: int) -> None:
    even = np.ones((side, side))
    np.testing.assert_allclose(shares_of_cells(even), 1 / PLACES**2)
    assert border_share(even) == pytest.approx(1 - 0.8**2)
    assert outside_share(even, (0.25, 0.0, 1.0, 0.5)) == pytest.approx(1 - 0.75 * 0.5)
    assert outside_share(even, (0.0, 0.0, 1.0, 1.0)) == pytest.approx(0)


def test_what_speaks_against_the_answer_does_not_count() -> None:
    values = np.array([[2.0, -9.0], [0.0, 2.0]])
    assert shares_of_cells(values)[:4, :4].sum() == pytest.approx(0.5)
    assert shares_of_cells(values)[:4, 4:].sum() == 0


def _on_object(*shares: float | None) -> list[MapFacts]:
    return [_facts(_map((place % 8, 3)), place, on_object=share) for place, share in enumerate(shares)]


def test_evidence_outside_the_object_is_told() -> None:
    (finding,) = _found(rules.evidence_off_object, _on_object(0.1, 0.05, 0.2, 0.0, 0.9, 0.8))
    assert (finding.rule, finding.severity, finding.layer) == ("evidence-off-object", "warning", "last")
    assert "4 of 6 images" in finding.message
    assert "8%" in finding.measured


@pytest.mark.parametrize(
    "shares",
    [
        (0.9, 0.8, 0.7, 0.95, 0.1, 0.05),  # of two images only
        (0.35, 0.4, 0.45, 0.5, 0.31, 0.33),  # as much as a coarse map smears
        (0.1, 0.1, 0.1, 0.1, 0.1),  # of too few images
        (0.1, 0.1, 0.1, None, None, None),  # of images without a mask nothing is known
    ],
)
def test_evidence_on_the_object_or_of_few_images_is_not(shares: tuple[float | None, ...]) -> None:
    assert _found(rules.evidence_off_object, _on_object(*shares)) == []
