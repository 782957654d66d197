"""A finished report, as Python sees it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from reportgen.finished.bundle import bundle_text
from reportgen.record import Finding, Record


@dataclass(frozen=True)
class Report:
    """A finished report: where it lies (a folder, or one file) and what it says."""

    path: Path
    data: Record

    @property
    def findings(self) -> list[Finding]:
        """What stands out in the network."""
        return self.data.findings

    def _repr_html_(self) -> str:
        """The report inline, for notebooks: the whole of it in a frame of its own."""
        text = bundle_text(self.path) if self.path.is_dir() else self.path.read_text(encoding="utf-8")
        return f'<iframe sandbox width="100%" height="640" srcdoc="{html.escape(text)}"></iframe>'
