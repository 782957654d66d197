"""How numbers, sizes and shapes are written on the pages."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

NOTHING = "\N{EN DASH}"
TIMES = " \N{MULTIPLICATION SIGN} "
_MINUS = "\N{MINUS SIGN}"
# Those that no ending tells.
_PLURALS = {"index": "indices", "datum": "data"}
_LEAST_PIECE = 12
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

Shape = Sequence[int | None]


def count(value: int | None) -> str:
    """A whole number with its thousands set apart.

    >>> count(14714688)
    '14,714,688'
    """
    return NOTHING if value is None else f"{value:,}".replace("-", _MINUS)


def counted(value: int, noun: str) -> str:
    """A count of something that is named.

    >>> counted(1, "filter"), counted(3000, "filter"), counted(2, "class")
    ('1 filter', '3,000 filters', '2 classes')
    """
    return f"{count(value)} {noun if value == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """More than one of what `noun` names.

    >>> [plural(noun) for noun in ("class", "box", "layer", "property", "index")]
    ['classes', 'boxes', 'layers', 'properties', 'indices']
    """
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if re.search("[^aeiou]y$", noun) else f"{noun}s"


def capitalized(text: str) -> str:
    """`text` as the beginning of a sentence.

    >>> capitalized("mean error 3, PSNR 20 dB")
    'Mean error 3, PSNR 20 dB'
    """
    return text[:1].upper() + text[1:]


def uncapitalized(text: str) -> str:
    """`text` within a sentence: its first word in small letters, unless that is a symbol, and names as they are.

    >>> [uncapitalized(text) for text in ("Mean IoU of Sky", "R² of Age", "PSNR of pictures")]
    ['mean IoU of Sky', 'R² of Age', 'PSNR of pictures']
    """
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def name_pieces(name: str) -> list[str]:
    """The pieces of a long name between which a line may end: none of fewer than 12 characters, but for the last.

    >>> name_pieces("expanded_conv_11_squeeze_excite_conv_1"), name_pieces("photographs/cat_tabby.jpg")
    (['expanded_conv_', '11_squeeze_excite_', 'conv_1'], ['photographs/', 'cat_tabby.jpg'])
    """
    pieces = [""]
    for part in re.findall(r"[^/_]*[/_]?", name):
        if len(pieces[-1]) >= _LEAST_PIECE:
            pieces.append("")
        pieces[-1] += part
    return [piece for piece in pieces if piece]


def short_count(value: int | None) -> str:
    """A count to three digits, with k, M, G or T.

    >>> [short_count(number) for number in (999, 14714688, 15346630656)]
    ['999', '14.7 M', '15.3 G']
    """
    if value is None or value < 1000:
        return count(value)
    # What would round to 1000 of a unit is 1.00 of the next.
    unit = next((unit for unit in (1, 2, 3) if value / 1000**unit < 999.5), 4)
    return f"{_digits(value / 1000**unit)} {' kMGT'[unit]}"


def byte_count(value: int | None) -> str:
    """A size of a file or of memory in decimal units.

    >>> [byte_count(size) for size in (512, 56_000, 61_200_000)]
    ['512 bytes', '56.0 kB', '61.2 MB']
    """
    if value is None:
        return NOTHING
    if value < 1000:
        return f"{value} byte" if value == 1 else f"{value} bytes"
    return f"{short_count(value)}B"


def number(value: float | None) -> str:
    """A number to three or four digits, in powers of ten where it is very large or small.

    >>> [number(value) for value in (None, 0, 3.14159, -0.25, 1234.5, 0.00001234, 5e9)]
    ['–', '0', '3.142', '−0.25', '1,234', '1.23 × 10⁻⁵', '5 × 10⁹']
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    magnitude = abs(value)
    sign = _MINUS if value < 0 else ""
    if magnitude >= 1e7 or magnitude < 1e-3:
        exponent = math.floor(math.log10(magnitude))
        mantissa = f"{magnitude / 10.0**exponent:.3g}"
        if mantissa == "10":
            mantissa, exponent = "1", exponent + 1
        return f"{sign}{mantissa}{TIMES}10{str(exponent).translate(_SUPERSCRIPTS)}"
    if magnitude >= 1000:
        return f"{sign}{magnitude:,.0f}"
    return f"{sign}{magnitude:.4g}"


def listed(names: Sequence[str]) -> str:
    """Names in a row; semicolons stand between them where commas stand in one, as in those of ImageNet's classes.

    >>> listed(["macaw", "tench"]), listed(["macaw", "tench, Tinca tinca"])
    ('macaw, tench', 'macaw; tench, Tinca tinca')
    """
    return ("; " if any("," in name for name in names) else ", ").join(names)


def percent(value: float | None) -> str:
    """A share of one in per cent; what is not none and not all does not look like it.

    >>> [percent(share) for share in (0, 0.0001, 0.123, 0.9999, 1)]
    ['0 %', '<0.1 %', '12.3 %', '>99.9 %', '100 %']
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if 0 < value < 0.0005:
        return "<0.1 %"
    if 0.9995 < value < 1:
        return ">99.9 %"
    return f"{value * 100:.0f} %" if value in (0, 1) else f"{value * 100:.1f} %"


def size(sides: Shape | None) -> str:
    """Side lengths with multiplication signs between them.

    >>> size([3, 3, 64]), size([None, None, 3])
    ('3 × 3 × 64', 'any × any × 3')
    """
    if sides is None:
        return NOTHING
    return TIMES.join("any" if side is None else str(side) for side in sides) or "single number"


def shape(value: Shape | Sequence[Shape] | None) -> str:
    """The shape of what a layer gives for one image: without the batch, several shapes set apart.

    >>> shape((None, 14, 14, 512)), shape([(None, 10), (None, 4)]), shape(None)
    ('14 × 14 × 512', '10; 4', '–')
    """
    if value is None:
        return NOTHING
    shapes = [part for part in value if isinstance(part, Sequence)]
    if shapes:
        return "; ".join(shape(part) for part in shapes)
    return size([side for side in value if not isinstance(side, Sequence)][1:])


def is_open(value: Shape | Sequence[Shape] | None) -> bool:
    """Whether a shape leaves a side besides the batch open; several shapes are given as they are.

    >>> is_open((None, None, None, 3)), is_open((None, 10)), is_open(None)
    (True, False, False)
    """
    return value is not None and None in value[1:]


def _digits(scaled: float) -> str:
    """Three digits of a number below 1000, as many of them after the point as that leaves room for."""
    decimals = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:.{decimals}f}"


def duration(seconds: float) -> str:
    """A time that was given, as it is.

    >>> duration(600), duration(90), duration(0.5)
    ('10 minutes', '90 seconds', '0.5 seconds')
    """
    if seconds % 60 == 0:
        return counted(round(seconds / 60), "minute")
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"


def finite(value: float | None) -> float | None:
    """`value` as JSON can say it: None where it is not a finite number."""
    return None if value is None or not math.isfinite(value) else float(value)


def all_rounded(values: Iterable[float | None], digits: int = 5) -> list[float | None]:
    """`rounded` of each of thousands of numbers, at once.

    >>> all_rounded([1 / 3, math.nan, -12345678.0])
    [0.33333, None, -12346000.0]
    """
    spec = f".{digits}g"
    return [None if value is None or not math.isfinite(value) else float(format(value, spec)) for value in values]


def rounded(value: float | None, digits: int = 5) -> float | None:
    """`value` to so many significant digits, more than a chart or a table shows; None where it is not finite."""
    return all_rounded([value], digits)[0]
