"""Pages made from the record alone: settled, rendered, written, bundled and verified."""

from __future__ import annotations

from reportgen.site.bundle import bundle_report, bundle_text
from reportgen.site.comparing import write_comparison
from reportgen.site.verify import verify_report
from reportgen.site.writer import write_manifest, write_site

__all__ = ["bundle_report", "bundle_text", "verify_report", "write_comparison", "write_manifest", "write_site"]
