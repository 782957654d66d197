"""Draw the example images of the demo: nine clean textures and three mixtures without one right answer.

    python examples/draw_demo_images.py [DIRECTORY]

Writes the images and `truth.csv` (file, label; a mixture under the texture that has the larger share) into the
directory (by default `examples/demo/images`, the list one level up).
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from textures import Grid, Picture, draw_texture, soft_step

SIZE = 240
SEED = 100  # away from the seeds of training and of the held-out pictures

SINGLE = (
    "bricks",
    "checks",
    "clouds",
    "dots",
    "falling stripes",
    "honeycomb",
    "rays",
    "rings",
    "waves",
)


def side_by_side(left: Picture, right: Picture) -> Picture:
    """The left three fifths of one picture, the rest of the other, with a soft seam."""
    share = soft_step(Grid.of(SIZE).x - 0.1, 0.02)[..., None]
    return np.rint(left * (1 - share) + right * share).astype(np.uint8)


def overlaid(base: Picture, veil: Picture) -> Picture:
    """One picture seen through another, 60 to 40."""
    return np.rint(0.6 * base.astype(float) + 0.4 * veil).astype(np.uint8)


def draw_images() -> dict[str, tuple[Picture, str]]:
    """The images by file name, each with its label."""
    rng = np.random.default_rng(SEED)

    def draw(label: str) -> Picture:
        return draw_texture(label, SIZE, rng, clean=True)

    images = {f"{label.replace(' ', '-')}.webp": (draw(label), label) for label in SINGLE}
    images["half-vertical-stripes-half-dots.webp"] = (
        side_by_side(draw("vertical stripes"), draw("dots")),
        "vertical stripes",
    )
    images["checks-through-rings.webp"] = (overlaid(draw("checks"), draw("rings")), "checks")
    images["spirals-through-grain.webp"] = (overlaid(draw("spirals"), draw("grain")), "spirals")
    return dict(sorted(images.items()))


def main() -> None:
    """Draw and write."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "demo" / "images"
    directory.mkdir(parents=True, exist_ok=True)
    images = draw_images()
    for file, (picture, _) in images.items():
        Image.fromarray(picture).save(directory / file, quality=90, method=6)
    with (directory.parent / "truth.csv").open("w", encoding="utf-8", newline="") as table:
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(("file", "label"))
        rows.writerows((file, label) for file, (_, label) in images.items())


if __name__ == "__main__":
    main()
