"""`manifest.json`: the SHA-256 of every file of a report, comparison or collection but itself."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from reportgen.errors import ReportgenError
from reportgen.files.inside import plain_path, regular_files
from reportgen.opening import open_regular, read_regular
from reportgen.plain_json import parse_json

MANIFEST = "manifest.json"

# What a folder made by this program holds.
Kind = Literal["report", "comparison", "collection"]

_FRONT = "index.html"
_RECORD = "report.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def write_manifest(folder: Path, kind: Kind, known: Mapping[str, str] | None = None) -> None:
    """Write the SHA-256 of every file in `folder` but the manifest itself, and what the folder holds.

    `known` are those of files that were taken over as they are, by path: they are not read again.
    """
    taken = known or {}
    files = {
        name: taken[name] if name in taken else file_digest(folder / name)
        for name in sorted(regular_files(folder))
        if name != MANIFEST
    }
    text = json.dumps({"kind": kind, "files": files}, indent=1, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")


def file_digest(file: Path) -> str:
    """The SHA-256 of a regular file, which is no link, in hexadecimal."""
    with open_regular(file, "part", through_links=False) as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read_manifest(folder: Path) -> Mapping[str, str]:
    """SHA-256 by path, every path a plain one inside the folder.

    Raises:
        ReportgenError: there is no manifest, or it is not one.
    """
    return _files(folder, _read(folder))


def _read(folder: Path) -> Any:
    file = folder / MANIFEST
    try:
        return parse_json(read_regular(file, "manifest", through_links=False))
    except OSError as error:
        raise ReportgenError(
            f"expected a report's folder with a {MANIFEST} at {folder}, cannot read it ({error.strerror}); "
            "make one with `reportgen build`"
        ) from error
    except ValueError as error:
        raise ReportgenError(f"expected {file} to list the report's files: {error}; make the report again") from error


def _files(folder: Path, content: Any) -> Mapping[str, str]:
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict):
        raise ReportgenError(
            f"expected {folder / MANIFEST} to list the report's files, it does not; make the report again"
        )
    for path, digest in files.items():
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise ReportgenError(
                f"{folder / MANIFEST}: files.{path}: expected a SHA-256, got {digest!r}; make the report again"
            )
        try:
            plain_path(path)
        except ValueError as error:
            raise ReportgenError(
                f"{folder / MANIFEST}: files: {error}, got {path!r}; do not trust this report"
            ) from error
    return files


def is_made_here(folder: Path) -> bool:
    """Whether `folder` is a report, comparison or collection of this program: what it shows is nobody's images."""
    return kind_of(folder) is not None


def kind_of(folder: Path) -> Kind | None:
    """What `folder` holds by its manifest; None where this program did not make it.

    Manifests of earlier versions do not name a kind: there were reports and comparisons then.
    """
    try:
        content = _read(folder)
        files = _files(folder, content)
    except ReportgenError:
        return None
    if _FRONT not in files:
        return None
    kind = content.get("kind")
    if kind is None:
        kind = "report" if _RECORD in files else "comparison"
    return kind if kind in get_args(Kind) else None
