"""Numbers and lists of names in sentences."""

from __future__ import annotations

from collections.abc import Sequence

# Names written out before the rest is only counted.
LISTED = 4


def percent(part: int, whole: int) -> str:
    """A share in percent, `under 1%` where rounding would make nothing of it."""
    share = part / whole
    return "under 1%" if 0 < share < 0.01 else f"{share:.0%}"


def names(listed: Sequence[str]) -> str:
    """Names joined, the rest counted; semicolons stand between them where commas stand in one.

    >>> names(list("abcdefg")), names(["macaw", "tench, Tinca tinca"])
    ('a, b, c, d and 3 more', 'macaw; and tench, Tinca tinca')
    """
    shown, rest = list(listed[:LISTED]), len(listed) - LISTED
    if rest <= 0 and len(shown) == 1:
        return shown[0]
    last = f"{rest} more" if rest > 0 else shown.pop()
    if any("," in name for name in (*shown, last)):
        return f"{'; '.join(shown)}; and {last}"
    return f"{', '.join(shown)} and {last}"


def on_images(number: int) -> str:
    """What a measurement is limited to: `on these 14 images`."""
    return "on the one image" if number == 1 else f"on these {number:,} images"
