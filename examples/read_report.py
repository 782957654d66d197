"""Read a finished report's data: the layers that cost most and the channels that never fire.

    python examples/read_report.py DIRECTORY

Needs nothing but Python: `report.json` is documented by `reportgen schema`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """Print the five most expensive layers, then the dead channels of each layer."""
    report = json.loads((Path(sys.argv[1]) / "report.json").read_text(encoding="utf-8"))

    print(f"{report['model']['name']}: {report['model']['parameter_count']:,} parameters")
    costly = sorted(report["layers"], key=lambda layer: -(layer["mac_count"] or 0))
    for layer in costly[:5]:
        print(f"  {layer['name']}: {layer['mac_count']:,} multiply-accumulates, output {layer['output_shape']}")

    for layer in report["layers"]:
        dead = (layer["activations"] or {}).get("dead_channels") or []
        if dead:
            print(f"  {layer['name']}: channels {dead} stay zero on these {len(report['images'])} images")


if __name__ == "__main__":
    main()
