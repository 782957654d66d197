"""Two reports side by side, in a folder or in one file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from reportgen.files.manifest import write_manifest
from reportgen.files.replacing import replacing_file, replacing_folder
from reportgen.finished.bundled_sites import bundle_site_text
from reportgen.finished.comparison import Comparison, compare
from reportgen.finished.comparison_pages import write_comparison
from reportgen.finished.comparison_words import comparison_markdown
from reportgen.finished.summary import SUMMARY_NAME
from reportgen.record import read_record
from reportgen.site.writer import write_text


def compare_reports(first: Path, second: Path, output: Path, *, force: bool = False) -> Path:
    """Show the reports `first` and `second` side by side, in the folder or the single file (`.html`) `output`.

    Raises:
        ReportgenError: one of them is no report, or `output` is not to be replaced.
    """
    folders = folder_of(first), folder_of(second)
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
    """Write all of a comparison into `folder`: pages, pictures, summary, manifest."""
    write_comparison(comparison, folders, folder)
    write_text(folder / SUMMARY_NAME, comparison_markdown(comparison))
    write_manifest(folder, "comparison")


def folder_of(report: Path) -> Path:
    """The folder of a report given by its folder or its `report.json`."""
    return report if report.is_dir() else report.parent
