"""Where every page lies: file names that any file system and static host takes, the same on every run.

A name becomes a slug of lowercase ASCII letters, digits, `-`, `_` and `.` inside. It carries a short hash
where two names would share a slug, where something but case and punctuation was lost, or where it would be
a name that Windows or the site keeps for itself. The hash is of the name alone, so an address stays what
it was when other layers or images come and go, unless they take its slug.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

# Two folders, a channel number and the ending make at most 24 characters around a slug: paths stay under 100.
SLUG_LENGTH = 60
_HASH_LENGTH = 8
_LONGEST_SUFFIX = 5

# Device names that Windows does not take as a file's stem, whatever the ending.
_DEVICES = r"con|prn|aux|nul|com\d|lpt\d"
# The site's own pages in the folders of layers, images and units.
_OWN = r"index(-\d+)?"
_RESERVED = re.compile(f"({_DEVICES}|{_OWN})")


def slugs(names: Iterable[str], *, without_suffix: bool = False) -> dict[str, str]:
    """A slug for each name, all different; `without_suffix` leaves out a file's ending such as `.png`."""
    ordered = list(dict.fromkeys(names))
    plain = {name: _plain_slug(name, without_suffix=without_suffix) for name in ordered}
    uses = Counter(slug for slug, _ in plain.values())
    return {
        name: slug if kept and uses[slug] == 1 and not _RESERVED.fullmatch(slug) else hashed_slug(name, slug)
        for name, (slug, kept) in plain.items()
    }


def hashed_slug(name: str, slug: str) -> str:
    """`slug`, cut to length, with a short hash of `name`."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    stem = slug[: SLUG_LENGTH - _HASH_LENGTH - 1].strip("-_.")
    return f"{stem}-{digest}" if stem else f"x-{digest}"


def _plain_slug(name: str, *, without_suffix: bool) -> tuple[str, bool]:
    """The slug of a name by itself, and whether it still says what the name says."""
    text = name
    if without_suffix and 1 < len(PurePosixPath(name).suffix) <= _LONGEST_SUFFIX:
        text = name.removesuffix(PurePosixPath(name).suffix)
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    slug = re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9_-]+", "-", ascii_text.lower())).strip("-_")
    kept = ascii_text == text and re.fullmatch(r"[\w ./:()-]+", text) is not None
    return slug[:SLUG_LENGTH], bool(slug) and kept and len(slug) <= SLUG_LENGTH
