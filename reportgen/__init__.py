"""Static HTML reports on image networks."""

from __future__ import annotations

from reportgen._version import __version__

__all__ = ["__version__"]
