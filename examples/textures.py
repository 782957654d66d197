"""Textures drawn from numbers: fourteen kinds in random colours, scales, angles and phases.

`draw_texture` makes one picture, `draw_set` a balanced, labelled set of them for training. Everything is
decided by the random generator handed in, so a seed names a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]  # (height, width), 0..1: how much of the second colour a point has
Picture = NDArray[np.uint8]  # (height, width, 3)

OVERSAMPLING = 2  # points per pixel and axis: enough to keep the edges of the finest stripes smooth


class Grid(NamedTuple):
    """Coordinates of a picture's points: -0.5..0.5 over its side, y downwards; each `(size, size)`."""

    y: Field
    x: Field

    @classmethod
    def of(cls, size: int) -> Grid:
        """A square grid of `size` points a side."""
        side = (np.arange(size) + 0.5) / size - 0.5
        return cls(*np.meshgrid(side, side, indexing="ij"))

    def turned(self, degrees: float) -> Grid:
        """The grid seen from axes turned by `degrees`, anticlockwise on the picture."""
        angle = np.deg2rad(degrees)
        return Grid(self.y * np.cos(angle) + self.x * np.sin(angle), self.x * np.cos(angle) - self.y * np.sin(angle))

    def moved(self, rng: np.random.Generator, reach: float) -> Grid:
        """The grid with its origin moved by at most `reach` along each axis."""
        return Grid(self.y - rng.uniform(-reach, reach), self.x - rng.uniform(-reach, reach))


def profile(phase: Field, rng: np.random.Generator) -> Field:
    """A wave over `phase` (in turns), anywhere from a sine to nearly a square wave, 0..1."""
    sharpness = rng.uniform(1.0, 5.0)
    return 0.5 + 0.5 * np.tanh(sharpness * np.sin(2 * np.pi * phase)) / np.tanh(sharpness)


def soft_step(distance: Field, edge: float) -> Field:
    """0 below zero, 1 above it, with a smooth edge of about `edge`."""
    return 0.5 + 0.5 * np.tanh(distance / edge)


def stripes(grid: Grid, rng: np.random.Generator, degrees: float) -> Field:
    """Straight bands that run at `degrees` (0 is level, anticlockwise), give or take 10 degrees."""
    across = grid.turned(degrees + rng.uniform(-10, 10)).y
    return profile(across * rng.uniform(4, 14) + rng.uniform(), rng)


def horizontal_stripes(grid: Grid, rng: np.random.Generator) -> Field:
    """Level bands."""
    return stripes(grid, rng, 0)


def vertical_stripes(grid: Grid, rng: np.random.Generator) -> Field:
    """Upright bands."""
    return stripes(grid, rng, 90)


def rising_stripes(grid: Grid, rng: np.random.Generator) -> Field:
    """Bands from bottom left to top right."""
    return stripes(grid, rng, 45)


def falling_stripes(grid: Grid, rng: np.random.Generator) -> Field:
    """Bands from top left to bottom right."""
    return stripes(grid, rng, -45)


def checks(grid: Grid, rng: np.random.Generator) -> Field:
    """A chequerboard at any angle."""
    turned = grid.turned(rng.uniform(-45, 45))
    frequency = rng.uniform(2.5, 7)
    waves = np.sin(2 * np.pi * (turned.y * frequency + rng.uniform()))
    waves = waves * np.sin(2 * np.pi * (turned.x * frequency + rng.uniform()))
    return soft_step(waves, rng.uniform(0.1, 0.4))


def dots(grid: Grid, rng: np.random.Generator) -> Field:
    """Round spots on a square or staggered lattice."""
    turned = grid.turned(rng.uniform(-45, 45)).moved(rng, 0.2)
    frequency = rng.uniform(4, 10)
    row = turned.y * frequency
    column = turned.x * frequency + rng.choice([0.0, 0.5]) * (np.round(row) % 2)
    radius = np.hypot(row - np.round(row), column - np.round(column))
    return soft_step(rng.uniform(0.2, 0.34) - radius, 0.06)


def rings(grid: Grid, rng: np.random.Generator) -> Field:
    """Circles around one centre."""
    moved = grid.moved(rng, 0.2)
    return profile(np.hypot(moved.y, moved.x) * rng.uniform(5, 14) + rng.uniform(), rng)


def rays(grid: Grid, rng: np.random.Generator) -> Field:
    """Wedges around one centre."""
    moved = grid.moved(rng, 0.2)
    return profile(np.arctan2(moved.y, moved.x) / (2 * np.pi) * rng.integers(6, 19) + rng.uniform(), rng)


def spirals(grid: Grid, rng: np.random.Generator) -> Field:
    """Arms that wind around one centre, either way round."""
    moved = grid.moved(rng, 0.2)
    arms = rng.integers(2, 6) * rng.choice([-1, 1])
    turns = np.arctan2(moved.y, moved.x) / (2 * np.pi) * arms
    return profile(turns + np.hypot(moved.y, moved.x) * rng.uniform(5, 10) + rng.uniform(), rng)


def bricks(grid: Grid, rng: np.random.Generator) -> Field:
    """Courses of a brick wall with joints, nearly level; every brick a little lighter or darker."""
    turned = grid.turned(rng.uniform(-10, 10)).moved(rng, 0.2)
    rows = rng.uniform(5, 11)
    row = turned.y * rows
    column = turned.x * rows / rng.uniform(1.8, 2.6) + 0.5 * (np.floor(row) % 2)
    aspect = 2.2
    to_joint = np.minimum(0.5 - np.abs(row % 1 - 0.5), aspect * (0.5 - np.abs(column % 1 - 0.5)))
    shades = rng.uniform(0.75, 1.0, size=(64, 64))
    shade = shades[np.floor(row).astype(int) % 64, np.floor(column).astype(int) % 64]
    return soft_step(to_joint - rng.uniform(0.07, 0.13), 0.04) * shade


def waves(grid: Grid, rng: np.random.Generator) -> Field:
    """Bands that undulate, at any angle."""
    turned = grid.turned(rng.uniform(-90, 90))
    frequency = rng.uniform(5, 12)
    bends = rng.uniform(2, 4.5)
    bend = rng.uniform(0.5, 0.9) * np.sin(2 * np.pi * (turned.x * bends + rng.uniform()))
    return profile(turned.y * frequency + bend, rng)


def honeycomb(grid: Grid, rng: np.random.Generator) -> Field:
    """Hexagonal cells with thin walls, at any angle."""
    turned = grid.turned(rng.uniform(-30, 30)).moved(rng, 0.2)
    scale = rng.uniform(4, 9)
    y, x = turned.y * scale, turned.x * scale
    height = np.sqrt(3)  # of one cell of the two interleaved lattices of cell centres
    nearest = np.full(y.shape, np.inf)
    for shift_y, shift_x in ((0.0, 0.0), (height / 2, 0.5)):
        dy = np.abs((y - shift_y + height / 2) % height - height / 2)
        dx = np.abs((x - shift_x + 0.5) % 1 - 0.5)
        nearest = np.minimum(nearest, np.maximum(dx, dx / 2 + dy * height / 2))
    return soft_step(0.5 - nearest - rng.uniform(0.07, 0.11), 0.04)


def noise(cells: int, size: int, rng: np.random.Generator) -> Field:
    """Random values on `cells` x `cells` points, between them smoothly interpolated, mean 0."""
    values = rng.standard_normal((cells + 1, cells + 1))
    place = (np.arange(size) + 0.5) / size * cells
    low = place.astype(int)
    share = place - low
    share = share * share * (3 - 2 * share)
    rows = values[low] * (1 - share)[:, None] + values[low + 1] * share[:, None]
    return rows[:, low] * (1 - share) + rows[:, low + 1] * share


def clouds(grid: Grid, rng: np.random.Generator) -> Field:
    """Soft blotches: noise of several scales, the coarse ones strongest."""
    size = grid.y.shape[0]
    cells = int(rng.integers(3, 6))
    total = noise(cells, size, rng) + 0.5 * noise(2 * cells, size, rng) + 0.2 * noise(4 * cells, size, rng)
    return 0.5 + 0.5 * np.tanh(total * rng.uniform(0.8, 1.6))


def grain(grid: Grid, rng: np.random.Generator) -> Field:
    """Fine specks without direction."""
    size = grid.y.shape[0]
    cells = int(rng.integers(28, 56))
    index = np.arange(size) * cells // size
    values = rng.uniform(size=(cells, cells))
    return values[np.ix_(index, index)]


TEXTURES: dict[str, Callable[[Grid, np.random.Generator], Field]] = {
    "horizontal stripes": horizontal_stripes,
    "vertical stripes": vertical_stripes,
    "rising stripes": rising_stripes,
    "falling stripes": falling_stripes,
    "checks": checks,
    "dots": dots,
    "rings": rings,
    "rays": rays,
    "spirals": spirals,
    "bricks": bricks,
    "waves": waves,
    "honeycomb": honeycomb,
    "clouds": clouds,
    "grain": grain,
}

LABELS = tuple(TEXTURES)


def two_colours(rng: np.random.Generator) -> NDArray[np.float64]:
    """Two RGB colours, 0..1, `(2, 3)`, that differ enough to be told apart."""
    least_distance = 0.35  # of a largest possible 1.73
    while True:
        colours = rng.uniform(size=(2, 3))
        if np.linalg.norm(colours[0] - colours[1]) >= least_distance:
            return colours


def draw_texture(label: str, size: int, rng: np.random.Generator, *, clean: bool = False) -> Picture:
    """Draw one picture of a texture.

    Args:
        label: one of `LABELS`.
        size: height and width in pixels.
        rng: decides everything left open: colours, scale, angle, phase, light.
        clean: without the sensor noise that training pictures carry.

    Returns:
        `(size, size, 3)`, uint8.
    """
    fine = size * OVERSAMPLING
    share = TEXTURES[label](Grid.of(fine), rng)
    share = share.reshape(size, OVERSAMPLING, size, OVERSAMPLING).mean(axis=(1, 3))
    first, second = two_colours(rng)
    picture = first + share[..., None] * (second - first)
    light = Grid.of(size).turned(rng.uniform(-180, 180)).y
    picture *= 1 + rng.uniform(0, 0.4) * light[..., None]
    if not clean:
        picture += rng.normal(0, rng.uniform(0, 0.04), picture.shape)
    return np.rint(picture.clip(0, 1) * 255).astype(np.uint8)


def draw_set(count: int, size: int, seed: int | tuple[int, ...]) -> tuple[Picture, NDArray[np.int64]]:
    """Draw `count` pictures, the labels in turn, so that all are equally frequent.

    Returns:
        Pixels `(count, size, size, 3)`, uint8, and the index into `LABELS` of each.
    """
    rng = np.random.default_rng(seed)
    indices = np.arange(count) % len(LABELS)
    pixels = np.stack([draw_texture(LABELS[index], size, rng) for index in indices])
    return pixels, indices
