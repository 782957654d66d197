"""The files of a report from its record, without TensorFlow: at first, and when its pages are made again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from reportgen import site
from reportgen.config import Config
from reportgen.errors import ReportgenError
from reportgen.files.hashed import hashed_name
from reportgen.files.manifest import write_manifest
from reportgen.files.replacing import replacing_folder
from reportgen.finished.summary import SUMMARY_NAME, changes_kept, summarize, summary_markdown
from reportgen.record import RECORD_NAME, Record, dump_record, read_record, referenced_files
from reportgen.site.writer import write_text


def write_pages(record: Record, folder: Path, templates: Path | None = None, since: Sequence[str] = ()) -> None:
    """Write `report.json`, the summary, every page and the manifest into `folder`, which holds the pictures already.

    `since` are sentences on what changed since the report that this one replaces.
    """
    (folder / RECORD_NAME).write_text(dump_record(record), encoding="utf-8")
    site.write_site(record, folder, templates=templates)
    write_text(folder / SUMMARY_NAME, summary_markdown(summarize(record, since)))
    write_manifest(folder, "report")


def site_look(config: Config, title: str, folder: Path) -> dict[str, object]:
    """Copy the logo and style sheet of `config` into `folder`; the fields of `record.Site`.

    Raises:
        ReportgenError: one of the files cannot be read.
    """
    return {
        "title": config.title or title,
        "logo": _copy_asset(config.logo, folder, "--logo"),
        "css": _copy_asset(config.css, folder, "--css"),
        "script": config.script,
    }


def _copy_asset(file: Path | None, folder: Path, option: str) -> str | None:
    """Copy `file` into the report under a name that follows its content."""
    if file is None:
        return None
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ReportgenError(f"{option}: expected a file, cannot read {file}: {error.strerror}") from error
    path = f"assets/{hashed_name(option.strip('-'), data, file.suffix.lower())}"
    (folder / "assets").mkdir(exist_ok=True)
    (folder / path).write_bytes(data)
    return path


def render_again(folder: Path, config: Config, given: frozenset[str]) -> Path:
    """Make the pages of the report in `folder` again, from its `report.json` and pictures.

    Args:
        config: the look of the site.
        given: the fields of `config` that were asked for; for the others the look stays as it was.

    Raises:
        ReportgenError: `folder` holds no report, or a file it speaks of is missing.
    """
    record = read_record(folder)
    with replacing_folder(folder) as new:
        copy_files(record, folder, new)
        look = site_look(config, record.site.title, new)
        changed = {name: value for name, value in look.items() if name in given}
        record = record.model_copy(update={"site": record.site.model_copy(update=changed)})
        write_pages(record, new, config.templates, changes_kept(folder))
    return folder


def copy_files(record: Record, source: Path, target: Path) -> None:
    """Copy every file that `record` speaks of, pictures and arrays, from the report `source` into `target`.

    Raises:
        ReportgenError: one of them is missing.
    """
    for name in referenced_files(record):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source / name, target / name)
        except OSError as error:
            raise ReportgenError(
                f"expected {name} in the report {source}, cannot read it ({error.strerror}); make the report again"
            ) from error
