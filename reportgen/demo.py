"""The demo's network and images, which travel with the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def demo_directory() -> Path:
    """The folder of the demo's files: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    packaged = package / "examples"
    return packaged if packaged.is_dir() else package.parent / "examples" / "demo"


def demo_settings() -> dict[str, Any]:
    """The settings that make a report of the demo's network on its images.

    The network rescales its input itself, so its preprocessing is left to be found.
    """
    directory = demo_directory()
    return {
        "model": str(directory / "texture_net.keras"),
        "labels": str(directory / "labels.txt"),
        "images": (str(directory / "images"),),
        "truth": str(directory / "truth.csv"),
    }
