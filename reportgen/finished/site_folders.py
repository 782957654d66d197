"""Where the parts of a collection lie."""

from __future__ import annotations

REPORTS = "reports"
CHANGES = "changes"
CONTENT = "collection.json"
