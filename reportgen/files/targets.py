"""Where a report may be put: a new place, or in that of an earlier one; never what the user did not mean."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from reportgen.errors import ReportgenError
from reportgen.files.beyond import beyond, own_files
from reportgen.files.manifest import MANIFEST, Kind, kind_of

# Names every report, comparison and collection has at its top.
_OURS = frozenset({"index.html", MANIFEST, ".nojekyll"})


def absolute(path: Path) -> Path:
    """`path` from the root, its links as given.

    Raises:
        ReportgenError: the working directory is gone.
    """
    try:
        return Path(os.path.abspath(path))  # noqa: PTH100 - a link in the path is meant as given
    except OSError as error:
        raise ReportgenError(
            f"expected a working directory to find {path} from, it is gone ({error.strerror}); change to another"
        ) from error


def check_target(folder: Path, kind: Kind, *, force: bool) -> None:
    """Refuse to replace what this program did not make, and places that are never replaced.

    Raises:
        ReportgenError: `folder` is a file, a link, a mount point, or the working directory, the home or above one of
            them; it holds something else and `force` is not set; or a file of the user has a name of the report's.
    """
    folder = absolute(folder)
    try:
        _check_place(folder)
        if not folder.is_dir() or not any(folder.iterdir()):
            return
        if kind_of(folder) != kind and not force:
            raise ReportgenError(
                f"expected a new folder or an earlier {kind}, {folder} holds something else; "
                "choose another with -o, or put the report beside it with --force"
            )
        taken = _OURS.intersection(beyond(folder, own_files(folder)))
    except (OSError, ValueError) as error:
        raise ReportgenError(f"expected a place to write to, cannot write {folder}: {_reason(error)}") from error
    if taken:
        raise ReportgenError(
            f"expected an earlier {kind} or none, {folder / min(taken)} is not in a {MANIFEST} of this program; "
            "move it away or choose another folder with -o"
        )


def _check_place(folder: Path) -> None:
    if folder.is_symlink():
        raise ReportgenError(f"expected a folder for the report, {folder} is a link; name what it leads to with -o")
    if folder.exists() and not folder.is_dir():
        raise ReportgenError(f"expected a folder for the report, {folder} is a file; choose another with -o")
    if os.path.ismount(folder):
        raise ReportgenError(f"expected a folder for the report, {folder} is a mount point; choose one inside with -o")
    inhabited = {"the working directory": _working_directory(), "the home directory": _home()}
    for name, place in inhabited.items():
        if place is not None and place.is_relative_to(_resolved(folder)):
            raise ReportgenError(
                f"expected a folder for the report, {folder} is {name} or holds it; choose one inside with -o"
            )


def check_file_target(file: Path) -> None:
    """Refuse to replace a file that is no regular one, or that is a report's own.

    Raises:
        ReportgenError: `file` is a folder, a link, a device or a queue; or the manifest of a folder above it has it.
    """
    try:
        if not os.path.lexists(file):
            return
        if file.is_symlink() or not file.is_file():
            what = "a link" if file.is_symlink() else "a folder" if file.is_dir() else "no regular file"
            raise ReportgenError(f"expected a file to write, {file} is {what}; choose another")
        place = _resolved(file)
        if any(place.relative_to(folder).as_posix() in own_files(folder) for folder in place.parents):
            raise ReportgenError(f"expected a file to write, {file} is a file of a report itself; choose another")
    except (OSError, ValueError) as error:
        raise ReportgenError(f"expected a place to write to, cannot write {file}: {_reason(error)}") from error


def check_not_read(file: Path, read: Iterable[str | Path]) -> None:
    """Refuse to write over a file among `read`, what the run itself is given; names of what is no file are passed over.

    Raises:
        ReportgenError: `file` is one of them.
    """
    if not file.is_file():
        return
    for given in read:
        with suppress(OSError, ValueError):
            if file.samefile(given):
                raise ReportgenError(f"expected a file to write, {file} is one that this run reads; choose another")


def check_costs_target(file: Path | None, folder: Path | None, single: Path | None) -> None:
    """Refuse a file for the costs of a run that is no regular one, or that is the report or in it.

    Raises:
        ReportgenError: `file` is a folder, a link, a device or a queue; it lies in `folder` or is `single`.
    """
    if file is None:
        return
    check_file_target(file)
    place = _resolved(file)
    if (folder is not None and place.is_relative_to(_resolved(folder))) or (
        single is not None and place == _resolved(single)
    ):
        raise ReportgenError(f"--timings: expected a file outside the report, {file} is of it; choose another place")


def _working_directory() -> Path | None:
    try:
        return Path.cwd()
    except OSError:
        return None


def _home() -> Path | None:
    try:
        return _resolved(Path.home())
    except RuntimeError:  # no HOME, and the system does not know the user
        return None


def _resolved(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
