"""How large a report gets with the number of images.

Builds a report of the demo's network on a few generated pictures and on many, from the command line as a user
does, and prints the size of each report, its front page, its longest page and the share of `report.json`.

    python tests/benchmarks/report_size.py [--images 5000]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from statistics_throughput import write_pictures

NETWORK = Path(__file__).resolve().parents[2] / "examples" / "demo" / "texture_net.keras"
FEW = 50
GROWTH_AIM = 3.0  # of the report on many images over that on few
PAGE_AIM = 150_000  # bytes of the front page


def build(pictures: Path, report: Path) -> float:
    """Build the report and give the seconds it took."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "reportgen", "build", str(NETWORK), str(pictures), "-o", str(report)]
    subprocess.run([*command, "--no-cache", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def measure(count: int) -> int:
    """Print the sizes of a report on `count` pictures and give that of the whole."""
    with tempfile.TemporaryDirectory() as name:
        pictures, report = Path(name) / "pictures", Path(name) / "report"
        pictures.mkdir()
        write_pictures(pictures, count)
        seconds = build(pictures, report)
        sizes = {path.relative_to(report): path.stat().st_size for path in report.rglob("*") if path.is_file()}
    pages = {path: size for path, size in sizes.items() if path.suffix == ".html"}
    longest = max(pages, key=lambda path: pages[path])
    total = sum(sizes.values())
    print(f"{count} images: {total / 1e6:.2f} MB in {len(sizes)} files, {seconds:.0f} s")
    print(f"  report.json {sizes[Path('report.json')] / 1e6:.2f} MB")
    print(f"  index.html {sizes[Path('index.html')] / 1e3:.0f} kB (aim: under {PAGE_AIM / 1e3:.0f} kB)")
    print(f"  longest page {longest} {pages[longest] / 1e3:.0f} kB", flush=True)
    return total


def main() -> None:
    """Print sizes and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    arguments = parser.parse_args()
    few = measure(FEW)
    many = measure(arguments.images)
    print(f"{many / few:.2f} times the report on {FEW} images (aim: at most {GROWTH_AIM:.0f} times)")


if __name__ == "__main__":
    main()
