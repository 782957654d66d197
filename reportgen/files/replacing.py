"""Put a finished folder or file in place, all at once or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reportgen.errors import ReportgenError
from reportgen.files.manifest import Kind, kind_of

_NEW = ".reportgen-new-"
_OLD = ".reportgen-old"


def check_target(folder: Path, kind: Kind, *, force: bool) -> None:
    """Refuse to replace what this program did not make.

    Raises:
        ReportgenError: `folder` is a file, or holds something else and `force` is not set.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ReportgenError(f"expected a folder for the report, {folder} is a file; choose another with -o")
    if folder.is_dir() and any(folder.iterdir()) and kind_of(folder) != kind and not force:
        raise ReportgenError(
            f"expected a new folder or an earlier {kind}, {folder} holds something else; "
            "choose another with -o, or replace it with --force"
        )


@contextmanager
def replacing_folder(folder: Path, kind: Kind = "report", *, force: bool = False) -> Iterator[Path]:
    """Give a new folder beside `folder` to build in, and put it in the place of `folder` at the end.

    When the block fails, the new folder is removed and `folder` stays as it was. A run that was killed
    leaves its half-built folder behind, and the next run over the same target removes it.

    Raises:
        ReportgenError: see `check_target`; or the place cannot be written.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - a link in the path is meant as given
    parent, old = folder.parent, folder.with_name(f".{folder.name}{_OLD}")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _recover(folder, old)
        check_target(folder, kind, force=force)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}{_NEW}{os.getpid()}-", dir=parent))
    except OSError as error:
        raise ReportgenError(f"expected a place to write to, cannot write {folder}: {error.strerror}") from error
    try:
        new.chmod(0o777 & ~_umask())
        yield new
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(new, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def replacing_file(file: Path) -> Iterator[Path]:
    """Give a new file beside `file` to write, and put it in the place of `file` at the end.

    Raises:
        ReportgenError: the place cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{file.name}{_NEW}", dir=file.parent)
    except OSError as error:
        raise ReportgenError(f"expected a place to write to, cannot write {file}: {error.strerror}") from error
    os.close(handle)
    new = Path(name)
    try:
        new.chmod(0o666 & ~_umask())
        yield new
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _recover(folder: Path, old: Path) -> None:
    """Mend what a killed run left: put a report moved aside back, remove what was half built."""
    if old.exists():
        if folder.exists():
            shutil.rmtree(old)
        else:
            old.rename(folder)
    for left in folder.parent.glob(f".{_escape(folder.name)}{_NEW}*"):
        process = left.name.rsplit(_NEW, 1)[1].partition("-")[0]
        if process.isdigit() and not _is_running(int(process)):
            shutil.rmtree(left, ignore_errors=True)


def _escape(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
