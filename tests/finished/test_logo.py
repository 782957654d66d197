"""A logo keeps what is to be seen of it, and nothing that tells of its maker."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen.errors import ReportgenError
from reportgen.finished.logo import clean_logo

SVG = b"""<?xml version="1.0"?><!-- by me --><svg xmlns="http://www.w3.org/2000/svg" xmlns:i="http://inkscape.org/ns"
 xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9" onload="alert(1)" i:export="/home/me/x.png">
<metadata>me</metadata><title>Mark</title><script>alert(1)</script><defs><path id="p" d="M0 0h9"/></defs>
<use xlink:href="#p"/><use href="http://e.org/x#y"/><image href="/etc/passwd"/><a href="javascript:alert(1)">x</a>
<style>@import "http://e.org/a.css";</style><rect width="9" height="9" fill="url(http://e.org/#x)" style="color:red"/>
<foreignObject><p>x</p></foreignObject></svg>"""


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pixels_stay_and_notes_go(kind: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x010E], exif[0x9286] = "a secret place", "a secret word"
    exif.get_ifd(0x8825)[1] = "N"
    file = tmp_path / f"logo.{kind.lower()}"
    options = {"lossless": True} if kind == "WEBP" else {}
    Image.fromarray(pixels).save(file, kind, exif=exif, **options)
    assert b"secret" in file.read_bytes()
    data, suffix = clean_logo(file)
    assert suffix == ".png"
    assert b"secret" not in data
    with Image.open(io.BytesIO(data)) as kept:
        assert kept.info == {}
        assert not kept.getexif()
        if kind != "JPEG":
            assert np.array_equal(np.asarray(kept), pixels)
    assert clean_logo(file)[0] == data


def test_a_drawing_keeps_its_shapes_alone(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_bytes(SVG)
    data, suffix = clean_logo(tmp_path / "logo.svg")
    text = data.decode()
    assert suffix == ".svg"
    for kept in ("<title>Mark</title>", 'd="M0 0h9"', '="#p"', "viewBox", "<rect"):
        assert kept in text
    for gone in ("by me", "script", "alert", "e.org", "inkscape", "/home", "passwd", "metadata", "foreignObject"):
        assert gone not in text, gone


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg", b"<svg/>", b"<html><svg/></html>", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"%PDF-1.4",
     b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg">&b;</svg>'],
)  # fmt: skip
def test_what_is_no_picture_is_a_line(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_bytes(data)
    with pytest.raises(ReportgenError, match=r"^--logo: expected"):
        clean_logo(tmp_path / "logo.svg")
