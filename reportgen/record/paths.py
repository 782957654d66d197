"""Types of the record's texts that become paths, addresses and colours: each plain, and of the form its place has."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from reportgen.files.inside import plain_path

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,60}", re.ASCII)


def _of_form(form: str, example: str) -> AfterValidator:
    """A check that a text is a plain path of the form of `example`."""
    pattern = re.compile(form, re.ASCII)

    def check(text: str) -> str:
        if not pattern.fullmatch(plain_path(text)):
            raise ValueError(f"expected a path such as {example}")
        return text

    return AfterValidator(check)


def _check_slug(text: str) -> str:
    if not _SLUG.fullmatch(text):
        raise ValueError("expected a short name of small letters, digits and `-`")
    plain_path(f"{text}.html")
    return text


PagePath = Annotated[str, _of_form(r"([^/]+/){0,2}[^/]+\.html", "layers/conv1.html")]
LayerPage = Annotated[str, _of_form(r"layers/[^/]+\.html", "layers/conv1.html")]
UnitPage = Annotated[str, _of_form(r"units/[^/]+/\d{1,9}\.html", "units/conv1/0.html")]
ImagePage = Annotated[str, _of_form(r"images/[^/]+\.html", "images/cat.html")]

# Files that are copied from report to report as they are: none of a kind that a browser takes for a page or a script.
PicturePath = Annotated[str, _of_form(r"([^/]+/)*[^/]+\.(webp|png|jpe?g|gif|avif)", "assets/filters-0a1b2c3d4e.webp")]
ArrayPath = Annotated[str, _of_form(r"([^/]+/)*[^/]+\.np[yz]", "assets/conv1-0a1b2c3d4e.npy")]
LogoPath = Annotated[
    str, _of_form(r"([^/]+/)*[^/]+\.(webp|png|jpe?g|gif|avif|bmp|ico|tiff?|svg)", "assets/logo-0a1b2c3d4e.png")
]
StylePath = Annotated[str, _of_form(r"([^/]+/)*[^/]+\.css", "assets/css-0a1b2c3d4e.css")]

# Stands in attributes of drawings, where other words have other meanings.
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]

SectionName = Annotated[str, AfterValidator(_check_slug)]
