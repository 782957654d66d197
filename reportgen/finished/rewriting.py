"""Pages taken apart and put together again: parts of their markup, with links and pictures for one file."""

from __future__ import annotations

import html
import mimetypes
import posixpath
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import quote

from reportgen.files.inside import Inside
from reportgen.site.links import is_outside, resolve

Attributes = list[tuple[str, str | None]]

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
# Attributes that name elements of their page by id; some hold several, with spaces between.
_REFERENCES = frozenset(
    {"id", "for", "popovertarget", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "headers"}
)
_LOCAL_ADDRESS = re.compile(r"url\(#([^)]+)\)")
# Elements of drawings that others refer to, as by `filter="url(#name)"`.
_REFERRED = frozenset({"clippath", "filter", "lineargradient", "marker", "mask", "pattern", "radialgradient"})
# What a picture has as an `img` and has no use for as a drawing.
_IMAGE_ONLY = frozenset({"src", "alt", "loading", "decoding", "srcset", "sizes"})

# What a page of this program does not have inside, and what would run, load or lead elsewhere: a report may come from
# anybody.
_REFUSED = frozenset(
    {"script", "style", "iframe", "frame", "frameset", "object", "embed", "applet", "base", "meta", "link", "form"}
    | {"animate", "animatemotion", "animatetransform", "set", "portal", "template", "noscript", "xmp", "plaintext"}
    | {"video", "audio", "source", "track", "foreignobject", "noembed", "noframes", "math", "textarea", "select"}
)
_REFUSED_ATTRIBUTES = frozenset(
    {"style", "srcdoc", "src", "srcset", "action", "formaction", "ping", "poster", "background", "data", "xlink:href"}
)
# Names that mean the same to every parser.
_TAG, _ATTRIBUTE = re.compile("[a-z][a-z0-9-]*", re.ASCII), re.compile("[a-z][a-z0-9_:.-]*", re.ASCII)
# Attributes of drawings that may name a file, as style does: `url(...)` of other than this page, or letters that
# stand for others.
_DRAWN_WITH = frozenset(
    {"fill", "stroke", "filter", "mask", "clip-path", "cursor", "marker", "marker-start", "marker-mid", "marker-end"}
)
_ELSEWHERE = re.compile(r"url\s*\((?!#)|image|src\s*\(|\\|/\*", re.IGNORECASE)
# Elements that lead elsewhere when they are clicked; others load what they name.
_LINKS = frozenset({"a", "area"})
_LED_TO = frozenset({"http", "https", "mailto"})

mimetypes.add_type("image/webp", ".webp")
mimetypes.add_type("image/avif", ".avif")


def data_address(name: str, data: bytes) -> str:
    """The content of a file called `name` as an address that needs nothing else."""
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{b64encode(data).decode()}"


@dataclass
class Pictures:
    """The pictures of a report in the order of their first use, each under a short name.

    `sizes` are width and height in pixels by path; of a picture it does not know, every use is a copy.
    """

    inside: Inside
    sizes: dict[str, tuple[int, int]]
    names: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)  # which page shows it first

    def draw(self, path: str, page: str) -> str:
        """The picture at `path`, shown by `page`, inside a drawing, as the background of an element with its size.

        Browsers load backgrounds when they are first shown: those of all pages need not be ready before the
        first page is. The images of a drawing itself are loaded at once, each time they are drawn.
        """
        name = self.names.setdefault(path, f"picture-{len(self.names)}")
        self.pages.setdefault(path, page)
        width, height = self.sizes[path]
        return f'<foreignObject width="{width}" height="{height}"><div class="{name}"></div></foreignObject>'

    def address(self, path: str, page: str) -> str:
        """The picture at `path`, which `page` shows, as an address that needs nothing else."""
        return data_address(path, self.inside.read(path, f"a picture on {page}", "picture"))

    def style(self) -> str:
        """The rules that hold the pictures themselves."""
        rules = (
            f'.{name}{{background-image:url("{self.address(path, self.pages[path])}")}}\n'
            for path, name in self.names.items()
        )
        return "".join(rules)


@dataclass
class Part(HTMLParser):
    """The markup inside one element of a page, rewritten for a file that holds all pages.

    Args:
        page: the path of the page.
        pages: the id under which each page stands in the file, by path.
        prefix: goes before every id of the page, so that those of different pages differ; empty for the frame
            that is around all pages.
        wanted: the id of the element whose inside is taken.
        pictures: collects what is used.
    """

    page: str
    pages: Mapping[str, str]
    prefix: str
    wanted: str
    pictures: Pictures
    pieces: list[str] = field(default_factory=list)
    depth: int = 0
    unlinked: bool = False  # inside a link to a file that is not there: it is written as plain text
    done: bool = False
    refused: list[str] = field(default_factory=list)  # elements around that are left out with all that is in them

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=False)

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        """Write a start tag, or begin with the wanted element."""
        if self.depth and not self.done:
            if _is_refused_tag(tag):
                self.refused.append(tag)
            elif not self.refused:
                self._write_tag(tag, attrs, closed=False)
            self.depth += tag not in _VOID
            if tag in _VOID and _is_refused_tag(tag):
                self.refused.pop()
        elif not self.done and dict(attrs).get("id") == self.wanted:
            self.depth = 1

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        """Write an element that closes itself, as those of drawings do."""
        if self.depth and not self.done and not self.refused and not _is_refused_tag(tag):
            self._write_tag(tag, attrs, closed=True)

    def handle_endtag(self, tag: str) -> None:
        """Write an end tag, or be done with the wanted element."""
        if not self.depth or self.done:
            return
        self.depth -= 1
        if self.refused:
            if tag == self.refused[-1]:
                self.refused.pop()
        elif self.depth and _is_refused_tag(tag):
            return
        elif self.depth:
            self.pieces.append("</span>" if tag == "a" and self.unlinked else f"</{tag}>")
        else:
            self.done = True

    def handle_data(self, data: str) -> None:
        """Write text."""
        if self.depth and not self.done and not self.refused:
            # What is no tag to this parser may be one to a browser, once what stood between is left out.
            self.pieces.append(data.replace("<", "&lt;"))

    def handle_entityref(self, name: str) -> None:
        """Write a named character."""
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        """Write a numbered character."""
        self.handle_data(f"&#{name};")

    def _write_tag(self, tag: str, attrs: Attributes, *, closed: bool) -> None:
        if tag in {"img", "image"}:
            self.pieces.append(self._picture(tag, dict(attrs)))
            return
        rewritten = [item for name, value in attrs for item in self._attribute(tag, name, value)]
        if tag == "a":
            self.unlinked = "href" not in dict(rewritten)
            tag, rewritten = ("span", []) if self.unlinked else (tag, rewritten)
        self.pieces.append(f"<{tag}{_written(rewritten)}{'/' if closed else ''}>")

    def _attribute(self, tag: str, name: str, value: str | None) -> Attributes:
        """What becomes of an attribute: itself, changed, or nothing."""
        # Only the script reads `data-`, and there is none; the frame around all pages is at none of them.
        left_out = _is_refused(name, value) or name.startswith("data-") or (name == "aria-current" and not self.prefix)
        if left_out or value is None:
            return [] if left_out else [(name, None)]
        # What drawings refer to needs a name without a slash; addresses of pages have no colon.
        drawn = self.prefix.replace("/", ":")
        if name in _REFERENCES or (name == "name" and tag == "input"):
            prefix = drawn if name == "id" and tag in _REFERRED else self.prefix
            return [(name, " ".join(prefix + part for part in value.split()))]
        if name == "href":
            address = None if is_outside(value) and tag not in _LINKS else self._address(value)
            return [] if address is None else [(name, address)]
        return [(name, _LOCAL_ADDRESS.sub(lambda match: f"url(#{drawn}{match[1]})", value))]

    def _address(self, value: str) -> str | None:
        """Where a link leads inside the file; None for files that are not in it."""
        if is_outside(value):
            return value if value.partition(":")[0].strip().lower() in _LED_TO else None
        target, fragment = resolve(self.page, value)
        if target not in self.pages:
            return None
        place = self.pages[target]
        return f"#{quote(f'{place}:{fragment}' if fragment else place, safe='/:~')}"

    def _picture(self, tag: str, attributes: dict[str, str | None]) -> str:
        """A picture as a reference to the one copy of it, drawn at the size it had."""
        path = resolve(self.page, attributes.pop("href" if tag == "image" else "src", None) or "")[0]
        attributes = {name: value for name, value in attributes.items() if not _is_refused(name, value)}
        if tag == "image":
            size = int(attributes.get("width") or 0), int(attributes.get("height") or 0)
            self.pictures.sizes.setdefault(path, size)
            return self.pictures.draw(path, self.page)
        if path not in self.pictures.sizes:
            kept = [(name, value) for name, value in attributes.items() if name not in _IMAGE_ONLY - {"alt"}]
            return f"<img{_written([('src', self.pictures.address(path, self.page)), *kept])}>"
        width, height = self.pictures.sizes[path]
        alternative = attributes.get("alt") or ""
        attributes["class"] = " ".join(filter(None, [attributes.get("class"), "picture"]))
        kept = [(name, value) for name, value in attributes.items() if name not in _IMAGE_ONLY]
        said = [("role", "img"), ("aria-label", alternative)] if alternative else [("aria-hidden", "true")]
        opening = _written([*kept, ("viewBox", f"0 0 {width} {height}"), *said])
        return f"<svg{opening}>{self.pictures.draw(path, self.page)}</svg>"


def _is_refused_tag(tag: str) -> bool:
    return tag in _REFUSED or not _TAG.fullmatch(tag)


def _is_refused(name: str, value: str | None) -> bool:
    if name in _REFUSED_ATTRIBUTES or name.startswith("on") or not _ATTRIBUTE.fullmatch(name):
        return True
    return name in _DRAWN_WITH and value is not None and bool(_ELSEWHERE.search(value))


def _written(attributes: Attributes) -> str:
    return "".join(f" {name}" if value is None else f' {name}="{html.escape(value)}"' for name, value in attributes)


def page_id(path: str) -> str:
    """The id of a page in a file that holds all of them.

    >>> page_id("layers/conv1.html")
    'layers/conv1'
    """
    return posixpath.splitext(path)[0]
