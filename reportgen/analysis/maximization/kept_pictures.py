"""Pictures of an ascent as they are kept in the cache: what is there, and under which key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from reportgen.analysis.maximization.layer_ascents import Item, LayerAscents, Picture
from reportgen.files.cache import Cache, Entry, content_key

# Counted up when the same settings would give other pictures than before.
_VERSION = 7


class KeptPictures:
    """The outcomes of a batch, as far as they are kept; of pictures that are to differ from each other, all or none."""

    def __init__(self, cache: Cache, maker: LayerAscents, items: Sequence[Item]) -> None:
        self._cache = cache
        self._maker = maker
        self._found = {item: entry for item in items if (entry := cache.get(_key(maker, item)))}
        if any(item.variant for item in items) and len(self._found) < len(items):
            self._found = {}
        self.missing = [item for item in items if item not in self._found]

    def found(self) -> Iterator[tuple[Item, Picture]]:
        """The items that are kept, with their outcomes."""
        for item, entry in self._found.items():
            yield item, _picture_of(entry)


def keep_picture(cache: Cache, maker: LayerAscents, item: Item, outcome: Picture) -> None:
    """Keep the picture of `item` for later runs."""
    entry = _entry(outcome)
    cache.put(_key(maker, item), entry.arrays, entry.meta)


def _key(maker: LayerAscents, item: Item) -> str:
    """Everything a picture depends on."""
    return content_key(
        "activation maximisation",
        _VERSION,
        maker.network.content,
        maker.subject.content(maker.preset),
        maker.canvas,
        maker.preset.content(),
        maker.colour,
        item.channel,
        item.seed,
        item.down,
        item.variant,
    )


def _entry(picture: Picture) -> Entry:
    arrays: dict[str, NDArray[Any]] = {
        "pixels": picture.pixels,
        "responses": picture.responses,
        "scores": picture.scores,
    }
    meta = {
        "steps": picture.steps,
        "flat": picture.flat,
        "attempts": picture.attempts,
        "against_rivals": picture.against_rivals,
    }
    return Entry(arrays, meta)


def _picture_of(entry: Entry) -> Picture:
    values: dict[str, Any] = {**entry.arrays, **entry.meta}
    return Picture(**values)
