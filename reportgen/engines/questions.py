"""What is asked of workers before the work begins, without loading TensorFlow there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from reportgen.images import ImageFile, UnreadableImageError, load_image


@dataclass(frozen=True)
class CannotRead:
    """Why a process cannot use an image, a phrase that follows its name; None where it can."""

    image: ImageFile
    channels: int

    def __call__(self) -> str | None:
        """Try it."""
        try:
            load_image(self.image, self.channels)
        except UnreadableImageError as error:
            return error.reason
        return None


@dataclass(frozen=True)
class SeesFile:
    """Whether a process sees the very file."""

    path: str
    sha256: str

    def __call__(self) -> bool:
        """Read it."""
        try:
            with Path(self.path).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except OSError:
            return False
