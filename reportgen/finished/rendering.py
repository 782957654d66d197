"""The files of a report from its record, without TensorFlow: at first, and when its pages are made again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from reportgen.config import Config
from reportgen.errors import ReportgenError
from reportgen.files.hashed import hashed_name
from reportgen.files.manifest import write_manifest
from reportgen.files.replacing import replacing_folder
from reportgen.finished.logo import clean_logo
from reportgen.finished.opened import odd_pages_told, opened_report
from reportgen.finished.site_folders import SUMMARY_NAME
from reportgen.finished.summary import changes_kept, summarize, summary_markdown
from reportgen.opening import read_regular
from reportgen.record import RECORD_NAME, Record, Site, dump_record
from reportgen.site.writer import write_site, write_text


def write_pages(record: Record, folder: Path, templates: Path | None = None, since: Sequence[str] = ()) -> None:
    """Write `report.json`, the summary, every page and the manifest into `folder`, which holds the pictures already.

    `since` are sentences on what changed since the report that this one replaces.
    """
    (folder / RECORD_NAME).write_text(dump_record(record), encoding="utf-8")
    write_site(record, folder, templates=templates)
    write_text(folder / SUMMARY_NAME, summary_markdown(summarize(record, since)))
    write_manifest(folder, "report")


def site_look(config: Config, title: str, folder: Path) -> dict[str, object]:
    """Copy the logo and style sheet of `config` into `folder`; the fields of `record.Site`.

    Raises:
        ReportgenError: one of the files cannot be read.
    """
    return {
        "title": config.title or title,
        "logo": _copy_logo(config.logo, folder),
        "css": _copy_style(config.css, folder),
        "script": config.script,
    }


def _copy_logo(file: Path | None, folder: Path) -> str | None:
    """Write what is to be seen of the logo into the report, under a name that follows it."""
    if file is None:
        return None
    data, suffix = clean_logo(file)
    return _write_asset("logo", data, suffix, folder)


def _copy_style(file: Path | None, folder: Path) -> str | None:
    """Copy the style sheet into the report under a name that follows its content."""
    if file is None:
        return None
    try:
        data = read_regular(file, "style")
        data.decode("utf-8")
    except OSError as error:
        raise ReportgenError(f"--css: expected a style sheet, cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ReportgenError(f"--css: expected a style sheet in UTF-8, {file} is none; save it as UTF-8") from error
    return _write_asset("css", data, ".css", folder)


def _write_asset(stem: str, data: bytes, suffix: str, folder: Path) -> str:
    path = f"assets/{hashed_name(stem, data, suffix)}"
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
    with ExitStack() as reading:
        report = reading.enter_context(opened_report(folder))
        with replacing_folder(folder) as new:
            report.copy_files(new)
            changes = changes_kept(report.inside)
            reading.close()  # nothing more is read of it, and what takes its place waits for that
            record = report.record
            look = site_look(config, record.site.title, new)
            changed = {name: value for name, value in look.items() if name in given}
            record = record.model_copy(update={"site": Site(**(record.site.model_dump() | changed))})
            with odd_pages_told(folder):
                write_pages(record, new, config.templates, changes)
    return folder
