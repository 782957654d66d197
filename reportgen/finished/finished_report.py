"""A finished report, as Python sees it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from reportgen.errors import one_line
from reportgen.finished.bundle import bundle_text
from reportgen.finished.closing_words import count_words
from reportgen.finished.tracking import log_report
from reportgen.record import Finding, Record
from reportgen.site.page import FRONT


@dataclass(frozen=True, repr=False)
class Report:
    """A finished report: where it lies (a folder, or one file) and what it says."""

    path: Path
    data: Record

    @property
    def findings(self) -> list[Finding]:
        """What stands out in the network."""
        return self.data.findings

    def log_to(self, tracker: str) -> str:
        """Hand the report to an experiment tracker: as one file, the folder beside it, and its figures as metrics.

        Args:
            tracker: "mlflow", which needs `pip install "reportgen[mlflow]"`. Its active run is used, else one is
                started and ended. The artifacts are `report.html` and, for a report that is a folder, `report/`.

        Returns:
            The identifier of the run.

        Raises:
            UsageError: a tracker that is not known.
            ReportgenError: the tracker is not installed, or does not take the report.
        """
        return log_report(tracker, self.path, self.data)

    def __str__(self) -> str:
        """A line: of which network, what was found, and where it lies."""
        page = self.path / FRONT if self.path.is_dir() else self.path
        return one_line(f"report of {self.data.model.name}: {count_words(self.findings)}; open {page}")

    __repr__ = __str__  # all of what it says would be megabytes

    def _repr_html_(self) -> str:
        """The report inline, for notebooks: the whole of it in a frame of its own."""
        text = bundle_text(self.path) if self.path.is_dir() else self.path.read_text(encoding="utf-8")
        return f'<iframe sandbox width="100%" height="640" srcdoc="{html.escape(text)}"></iframe>'
