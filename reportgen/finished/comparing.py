"""Two reports side by side, in a folder or in one file."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from reportgen.files.manifest import write_manifest
from reportgen.files.replacing import replacing, replacing_folder
from reportgen.finished.comparison import Comparison, compare
from reportgen.finished.comparison_pages import write_comparison
from reportgen.finished.comparison_words import comparison_markdown
from reportgen.finished.opened import odd_pages_told
from reportgen.finished.opened_record import opened_files
from reportgen.finished.site_folders import SUMMARY_NAME
from reportgen.site.writer import write_text


def compare_reports(first: Path, second: Path, output: Path, *, force: bool = False) -> Path:
    """Show the reports `first` and `second` side by side, in the folder or the single file (`.html`) `output`.

    Raises:
        ReportgenError: one of them is no report, or `output` is not to be replaced.
    """
    with ExitStack() as reading:
        # Their pages are not looked at: a comparison has its own.
        one, two = (reading.enter_context(opened_files(path)) for path in (first, second))
        folders = one[1].folder, two[1].folder
        with odd_pages_told(first):
            comparison = compare(one[0], two[0], folders)
        if output.suffix.lower() == ".html":
            from reportgen.finished.bundle import write_bundle
            from reportgen.finished.bundled_sites import bundle_site_text

            with replacing(None, output) as places:
                with odd_pages_told(first):
                    make_comparison(comparison, folders, places.folder)
                write_bundle(bundle_site_text(places.folder), places.single)
            return output
        with replacing_folder(output, "comparison", force=force) as new:
            with odd_pages_told(first):
                make_comparison(comparison, folders, new)
            reading.close()  # nothing more is read of them, and what takes their place waits for that
    return output


def make_comparison(comparison: Comparison, folders: tuple[Path, Path], folder: Path) -> None:
    """Write all of a comparison into `folder`: pages, pictures, summary, manifest."""
    write_comparison(comparison, folders, folder)
    write_text(folder / SUMMARY_NAME, comparison_markdown(comparison))
    write_manifest(folder, "comparison")
