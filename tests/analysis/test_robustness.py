from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.corruptions import CORRUPTIONS, ONE_PIXEL_SHIFTS, SEVERITIES, corrupt, shift
from reportgen.analysis.robustness import Flip, RobustnessAccumulator


def scores(*classes: int, confidence: float | list[float] = 0.9) -> np.ndarray:
    given = np.zeros((len(classes), 3), np.float32)
    given[np.arange(len(classes)), classes] = confidence
    return given


def halves(pixels: np.ndarray) -> np.ndarray:
    """A network by hand: whether the left or the right half of each picture is brighter, and how sure it is."""
    half = pixels.shape[2] // 2
    left, right = pixels[:, :, :half].mean(axis=(1, 2, 3)), pixels[:, :, half:].mean(axis=(1, 2, 3))
    second = 1 / (1 + np.exp((left - right) / 20))
    return np.stack([1 - second, second], axis=1).astype(np.float32)


def tops(pixels: np.ndarray) -> np.ndarray:
    return halves(pixels.swapaxes(1, 2))


def test_scores_agreement_and_flips_by_hand() -> None:
    found, images = RobustnessAccumulator(), np.array([10, 11, 12, 13])
    truth = np.array([0, 1, 2, -1])
    found.add(images, truth, scores(0, 1, 1, 2, confidence=[0.9, 0.8, 0.7, 0.6]))
    found.add(images, truth, scores(0, 1, 1, 0), name="blur", severity=1)
    found.add(images, truth, scores(1, 0, 2, 0), name="blur", severity=3)
    result = found.result()
    assert (result.clean.score, result.clean.agreement) == (2 / 3, 1.0)
    assert result.clean.mean_confidence == pytest.approx(0.75)
    (curve,) = result.corruptions
    assert [(severity, one.score, one.agreement) for severity, one in curve.severities] == [
        (1, 2 / 3, 0.75),
        (3, 1 / 3, 0.0),
    ]
    assert curve.flips == (Flip(13, 1, 2, 0), Flip(12, 3, 1, 2), Flip(11, 3, 1, 0), Flip(10, 3, 0, 1))
    assert (result.shifts, result.one_pixel) == ((), None)


def test_without_truth_there_is_agreement_alone() -> None:
    found, unknown = RobustnessAccumulator(), np.array([-1, -1])
    found.add(np.arange(2), unknown, scores(0, 1))
    found.add(np.arange(2), unknown, scores(0, 2), name="left-1")
    result = found.result()
    assert (result.clean.score, result.clean.interval) == (None, None)
    assert [(name, one.agreement) for name, one in result.shifts] == [("left-1", 0.5)]
    assert result.one_pixel == 0.5


def test_a_network_that_looks_at_the_side_does_not_hold_under_flips_and_one_that_does_not_does() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (80, 12, 12, 1)).astype(np.uint8)
    pixels[:40, :, :6] //= 2
    flipped = np.stack([shift(one, "flip-horizontal") for one in pixels])
    for network, steady in ((halves, False), (tops, True)):
        found, images = RobustnessAccumulator(), np.arange(80)
        truth = network(pixels).argmax(axis=1)
        found.add(images, truth, network(pixels))
        found.add(images, truth, network(flipped), name="flip-horizontal")
        ((_, one),) = found.result().shifts
        assert (one.agreement == 1.0) is steady
        assert one.score == one.agreement


def test_every_corruption_and_shift_has_its_place_in_any_order_of_arrival() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (20, 16, 16, 1)).astype(np.uint8)
    whole, parts = RobustnessAccumulator(), [RobustnessAccumulator(), RobustnessAccumulator()]
    truth = random.integers(0, 2, 20)

    def changed(name: str, severity: int, images: np.ndarray) -> np.ndarray:
        if name == "clean":
            return pixels[images]
        if severity:
            return np.stack([corrupt(pixels[one], name, severity, seed=0, image=int(one)) for one in images])
        return np.stack([shift(pixels[one], name) for one in images])

    jobs = [(name, severity) for name in CORRUPTIONS for severity in SEVERITIES]
    jobs += [(name, 0) for name in ("clean", *ONE_PIXEL_SHIFTS, "larger")]
    for name, severity in jobs:
        images = np.arange(20)
        whole.add(images, truth, halves(changed(name, severity, images)), name=name, severity=severity)
    for place in random.permutation(len(jobs)):
        name, severity = jobs[place]
        for part in np.split(random.permutation(20), [3, 11]):
            side = parts[random.integers(2)]
            side.add(part, truth[part], halves(changed(name, severity, part)), name=name, severity=severity)
    parts[1].merge(parts[0])
    result = parts[1].result()
    assert result == whole.result()
    assert [curve.name for curve in result.corruptions] == list(CORRUPTIONS)
    assert [name for name, _ in result.shifts] == [*ONE_PIXEL_SHIFTS, "larger"]


def test_a_changed_image_without_its_clean_answer_is_refused() -> None:
    found = RobustnessAccumulator()
    found.add(np.array([4]), np.array([0]), scores(0), name="noise", severity=2)
    with pytest.raises(ValueError, match="got none for image 4"):
        found.result()
