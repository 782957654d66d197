"""What parts of finished sites are called, and where the parts of a collection lie."""

from __future__ import annotations

SUMMARY_NAME = "summary.md"

REPORTS = "reports"
CHANGES = "changes"
CONTENT = "collection.json"
