"""Records made by hand: small, with every component; with hostile names; as large as a page must bear."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from support.answers import OUTPUTS, with_answers

from reportgen import record as r
from reportgen.record import Pages
from reportgen.record.addresses import assign_pages

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "&lt;b&gt; &amp; &#60;i&#62;",
    "\u202eevil\u202c right to left",
    "long" * 75,
    "con",
    "nul.png",
    "per%cent #hash ?query",
    "quote' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "control\x00\x07character",
    "layers/../../escape",
)

# How the sections behave that have something to show here.
TRAITS = {
    "filters": {"gallery": "last", "on_channels": True, "compared": True, "words": ("kernels",)},
    "feature-maps": {"on_layers": "small", "shrinks": True, "compared": True},
    "activation-maximization": {"gallery": "maximizations"},
    "deep-dream": {"gallery": "figures"},
}


@dataclass(frozen=True)
class Names:
    """What things are called in a record."""

    title: str = "Textures"
    model: str = "texture_net"
    layers: tuple[str, ...] = ("conv1", "relu1", "pool1", "conv2", "relu2", "dense", "softmax")
    images: tuple[str, ...] = ("checks.png", "spirals.png", "no page.png")
    labels: tuple[str, ...] = ("checks", "dots", "rings")
    channels: int = 8
    units: int = 3
    variants: tuple[str, ...] = ("one scale for the layer", "each map by itself")
    blocks: int = 2


@dataclass
class Builder:
    """Puts a record together; pictures are written into `folder`."""

    folder: Path
    names: Names
    pages: Pages = field(init=False)

    def __post_init__(self) -> None:
        names = self.names
        self.convolutions = [name for name in names.layers if not name.startswith(("relu", "dense", "softmax", "pool"))]
        units = [(layer, channel) for layer in self.convolutions for channel in range(names.units)]
        with_pages = names.images[:-1] if len(names.images) > 1 else names.images
        self.pages = assign_pages(self.convolutions, units, names.images, with_pages)
        (self.folder / "assets").mkdir(parents=True, exist_ok=True)

    def picture(self, name: str, height: int, width: int) -> str:
        """Write a picture of soft stripes, unless it is there; the path of the file."""
        path = f"assets/{name}.webp"
        if (self.folder / path).exists():
            return path
        rows, columns = np.mgrid[0:height, 0:width]
        seed = int(hashlib.sha256(name.encode()).hexdigest()[:2], 16)
        waves = np.sin(rows / 5 + seed) + np.cos(columns / (3 + seed % 5))
        pixels = np.stack([np.clip(128 + 60 * waves * weight, 0, 255) for weight in (1, 0.6, -0.8)], axis=-1)
        Pillow.fromarray(pixels.astype(np.uint8)).save(self.folder / path, "WEBP", lossless=True)
        return path

    def layer(self, index: int, name: str) -> r.Layer:
        names = self.names
        side = max(4, 32 >> (index * names.blocks // max(1, len(names.layers))))
        drawn = name in self.convolutions
        channels = names.channels
        return r.Layer(
            index=index,
            name=name,
            type="Conv2D" if drawn else "Activation",
            kind="convolution" if drawn else "activation",
            block=f"block{index * names.blocks // len(names.layers) + 1}",
            output_shape=(None, side, side, channels),
            actual_shape=(None, side, side, channels),
            parameter_count=1792 if drawn else 0,
            trainable_parameter_count=1792 if drawn else 0,
            mac_count=86_704_128 if drawn else None,
            memory_bytes=side * side * channels * 4,
            receptive_field=r.ReceptiveField(size=(3 + index, 3 + index), stride=(1, 1), padding=(1, 1))
            if drawn
            else None,
            receptive_field_note=None if drawn else "not defined after global pooling",
            inputs=[names.layers[index - 1]] if index else [],
            page=self.pages.layer_page(name),
            details={"kernel": "3 x 3", "activation": "relu"} if drawn else {},
            weights=self.weights() if drawn else None,
            activations=self.activations() if drawn else None,
        )

    def weights(self) -> r.Weights:
        return r.Weights(
            kernel_shape=[3, 3, 3, self.names.channels],
            bias_shape=[self.names.channels],
            min=-0.52,
            max=0.61,
            mean=0.0031,
            std=0.094,
            zero_fraction=0.0,
            dead_filters=[2],
            histogram=r.Histogram(edges=[-0.6, -0.3, 0.0, 0.3, 0.6], counts=[3, 900, 850, 5]),
        )

    def activations(self) -> r.Activations:
        count = self.names.channels
        ramp: list[float | None] = [round(0.5 + 0.25 * channel, 3) for channel in range(count)]
        return r.Activations(
            min=0.0,
            max=4.25,
            mean=0.31,
            std=0.62,
            zero_fraction=0.54,
            dead_channels=[1],
            histogram=r.Histogram(edges=[0.0, 1.0, 2.0, 4.25], counts=[70_000, 1_200, 4]),
            columns=r.ChannelColumns(
                min=[0.0] * count,
                max=ramp,
                mean=[0.1] * count,
                std=[0.2] * count,
                zero_fraction=[0.5] * count,
                firing_rate=[1.0] * count,
            ),
        )

    def image(self, place: int, file: str) -> r.Image:
        labels = self.names.labels
        scores = [0.91, 0.06, 0.00004]
        return r.Image(
            id=f"image-{place}",
            file=file,
            sha256=hashlib.sha256(file.encode("utf-8", "surrogatepass")).hexdigest(),
            width=64,
            height=48,
            page=self.pages.image_page(file),
            truth=labels[0] if place < 2 else None,
            predictions=[
                r.Prediction(index=index, label=labels[(index + place) % len(labels)], score=score)
                for index, score in enumerate(scores)
            ],
        )

    def photo(self, place: int, file: str) -> r.Figure:
        return self.figure(f"photo-{place}", "photo", "overview", f"{file} as it is", image=file, size=(48, 64))

    def input(self, place: int, file: str) -> r.Figure:
        return self.figure(
            f"input-{place}", "input", "overview", f"{file} as the network sees it", image=file, size=(32, 32)
        )

    def figure(
        self,
        identifier: str,
        kind: str,
        section: str,
        title: str,
        *,
        layer: str | None = None,
        image: str | None = None,
        size: tuple[int, int] = (35, 35),
        group: str | None = None,
        variant: str | None = None,
        tiles: r.TileGrid | None = None,
        scale: r.Scale | None = None,
    ) -> r.Figure:
        count = tiles.columns * tiles.rows if tiles else 0
        return r.Figure(
            id=identifier,
            kind=kind,
            section=section,
            group=group,
            variant=variant,
            title=title,
            shows=f"What {title} shows.",
            reading="Bright is high.",
            made="Drawn for the tests, 0 to 1.",
            layer=layer,
            image=image,
            channels=list(range(count)),
            picture=self.picture(f"{kind}-{size[0]}x{size[1]}", *size),
            width=size[1],
            height=size[0],
            display=(size[0] * 8, size[1] * 8) if tiles else size,
            pixelated=tiles is not None,
            alt=f"{title}, for the tests",
            tiles=tiles,
            values=[0.5 * channel for channel in range(count)] if tiles else None,
            marks=[("silent" if channel == 1 else None) for channel in range(count)] if tiles else None,
            scale=scale,
            data=None,
        )

    def figures_of_layer(self, place: int, layer: str) -> list[r.Figure]:
        grid = r.TileGrid(columns=4, rows=2, width=8, height=8, gap=1)
        size = (17, 35)
        filters = self.figure(
            f"filters-{place}", "filters", "filters", f"Filters of {layer}", layer=layer, size=size, tiles=grid,
            group=f"all-{place}",
            scale=r.Scale(low=-0.5, high=0.6, colormap="grey", basis="whole layer"),
        )  # fmt: skip
        maps = [
            self.figure(
                f"maps-{place}-{number}-{which}",
                "feature_maps",
                "feature-maps",
                f"Feature maps of {layer}",
                layer=layer,
                image=image,
                size=size,
                group=f"maps-{place}-{number}",
                variant=variant,
                tiles=grid,
                scale=r.Scale(low=0.0, high=4.25, colormap="viridis", basis="whole layer")
                if which == 0
                else r.Scale(low=None, high=None, colormap="viridis", basis="each map"),
            )
            for number, image in enumerate(self.names.images)
            if self.pages.image_page(image)
            for which, variant in enumerate(self.names.variants)
        ]
        return [filters, *maps]

    def unit(self, layer: str, channel: int) -> r.Unit:
        page = self.pages.channel_page(layer, channel)
        assert page is not None
        return r.Unit(
            layer=layer,
            channel=channel,
            page=page,
            activation=r.ChannelActivation(
                min=0.0, max=3.5, mean=0.2, std=0.4, zero_fraction=0.6,
                histogram=r.Histogram(edges=[0.0, 1.0, 2.0, 3.5], counts=[400, 30, 2]),
            ),
            firing_rate=0.75,
            top_images=[self.top_image(image, place) for place, image in enumerate(self.names.images[:9])],
            before=[r.Neighbour(layer=self.convolutions[0], channel=0, weight=0.31)],
            after=[r.Neighbour(layer=self.convolutions[-1], channel=5, weight=-0.2)],
            selectivity=[r.Selectivity(label=self.names.labels[0], mean=2.1, mean_others=0.4, images=2)],
        )  # fmt: skip

    def top_image(self, image: str, place: int) -> r.TopImage:
        sheet = self.picture("patches-32x96", 32, 96)
        whole = self.picture("photo-48x64", 48, 64)
        return r.TopImage(
            image=image,
            value=3.5 - place * 0.1,
            position=(2, 3),
            box=(8, 12, 24, 28),
            label=self.names.labels[0],
            patch=r.Tile(picture=sheet, tile=(32 * (place % 3), 0, 32, 32), width=96, height=32),
            whole=r.Tile(picture=whole, tile=(0, 0, 64, 48), width=64, height=48),
        )

    def maximization(self, layer: str, channel: int) -> r.Maximization:
        failed = channel == 2
        sheet = None if failed else self.picture("maximized-64x128", 64, 128)
        return r.Maximization(
            layer=layer,
            channel=channel,
            objective="channel mean",
            label=None,
            preset="crisp",
            seed=0,
            steps=128,
            canvas=(64, 64),
            picture=sheet,
            tile=None if failed else (64 * (channel % 2), 0, 64, 64),
            width=None if failed else 128,
            height=None if failed else 64,
            activation=None if failed else 4.2,
            dataset_max=3.5,
            rank=None if failed else channel,
            status=("ok", "weak", "failed")[min(channel, 2)],  # type: ignore[arg-type]
            curve=None if failed else r.Curve(steps=[0, 64, 128], values=[0.1, 3.1, 4.2]),
            note="The channel stayed silent from every start." if failed else None,
        )

    def record(self) -> r.Record:
        names = self.names
        layers = [self.layer(index, name) for index, name in enumerate(names.layers)]
        figures = [
            figure for place, name in enumerate(self.convolutions) for figure in self.figures_of_layer(place, name)
        ]
        for place, image in enumerate(names.images):
            figures += [self.photo(place, image), self.input(place, image)]
        dream = self.figure(
            "dream-0", "deep_dream", "deep-dream", f"Dream of {self.convolutions[-1]}",
            layer=self.convolutions[-1], image=names.images[0], size=(64, 64),
        )  # fmt: skip
        return r.Record(
            generator=r.Generator(name="reportgen", version="0"),
            site=r.Site(title=names.title, logo=None, css=None, script=True),
            model=self.model(layers),
            layers=layers,
            graph=self.graph(),
            images=[self.image(place, image) for place, image in enumerate(names.images)],
            skipped=[r.Skipped(file="broken.png", reason="cut off after 512 bytes")],
            units=[self.unit(layer, channel) for layer, channel in self.pages.channels],
            maximizations=[self.maximization(layer, channel) for layer, channel in self.pages.channels],
            figures=[*figures, dream],
            features=[self.feature(image) for image in names.images if self.pages.image_page(image)],
            findings=self.findings(),
            evaluation=self.evaluation(),
            sections=self.sections(),
            provenance=r.Provenance(
                command="reportgen build texture_net.keras images -o report",
                config={"seed": 0},
                seed=0,
                versions={"reportgen": "0", "keras": "3.15.0"},
                created=None,
            ),
        )

    def feature(self, image: str) -> r.Feature:
        return r.Feature(
            layer=self.convolutions[0], image=image, file=self.feature_file(), shape=[4, 4, 8], dtype="float32"
        )

    def feature_file(self) -> str:
        (self.folder / "features").mkdir(exist_ok=True)
        (self.folder / "features" / "conv1.npy").write_bytes(b"numbers")
        return "features/conv1.npy"

    def model(self, layers: list[r.Layer]) -> r.Model:
        return r.Model(
            name=self.names.model,
            source="texture_net.keras",
            sha256="0" * 64,
            input_shape=(None, 32, 32, 3),
            output_shape=(None, 3),
            parameter_count=123_456,
            trainable_parameter_count=123_000,
            mac_count=15_346_630,
            layer_count=len(layers),
            memory_bytes=1_200_000,
            preprocessing=r.Preprocessing(
                mode="unit",
                origin="fallback",
                description="0..255 divided by 255",
                value_range=(0.0, 1.0),
                resize="squash",
                interpolation="bilinear",
                size=(32, 32),
                channels=3,
            ),
            head=r.Head(kind="softmax", classes=3, labels="file", note=None),
            blocks=[],
        )

    def graph(self) -> r.Graph:
        nodes = [
            r.GraphNode(
                name=name, kind="convolution", layers=[name], x=20.0, y=20.0 + 70 * place, width=160.0, height=40.0,
                text=[name, "32 x 32 x 8"], page=self.pages.layer_page(name),
            )
            for place, name in enumerate(self.convolutions)
        ]  # fmt: skip
        edges = [
            r.GraphEdge(
                source=before.name,
                target=after.name,
                points=[(100.0, before.y + 40), (100.0, after.y)],
                label="32 x 32 x 8",
            )
            for before, after in itertools.pairwise(nodes)
        ]
        return r.Graph(width=200.0, height=60.0 + 70 * len(nodes), nodes=nodes, edges=edges)

    def findings(self) -> list[r.Finding]:
        first = self.convolutions[0]
        severities: tuple[r.Severity, ...] = ("info", "error", "warning")
        return [
            r.Finding(
                rule=f"rule-{severity}",
                severity=severity,
                layer=first if severity != "info" else None,
                channels=[1] if severity == "warning" else [],
                image=self.names.images[0] if severity == "error" else None,
                message=f"Something of severity {severity} stands out in {first}.",
                measured="0.31",
                threshold="0.25",
                why="It matters to the tests.",
                action="Look at it.",
                page=self.pages.layer_page(first),
            )
            for severity in severities
        ]

    def evaluation(self) -> r.Evaluation:
        right, wrong = self.names.labels[0], self.names.labels[1]
        return r.Evaluation(
            images=2,
            accuracy=0.5,
            top5_accuracy=1.0,
            unmatched=["unheard of"],
            confusions=[r.Confusion(truth=right, predicted=wrong, count=1)],
            mistakes=[r.Mistake(image=self.names.images[1], truth=right, predicted=wrong, score=0.91)],
            calibration=[
                r.CalibrationBin(low=0.0, high=0.5, count=0, confidence=None, accuracy=None),
                r.CalibrationBin(low=0.5, high=1.0, count=2, confidence=0.91, accuracy=0.5),
            ],
        )

    def sections(self) -> list[r.Section]:
        titles = {
            "overview": "Overview",
            "layers": "Layers",
            "filters": "Filters",
            "feature-maps": "Feature maps",
            "features": "Features",
            "activation-maximization": "Maximised images",
            "deep-dream": "Deep dream",
            "predictions": "Predictions",
            "units": "Channels",
        }
        return [r.Section(slug=slug, title=title, note=None, **TRAITS.get(slug, {})) for slug, title in titles.items()]


def small_record(folder: Path) -> r.Record:
    """A record that shows every component once; its pictures are written into `folder`."""
    return Builder(folder, Names()).record()


def answers_record(folder: Path, kinds: Sequence[str] = tuple(OUTPUTS)) -> r.Record:
    """The small record, of a network with an output of each of `kinds`."""
    return with_answers(small_record(folder), folder, kinds)


# As long as those of real networks are.
REAL_NAMES = (
    "conv5_block32_preact_relu",
    "expanded_conv_11_squeeze_excite_conv_1",
    "block14_sepconv2_bn",
    "top_level_separable_convolution",
    "multi_head_attention_pooling",
    "global_average_pooling2d_1",
)
REAL_IMAGES = ("photographs/cat_tabby.jpg", "photographs/labrador_retriever.jpg", "street.jpg")


def real_names_record(folder: Path) -> r.Record:
    """A record whose layers and images are called as those of real networks are."""
    return Builder(folder, Names(layers=REAL_NAMES, images=REAL_IMAGES)).record()


def hostile_record(folder: Path) -> r.Record:
    """A record whose every name tries to be something other than text."""
    names = Names(
        title=HOSTILE[0],
        model=HOSTILE[1],
        layers=HOSTILE,
        images=(*(f"{name}.png" for name in HOSTILE), "A.png", "a.png", "last.png"),
        labels=HOSTILE,
        units=1,
        variants=HOSTILE[:2],
    )
    return Builder(folder, names).record()


def large_record(folder: Path) -> r.Record:
    """30 layers of 512 channels on 50 images, 8 channels of each layer in detail."""
    names = Names(
        layers=tuple(f"block{block}_conv{place}" for block in range(1, 7) for place in range(1, 6)),
        images=tuple(f"photographs/number {place:03d}.jpg" for place in range(51)),
        labels=tuple(f"class with a name {place}" for place in range(1000)),
        channels=512,
        units=8,
        blocks=6,
    )
    return Builder(folder, names).record()
