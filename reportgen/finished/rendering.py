"""What is done with finished reports, without TensorFlow: pages made again, two reports compared."""

from __future__ import annotations

import shutil
from pathlib import Path

from reportgen import site
from reportgen.config import Config
from reportgen.errors import ReportgenError
from reportgen.files.hashed import hashed_name
from reportgen.files.manifest import write_manifest
from reportgen.files.replacing import replacing_folder
from reportgen.finished.comparison import compare
from reportgen.finished.comparison_pages import write_comparison
from reportgen.record import RECORD_NAME, Record, dump_record, read_record, referenced_files


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


def compare_reports(first: Path, second: Path, output: Path, *, force: bool = False) -> Path:
    """Show the reports `first` and `second` side by side, in the folder or the single file (`.html`) `output`.

    Raises:
        ReportgenError: one of them is no report, or `output` is not to be replaced.
    """
    folders = _folder_of(first), _folder_of(second)
    comparison = compare(read_record(first), read_record(second), folders)
    if output.suffix.lower() == ".html":
        with tempfile.TemporaryDirectory(prefix="reportgen-") as name, replacing_file(output) as file:
            make_comparison(comparison, folders, Path(name))
            write_text(file, bundle_site_text(Path(name)))
        return output
    with replacing_folder(output, "comparison", force=force) as new:
        make_comparison(comparison, folders, new)
    return output


def make_comparison(comparison: Comparison, folders: tuple[Path, Path], folder: Path) -> None:
    """Write all of a comparison into `folder`: pages, summary, manifest."""
    write_comparison(comparison, folders, folder)
    write_text(folder / SUMMARY_NAME, comparison_markdown(comparison))
    write_manifest(folder, "comparison")


def summary_of(folder: Path, form: str) -> str:
    """The report in `folder` in one screen, as `markdown` or `json`.

    Raises:
        ReportgenError: there is none.
    """
    inside = _folder_of(folder)
    summary = summarize(read_record(folder), changes_kept(inside))
    where = (inside / FRONT).as_posix()
    return summary_json(summary, where) if form == "json" else summary_markdown(summary, where)


def _folder_of(report: Path) -> Path:
    """The folder of a report given by its folder or its `report.json`."""
    return report if report.is_dir() else report.parent
