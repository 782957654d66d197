"""`manifest.json`: the SHA-256 of every file of a report, comparison or collection but itself."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from reportgen.errors import ReportgenError

MANIFEST = "manifest.json"

# What a folder made by this program holds.
Kind = Literal["report", "comparison", "collection"]

_FRONT = "index.html"
_RECORD = "report.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def write_manifest(folder: Path, kind: Kind) -> None:
    """Write the SHA-256 of every file in `folder` but the manifest itself, and what the folder holds."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / MANIFEST
    }
    text = json.dumps({"kind": kind, "files": dict(sorted(files.items()))}, indent=1, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")


def read_manifest(folder: Path) -> Mapping[str, str]:
    """SHA-256 by path.

    Raises:
        ReportgenError: there is no manifest, or it is not one.
    """
    file = folder / MANIFEST
    try:
        files = json.loads(file.read_text(encoding="utf-8"))["files"]
    except OSError as error:
        raise ReportgenError(
            f"expected a report's folder with a {MANIFEST} at {folder}, found none ({error.strerror}); "
            "make one with `reportgen build`"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ReportgenError(
            f"expected {file} to list the report's files, it does not; make the report again"
        ) from error
    if not isinstance(files, dict) or not all(isinstance(digest, str) for digest in files.values()):
        raise ReportgenError(f"expected {file} to list the report's files, it does not; make the report again")
    return files


def kind_of(folder: Path) -> Kind | None:
    """What `folder` holds by its manifest; None where this program did not make it.

    Manifests of earlier versions do not name a kind: there were reports and comparisons then.
    """
    try:
        files = read_manifest(folder)
        kind = json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("kind")
    except (ReportgenError, OSError, ValueError):
        return None
    if _FRONT not in files or not all(_DIGEST.fullmatch(digest) for digest in files.values()):
        return None
    if kind is None:
        kind = "report" if _RECORD in files else "comparison"
    return kind if kind in get_args(Kind) else None
