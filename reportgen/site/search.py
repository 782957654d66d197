"""What the search on the pages looks through: layers, channels, images and classes, each with its page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice

from reportgen.record import Record

# A report on very many images lists them in the record, not in the search: the file is read as a whole.
MOST_ENTRIES = 20_000


Entry = tuple[str, str, str]  # kind, text, page


def search_script(entries: Iterable[Entry]) -> str:
    """A classic script that sets `reportgenSearch` to `entries`: unlike data, it can be read without a server."""
    kept = list(islice(dict.fromkeys(entries), MOST_ENTRIES))
    # "<" could end a script element where someone puts the file into a page.
    return f"reportgenSearch={json.dumps(kept, separators=(',', ':')).replace('<', chr(92) + 'u003c')};\n"


def search_entries(record: Record) -> Iterator[Entry]:
    """Everything in a report that has a page of its own, and the classes that lead there."""
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
