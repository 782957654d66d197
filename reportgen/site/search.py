"""What the search on the pages looks through: layers, channels, images and classes, each with its page."""

from __future__ import annotations

import json
from collections.abc import Iterator

from reportgen.record import Record

# A report on very many images lists them in the record, not in the search: the file is read as a whole.
MOST_ENTRIES = 20_000


def search_index(record: Record) -> str:
    """A classic script that sets `reportgenSearch` to rows of `[kind, text, page]`; files are read without a server."""
    entries = list(dict.fromkeys(_entries(record)))[:MOST_ENTRIES]
    # "<" could end a script element where the file is put into a page.
    return f"reportgenSearch={json.dumps(entries, separators=(',', ':')).replace('<', chr(92) + 'u003c')};\n"


def _entries(record: Record) -> Iterator[tuple[str, str, str]]:
    for layer in record.layers:
        if layer.page is not None:
            yield "layer", f"{layer.name} {layer.type}", layer.page
    for unit in record.units:
        yield "channel", f"{unit.layer} {unit.channel}", unit.page
    for image in record.images:
        if image.page is not None:
            yield "image", image.file, image.page
    for image in record.images:
        if image.page is not None and image.predictions:
            best = image.predictions[0]
            yield "class", f"{best.label or f'class {best.index}'}: {image.file}", image.page
    for shown in record.maximizations:
        if shown.label is not None:
            yield "class", f"{shown.label}: made for it", "activation-maximization.html"
