"""Pages made from the record alone: settled, rendered, written."""

from __future__ import annotations

from reportgen.site.writer import write_site

__all__ = ["write_site"]
