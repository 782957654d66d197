"""Hidden folders beside a target in which what takes its place is made, and what becomes of those that were left.

A workplace is locked by the run that works in it. One that nobody holds was left by a run that was killed: the next
command that writes or reads the target settles it. What it holds:

    site/       the new folder; after the exchange of names the earlier one
    old/        the earlier folder, where names could not be exchanged in one step
    single/     the one file, where there is one to put in place
    swap.json   written when all is ready: which of the folders is the new one
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportgen.errors import ReportgenError
from reportgen.files.beyond import beyond, own_files, places_beside
from reportgen.files.locks import SWAP_WAIT, hold, locked
from reportgen.files.targets import check_file_target
from reportgen.opening import read_regular
from reportgen.plain_json import parse_json

_NEW, _OLD = ".reportgen-new-", ".reportgen-old"

# The number of a process, as names of workplaces have it.
_PROCESS = re.compile("[0-9]{1,9}")

# With what else stands in the name of a workplace, below the 255 bytes that file systems take.
_LONGEST_STEM = 150


@dataclass(frozen=True)
class Workplace:
    """A workplace, and the descriptor that holds its lock (None where the file system has none)."""

    path: Path
    lock: int | None

    @property
    def site(self) -> Path:
        """The folder that is made."""
        return self.path / "site"

    @property
    def old(self) -> Path:
        """The earlier folder, moved aside."""
        return self.path / "old"

    @property
    def marker(self) -> Path:
        """Says that all is ready."""
        return self.path / "swap.json"

    def single(self, name: str) -> Path:
        """The one file that is made."""
        return self.path / "single" / name

    def mark(self) -> None:
        """Note that all is ready to be put in place."""
        self.marker.write_text(json.dumps({"site": _identity(self.site)}), encoding="utf-8")

    def remove(self) -> None:
        """Take it away with all that is in it."""
        # The mark first: of an earlier report that is half removed nobody could say which files are the user's.
        with suppress(OSError):
            self.marker.unlink()
        try:
            shutil.rmtree(self.path, ignore_errors=True)
        finally:
            if self.lock is not None:
                with suppress(OSError):
                    os.close(self.lock)


def single_beside(folder: Path) -> Path:
    """The one file that is made together with `folder`.

    Raises:
        ReportgenError: nothing is beside it: it is the root of all folders.
    """
    if not folder.name:
        raise ReportgenError(f"expected a folder for the report, nothing can be put beside {folder}; choose one inside")
    return folder.with_name(f"{folder.name}.html")


def make_workplace(target: Path) -> Workplace:
    """A new workplace beside `target`, held by this process.

    Raises:
        OSError: there is no room for it.
    """
    prefix = f".{_stem(target)}{_NEW}{os.getpid()}-"
    with locked(target.parent, wait=SWAP_WAIT):  # nobody clears it up before it is held
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
        place = Workplace(path, hold(path))
    try:
        place.site.mkdir()
        (path / "single").mkdir()
    except BaseException:
        place.remove()
        raise
    return place


def _stem(target: Path) -> str:
    """The name of `target`, cut where that and what is added would be too long for a file's name."""
    name = os.fsencode(target.name)
    if len(name) <= _LONGEST_STEM:
        return target.name
    return f"{hashlib.sha256(name).hexdigest()[:20]}"


def settle_left(target: Path) -> None:
    """Mend what killed runs over `target` left: a swap that was begun is brought to an end, the rest removed.

    What cannot be mended, as in a folder one may not write, stays: that is no reason not to read a report.
    """
    # No run works over a link, and a stranger's may lead anywhere: nothing is moved through it.
    if target.is_symlink() or not any(True for _ in _left(target)):
        return
    with suppress(OSError), locked(target.parent, wait=SWAP_WAIT):
        for path in list(_left(target)):
            if path.name.endswith(_OLD):
                _put_back(path, target)
            elif not path.is_dir() or path.is_symlink():
                path.unlink()
            elif (place := _taken_over(path)) is not None:
                settle(place, target)


def _left(target: Path) -> Iterator[Path]:
    """Workplaces over `target`, and what an earlier version moved aside."""
    start, aside = f".{_stem(target)}{_NEW}", f".{target.name}{_OLD}"
    try:
        with os.scandir(target.parent) as entries:
            for entry in entries:
                if entry.name.startswith(start) or entry.name == aside:
                    yield Path(entry.path)
    except OSError:
        return


def _taken_over(path: Path) -> Workplace | None:
    """A workplace that its run left, now held by this process; None where its run goes on."""
    try:
        lock = hold(path)
    except BlockingIOError:
        return None
    process = path.name.rsplit(_NEW, 1)[1].partition("-")[0]
    if lock is None and _PROCESS.fullmatch(process) and _is_running(int(process)):
        return None
    return Workplace(path, lock)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _put_back(old: Path, target: Path) -> None:
    """What an earlier version moved aside goes back where nothing took its place, and away where something did."""
    if target.exists():
        shutil.rmtree(old)
    else:
        old.rename(target)


def settle(place: Workplace, target: Path) -> bool:
    """Bring a workplace to an end, whatever had been done when its run stopped, and remove it.

    Returns:
        Whether the new folder is in place.
    """
    marker = _read_marker(place)
    site, old = _identity(place.site), _identity(place.old)
    if marker is None or (site == marker["site"] and old is None):  # half built, or whole and not put in place
        place.remove()
        return False
    # A workplace may have come with a report of a stranger's: nothing is followed out of it.
    earlier = (None if site is None else place.site) if old is None else place.old
    if not os.path.lexists(target):
        # Killed between the two renames of a system that cannot exchange names; or the new one was removed since.
        if earlier is not None:
            earlier.rename(target)
        place.remove()
        return False
    try:
        if earlier is not None:
            move_kept(earlier, target, places_beside(earlier, target, beyond(earlier, own_files(earlier))))
        _put_single(place, target)
    except ReportgenError:  # a file of the user's has a name of the report's now: it is not ours to remove
        return True
    place.remove()
    return True


def _put_single(place: Workplace, target: Path) -> None:
    single = single_beside(target)
    ready = place.single(single.name)
    # By listing: beside a folder whose name is as long as names may be, to ask for such a file is an error.
    held = os.listdir(ready.parent) if _identity(ready.parent) is not None else []  # noqa: PTH208 - names, not paths
    if single.name in held and ready.is_file() and not ready.is_symlink():
        check_file_target(single)
        ready.replace(single)


def _read_marker(place: Workplace) -> dict[str, Any] | None:
    try:
        content = parse_json(read_regular(place.marker, "settings", through_links=False))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and "site" in content else None


def _identity(path: Path) -> list[int] | None:
    """What tells a folder from others, whatever its name; None where there is none, or a link."""
    try:
        state = path.lstat()
    except OSError:
        return None
    return [state.st_dev, state.st_ino] if stat.S_ISDIR(state.st_mode) else None


def move_kept(source: Path, target: Path, paths: Collection[str]) -> None:
    """Move the user's files `paths` from one folder to the other; all of them, or none.

    Raises:
        OSError: one cannot be moved.
    """
    moved: list[str] = []
    try:
        for path in paths:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).rename(target / path)
            moved.append(path)
    except OSError:
        for path in moved:
            (target / path).rename(source / path)
        raise
