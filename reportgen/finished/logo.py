"""The picture beside the title, without what a camera or a drawing program notes in it.

Pixels are decoded and written again. A drawing (SVG) keeps its shapes, colours and texts alone: comments, metadata,
scripts, links and everything that is not of SVG's own namespace are left out.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image, ImageOps

from reportgen.errors import ReportgenError
from reportgen.opening import read_regular

# A logo is shown 28 pixels high; twice that on fine screens, and more when it is enlarged.
MOST_SIDE = 1024
_MOST_PIXELS = 50_000_000
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "ICO", "AVIF")

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_DROPPED = frozenset(
    {"script", "foreignObject", "metadata", "a", "image", "feImage", "animate", "animateMotion", "animateTransform"}
    | {"set", "iframe", "audio", "video", "handler", "listener"}
)
# References to what is outside: all but those to parts of the drawing itself.
_OUTSIDE = re.compile(r"url\(\s*['\"]?(?!#)|@import|javascript:|data:", re.IGNORECASE)


def clean_logo(file: Path) -> tuple[bytes, str]:
    """The content of a logo without what it should not tell, and its suffix, `.png` or `.svg`.

    Raises:
        ReportgenError: it cannot be read, or is no picture.
    """
    try:
        data = read_regular(file, "picture")
    except OSError as error:
        raise ReportgenError(f"--logo: expected a picture, cannot read {file}: {error.strerror}") from error
    if b"<svg" in data[:100_000] and data.lstrip()[:1] in (b"<", b"\xef"):
        return _clean_drawing(file, data), ".svg"
    return _clean_pixels(file, data), ".png"


def _clean_pixels(file: Path, data: bytes) -> bytes:
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            warnings.simplefilter("ignore")  # of what stands beside the pixels, which is left out
            if picture.width * picture.height > _MOST_PIXELS:
                raise ReportgenError(
                    f"--logo: expected at most {_MOST_PIXELS:,} pixels, {file} has {picture.width} x {picture.height}"
                )
            mode = "RGBA" if picture.has_transparency_data else "RGB"
            upright = ImageOps.exif_transpose(picture).convert(mode)
            upright.thumbnail((MOST_SIDE, MOST_SIDE))
            Image.frombytes(mode, upright.size, upright.tobytes()).save(buffer, "PNG", optimize=True)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ReportgenError(
            f"--logo: expected a picture (PNG, JPEG, WebP, GIF, AVIF, SVG), {file} is none that can be read"
        ) from error
    return buffer.getvalue()


def _clean_drawing(file: Path, data: bytes) -> bytes:
    if b"<!DOCTYPE" in data.upper() or b"<!ENTITY" in data.upper():
        # Entities may hold a thousand million letters; no drawing program needs them.
        data = re.sub(rb"<!DOCTYPE[^\[>]*>", b"", data, count=1, flags=re.IGNORECASE)
        if b"<!DOCTYPE" in data.upper() or b"<!ENTITY" in data.upper():
            raise ReportgenError(
                f"--logo: expected a drawing without entities of its own, {file} has some; remove them"
            )
    try:
        top = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ReportgenError(f"--logo: expected an SVG drawing, {file} cannot be read as one: {error}") from error
    if top.tag != f"{{{_SVG}}}svg":
        raise ReportgenError(f"--logo: expected an SVG drawing, {file} is another kind of XML")
    waiting = [top]
    while waiting:
        element = waiting.pop()
        _clean_attributes(element)
        for child in list(element):
            name = child.tag.removeprefix(f"{{{_SVG}}}") if isinstance(child.tag, str) else ""
            text = "".join(child.itertext()) if name == "style" else ""
            if child.tag != f"{{{_SVG}}}{name}" or name in _DROPPED or _OUTSIDE.search(text):
                element.remove(child)
            else:
                waiting.append(child)
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    written: bytes = ElementTree.tostring(top, encoding="utf-8")
    return written


def _clean_attributes(element: ElementTree.Element) -> None:
    for name, value in list(element.attrib.items()):
        plain = name.removeprefix(f"{{{_XLINK}}}")
        foreign = plain.startswith("{") and not plain.startswith("{http://www.w3.org/XML/1998/namespace}space")
        points_out = plain == "href" and not value.strip().startswith("#")
        if foreign or points_out or plain.lower().startswith("on") or _OUTSIDE.search(value):
            del element.attrib[name]
