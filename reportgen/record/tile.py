"""A picture in the report, or a part of one."""

from __future__ import annotations

from reportgen.facts import Fact
from reportgen.record.paths import PicturePath


class Tile(Fact):
    """A picture, or the part `[left, top, width, height]` of one."""

    picture: PicturePath
    tile: tuple[int, int, int, int]
    width: int  # of the whole picture
    height: int
