"""Make a report from Python: a network and pictures in memory, the findings on the terminal.

    python examples/report_in_python.py [DIRECTORY]

The report goes into the directory, by default `report`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
from textures import LABELS, draw_set

import reportgen
from reportgen.demo import demo_directory


def main() -> None:
    """Make the report and say what stands out."""
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("report")
    network = keras.models.load_model(demo_directory() / "texture_net.keras")
    pixels, _ = draw_set(len(LABELS), 64, seed=5)  # (14, 64, 64, 3), uint8: one picture of each texture

    report = reportgen.build(
        network,
        pixels,
        output,
        labels=demo_directory() / "labels.txt",
        sections=("overview", "layers", "filters", "predictions"),
        title="Textures drawn in memory",
    )

    for finding in report.findings:
        print(f"{finding.severity}: {finding.message}")
    for image in report.data.images:
        if image.predictions:
            print(f"{image.file}: {image.predictions[0].label} ({image.predictions[0].score:.0%})")
    print(report.path)


if __name__ == "__main__":
    main()
