"""Light drawings for inline SVG: coordinates and paths, ready for a template that only writes them down."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from reportgen.record import Curve, Histogram, ValueSpread

# In CSS pixels; the drawing shrinks with a narrow page.
WIDTH, HEIGHT = 320, 96

# Beyond this many bars a chart of this width shows only what its outline shows.
_TICK_SPACING = 0.25

# Around a line with dots, so that these are whole.
_MARGIN = 6


@dataclass(frozen=True)
class Tick:
    """A number under a chart: the `value` at `x`, text `anchor` start, middle or end."""

    x: float
    value: float
    anchor: str


@dataclass(frozen=True)
class HistogramChart:
    """Bars as one path; `zero` is where the value 0 lies, None where it is outside."""

    path: str
    ticks: tuple[Tick, ...]
    zero: float | None
    total: int
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class LineChart:
    """A line through points, and the ends of both axes."""

    path: str
    first: float
    last: float
    low: float
    high: float
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Trend:
    """A figure over reports: a line through `dots` `(x, y)`, the last of them the newest."""

    path: str
    dots: tuple[tuple[float, float], ...]
    width: int = WIDTH
    height: int = HEIGHT


def draw_histogram(histogram: Histogram | None) -> HistogramChart | None:
    """Bars whose areas grow with the square root of the counts, so that rare values show beside common ones."""
    if histogram is None or not histogram.counts or max(histogram.counts) == 0:
        return None
    edges, counts = histogram.edges, histogram.counts
    low, high = edges[0], edges[-1]
    if not high > low:
        return None
    narrowest = min(right - left for left, right in itertools.pairwise(edges) if right > left)
    heights = [
        math.sqrt(amount * narrowest / (right - left)) if right > left else 0.0
        for amount, left, right in zip(counts, edges, edges[1:], strict=False)
    ]
    tallest = max(heights)
    path = [f"M0 {HEIGHT}"]
    for tall, right in zip(heights, edges[1:], strict=False):
        # A bar of a few images among millions is still one pixel tall.
        top = HEIGHT - max(1.0, tall / tallest * (HEIGHT - 2)) if tall else HEIGHT
        path.append(f"V{top:.1f}H{(right - low) / (high - low) * WIDTH:.1f}")
    zero = -low / (high - low) * WIDTH if low < 0 < high else None
    return HistogramChart(
        path=_shortened("".join([*path, f"V{HEIGHT}"])),
        ticks=_ticks(low, high, zero),
        zero=None if zero is None else round(zero, 1),
        total=sum(counts),
    )


def draw_spread(spread: ValueSpread) -> HistogramChart | None:
    """The values of all images, None where they are all the same."""
    return draw_histogram(Histogram(edges=spread.edges, counts=spread.counts)) if spread.edges else None


def place_in_spread(spread: ValueSpread, value: float | None) -> float | None:
    """Where `value` stands across the chart of `spread`, None where it is no number or the chart has no width."""
    if value is None or not spread.edges or spread.edges[-1] <= spread.edges[0]:
        return None
    low, high = spread.edges[0], spread.edges[-1]
    return round(min(1.0, max(0.0, (value - low) / (high - low))) * WIDTH, 1)


def draw_curve(curve: Curve | None) -> LineChart | None:
    """The objective over the steps of an ascent, None where there are not two points to join."""
    if curve is None or len(curve.steps) < 2:
        return None
    first, last = curve.steps[0], curve.steps[-1]
    low, high = min(curve.values), max(curve.values)
    span = (high - low) or 1.0
    across = [(step - first) / max(1, last - first) * WIDTH for step in curve.steps]
    down = [HEIGHT - 2 - (value - low) / span * (HEIGHT - 4) for value in curve.values]
    points = "L".join(f"{_short(x)} {_short(y)}" for x, y in zip(across, down, strict=False))
    return LineChart(path=f"M{points}", first=first, last=last, low=low, high=high)


def draw_trend(points: Sequence[tuple[int, float]], count: int) -> Trend:
    """Values `(place, value)` of reports at places `0..count - 1`, from the lowest at the foot to the highest."""
    # Halved: the span of the largest numbers there are is none of them.
    values = [value / 2 for _, value in points]
    low, span = min(values), (max(values) - min(values)) or 1.0
    dots = tuple(
        (
            round(_MARGIN + place / max(1, count - 1) * (WIDTH - 2 * _MARGIN), 1),
            round(HEIGHT - _MARGIN - (value / 2 - low) / span * (HEIGHT - 2 * _MARGIN), 1),
        )
        for place, value in points
    )
    return Trend(path="M" + "L".join(f"{_short(x)} {_short(y)}" for x, y in dots), dots=dots)


def draw_profile(values: Sequence[float | None]) -> str:
    """One path of a bar for each positive one of `values` from the left, the highest as tall as the chart."""
    known = [value for value in values if value is not None]
    highest = max(known, default=0.0)
    if highest <= 0:
        return ""
    return _shortened(
        "".join(
            f"{start}V{HEIGHT - value / highest * (HEIGHT - 2):.1f}"
            for start, value in zip(_feet(len(values)), values, strict=True)
            if value is not None and value > 0
        )
    )


@lru_cache
def _feet(count: int) -> tuple[str, ...]:
    """Where each of `count` bars of a profile starts: layers mostly have one of a few numbers of channels."""
    step = WIDTH / count
    return tuple(f"M{(place + 0.5) * step:.1f} {HEIGHT}" for place in range(count))


def _ticks(low: float, high: float, zero: float | None) -> tuple[Tick, ...]:
    """The ends of the axis, and zero where it stands clear of both."""
    ticks = [Tick(0, low, "start"), Tick(WIDTH, high, "end")]
    if zero is not None and _TICK_SPACING * WIDTH < zero < (1 - _TICK_SPACING) * WIDTH:
        ticks.insert(1, Tick(round(zero, 1), 0.0, "middle"))
    return tuple(ticks)


def _shortened(path: str) -> str:
    """A path whose coordinates all have a tenth of a pixel, without those that are naught; see `_short`."""
    for command in "MVH ":
        path = path.replace(f".0{command}", command)
    return path.removesuffix(".0")


def _short(value: float) -> str:
    """A coordinate to a tenth of a pixel, without needless digits."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
