from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from reportgen.analysis.fisher import fisher_exact, holm
from reportgen.analysis.image_properties import measure_image
from reportgen.analysis.slices import FEWEST_IMAGES, find_slices, searched_properties
from reportgen.errors import ReportgenError

CASES = 1_000


def test_the_p_value_is_that_of_scipy() -> None:
    random = np.random.default_rng(0)
    for _ in range(CASES):
        inside, outside = random.integers(1, 60, 2).tolist()
        a, b = int(random.integers(0, inside + 1)), int(random.integers(0, outside + 1))
        oracle = stats.fisher_exact([[a, inside - a], [b, outside - b]]).pvalue
        assert fisher_exact(a, inside, b, outside) == pytest.approx(oracle, rel=1e-8, abs=1e-300)


@pytest.mark.parametrize("table", [(0, 5, 0, 9), (5, 5, 9, 9), (1, 1, 0, 1), (0, 25_000, 200, 75_000)])
def test_the_p_value_of_tables_at_the_edge(table: tuple[int, int, int, int]) -> None:
    a, inside, b, outside = table
    oracle = stats.fisher_exact([[a, inside - a], [b, outside - b]]).pvalue
    assert fisher_exact(*table) == pytest.approx(oracle, rel=1e-6)


def test_the_correction_by_hand() -> None:
    assert holm([]) == ()
    assert holm([0.04]) == (0.04,)
    np.testing.assert_allclose(holm([0.02, 0.01, 0.5, 0.02]), [0.06, 0.04, 0.5, 0.06])
    assert holm([0.6, 0.9]) == (1.0, 1.0)


def properties(random: np.random.Generator, images: int) -> dict[str, np.ndarray]:
    names = ("brightness", "contrast", "sharpness", "colourfulness", "aspect_ratio")
    return {name: random.normal(size=images) for name in names}


def test_dark_images_of_one_class_answered_at_random_are_a_slice() -> None:
    random = np.random.default_rng(3)
    images = np.arange(1_000)
    classes, measured = random.integers(0, 10, 1_000), properties(random, 1_000)
    right = random.random(1_000) < 0.97
    dark = (classes == 4) & (measured["brightness"] < np.quantile(measured["brightness"], 0.25))
    right[dark] = random.random(int(dark.sum())) < 0.1
    first, *_ = found = find_slices(images, right, measured, {"site": random.choice(["a", "b", "c"], 1_000).tolist()})
    assert len(found) == 1
    inside = measured["brightness"] <= first.high
    assert first.property == "brightness"
    assert first.images == int(inside.sum()) == 250
    assert first.score == right[inside].mean() < first.rest == right[~inside].mean()
    assert first.p_value < 0.01
    assert set(first.examples) <= set(images[inside & ~right].tolist())


def test_a_bad_camera_is_a_slice_by_its_name() -> None:
    random = np.random.default_rng(4)
    cameras = random.choice(["north", "south", "west"], 600)
    right = random.random(600) < np.where(cameras == "south", 0.8, 0.95)
    (found,) = find_slices(np.arange(600) + 7, right, {}, {"camera": cameras.tolist()})
    assert (found.property, found.entry, found.low, found.high) == ("camera", "south", None, None)
    assert all(cameras[image - 7] == "south" for image in found.examples)


def test_with_right_and_wrong_shuffled_at_most_16_of_200_runs_report_a_slice() -> None:
    random = np.random.default_rng(0)
    measured = properties(random, 1_000)
    columns = {"site": random.choice(["a", "b", "c", "d"], 1_000).tolist()}
    right = np.arange(1_000) >= 120
    reported = [bool(find_slices(np.arange(1_000), random.permutation(right), measured, columns)) for _ in range(200)]
    assert sum(reported) <= 16


def test_a_group_better_than_the_rest_is_no_slice() -> None:
    right = np.arange(200) >= 150
    values = np.where(right, 1.0, 0.0)
    found = find_slices(np.arange(200), right, {"sharpness": values}, {})
    assert [(one.low, one.high, one.score) for one in found] == [(0.0, 0.0, 0.0)]


def test_images_without_a_value_and_columns_of_names_take_no_part() -> None:
    right = np.arange(100) >= 50
    values = np.where(right, np.nan, 1.0)
    names = [f"image {place}" for place in range(100)]
    assert find_slices(np.arange(100), right, {"colourfulness": values}, {"name": names}) == ()


def test_groups_of_few_images_are_not_tested() -> None:
    few = FEWEST_IMAGES - 1
    right = np.arange(200) >= few
    entries = ["rare" if place < few else "common" for place in range(200)]
    assert find_slices(np.arange(200), right, {}, {"site": entries}) == ()
    entries[few], right[few] = "rare", False
    assert [one.entry for one in find_slices(np.arange(200), right, {}, {"site": entries})] == ["rare"]


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(ReportgenError, match="expected 3 values of site, one for each image, got 2"):
        find_slices(np.arange(3), np.ones(3, bool), {}, {"site": ["a", "b"]})


def test_properties_of_plain_and_of_striped_images() -> None:
    plain = measure_image(np.full((4, 6, 1), 40, np.uint8))
    assert (plain.brightness, plain.contrast, plain.sharpness, plain.colourfulness) == (40.0, 0.0, 0.0, None)
    assert (plain.height, plain.width, plain.aspect_ratio) == (4, 6, 1.5)
    stripes = np.zeros((6, 6, 1), np.uint8)
    stripes[::2] = 200
    striped = measure_image(stripes, original_size=(100, 50))
    assert (striped.brightness, striped.contrast, striped.sharpness) == (100.0, 100.0, 100.0)
    assert (striped.height, striped.width, striped.aspect_ratio) == (100, 50, 0.5)


def test_colourfulness_is_the_publications_formula() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (9, 8, 3)).astype(np.uint8)
    red, green, blue = pixels.astype(float).transpose(2, 0, 1)
    rg, yb = red - green, (red + green) / 2 - blue
    expected = np.sqrt(rg.std() ** 2 + yb.std() ** 2) + 0.3 * np.sqrt(rg.mean() ** 2 + yb.mean() ** 2)
    assert measure_image(pixels).colourfulness == pytest.approx(expected, rel=1e-6)
    grey = np.repeat(pixels[..., :1], 3, axis=-1)
    assert measure_image(grey).colourfulness == pytest.approx(0.0, abs=1e-4)
    assert measure_image(grey).brightness == pytest.approx(pixels[..., 0].mean(), abs=1e-3)


def test_an_image_of_one_pixel_has_no_sharpness() -> None:
    assert measure_image(np.array([[[7, 8, 9, 10]]], np.uint8)).brightness == 8.5
    assert measure_image(np.array([[[7]]], np.uint8)).sharpness == 0.0


@pytest.mark.parametrize(
    ("images", "searched"),
    [
        (1, ()),
        (2 * FEWEST_IMAGES - 1, ()),
        (2 * FEWEST_IMAGES, ("site",)),
        (4 * FEWEST_IMAGES, ("brightness", "site")),
    ],
)
def test_what_was_searched_is_what_had_groups_large_enough(images: int, searched: tuple[str, ...]) -> None:
    measured = {"brightness": np.arange(images, dtype=float), "colourfulness": np.zeros(images)}
    columns = {"site": ["ab"[place % 2] for place in range(images)], "name": [f"{place}" for place in range(images)]}
    assert searched_properties(measured, columns) == searched
    # Only what was searched can be found: all right in the upper half, none in the lower.
    found = find_slices(np.arange(images), np.arange(images) >= images / 2, measured, columns)
    assert {one.property for one in found} <= set(searched)
