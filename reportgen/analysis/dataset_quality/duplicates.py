"""Images that are copies of each other, to the last bit or nearly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.dataset_quality.aligning import aligned_differences
from reportgen.analysis.dataset_quality.image_set import ImageSet
from reportgen.analysis.dataset_quality.nearest import Neighbours, find_neighbours, unit_length
from reportgen.analysis.image_properties import ByteArray

# Features choose whom to look at, pixels decide. Features of a network that is not indifferent to shifts are less
# alike for a picture moved by one pixel (cosines of 0.83 to 0.98 on handwritten digits) than for some pictures of the
# same class (up to 0.99), so no cosine tells copies from others: looked at are each image's nearest, above what nine
# in ten random pairs reach.
RANDOM_PAIRS = 5_000
RANDOM_QUANTILE = 0.9

# Of so few images that there are no more pairs, all are looked at.
FEW_PAIRS = 1_000

# Of pictures moved to fit within two pixels. JPEG at quality 90 makes about 0.05, a one-pixel shift 0; the most
# alike of 1,000 handwritten digits by different hands differ by 0.24.
REACH = 2
MOST_DIFFERENCE = 0.15

# The same on thumbnails, which a shift by a part of their pixels changes, too.
_THUMBNAIL_REACH = 1
_THUMBNAIL_DIFFERENCE = 0.35

# Pictures that are alike as thumbnails are read again, so many pairs at most, the most alike first.
MOST_CONFIRMED = 5_000

ReadPixels = Callable[[int], ByteArray]
_Pair = tuple[int, int]


@dataclass(frozen=True)
class Copies:
    """Images that are copies, by index, and the `reference` images they are copies of, where there are such.

    `similarity` is the cosine of the features, the lowest that joins two of them, and `difference` the highest
    aligned difference of pixels; 1 and 0 for exact copies.
    """

    images: tuple[int, ...]
    reference: tuple[int, ...]
    exact: bool
    similarity: float
    difference: float


@dataclass(frozen=True)
class CopySearch:
    """Groups of copies, exact ones first and then the most alike.

    Exact copies were searched among all `images`, near ones among the `compared`; `left_out` pairs that look alike
    were not confirmed since there were too many.
    """

    groups: tuple[Copies, ...]
    images: int
    compared: int
    left_out: int


@dataclass(frozen=True, eq=False)
class _Side:
    """A set of images and how to read the pixels of one, by index."""

    images: ImageSet
    pixels: ReadPixels


@dataclass(frozen=True)
class _NearPair:
    images: _Pair
    similarity: float
    difference: float


@dataclass(frozen=True)
class AlikePairs:
    """Pairs that look alike as thumbnails, the most alike first: difference, places among the sampled, cosine.

    `left_out` more are not looked at since there are too many.
    """

    pairs: tuple[tuple[float, int, int, float], ...]
    left_out: int


def find_alike(
    images: ImageSet, neighbours: Neighbours, others: ImageSet | None = None, *, seed: int = 0
) -> AlikePairs:
    """The pairs whose pixels are worth a second look: within a set, or of its images and `others`.

    Args:
        images: to compare.
        neighbours: of the features of `images`, among those of `others` or themselves.
        others: what they are compared with; themselves where None.
        seed: of the random pairs.
    """
    second = images if others is None else others
    alike = _alike_thumbnails(images, second, _candidates(images, second, neighbours, seed))
    return AlikePairs(tuple(alike[:MOST_CONFIRMED]), max(0, len(alike) - MOST_CONFIRMED))


def find_copies(
    images: ImageSet,
    pixels: ReadPixels,
    neighbours: Neighbours,
    *,
    seed: int = 0,
    alike: AlikePairs | None = None,
) -> CopySearch:
    """Copies within a set.

    Args:
        images: to compare.
        pixels: reads an image's pixels, as they were taken in, by its index.
        neighbours: of the set's features.
        seed: of the random pairs.
        alike: what `find_alike` gives for all this, where it is known already.
    """
    exact = [group for group in _by_digest(images).values() if len(group) > 1]
    side = _Side(images, pixels)
    found = find_alike(images, neighbours, seed=seed) if alike is None else alike
    near, left_out = _near_pairs(side, side, found), found.left_out
    groups = [Copies(tuple(group), (), exact=True, similarity=1.0, difference=0.0) for group in exact]
    groups += [_near_group(joined) for joined in _joined(near)]
    return CopySearch(_ordered(groups), len(images.image), len(images.sampled), left_out)


def find_leaks(
    images: ImageSet,
    pixels: ReadPixels,
    reference: ImageSet,
    reference_pixels: ReadPixels,
    *,
    seed: int = 0,
    alike: AlikePairs | None = None,
) -> CopySearch:
    """Images of a set that are copies of others, such as those a network was trained on.

    Nearly so only where both were fitted to the same size.

    Args:
        images: to compare.
        pixels: reads an image's pixels by its index.
        reference: images they must not be copies of.
        reference_pixels: reads a reference image's pixels by its index.
        seed: of the random pairs.
        alike: what `find_alike` gives for all this, where it is known already.
    """
    known = _by_digest(reference)
    groups = [
        Copies(tuple(group), tuple(known[digest]), exact=True, similarity=1.0, difference=0.0)
        for digest, group in _by_digest(images).items()
        if digest in known
    ]
    leaked = {image for group in groups for image in group.images}
    if alike is None:
        alike = find_alike(images, find_neighbours(images.features, reference.features), reference, seed=seed)
    near = _near_pairs(_Side(images, pixels), _Side(reference, reference_pixels), alike)
    left_out = alike.left_out
    by_image: dict[int, list[_NearPair]] = defaultdict(list)
    for pair in near:
        if pair.images[0] not in leaked:
            by_image[pair.images[0]].append(pair)
    groups += [
        Copies(
            images=(image,),
            reference=tuple(sorted(pair.images[1] for pair in pairs)),
            exact=False,
            similarity=min(pair.similarity for pair in pairs),
            difference=max(pair.difference for pair in pairs),
        )
        for image, pairs in by_image.items()
    ]
    return CopySearch(_ordered(groups), len(images.image), len(images.sampled), left_out)


def _by_digest(images: ImageSet) -> dict[bytes, list[int]]:
    groups: dict[bytes, list[int]] = defaultdict(list)
    for image, digest in zip(images.image.tolist(), images.digest, strict=True):
        groups[digest.tobytes()].append(image)
    return groups


def _near_pairs(first: _Side, second: _Side, alike: AlikePairs) -> list[_NearPair]:
    """Those of the pairs that look alike whose pixels are nearly the same."""
    confirmed = []
    for _, place, other, cosine in alike.pairs:
        pair = int(first.images.sampled[place]), int(second.images.sampled[other])
        difference = _difference(first.pixels(pair[0]), second.pixels(pair[1]))
        if difference <= MOST_DIFFERENCE:
            confirmed.append(_NearPair(pair, cosine, difference))
    return confirmed


def _difference(one: ByteArray, other: ByteArray) -> float:
    pair = np.zeros((1, 2), np.int64)
    return float(aligned_differences(one[np.newaxis], other[np.newaxis], pair, REACH, MOST_DIFFERENCE)[0])


def _candidates(
    first: ImageSet, second: ImageSet, neighbours: Neighbours, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pairs of places `(pairs, 2)` near enough by features, and their cosines; of a pair within one set, once."""
    least = random_cosine(first.features, second.features, seed, same=first is second)
    places, ranks = np.nonzero(neighbours.cosine >= least)
    pairs = np.stack([places, neighbours.place[places, ranks]], axis=1)
    if first is second:
        pairs.sort(axis=1)
    _, once = np.unique(pairs[:, 0] * max(1, len(second.features)) + pairs[:, 1], return_index=True)
    return pairs[once], neighbours.cosine[places[once], ranks[once]]


def random_cosine(first: NDArray[np.float32], second: NDArray[np.float32], seed: int, *, same: bool) -> float:
    """The cosine that RANDOM_QUANTILE of random pairs of images do not reach; -1 where there are few images.

    Args:
        first: features `(images, values)`.
        second: as `first`, of which the second of each pair is taken.
        seed: of the pairs.
        same: whether both are the same images.
    """
    if len(first) * len(second) < FEW_PAIRS:
        return -1.0
    random = np.random.default_rng(seed)
    places, others = random.integers(0, len(first), RANDOM_PAIRS), random.integers(0, len(second), RANDOM_PAIRS)
    units = unit_length(first)
    targets = units if same else unit_length(second)
    kept = np.flatnonzero(places != others) if same else np.arange(RANDOM_PAIRS)
    cosines = [
        np.einsum("ij,ij->i", units[places[part]], targets[others[part]])
        for part in np.array_split(kept, 1 + len(kept) // 1_000)
    ]
    return float(np.quantile(np.concatenate(cosines), RANDOM_QUANTILE))


def _alike_thumbnails(
    first: ImageSet, second: ImageSet, candidates: tuple[NDArray[np.int64], NDArray[np.float32]]
) -> list[tuple[float, int, int, float]]:
    """The pairs that are no exact copies and whose thumbnails are alike, the most alike first."""
    whole = first.block == second.block == 1
    reach, most = (REACH, MOST_DIFFERENCE * 1.1) if whole else (_THUMBNAIL_REACH, _THUMBNAIL_DIFFERENCE)
    pairs, cosines = candidates
    if not len(pairs) or first.thumbnail.shape[1:] != second.thumbnail.shape[1:]:
        return []
    exact = (_sampled_digests(first)[pairs[:, 0]] == _sampled_digests(second)[pairs[:, 1]]).all(axis=1)
    thumbnails = first.thumbnail[..., np.newaxis], second.thumbnail[..., np.newaxis]
    differences = np.where(exact, np.inf, aligned_differences(*thumbnails, pairs, reach, most))
    found = np.flatnonzero(differences <= most)
    columns = differences[found], pairs[found, 0], pairs[found, 1], cosines[found]
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def _sampled_digests(images: ImageSet) -> NDArray[np.uint8]:
    digests: NDArray[np.uint8] = images.digest[np.searchsorted(images.image, images.sampled)]
    return digests


def _joined(pairs: Sequence[_NearPair]) -> list[list[_NearPair]]:
    """Pairs that share images, together."""
    group_of: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    for pair in pairs:
        groups = {group_of.setdefault(image, image) for image in pair.images}
        for image in pair.images:
            members.setdefault(group_of[image], [image])
        kept = min(groups)
        for gone in groups - {kept}:
            for image in members.pop(gone):
                group_of[image] = kept
                members[kept].append(image)
    joined: dict[int, list[_NearPair]] = defaultdict(list)
    for pair in pairs:
        joined[group_of[pair.images[0]]].append(pair)
    return list(joined.values())


def _near_group(pairs: Sequence[_NearPair]) -> Copies:
    return Copies(
        images=tuple(sorted({image for pair in pairs for image in pair.images})),
        reference=(),
        exact=False,
        similarity=min(pair.similarity for pair in pairs),
        difference=max(pair.difference for pair in pairs),
    )


def _ordered(groups: Sequence[Copies]) -> tuple[Copies, ...]:
    return tuple(sorted(groups, key=lambda group: (not group.exact, group.difference, group.images)))
