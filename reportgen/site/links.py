"""Links between pages: what a page refers to, read from its text, and how one page names another."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from html.parser import HTMLParser
from urllib.parse import quote, unquote, urlsplit

_ADDRESSES = frozenset({"href", "src", "action", "data", "poster", "formaction", "xlink:href", "background"})

# A page as the templates write it: quoted values, neither "<" nor ">" in values and in text, no comments. All readers
# of HTML agree on such a page, and two expressions find its links in a tenth of a parser's time. A text with '="' and a
# value that ends in "=" are left to the parser: wherever '="' stands, a value begins.
_ATTRIBUTES = r"""(?:[ \n]++[a-z][-a-zA-Z0-9:_]*+(?:="[^"<>]*+(?<!=)")?+)*+[ \n]*+"""
_TEXT = r"""(?:[^<>=]++|=(?!"))*+"""
_RAW = "script|style|title|textarea"  # in these all up to their end is text, in the others nothing is read here
_PLAIN_PAGE = re.compile(
    r"(?:<!(?:doctype|DOCTYPE) html>)?+"
    rf"(?:{_TEXT}<(?:/[a-zA-Z][a-zA-Z0-9]{{0,99}}+>"
    rf"|(?!(?i:{_RAW}|iframe|xmp|plaintext|noembed|noframes|noscript)[ \n/>])[a-z][a-zA-Z0-9]*+{_ATTRIBUTES}/?+>"
    rf"|({_RAW}){_ATTRIBUTES}>{_TEXT}</\1>))*+\s*+"
)
_NOTED = re.compile(rf"""[ \n]((?i:{"|".join(sorted(_ADDRESSES))}|srcset|id))="([^"]*+)""")
# Addresses inside other words, which no page of the templates has: left to the parser.
_WRAPPED = re.compile(r"""<style[ \n>]|[ \n](?:style|ping)=|http-equiv="(?!Content-Security-Policy")""", re.IGNORECASE)
_REFRESH = re.compile(r"""[^;,]*+[;,]\s*+(?:url\s*+=\s*+)?['"]?([^'"]++)""", re.IGNORECASE)
_OTHER_REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|quot|#[0-9]{1,5});)")
# No letter is looked at again in another role: a style sheet of blanks would take the square of them.
_CSS_ADDRESS = re.compile(r"""url\(\s*+['"]?([^'"()]++)['"]?\s*+\)|@import\s++['"]([^'"]++)['"]""")


# An end tag that is none; as a tag is short, this looks at no letter twice.
_OPEN_END = re.compile(r"</(?![a-zA-Z][^<>]{0,100}>)")

# Letters that the parser may keep at the end of a page, waiting for more: of a text, not of a tag that never ends.
_MOST_LEFT = 1_000


@dataclass
class PageLinks(HTMLParser):
    """Addresses a page speaks of, in order, and its ids."""

    addresses: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    in_style: bool = False

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses and the id of an element."""
        self.in_style = tag == "style"
        for name, value in attrs:
            if value is not None:
                self.note(name, value)
        given = dict(attrs)
        if tag == "meta" and (given.get("http-equiv") or "").strip().lower() == "refresh":
            led = _REFRESH.match(given.get("content") or "")
            self.addresses += [] if led is None else [led[1].strip()]

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - none is inside a style
        """Note that what follows is no style."""
        self.in_style = False

    def handle_data(self, data: str) -> None:
        """Note what a style refers to."""
        if self.in_style:
            self.addresses += css_addresses(data)

    def note(self, name: str, value: str) -> None:
        """Note the attribute `name` of an element where it is an address or an id."""
        if name in _ADDRESSES:
            self.addresses.append(value)
        elif name == "srcset":
            self.addresses += [part.split()[0] for part in value.split(",") if part.strip()]
        elif name == "ping":
            self.addresses += value.split()
        elif name == "style":
            self.addresses += css_addresses(value)
        elif name == "id":
            (self.repeated if value in self.ids else self.ids).add(value)


def read_links(text: str) -> PageLinks:
    """The links and ids of a page.

    Raises:
        ValueError: the markup does not end, or is none.
    """
    return _links_of_plain(text) or parse_links(text)


def parse_links(text: str) -> PageLinks:
    """The links and ids of a page, whatever HTML it is written in; see `read_links`."""
    links = PageLinks()
    feed_page(links, text)
    return links


def _links_of_plain(text: str) -> PageLinks | None:
    """The links and ids of a page as the templates write it, None for all others."""
    if _WRAPPED.search(text) or _PLAIN_PAGE.fullmatch(text) is None:
        return None
    links = PageLinks()
    for name, value in _NOTED.findall(text):
        if _OTHER_REFERENCE.search(value):
            return None
        links.note(name.lower(), unescape(value))
    return links


def feed_page(parser: HTMLParser, text: str) -> None:
    """Give a parser a whole page, whose markup ends where it should.

    Python's parser looks for the end of each tag and comment anew: where none of thousands ends, that takes the square
    of them.

    Raises:
        ValueError: the markup does not end, or is none.
    """
    if _OPEN_END.search(text):
        raise ValueError("an end tag of the page does not end")
    try:
        parser.feed(text)
        if len(parser.rawdata) > _MOST_LEFT:
            raise ValueError(f"the page does not end what it begins with {parser.rawdata[:20]!r}")
        parser.close()
    except AssertionError as error:  # how the parser refuses markup
        raise ValueError(str(error)) from error


def css_addresses(text: str) -> list[str]:
    """What a style sheet refers to."""
    return [first or second for first, second in _CSS_ADDRESS.findall(text)]


def is_outside(address: str) -> bool:
    """Whether an address leaves the folder of the report: a scheme, a host, or a path from the root of either."""
    try:
        parts = urlsplit(address)
    except ValueError:  # half of an IPv6 address: a host in any case
        return True
    return bool(parts.scheme or parts.netloc or parts.path.startswith(("/", "\\")))


def resolve(page: str, address: str) -> tuple[str, str]:
    """The path in the report that `address` on `page` leads to, and its fragment; `../` at the front means outside."""
    parts = urlsplit(address)
    path = unquote(parts.path)
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
    return target, unquote(parts.fragment)


# A page links to all the others it lists, and the pages of a folder list nearly the same ones.
_MOST_KEPT = 100_000


def relative_link(source: str, target: str) -> str:
    """The address of `target` (a path in the report, maybe with `#fragment`) as seen from the page `source`."""
    path, hash_sign, fragment = target.partition("#")
    anchor = hash_sign + quote(fragment)
    if hash_sign and path in {"", source}:
        return anchor
    return _relative_path(source.rpartition("/")[0], path) + anchor


@lru_cache(_MOST_KEPT)
def _relative_path(folder: str, path: str) -> str:
    # Both from a root: the function would look for the working directory else, which may be gone.
    return quote(posixpath.relpath(f"/{path}", f"/{folder}"))
