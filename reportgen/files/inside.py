"""The one way a path that a report names is followed: to a regular file inside the report, or not at all.

A report comes from anybody. Its `report.json`, manifest, pages and style sheets name files, and what they name is
read, copied and written: the names are plain, and what they lead to lies in the report's folder and is no link.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from reportgen.errors import ReportgenError, one_line
from reportgen.opening import FileKind, open_regular, read_regular

# The names this program gives: letters, digits, `.`, `-` and `_`. Nothing else has one meaning on every file system
# and in every address: no colon of a drive or stream, no backslash, no per cent sign, no letter with two forms.
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
# Device names that Windows takes for the device, whatever the ending.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin|conout)(\..*)?", re.IGNORECASE | re.ASCII)
_LONGEST_PART, _LONGEST = 200, 400
# What stands in a report without being named by its record.
_HIDDEN = frozenset({".nojekyll"})

_EXPECTED = "a plain path inside the report such as assets/picture.webp"


@lru_cache(maxsize=1 << 16)  # a collection's manifest of tens of thousands of files is read several times
def plain_path(text: str) -> str:
    """`text`, where it is a plain relative path of this program's kind.

    Raises:
        ValueError: it is absolute, leads upward, names a drive, a device or a hidden file, is empty or too long, or
            holds anything but letters and digits of ASCII, `.`, `-`, `_` and `/`.
    """
    parts = text.split("/")
    if len(text) > _LONGEST or not all(_is_plain(part) for part in parts):
        raise ValueError(f"expected {_EXPECTED}")
    return text


def _is_plain(part: str) -> bool:
    if part in _HIDDEN:
        return True
    return bool(
        len(part) <= _LONGEST_PART and _PART.fullmatch(part) and not part.endswith(".") and not _DEVICE.fullmatch(part)
    )


@dataclass(frozen=True)
class Inside:
    """A report's folder, whose files are found by the paths it names itself; `remedy` is for those that are missing."""

    folder: Path
    remedy: str = "make the report again"

    def find(self, path: str, key: str) -> Path:
        """Where the regular file `path` is.

        Args:
            path: as the report names it.
            key: where it does so, for the error's text, such as `figures.3.picture`.

        Raises:
            ReportgenError: the path is not plain, or there is no regular file in the folder under it.
        """
        try:
            plain_path(path)
        except ValueError as error:
            raise ReportgenError(
                f"{one_line(self.folder, 60)}: {one_line(key, 60)}: {error}, got {one_line(repr(path), 36)}; "
                "do not trust this report"
            ) from error
        place = self.folder
        parts = path.split("/")
        for number, part in enumerate(parts, 1):
            place = place / part
            try:
                mode = place.lstat().st_mode
            except (OSError, ValueError) as error:
                raise self._missing(path, key, getattr(error, "strerror", None) or str(error)) from error
            if not (stat.S_ISREG(mode) if number == len(parts) else stat.S_ISDIR(mode)):
                what = "a link" if stat.S_ISLNK(mode) else "no regular file"
                raise ReportgenError(
                    f"{one_line(self.folder, 60)}: {key}: expected a file inside the report, "
                    f"{path} leads through {what}; "
                    "do not trust this report"
                )
        return place

    def read(self, path: str, key: str, kind: FileKind) -> bytes:
        """The bytes of the file `path`; arguments and errors as those of `find`."""
        file = self.find(path, key)
        try:
            return read_regular(file, kind, through_links=False)
        except OSError as error:
            raise self._missing(path, key, error.strerror) from error

    def read_text(self, path: str, key: str, kind: FileKind) -> str:
        """The text of the file `path`; arguments and errors as those of `find`, also where it is not UTF-8."""
        try:
            return self.read(path, key, kind).decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._missing(path, key, "it is not UTF-8 text") from error

    def copy(self, path: str, key: str, target: Path) -> None:
        """Copy the file `path` to the same place below the folder `target`; arguments and errors as of `find`.

        Raises:
            OSError: it cannot be written.
        """
        file = self.find(path, key)
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            opening = open_regular(file, "part", through_links=False)
            with opening as source, place.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
        except OSError as error:
            if error.filename is not None and os.fspath(error.filename) == os.fspath(file):
                raise self._missing(path, key, error.strerror) from error
            raise

    def _missing(self, path: str, key: str, why: str | None) -> ReportgenError:
        return ReportgenError(
            f"expected {path} ({key}) in the report {self.folder}, cannot read it ({why}); {self.remedy}"
        )


def regular_files(folder: Path) -> Iterator[str]:
    """The paths of all regular files below `folder`, links are not followed."""
    for path, is_regular in entries(folder):
        if is_regular:
            yield path


def entries(folder: Path) -> Iterator[tuple[str, bool]]:
    """The paths of everything below `folder` but its folders, and whether each is a regular file, no link."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(folder / below) as found:
            inside = sorted(found, key=lambda entry: entry.name)
        for entry in inside:
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)
            else:
                yield path, entry.is_file(follow_symlinks=False)
