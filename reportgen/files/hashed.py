"""File names that follow content, so that a file that changed is never taken for the one before."""

from __future__ import annotations

import hashlib

_DIGITS = 10


def hashed_name(stem: str, data: bytes, suffix: str) -> str:
    """`stem`, a short SHA-256 of `data` and `suffix`, which begins with a dot.

    >>> hashed_name("style", b"body {}", ".css")
    'style-62368a1a29.css'
    """
    return f"{stem}-{hashlib.sha256(data).hexdigest()[:_DIGITS]}{suffix}"
