"""What a file in a folder is by its ending: an image that is read, one that is not and why, or none."""

from __future__ import annotations

from pathlib import PurePath

from reportgen.facts import Skipped
from reportgen.images.heif import INSTALL_HEIC, reads_heif

# Pictures looked for in folders and shards; a file named by itself is tried whatever it is called.
SUFFIXES = (".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
ARRAY_SUFFIXES = (".npy", ".npz")
SHARD_SUFFIX = ".tar"
HEIC_SUFFIXES = (".heic", ".heif", ".hif")

_RAW = "is a camera's raw file; develop it and export a TIFF or JPEG"
_VECTOR = "is a drawing without pixels; export it as PNG"
_PAGES = "is a document; export its pages as PNG"
_FILM = "is a film; export its frames as pictures"

# Images, or what holds images, that are not read.
_UNREAD = {
    ".svg": f"SVG {_VECTOR}",
    ".svgz": f"SVG {_VECTOR}",
    ".eps": _VECTOR,
    ".ai": _VECTOR,
    ".pdf": f"PDF {_PAGES}",
    ".ps": _PAGES,
    ".psd": "is a file of layers; export it as PNG or TIFF",
    ".xcf": "is a file of layers; export it as PNG or TIFF",
    **dict.fromkeys((".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".raw", ".rw2"), _RAW),
    **dict.fromkeys((".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"), _FILM),
    **dict.fromkeys(
        (".dcm", ".exr", ".fits", ".hdr", ".j2k", ".jp2", ".jxl", ".mha", ".nii", ".pbm", ".pgm", ".ppm", ".tga"),
        "is an image of a kind that is not read; save it as TIFF, PNG or .npy",
    ),
    ".ico": "is an icon; save it as PNG",
    ".zip": "is an archive; unpack it",
    ".gz": "is an archive; unpack it",
    ".tgz": "is an archive; unpack it, or give an uncompressed .tar",
}


def is_read(name: str) -> bool:
    """Whether a file of this name is read where it lies in a folder."""
    lower = name.lower()
    heic = reads_heif() and lower.endswith(HEIC_SUFFIXES)
    return heic or lower.endswith((*SUFFIXES, *ARRAY_SUFFIXES, SHARD_SUFFIX))


def why_not_read(name: str) -> Skipped:
    """The reason why a file in a folder is left out, and whether it is an image at all.

    >>> why_not_read("notes.txt")
    Skipped(file='notes.txt', reason='is no image by its ending', is_image=False)
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in HEIC_SUFFIXES:
        return Skipped(file=name, reason=INSTALL_HEIC)
    if suffix in _UNREAD:
        return Skipped(file=name, reason=_UNREAD[suffix])
    return Skipped(file=name, reason="is no image by its ending" if suffix else "has no ending", is_image=False)
