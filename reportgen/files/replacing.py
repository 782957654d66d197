"""Put a finished folder or file in place, all at once or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from reportgen.errors import ReportgenError
from reportgen.files.beyond import beyond, own_files, places_beside
from reportgen.files.exchanging import exchange
from reportgen.files.locks import READERS_WAIT, SWAP_WAIT, locked
from reportgen.files.manifest import Kind
from reportgen.files.targets import absolute, check_file_target, check_target
from reportgen.files.workplaces import Workplace, make_workplace, move_kept, settle, settle_left

# What the world says when it has no room.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})

# What this process has put in place, for those who want to know after an interruption.
_PLACED: list[Path] = []


@dataclass(frozen=True)
class Places:
    """Where to write: `folder` becomes the report's folder or is thrown away, `single` becomes the one file."""

    folder: Path
    single: Path


def placed() -> tuple[Path, ...]:
    """The folders and files this process has put in place so far."""
    return tuple(_PLACED)


@contextmanager
def replacing_folder(folder: Path, kind: Kind = "report", *, force: bool = False) -> Iterator[Path]:
    """Give a new folder to build in, and put it in the place of `folder` at the end: see `replacing`."""
    with replacing(folder, None, kind, force=force) as places:
        yield places.folder


@contextmanager
def replacing_file(file: Path) -> Iterator[Path]:
    """Give a new file to write, and put it in the place of `file` at the end: see `replacing`."""
    with replacing(None, file) as places:
        yield places.single


@contextmanager
def replacing(
    folder: Path | None, single: Path | None, kind: Kind = "report", *, force: bool = False
) -> Iterator[Places]:
    """Give places to build a folder, a file or both in, and put them in place at the end, both or neither.

    There is no moment without the earlier folder or the new one, where the system can exchange names. What `folder`
    holds beyond its manifest stays in it. When the block fails, all is as it was. A run that was killed leaves a
    hidden workplace beside the target; the next command over the same target settles it.

    Args:
        folder: the folder to replace, None where only a file is wanted.
        single: the file to replace, None where only a folder is wanted; beside a folder it is `single_beside` of it.
        kind: what the folder holds.
        force: also where the folder was not made by this program.

    Raises:
        ReportgenError: see `check_target` and `check_file_target`; or there is no room to write.
    """
    folder, single = (None if path is None else absolute(path) for path in (folder, single))
    target = folder or single
    assert target is not None
    made = _missing_parents(target)
    with _told(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            settle_left(target)
            if folder is not None:
                check_target(folder, kind, force=force)
            if single is not None:
                check_file_target(single)
            place = make_workplace(target)
            try:
                place.site.chmod(0o777 & ~_umask())
                yield Places(place.site, place.single((single or target).name))
                _put_in_place(place, folder, single, kind, force=force)
            finally:
                # Also where it was interrupted in the middle: the user's files are in the earlier folder.
                with suppress(OSError):
                    if settle(place, target):
                        _PLACED.append(target)
        except BaseException:
            _remove_empty(made)
            raise


def _put_in_place(place: Workplace, folder: Path | None, single: Path | None, kind: Kind, *, force: bool) -> None:
    """Put both in place, or neither."""
    ready = None if single is None else place.single(single.name)
    if ready is not None:
        ready.chmod(0o666 & ~_umask())
    if folder is None:
        assert single is not None
        assert ready is not None
        check_file_target(single)
        ready.replace(single)
        _PLACED.append(single)
        return
    with locked(folder.parent, wait=SWAP_WAIT):
        check_target(folder, kind, force=force)
        with locked(folder, wait=READERS_WAIT) if folder.is_dir() else nullcontext():
            earlier = folder.is_dir()
            kept = places_beside(folder, place.site, beyond(folder, own_files(folder))) if earlier else []
            place.mark()
            aside = _swap(place, folder) if earlier else None
            if aside is None:
                place.site.rename(folder)
            try:
                if aside is not None:
                    move_kept(aside, folder, kept)
                if single is not None and ready is not None:
                    check_file_target(single)
                    ready.replace(single)
            except (OSError, ReportgenError):
                _swap_back(place, folder, aside, kept)
                raise


def _swap(place: Workplace, folder: Path) -> Path:
    """Put the new folder in the place of the earlier one; where the earlier one is now."""
    if exchange(place.site, folder):
        return place.site
    folder.rename(place.old)
    try:
        place.site.rename(folder)
    except OSError:
        place.old.rename(folder)
        raise
    return place.old


def _swap_back(place: Workplace, folder: Path, aside: Path | None, kept: list[str]) -> None:
    """Undo a swap whose second half failed."""
    if aside is None:
        folder.rename(place.site)
        return
    move_kept(folder, aside, [path for path in kept if os.path.lexists(folder / path)])
    if not exchange(aside, folder):
        folder.rename(place.site)
        aside.rename(folder)


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """Turn what the system refuses into a line."""
    try:
        yield
    except OSError as error:
        named = error.filename is not None and os.fsdecode(error.filename).startswith(os.fspath(target.parent))
        if error.errno in _NO_ROOM or named:
            raise ReportgenError(
                f"expected a place to write to, cannot write {target}: {error.strerror}; what was there is as it was"
            ) from error
        raise


def _missing_parents(target: Path) -> list[Path]:
    """The folders above `target` that are not there yet, the deepest first."""
    return [parent for parent in target.parents if not os.path.lexists(parent)]


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _umask() -> int:
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
