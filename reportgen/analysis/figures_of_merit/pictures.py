"""Answers that are pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.figures_of_merit.intervals import mean
from reportgen.analysis.figures_of_merit.rows import ImageRows
from reportgen.analysis.figures_of_merit.similarity import structural_similarity

DATA_RANGE = 255.0


@dataclass(frozen=True, eq=False)
class PictureAnswers:
    """One row for each image, in the order of the images.

    `psnr`, in dB, is infinite for a picture that equals its truth; `ssim` is NaN for one smaller than the window.
    """

    image: NDArray[np.int64]
    mae: NDArray[np.float64]
    psnr: NDArray[np.float64]
    ssim: NDArray[np.float64]

    def worst_first(self) -> NDArray[np.int64]:
        """The images, those of the largest mean absolute error first."""
        return self.image[np.argsort(-self.mae, kind="stable")]


@dataclass(frozen=True, eq=False)
class PictureFigures:
    """Means over the images; that of PSNR leaves out the `identical` ones, that of SSIM the `too_small` ones.

    `not_finite` counts the images left out since an answer was NaN or infinite.
    """

    images: int
    not_finite: int
    identical: int
    too_small: int
    mae: float | None
    psnr: float | None
    ssim: float | None
    answers: PictureAnswers


class PictureAccumulator:
    """Takes in pictures; keeps 32 bytes for each image.

    Args:
        data_range: from black to white.
    """

    def __init__(self, *, data_range: float = DATA_RANGE) -> None:
        self._range = data_range
        self._rows = ImageRows(mae=np.float64, psnr=np.float64, ssim=np.float64)
        self._not_finite = 0

    def add(self, image: int, truth: NDArray[Any], answer: NDArray[Any]) -> tuple[float, float, float] | None:
        """Take in an image: its index, and the picture as it should be and is, both `(height, width, channels)`.

        Returns:
            What `measure_picture` says of it.
        """
        found = measure_picture(truth, answer, data_range=self._range)
        if found is None:
            self._not_finite += 1
        else:
            mae, psnr, ssim = found
            self._rows.add([image], mae=[mae], psnr=[psnr], ssim=[ssim])
        return found

    def merge(self, other: PictureAccumulator) -> None:
        """Take in all images of `other`."""
        self._rows.merge(other._rows)
        self._not_finite += other._not_finite

    def result(self) -> PictureFigures:
        """The figures of all images taken in."""
        rows = self._rows.sorted()
        different, large = np.isfinite(rows["psnr"]), np.isfinite(rows["ssim"])
        return PictureFigures(
            images=len(rows["image"]),
            not_finite=self._not_finite,
            identical=int((~different).sum()),
            too_small=int((~large).sum()),
            mae=mean(rows["mae"].tolist()),
            psnr=mean(rows["psnr"][different].tolist()),
            ssim=mean(rows["ssim"][large].tolist()),
            answers=PictureAnswers(rows["image"], rows["mae"], rows["psnr"], rows["ssim"]),
        )


def measure_picture(
    truth: NDArray[Any], answer: NDArray[Any], *, data_range: float = DATA_RANGE
) -> tuple[float, float, float] | None:
    """Mean absolute error, PSNR in dB (infinite where nothing differs) and SSIM (NaN of a picture that is too small).

    Args:
        truth: `(height, width, channels)`.
        answer: as `truth`.
        data_range: from black to white.

    Returns:
        None where a value of the answer is NaN or infinite.
    """
    if truth.shape != answer.shape or truth.ndim != 3:
        raise ValueError(f"expected two pictures (height, width, channels), got {truth.shape} and {answer.shape}")
    right, given = truth.astype(np.float64), answer.astype(np.float64)
    if not np.isfinite(given).all():
        return None
    errors = given - right
    squared = float(np.square(errors).mean())
    ssim = structural_similarity(right, given, data_range=data_range)
    return (
        float(np.abs(errors).mean()),
        10 * math.log10(data_range**2 / squared) if squared else math.inf,
        math.nan if ssim is None else ssim,
    )
