"""What a report's folder holds beyond its manifest: files of the user, which stay where they are."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from reportgen.errors import ReportgenError
from reportgen.files.manifest import MANIFEST, kind_of, read_manifest


def own_files(folder: Path) -> frozenset[str]:
    """The paths of the files this program made in `folder`; none where it did not make the folder."""
    return frozenset({*read_manifest(folder), MANIFEST}) if kind_of(folder) is not None else frozenset()


def beyond(folder: Path, own: Collection[str]) -> list[str]:
    """The paths in `folder` of what is not among its `own` files, sorted.

    A folder with nothing of ours below it is one path; so is a link, wherever it leads.
    """
    return sorted(_beyond(folder, own, {str(parent) for path in own for parent in PurePosixPath(path).parents}))


def _beyond(folder: Path, own: Collection[str], above: Collection[str]) -> Iterator[str]:
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(folder / below) as found:
            for entry in found:
                path = f"{below}/{entry.name}" if below else entry.name
                if entry.is_dir(follow_symlinks=False) and path in above:
                    waiting.append(path)
                elif not (path in own and entry.is_file(follow_symlinks=False)):
                    yield path


def places_beside(folder: Path, new: Path, kept: Collection[str]) -> list[str]:
    """Where the user's files `kept` of `folder` go in the folder `new`: the paths to move, deeper where both have one.

    Raises:
        ReportgenError: the new folder has a file under the name of one of them, or one is a mount point.
    """
    moved = []
    waiting = list(kept)
    while waiting:
        path = waiting.pop()
        source, target = folder / path, new / path
        parents = [new / parent for parent in PurePosixPath(path).parents]
        if any(os.path.lexists(parent) and not _is_folder(parent) for parent in parents[:-1]):
            raise _taken(folder, path)
        if os.path.ismount(source):
            raise ReportgenError(f"expected {source} to stay beside the report, it is a mount point; unmount it first")
        if not os.path.lexists(target):
            moved.append(path)
        elif _is_folder(source) and _is_folder(target):
            waiting += [f"{path}/{name}" for name in os.listdir(source)]  # noqa: PTH208 - names, not paths
        else:
            raise _taken(folder, path)
    return sorted(moved)


def _is_folder(path: Path) -> bool:
    """Whether `path` is a folder itself, no link to one."""
    return path.is_dir() and not path.is_symlink()


def _taken(folder: Path, path: str) -> ReportgenError:
    return ReportgenError(
        f"expected a name of the report's own, {folder / path} is not in its {MANIFEST} and the report has a file "
        "of that name; move it away or choose another folder with -o"
    )
