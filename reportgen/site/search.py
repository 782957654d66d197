"""What the search on the pages looks through: layers, channels, images, classes, and the words of general pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from itertools import islice

from reportgen.record import Record
from reportgen.record.objectives import maximized_name, objective_words
from reportgen.site.answer_views import KINDS
from reportgen.site.output_pages import output_anchor
from reportgen.site.page import OUTPUTS

# A report on very many images lists them in the record, not in the search: the file is read as a whole.
MOST_ENTRIES = 20_000

# Kind, text and page; after them, for a page, the words that lead to it.
Entry = tuple[str, str, str] | tuple[str, str, str, str]

_WORD = re.compile(r"[^\W\d_]{3,}")


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
    yield from _output_entries(record)
    for shown in record.maximizations:
        if shown.label is not None:
            name = maximized_name(shown.objective, shown.channel, shown.label, shown.output)
            yield objective_words(shown.objective).noun, f"{name}: made for it", f"{shown.section}.html"


def _output_entries(record: Record) -> Iterator[Entry]:
    """The outputs with the names of their values, and the images on which a map shows a class."""
    for place, output in enumerate(record.model.outputs):
        page = f"{OUTPUTS}#{output_anchor(place)}"
        yield "output", f"{output.name}: {KINDS[output.kind].phrase(output)}", page
        for spread in output.spread or ():
            yield "value", f"{spread.name}, a value of {output.name}", OUTPUTS
    for image in record.images:
        for answer in image.answers:
            for name in KINDS[answer.kind].found(answer) if image.page is not None else ():
                yield "class", f"{name}: {image.file}", image.page or ""


def page_entry(title: str, path: str, text: str, more: Iterable[str] = ()) -> Entry:
    """A page that is found by each word of its content: `text` is its markup, `more` further words."""
    reader = _MainText()
    reader.feed(text)
    reader.close()
    words = {word.lower() for word in _WORD.findall(" ".join([*reader.parts, *more]))}
    return "page", title, path, " ".join(sorted(words))


class _MainText(HTMLParser):
    """The text of a page's `main` element."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - all alike
        """Enter `main`."""
        self._inside = self._inside or tag == "main"

    def handle_endtag(self, tag: str) -> None:
        """Leave it."""
        self._inside = self._inside and tag != "main"

    def handle_data(self, data: str) -> None:
        """Keep what stands in it."""
        if self._inside:
            self.parts.append(data)
