"""Which layers of a network belong together.

Most networks say so in their layers' names (`block3_conv1`, `conv4_block2_1_bn`, `stage_1_block_0`); the
finest division by names that gives a handful of blocks is taken. Where names do not speak, a block is a
stretch of one resolution, as the stages of a convolutional network are commonly drawn; where that does not
change either, as in a vision transformer, a block begins with a layer of attention.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reportgen.facts import Block

# As many blocks as a reader takes in at once; fewer than three do not divide a network.
FEWEST, MOST = 3, 12

# The share of the convolutions that must stand in a block by name for the names to be believed.
NAMED_SHARE = 0.6

# Numbered layers (`conv1`, `layer_2`, ...) are blocks only where several share a number.
LAYERS_PER_NUMBER = 1.5

_WORDS = "block|cell|decoder|down|encoder|expanded_conv|fire|group|layer|level|module|stage|unit|up"
_KEY = re.compile(
    rf"(?:^|(?<=[_/.]))(?P<word>{_WORDS})_?(?P<number>\d+)(?P<letter>[a-z]?)(?=[_/.]|$)"
    r"|(?:^|(?<=[_/.]))conv(?P<conv>\d+)(?=[_/.]|$)"
    r"|(?:^|(?<=[_/.]))(?P<end>stem|top)(?=[_/.]|$)"
)
_BETWEEN_BLOCKS = re.compile(r"(down|up)sampl(e|ing)_$")


@dataclass(frozen=True)
class Place:
    """A layer as the division sees it; `resolution` is that of its map or grid of tokens, None without."""

    name: str
    resolution: tuple[int, int] | None
    is_convolution: bool
    is_attention: bool = False


def divide_into_blocks(places: Sequence[Place], size: tuple[int, int]) -> tuple[Block, ...]:
    """Divide the layers of a network into blocks, by names that speak or else by resolution.

    Args:
        places: all layers, in order.
        size: height and width of the input.

    Returns:
        The blocks in order; between 3 and 12 for all but very small networks. Layers before the first
        block, between blocks and after the last may belong to none.
    """
    by_resolution = _by_resolution(places, size)
    divisions = [_by_names(places, fine=True), _by_names(places, fine=False), by_resolution, _by_attention(places)]
    few = [division for division in divisions if FEWEST <= len(set(division.values())) <= MOST]
    return _summarized(few[0] if few else by_resolution, places)


def _summarized(division: Mapping[str, str], places: Sequence[Place]) -> tuple[Block, ...]:
    blocks: dict[str, list[Place]] = {}
    for place in places:
        if place.name in division:
            blocks.setdefault(division[place.name], []).append(place)
    return tuple(
        Block(
            name=name,
            layers=tuple(place.name for place in members),
            resolution=next((place.resolution for place in reversed(members) if _is_spread(place)), None),
        )
        for name, members in blocks.items()
    )


def _is_spread(place: Place) -> bool:
    """Whether the layer gives a map of more than one position."""
    return place.resolution is not None and place.resolution != (1, 1)


# --- by names -------------------------------------------------------------------------------------


def _by_names(places: Sequence[Place], *, fine: bool) -> dict[str, str]:
    """The block of each layer by its name; empty where names do not speak."""
    convolutions = [place.name for place in places if place.is_convolution]
    counted = [place.name for place in places if _is_spread(place)] if len(convolutions) < FEWEST else convolutions
    keys = _without_single_numbers({place.name: name_key(place.name, fine=fine) for place in places}, counted)
    named = [name for name in counted if keys[name] is not None]
    if not counted or len(named) < NAMED_SHARE * len(counted):
        return {}
    holding = {keys[name] for name in counted}
    division: dict[str, str] = {}
    current: str | None = None
    for place in places:
        key = keys[place.name]
        if key is not None:
            current = key if key in holding else None
        elif place.is_convolution or place.resolution is None:
            current = None
        if current is not None:
            division[place.name] = current
    return _shortened(division)


def _without_single_numbers(keys: Mapping[str, str | None], counted: Sequence[str]) -> dict[str, str | None]:
    """Forget the keys `conv1`, `conv2`, ... (or `layer1`, ...) where they number the layers one by one."""
    numbered = [keys[name] for name in counted if re.fullmatch(r"(.*/)?(conv|layer_?)\d+", keys[name] or "")]
    if len(numbered) >= LAYERS_PER_NUMBER * len(set(numbered)):
        return dict(keys)
    return {name: None if key in numbered else key for name, key in keys.items()}


def name_key(name: str, *, fine: bool) -> str | None:
    """What the name says of the block: `conv4_block2` (fine) or `conv4` (coarse); None if nothing."""
    found = [match for match in _KEY.finditer(name) if not _BETWEEN_BLOCKS.search(name[: match.start()])]
    # `conv4` in front of `block2` is a stage; `conv2` behind `block1` is one convolution.
    matches = [match for i, match in enumerate(found) if i == 0 or match["conv"] is None]
    if not matches:
        return None
    outer = name[: matches[0].start()].rpartition("/")[0]
    if fine:
        key = name[matches[0].start() : matches[-1].end()]
    else:
        letter = matches[0]["letter"] or ""
        key = matches[0][0].removesuffix(letter)
    return f"{outer}/{key}" if outer else key


def _shortened(division: Mapping[str, str]) -> dict[str, str]:
    """Leave the sub-network's name out of the blocks' names where only one sub-network has blocks."""
    outers = {block.rpartition("/")[0] for block in division.values()}
    if len(outers) > 1:
        return dict(division)
    return {name: block.rpartition("/")[2] for name, block in division.items()}


# --- by resolution --------------------------------------------------------------------------------


def _by_resolution(places: Sequence[Place], size: tuple[int, int]) -> dict[str, str]:
    """The stage of each layer: how often its map is halved, on the way down or on the way up again.

    A stage begins with its first convolution: what reduces the map before it (a pooling) ends the stage before.
    """
    levels = [_level(place, size) for place in places]
    known = [level for level in levels if level is not None]
    if not known:
        return {}
    bottom = len(levels) - 1 - levels[::-1].index(max(known))
    stages = [None if level is None else (i > bottom, level) for i, level in enumerate(levels)]
    divides = any(place.is_convolution and _is_spread(place) for place in places)
    begun: set[tuple[bool, int]] = set()
    members: dict[tuple[bool, int], list[Place]] = {}
    current: tuple[bool, int] | None = None
    for place, stage in zip(places, stages, strict=True):
        if stage is not None and (stage in begun or place.is_convolution or not divides):
            begun.add(stage)
            current = stage
        if current is not None and stage is not None:
            members.setdefault(stage if stage in begun else current, []).append(place)
    return _named_by_resolution(list(members.values()))


def _level(place: Place, size: tuple[int, int]) -> int | None:
    """How often the map is halved from the input, rounded; None for what is no map."""
    if place.resolution is None or not _is_spread(place):
        return None
    height, width = place.resolution
    return round(math.log2(math.sqrt(size[0] * size[1] / (height * width))))


def _named_by_resolution(stages: Sequence[Sequence[Place]]) -> dict[str, str]:
    division: dict[str, str] = {}
    used: dict[str, int] = {}
    for members in stages:
        # Padding and pooling change the side a little; the convolutions say how large the stage is.
        telling = [place for place in members if place.is_convolution] or members
        height, width = next(place.resolution for place in reversed(telling) if place.resolution is not None)
        name = f"{height}x{width}"
        used[name] = used.get(name, 0) + 1
        block = name if used[name] == 1 else f"{name}:{used[name]}"
        division.update({place.name: block for place in members})
    return division


# --- by attention ---------------------------------------------------------------------------------


def _by_attention(places: Sequence[Place]) -> dict[str, str]:
    """Blocks that begin with a layer of attention, as many together as gives a handful; empty without attention."""
    count = sum(place.is_attention for place in places)
    together = math.ceil(count / (MOST - 1))
    division: dict[str, str] = {}
    seen = 0
    for place in places:
        seen += place.is_attention
        if _is_spread(place) and count:
            block = (seen - 1) // together + 1 if seen else 0
            division[place.name] = f"attention{block}" if block else "patches"
    return division
