"""Pages made from the record alone: settled, rendered, written, bundled and verified."""

from __future__ import annotations

from reportgen.site.verify import verify_report
from reportgen.site.writer import write_manifest, write_site

__all__ = ["verify_report", "write_manifest", "write_site"]
