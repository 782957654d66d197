"""Where the user's cache is, by the custom of the platform."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def default_folder() -> Path | None:
    """The user's cache folder for this program, by the custom of the platform; None for a user without a home."""
    try:
        if sys.platform == "win32":
            local = os.environ.get("LOCALAPPDATA")
            return (Path(local) if local else Path.home() / "AppData" / "Local") / "reportgen" / "Cache"
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "reportgen"
        base = os.environ.get("XDG_CACHE_HOME")
        return (Path(base) if base else Path.home() / ".cache") / "reportgen"
    except RuntimeError:  # neither the environment nor the system says where
        return None
