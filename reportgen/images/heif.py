"""HEIC and HEIF, the pictures of telephones: read where the extra `heic` is installed."""

from __future__ import annotations

import importlib.util
import threading

# Brands of the container that pictures of telephones have (ISO/IEC 23008-12); AVIF has others and is Pillow's.
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

INSTALL_HEIC = "is HEIC, which needs a further package: pip install 'reportgen[heic]'"

_registering = threading.Lock()


def is_heif(content: bytes) -> bool:
    """Whether `content` is of a HEIC or HEIF file.

    >>> is_heif(b"....ftypheic"), is_heif(b"....ftypavif")
    (True, False)
    """
    return content[4:8] == b"ftyp" and content[8:12] in _BRANDS


def reads_heif() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def heif_formats(content: bytes) -> tuple[str, ...]:
    """What Pillow calls the format of `content`, made known to it, if that is HEIC or HEIF and can be read."""
    if not is_heif(content) or not reads_heif():
        return ()
    with _registering:
        import pillow_heif

        pillow_heif.register_heif_opener()
    return ("HEIF",)
