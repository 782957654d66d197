"""The address of every page, settled before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable

from reportgen.files.slugs import slugs
from reportgen.record import Pages


def assign_pages(
    layer_names: Iterable[str],
    unit_keys: Iterable[tuple[str, int]],
    image_files: Iterable[str],
    shown: Iterable[str],
) -> Pages:
    """Settle the page of every layer, every channel `(layer, channel)`, and every image in `shown`.

    Every image of `image_files` has an id; the page of one that has a page is named after it.
    """
    units = list(unit_keys)
    layers = slugs(layer_names)
    folders = slugs([*layers, *(layer for layer, _ in units)])
    ids = slugs(image_files, without_suffix=True)
    return Pages(
        layers={name: f"layers/{slug}.html" for name, slug in layers.items()},
        units={(layer, channel): f"units/{folders[layer]}/{channel}.html" for layer, channel in units},
        images={file: f"images/{ids[file]}.html" for file in shown},
        image_ids=ids,
    )
