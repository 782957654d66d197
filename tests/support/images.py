"""Small pictures drawn by rule, shared by tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def gradient(height: int = 24, width: int = 32) -> np.ndarray:
    """Red rises to the right, green downwards, blue is constant; uint8 `(height, width, 3)`."""
    rows = np.linspace(0, 255, height)[:, None]
    columns = np.linspace(0, 255, width)[None, :]
    blue = np.full((height, width), 64.0)
    return np.stack([columns + 0 * rows, rows + 0 * columns, blue], axis=2).astype(np.uint8)


def random_images(count: int, height: int = 8, width: int = 8, seed: int = 0) -> np.ndarray:
    """Smooth coloured noise, uint8 `(count, height, width, 3)`; every image has its own mean colour."""
    random = np.random.default_rng(seed)
    colour = random.uniform(40, 215, (count, 1, 1, 3))
    coarse = random.normal(0, 50, (count, -(-height // 4), -(-width // 4), 3))
    fine = np.repeat(np.repeat(coarse, 4, axis=1), 4, axis=2)[:, :height, :width]
    return np.clip(colour + fine + random.normal(0, 12, (count, height, width, 3)), 0, 255).astype(np.uint8)


def write_images(folder: Path, count: int, height: int = 24, width: int = 32, seed: int = 0) -> list[Path]:
    """Write `count` pictures `image-0.png`, ... to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, pixels in enumerate(random_images(count, height, width, seed)):
        paths.append(folder / f"image-{index}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths
