"""Photograph a page of a report for the README.

    python examples/take_screenshot.py REPORT [FILE.webp]

Needs Chromium on the path. REPORT is a report's folder, such as `reportgen demo` makes, whose front page is taken, or
one page of it; the picture goes to `examples/screenshot.webp` unless a file is named. The README's second picture,
`examples/screenshot-channel.webp`, is of a page below `units/`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

WINDOW = (1280, 1000)  # width, height in CSS pixels
WIDTH = 1000  # of the picture, in pixels
QUALITY = 80

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")


def photograph(page: Path, target: Path) -> None:
    """Save what Chromium shows of `page` in a window of `WINDOW` as PNG.

    Raises:
        SystemExit: there is no Chromium.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit(f"expected one of {', '.join(BROWSERS)} on the path, found none; install Chromium")
    size = "--window-size={},{}".format(*WINDOW)
    settings = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *QUIET, size)
    subprocess.run(
        [browser, *settings, f"--screenshot={target}", page.resolve().as_uri()], check=True, capture_output=True
    )


def main() -> None:
    """Photograph, shrink, save."""
    report = Path(sys.argv[1])
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).resolve().parent / "screenshot.webp"
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder) / "page.png"
        photograph(report / "index.html" if report.is_dir() else report, taken)
        with Image.open(taken) as page:
            picture = page.convert("RGB")
    height = round(picture.height * WIDTH / picture.width)
    picture.resize((WIDTH, height), Image.Resampling.LANCZOS).save(target, quality=QUALITY, method=6)
    print(target)


if __name__ == "__main__":
    main()
