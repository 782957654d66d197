from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from reportgen.files.encoding import MAX_WEBP_SIDE, encode_webp

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)


def _decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_lossless_files_keep_every_pixel() -> None:
    np.testing.assert_array_equal(_decoded(encode_webp(PIXELS, lossless=True)), PIXELS)


def test_lossy_file_keeps_the_picture_and_obeys_quality() -> None:
    smooth = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    assert np.abs(_decoded(encode_webp(smooth)).astype(int) - smooth).mean() < 4
    assert len(encode_webp(PIXELS, quality=20)) < len(encode_webp(PIXELS, quality=90))


def test_same_pixels_give_same_bytes() -> None:
    assert encode_webp(PIXELS) == encode_webp(PIXELS.copy())


def test_grey_pixels() -> None:
    assert (_decoded(encode_webp(PIXELS[:, :, 0], lossless=True))[:, :, 1] == PIXELS[:, :, 0]).all()


def test_the_longest_side() -> None:
    assert _decoded(encode_webp(np.zeros((1, MAX_WEBP_SIDE), np.uint8))).shape == (1, MAX_WEBP_SIDE, 3)
    with pytest.raises(ValueError, match=f"at most {MAX_WEBP_SIDE} pixels"):
        encode_webp(np.zeros((MAX_WEBP_SIDE + 1, 1), np.uint8))
