from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from reportgen.analysis.dataset_quality import duplicates, image_set
from reportgen.analysis.dataset_quality.aligning import aligned_differences
from reportgen.analysis.dataset_quality.duplicates import CopySearch, find_copies, find_leaks, random_cosine
from reportgen.analysis.dataset_quality.image_set import ImageSet, ImageSetAccumulator, pixel_digest
from reportgen.analysis.dataset_quality.nearest import NEIGHBOURS, find_neighbours
from reportgen.analysis.sampling import sample


def pictures(count: int, side: int = 32, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Different smooth pictures with some grain, `(count, side, side, channels)`."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, channels, 6, 6)).astype(np.uint8)
    smooth = [
        [np.asarray(Image.fromarray(band).resize((side, side), Image.Resampling.BICUBIC)) for band in one]
        for one in coarse
    ]
    grain = random.integers(-6, 7, (count, side, side, channels))
    return np.clip(np.moveaxis(np.array(smooth), 1, -1) + grain, 0, 255).astype(np.uint8)


def features(pixels: np.ndarray, values: int = 48) -> np.ndarray:
    """Features as of a network's last layer but one: rectified sums of the pixels, the same for the same pixels."""
    shrunk = pixels.reshape(len(pixels), 8, pixels.shape[1] // 8, 8, -1).mean(axis=(2, 4)).reshape(len(pixels), -1)
    weights = np.random.default_rng(99).normal(size=(64, values))
    return np.maximum(0, np.einsum("ij,jk->ik", shrunk - 128, weights)).astype(np.float32)


def gather(pixels: np.ndarray, **options: int) -> ImageSet:
    accumulator = ImageSetAccumulator(**options)
    for start in range(0, len(pixels), 16):
        part = np.arange(start, min(start + 16, len(pixels)))
        accumulator.add(part, pixels[part], features(pixels[part]))
    return accumulator.result()


def search(pixels: np.ndarray) -> CopySearch:
    images = gather(pixels)
    return find_copies(images, lambda image: pixels[image], find_neighbours(images.features))


def jpeg(pixels: np.ndarray, quality: int = 90) -> np.ndarray:
    file = BytesIO()
    Image.fromarray(pixels.squeeze()).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).reshape(pixels.shape)


def groups(found: CopySearch, *, exact: bool) -> list[Sequence[int]]:
    return sorted(group.images for group in found.groups if group.exact is exact)


@pytest.mark.parametrize(("side", "channels"), [(32, 1), (32, 3), (96, 1), (96, 3), (64, 5)])
def test_copies_and_near_copies_are_found_and_nothing_else(side: int, channels: int) -> None:
    pixels = pictures(120, side, channels)
    near = [np.roll(pixels[10], 1, axis=0), np.roll(pixels[11], (-1, 1), axis=(0, 1))]
    if channels in (1, 3):
        near.append(jpeg(pixels[12]))
    found = search(np.concatenate([pixels, pixels[[3, 4, 4]], np.stack(near)]))
    assert groups(found, exact=True) == [(3, 120), (4, 121, 122)]
    assert groups(found, exact=False) == [(10 + place, 123 + place) for place in range(len(near))]
    assert all(group.difference <= duplicates.MOST_DIFFERENCE for group in found.groups)
    assert all(group.similarity > 0.5 for group in found.groups)


def test_a_clean_set_has_no_copies() -> None:
    found = search(pictures(300))
    assert (found.groups, found.images, found.compared, found.left_out) == ((), 300, 300, 0)


def test_pictures_alike_but_for_a_detail_are_no_copies() -> None:
    pixels = np.full((40, 32, 32, 1), 10, np.uint8) + pictures(40) // 64
    for place in range(40):
        row, column = divmod(place, 8)
        pixels[place, row * 6 : row * 6 + 6, column * 4 : column * 4 + 4] = 250
    assert groups(search(pixels), exact=False) == []


def test_pictures_alike_in_grey_and_not_in_colour_are_no_copies() -> None:
    pixels = pictures(60, channels=3)
    other = pixels[:1, ..., [1, 0, 2]].astype(float)
    other += ((pixels[:1] - other) @ [0.299, 0.587, 0.114])[..., np.newaxis]
    assert groups(search(np.concatenate([pixels, np.clip(other.round(), 0, 255).astype(np.uint8)])), exact=False) == []


def test_near_copies_of_near_copies_are_one_group() -> None:
    pixels = pictures(60)
    chain = [np.roll(pixels[7], step, axis=1) for step in (2, 4)]
    assert groups(search(np.concatenate([pixels, np.stack(chain)])), exact=False) == [(7, 60, 61)]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_sets_of_few_images(count: int) -> None:
    pixels = np.concatenate([pictures(1), np.roll(pictures(1), 1, axis=1)])[:count]
    found = search(pixels)
    assert groups(found, exact=False) == ([(0, 1)] if count == 2 else [])


def test_flat_pictures_of_equal_grey_are_copies_and_of_others_not() -> None:
    flat = [np.full((32, 32, 1), grey, np.uint8) for grey in (50, 50, 120)]
    almost = flat[0].copy()
    almost[0, 0] += 1
    found = search(np.concatenate([pictures(40), np.stack([*flat, almost])]))
    assert groups(found, exact=True) == [(40, 41)]
    assert groups(found, exact=False) == [(40, 41, 43)]


def test_leaks_are_copies_of_the_reference_exact_and_near() -> None:
    reference, pixels = pictures(80, seed=1), pictures(50, seed=2)
    pixels[5], pixels[6], pixels[7] = reference[20], np.roll(reference[30], 1, axis=0), jpeg(reference[40])
    images, known = gather(pixels), gather(reference)
    found = find_leaks(images, lambda image: pixels[image], known, lambda image: reference[image])
    assert [(one.images, one.reference, one.exact) for one in found.groups if one.exact] == [((5,), (20,), True)]
    near = {(one.images, one.reference) for one in found.groups if not one.exact}
    assert near == {((6,), (30,)), ((7,), (40,))}


def test_a_reference_of_another_size_has_exact_copies_alone() -> None:
    reference, pixels = pictures(10, side=64), pictures(10)
    images, known = gather(pixels), gather(reference)
    assert find_leaks(images, lambda image: pixels[image], known, lambda image: reference[image]).groups == ()


def test_beyond_so_many_pairs_the_least_alike_are_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MOST_CONFIRMED", 2)
    pixels = pictures(60)
    found = search(np.concatenate([pixels, np.roll(pixels[:5], 1, axis=1)]))
    assert (len(found.groups), found.left_out) == (2, 3)


def test_the_digest_tells_shapes_apart_and_is_of_the_pixels_alone() -> None:
    pixels = pictures(1)[0]
    assert np.array_equal(pixel_digest(pixels), pixel_digest(np.asfortranarray(pixels)))
    assert not np.array_equal(pixel_digest(pixels), pixel_digest(pixels.reshape(16, 64, 1)))


def test_what_is_gathered_is_the_same_for_any_split_and_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_set, "MOST_IMAGES", 30)
    pixels, random = pictures(100), np.random.default_rng(0)
    values = features(pixels)
    whole = gather(pixels, seed=3)
    np.testing.assert_array_equal(whole.sampled, sample(np.arange(100), 30, 3))
    assert len(whole.image) == 100
    assert not whole.complete
    for _ in range(10):
        parts = [ImageSetAccumulator(seed=3) for _ in range(3)]
        for part in np.split(random.permutation(100), np.sort(random.integers(0, 101, 12))):
            parts[random.integers(3)].add(part, pixels[part], values[part])
        parts[0].merge(parts[2])
        parts[0].merge(parts[1])
        merged = parts[0].result()
        for name in ("image", "digest", "sampled", "thumbnail", "features"):
            np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name))


def test_images_with_features_of_nan_are_compared_by_digest_alone() -> None:
    pixels = pictures(6)
    pixels[5] = pixels[1]
    values = features(pixels)
    values[5] = np.nan
    accumulator = ImageSetAccumulator()
    accumulator.add(np.arange(6), pixels, values)
    images = accumulator.result()
    assert images.sampled.tolist() == [0, 1, 2, 3, 4]
    found = find_copies(images, lambda image: pixels[image], find_neighbours(images.features))
    assert [group.images for group in found.groups] == [(1, 5)]


def test_the_nearest_are_those_of_all_products() -> None:
    values = np.random.default_rng(0).normal(size=(700, 9)).astype(np.float32)
    values[3] = 0
    found = find_neighbours(values)
    units = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-30)
    cosines = units @ units.T
    np.fill_diagonal(cosines, -np.inf)
    np.testing.assert_allclose(found.cosine, -np.sort(-cosines, axis=1)[:, :NEIGHBOURS], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(cosines, found.place, axis=1), found.cosine, atol=1e-6)
    assert not (found.place == np.arange(700)[:, np.newaxis]).any()


def test_nine_in_ten_random_pairs_do_not_reach_the_cosine() -> None:
    values = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    least = random_cosine(values, values, 0, same=True)
    units = values / np.linalg.norm(values, axis=1, keepdims=True)
    cosines = (units @ units.T)[np.triu_indices(400, 1)]
    assert (cosines >= least).mean() == pytest.approx(0.1, abs=0.01)
    assert random_cosine(values[:20], values[:20], 0, same=True) == -1


def naive_difference(one: np.ndarray, other: np.ndarray, reach: int) -> float:
    height, width = one.shape[:2]
    best = np.inf
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            first = one[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
            second = other[max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)]
            best = min(best, float(np.square(first.astype(float) - second).mean()))
    return float(np.sqrt(best) / np.sqrt((one.var() + other.var()) / 2))


def test_the_aligned_difference_is_that_of_the_best_of_all_moves() -> None:
    random = np.random.default_rng(0)
    first = random.integers(0, 256, (20, 9, 7, 2)).astype(np.uint8)
    second = np.concatenate([np.roll(first[:10], (1, -2), axis=(1, 2)), random.integers(0, 256, (10, 9, 7, 2))])
    second = second.astype(np.uint8)
    pairs = np.stack([np.arange(20), np.arange(20)], axis=1)
    found = aligned_differences(first, second, pairs, 2, 9.0)
    np.testing.assert_allclose(found, [naive_difference(a, b, 2) for a, b in zip(first, second, strict=True)])
    assert (found[:10] == 0).all()
    limited = aligned_differences(first, second, pairs, 2, 0.5)
    np.testing.assert_array_equal(np.isinf(limited), found > 0.5)
