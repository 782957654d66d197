"""Peak memory of statistics: it must not grow with the number of images, nor with that of the layers.

Runs each case in a process of its own and prints the peak resident size of that process in MB:
MobileNetV2 on 500 and on 5,000 pictures, all convolutions measured; and ResNet50 on one picture with every
layer measured, against the network alone.

    python tests/benchmarks/memory.py [--images 5000]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from statistics_throughput import measuring, write_pictures

from reportgen.config import Config
from reportgen.images import collect_images
from reportgen.models import load_network

GROWTH_AIM = 1.05  # of 5,000 images over 500
LAYERS_AIM = 1500  # MB above the network alone


def run_case(model: str, folder: str, count: int, pattern: str) -> None:
    """Measure `count` pictures, or only load the network and run it on none, and print the peak in MB."""
    network = load_network(Config(model=model, weights="none", preprocess="tf"))
    images = collect_images([folder]).images[:count]
    if images:
        measuring(network, count, pattern)(images)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def peak(model: str, folder: str, count: int, pattern: str) -> float:
    """The peak resident size of a process that runs one case, in MB."""
    command = [sys.executable, __file__, "--case", model, folder, str(count), pattern]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(answer.stdout)


def main() -> None:
    """Print the peaks and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--case", nargs=4)
    arguments = parser.parse_args()
    if arguments.case:
        model, folder, count, pattern = arguments.case
        run_case(model, folder, int(count), pattern)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_pictures(Path(folder), arguments.images)
        alone = peak("keras:ResNet50", folder, 0, "all")
        every = peak("keras:ResNet50", folder, 1, "all")
        print(f"ResNet50 alone {alone:.0f} MB, every layer measured {every:.0f} MB: {every - alone:.0f} MB more")
        print(f"  aim: at most {LAYERS_AIM} MB more", flush=True)
        few = peak("keras:MobileNetV2", folder, arguments.images // 10, "convs")
        print(f"MobileNetV2, {arguments.images // 10} images: {few:.0f} MB", flush=True)
        many = peak("keras:MobileNetV2", folder, arguments.images, "convs")
        print(f"MobileNetV2, {arguments.images} images: {many:.0f} MB, {many / few:.3f} of that")
        print(f"  aim: at most {GROWTH_AIM}")


if __name__ == "__main__":
    main()
