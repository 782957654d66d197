"""How long a report takes, beside what it cannot do without and beside an earlier version.

    python tests/benchmarks/report_time.py MEASURE... [--baseline CHECKOUT] [--models DIR] [--photos DIR] [--runs N]

`demo`: the demo without cache beside `import tensorflow`, on the clock; with its loops compiled before, and without.

`bare`: mobilenet_v2 and a ResNet50 of random weights on the photographs, without maximised pictures and in the sections
of version 0.1, beside a script that imports, loads, decodes, fits and predicts; processor time.

`default`: default reports of four networks on the photographs beside those of `--baseline`, processor time; how many
maximised pictures are ok, and how many pictures of classes the other networks recognise (`recognised.py`).

`blocks`: four maximised channels in each of the five block ends of a VGG16 with trained convolutions beside
`--baseline`, processor time; what was left out.

`again`: the second of two equal runs of mobilenet_v1 beside the first, on the clock; whether the bytes are the same.

Everything runs as its own process, the sides by turns, and the least of `--runs` counts: other programs on the machine
only add. Processor time is of all threads. The trained networks and photographs lie in a folder of their own
(`--models`, `--photos`); `--baseline` is a checkout of another version that this Python can run, such as
`git worktree add ../earlier 770b983`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

CHECKOUT = Path(__file__).resolve().parents[2]
SHARED = CHECKOUT.parent / "shared"

# The sections of version 0.1, which had nothing on why, on evaluation and on the images' quality.
FIRST_SECTIONS = "overview,layers,filters,feature-maps,features,activation-maximization,deep-dream,predictions,units"

# Each network's file, how it is fed, and the file of its labels.
NETWORKS = {
    "tiny_darknet": ("tiny_darknet.keras", "unit", "labels_imagenet1000_darknet_order.txt"),
    "mobilenet_v1": ("mobilenet_v1_075_192.keras", "none", "labels_imagenet1001_background.txt"),
    "mobilenet_v2": ("mobilenet_v2_100_224.keras", "tf", "labels_imagenet1001_background.txt"),
    "squeezenet": ("squeezenet_v10_dc.keras", "caffe", "labels_imagenet1000_synset_order.txt"),
}

# Aims, as ratios: of the demo to `import tensorflow`, of a report to the bare script, and so on.
DEMO_AIM, FIRST_AIM, BARE_AIM, DEFAULT_AIM, BLOCKS_AIM, AGAIN_AIM, OK_AIM = 4.0, 4.5, 2.5, 0.5, 0.6, 1 / 6, 0.95

BARE_SCRIPT = """
import sys
from pathlib import Path
import keras
import numpy as np
from PIL import Image

network, folder, mode = sys.argv[1:]
model = keras.models.load_model(network, compile=False)
height, width = model.input_shape[1:3]
images = []
for path in sorted(path for path in Path(folder).iterdir() if path.suffix in (".png", ".jpg")):
    with Image.open(path) as image:
        image = image.convert("RGB")
        scale = max(width / image.width, height / image.height)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
        left, top = (image.width - width) // 2, (image.height - height) // 2
        images.append(np.asarray(image.crop((left, top, left + width, top + height)), np.float32))
pixels = np.stack(images)
if mode == "tf":
    pixels = pixels / 127.5 - 1
elif mode == "caffe":
    pixels = pixels[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)
print(model.predict(pixels, verbose=0).argmax(axis=1))
"""

RANDOM_RESNET = "import keras, sys; keras.applications.ResNet50(weights=None).save(sys.argv[1])"

TRAINED_VGG = """
import sys
import keras

edges = keras.models.load_model(sys.argv[1], compile=False)
model = keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3))
for layer in model.layers:
    if layer.weights:
        layer.set_weights(edges.get_layer(layer.name).get_weights())
model.save(sys.argv[2])
"""


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and of all processors."""

    clock: float
    processor: float


@dataclass(frozen=True)
class Side:
    """A checkout and what to run it with."""

    checkout: Path

    def command(self, *arguments: object) -> list[str]:
        """A command of this checkout's program."""
        return [sys.executable, "-m", "reportgen", *map(str, arguments), "--quiet"]

    def environment(self, more: Mapping[str, str] = {}) -> dict[str, str]:
        """The environment in which it is this checkout that runs."""
        # Without the folder this is run in, which may be a checkout too.
        own = {"PYTHONPATH": str(self.checkout), "PYTHONSAFEPATH": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        return {**os.environ, **own, **more}


OURS = Side(CHECKOUT)


def cost_of(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run a command and give what it took with all that it started."""
    begun = perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    clock = perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with {process.returncode}: {said.decode()[-2000:]}")
    return Cost(clock, usage.ru_utime + usage.ru_stime)


def least(runs: int, *sides: Callable[[], Cost]) -> list[Cost]:
    """The least of what each side took, run by turns."""
    found = [[side() for side in sides] for _ in range(runs)]
    return [
        Cost(min(cost.clock for cost in column), min(cost.processor for cost in column))
        for column in zip(*found, strict=True)
    ]


def say(name: str, ratio: float, aim: float, detail: str) -> None:
    """Print a ratio beside its aim."""
    print(f"{name}: {ratio:.2f} (aim: at most {aim:.2f}; {'met' if ratio <= aim else 'missed'}); {detail}", flush=True)


def measure_demo(options: argparse.Namespace, place: Path) -> None:
    """The demo beside the import of TensorFlow, warm and with nothing compiled."""
    empty = (place / f"empty-{number}" for number in range(options.runs))

    def demo(more: Mapping[str, str] = {}) -> Cost:
        return cost_of(OURS.command("demo", "--no-cache", "--force", "-o", place / "demo"), OURS.environment(more))

    demo()  # compiles
    imported, warm, first = least(
        options.runs,
        lambda: cost_of([sys.executable, "-c", "import tensorflow"], OURS.environment()),
        demo,
        lambda: demo({"XDG_CACHE_HOME": str(next(empty))}),
    )
    beside = f"import tensorflow {imported.clock:.1f} s"
    say("demo / import, clock", warm.clock / imported.clock, DEMO_AIM, f"{warm.clock:.1f} s, {beside}")
    say(
        "demo after installing / import, clock",
        first.clock / imported.clock,
        FIRST_AIM,
        f"{first.clock:.1f} s, {beside}",
    )
    print(f"  processor: import {imported.processor:.1f}, demo {warm.processor:.1f}, first {first.processor:.1f} s")


def build_command(
    side: Side, network: Path, mode: str, options: argparse.Namespace, *more: object
) -> Callable[[], Cost]:
    """A report of a network on the photographs, without cache."""
    command = side.command("build", network, options.photos, "--preprocess", mode, "--resize", "crop", *more)
    return lambda: cost_of([*command, "--no-cache", "--force"], side.environment())


def measure_bare(options: argparse.Namespace, place: Path) -> None:
    """Reports without maximised pictures beside the bare script."""
    resnet = place / "resnet50.keras"
    cost_of([sys.executable, "-c", RANDOM_RESNET, str(resnet)], OURS.environment())
    (file, mode, labels) = NETWORKS["mobilenet_v2"]
    cases = [
        ("mobilenet_v2", options.models / file, mode, ("--labels", options.models / labels)),
        ("ResNet50, random weights", resnet, "caffe", ()),
    ]
    for name, network, mode, more in cases:
        given = (*more, "--activation-max", "off", "--sections", FIRST_SECTIONS, "-o", place / "bare")
        script = [sys.executable, "-c", BARE_SCRIPT, str(network), str(options.photos), mode]
        bare, ours = least(
            options.runs,
            partial(cost_of, script, OURS.environment()),
            build_command(OURS, network, mode, options, *given),
        )
        say(
            f"{name} / bare script, processor", ours.processor / bare.processor, BARE_AIM,
            f"{ours.processor:.1f} s, bare {bare.processor:.1f} s",
        )  # fmt: skip


def measure_default(options: argparse.Namespace, place: Path) -> None:
    """Default reports of the four networks beside those of the baseline."""
    total, before, ok, made = 0.0, 0.0, 0, 0
    for name, (file, mode, labels) in NETWORKS.items():
        given = ("--labels", options.models / labels)
        ours, theirs = least(
            options.runs,
            build_command(OURS, options.models / file, mode, options, *given, "-o", place / name),
            build_command(baseline(options), options.models / file, mode, options, *given, "-o", place / f"{name}-0"),
        )
        statuses = [one["status"] for one in record(place / name)["maximizations"]]
        total, before = total + ours.processor, before + theirs.processor
        ok, made = ok + statuses.count("ok"), made + len(statuses)
        print(f"  {name}: {ours.processor:.1f} s, baseline {theirs.processor:.1f} s", flush=True)
    say("default reports / baseline, processor", total / before, DEFAULT_AIM, f"{total:.0f} s, baseline {before:.0f} s")
    print(f"  maximised pictures that are ok: {ok} of {made}, {ok / made:.0%} (aim: at least {OK_AIM:.0%})", flush=True)
    judging = [
        CHECKOUT / "tests/benchmarks/recognised.py",
        place,
        "--models",
        options.models,
        "--photos",
        options.photos,
    ]
    # It takes the names of networks from this file, which lies beside it.
    environment = OURS.environment({"PYTHONSAFEPATH": ""})
    subprocess.run([sys.executable, *map(str, judging)], env=environment, check=True)


def measure_blocks(options: argparse.Namespace, place: Path) -> None:
    """Maximised channels of a VGG16's block ends beside those of the baseline."""
    network, report = place / "vgg16.keras", place / "blocks"
    command = [sys.executable, "-c", TRAINED_VGG, str(options.models / "hed_edges.keras"), str(network)]
    cost_of(command, OURS.environment())
    more = ("--sections", "activation-maximization", "--layers", "blocks", "--channels", "strongest:4")
    ours, theirs = least(
        options.runs,
        build_command(OURS, network, "caffe", options, *more, "-o", report),
        build_command(baseline(options), network, "caffe", options, *more, "-o", place / "blocks-0"),
    )
    layers = {(one["layer"], one["channel"]) for one in record(report)["maximizations"] if one["layer"]}
    say(
        "VGG16 block ends / baseline, processor", ours.processor / theirs.processor, BLOCKS_AIM,
        f"{ours.processor:.1f} s, baseline {theirs.processor:.1f} s; {len(layers)} of 20 channels made",
    )  # fmt: skip


def measure_again(options: argparse.Namespace, place: Path) -> None:
    """The second of two equal runs beside the first."""
    file, mode, labels = NETWORKS["mobilenet_v1"]
    command = OURS.command(
        "build", options.models / file, options.photos, "--preprocess", mode, "--resize", "crop",
        "--labels", options.models / labels, "--force", "--cache", place / "kept", "-o", place / "again",
    )  # fmt: skip
    first = cost_of(command, OURS.environment())
    bytes_of_first = digest(place / "again")
    second = min((cost_of(command, OURS.environment()) for _ in range(options.runs)), key=lambda cost: cost.clock)
    say(
        "second run / first, clock", second.clock / first.clock, AGAIN_AIM,
        f"{second.clock:.1f} s of {first.clock:.1f} s; processor {second.processor:.1f} of {first.processor:.1f} s; "
        f"{'the same bytes' if digest(place / 'again') == bytes_of_first else 'OTHER BYTES'}",
    )  # fmt: skip


def record(folder: Path) -> dict[str, list[dict[str, object]]]:
    """What a report says."""
    return dict(json.loads((folder / "report.json").read_text(encoding="utf-8")))


def digest(folder: Path) -> str:
    """A hash of all files of a report."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return total.hexdigest()


def baseline(options: argparse.Namespace) -> Side:
    """The version to compare with."""
    if options.baseline is None:
        raise SystemExit("--baseline: expected a checkout of another version, got none")
    return Side(options.baseline.resolve())


MEASURES: dict[str, Callable[[argparse.Namespace, Path], None]] = {
    "demo": measure_demo,
    "bare": measure_bare,
    "default": measure_default,
    "blocks": measure_blocks,
    "again": measure_again,
}


def main() -> None:
    """Print the measures asked for, all of them where none is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=", ".join(MEASURES))
    parser.add_argument("--baseline", type=Path)
    parser.add_argument("--models", type=Path, default=SHARED / "models")
    parser.add_argument("--photos", type=Path, default=SHARED / "photos")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    unknown = [name for name in options.measures if name not in MEASURES]
    if unknown:
        parser.error(f"expected measures among {', '.join(MEASURES)}, got {unknown[0]}")
    with tempfile.TemporaryDirectory() as place:
        for name in options.measures or MEASURES:
            MEASURES[name](options, Path(place))


if __name__ == "__main__":
    main()
