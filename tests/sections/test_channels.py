"""Top images of channels, against a plain loop over Keras; boxes, against arithmetic written out here."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from support.images import write_images
from support.networks import two_convolutions

import reportgen
from reportgen.record import Unit


def fit_by_hand(photo: Image.Image, size: int) -> np.ndarray:
    """Short side to `size`, then the centre: in one step, so that nothing is rounded on the way."""
    scale = size / min(photo.size)
    left, top = (photo.width - size / scale) / 2, (photo.height - size / scale) / 2
    box = (left, top, left + size / scale, top + size / scale)
    return np.asarray(photo.resize((size, size), Image.Resampling.BILINEAR, box=box), dtype="float32") / 255


def box_by_hand(
    position: tuple[int, int], field: tuple[int, int, int], size: int, photo: Image.Image
) -> tuple[int, int, int, int]:
    """The receptive field (side, stride, padding) at `position`, clipped, in pixels of the photograph."""
    side, stride, padding = field
    scale = size / min(photo.size)
    offsets = (photo.height - size / scale) / 2, (photo.width - size / scale) / 2
    low = [max(0, place * stride - padding) / scale + offset for place, offset in zip(position, offsets, strict=True)]
    high = [
        min(size, place * stride - padding + side) / scale + offset
        for place, offset in zip(position, offsets, strict=True)
    ]
    rounded = [int(np.floor(value + 1e-6)) for value in low] + [int(np.ceil(value - 1e-6)) for value in high]
    return rounded[0], rounded[1], rounded[2], rounded[3]


def check_units(
    units: list[Unit], network: keras.Model, photos: list[Path], size: int, fields: dict[str, tuple[int, int, int]]
) -> None:
    images = [Image.open(path).convert("RGB") for path in photos]
    fitted = [fit_by_hand(image, size)[None] for image in images]
    layers = sorted({unit.layer for unit in units})
    part = keras.Model(network.inputs[0], {name: network.get_layer(name).output for name in layers})
    answers = [part(pixels, training=False) for pixels in fitted]
    for unit in units:
        maps = [answer[unit.layer].numpy()[0, :, :, unit.channel] for answer in answers]
        order = sorted(range(len(maps)), key=lambda place: (-maps[place].max(), place))[:9]
        assert [top.image for top in unit.top_images] == [photos[place].name for place in order]
        for top, place in zip(unit.top_images, order, strict=True):
            assert top.value == pytest.approx(maps[place].max(), rel=1e-4, abs=1e-5)
            if maps[place].max() == 0:
                continue  # everywhere is the highest place
            assert top.position is not None
            assert maps[place][tuple(top.position)] == pytest.approx(maps[place].max(), rel=1e-4)
            assert top.box == box_by_hand(top.position, fields[unit.layer], size, images[place])


def test_top_images_and_boxes_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    photos = write_images(tmp_path / "photos", 12, height=40, width=56)
    network = two_convolutions(size=16)
    network.save(tmp_path / "network.keras")
    report = reportgen.build(
        tmp_path / "network.keras", tmp_path / "photos", tmp_path / "out",
        sections="units", layers=["conv1", "conv2"], channels="all", resize="crop", no_cache=True,
    )  # fmt: skip
    assert len(report.data.units) == 6 + 8
    photos = [tmp_path / "photos" / image.file for image in report.data.images]
    # conv1: 3x3 at stride 1, padded by 1. conv2, behind a 2x2 pooling: 3 + 1 + 2 * 2 pixels, stride 2, padded by 3.
    check_units(report.data.units, network, photos, 16, {"conv1": (3, 1, 1), "conv2": (8, 2, 3)})


def test_pictures_of_what_was_seen_are_cut_from_the_photograph(tmp_path: Path) -> None:
    write_images(tmp_path / "photos", 3, height=40, width=56)
    report = reportgen.build(
        two_convolutions(size=16), tmp_path / "photos", tmp_path / "out", sections="units", channels="0", no_cache=True
    )
    top = report.data.units[0].top_images[0]
    assert top.patch is not None
    assert top.box is not None
    left, upper, width, height = top.patch.tile
    with Image.open(report.path / top.patch.picture) as sprite:
        assert sprite.size == (top.patch.width, top.patch.height)
        stored = np.asarray(sprite.convert("RGB"), dtype=float)[upper : upper + height, left : left + width]
    with Image.open(tmp_path / "photos" / top.image) as photo:
        cut = photo.convert("RGB").crop((top.box[1], top.box[0], top.box[3], top.box[2]))
        expected = np.asarray(cut.resize((width, height), Image.Resampling.NEAREST), dtype=float)
    assert np.abs(stored - expected).mean() < 6  # what a lossy file costs


def test_the_real_network_agrees_with_a_plain_loop(shared_models: Path, shared_photos: Path, tmp_path: Path) -> None:
    network = keras.models.load_model(shared_models / "tiny_darknet.keras", compile=False)
    convolutions = [layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    layers = [convolutions[1], convolutions[6], convolutions[-2]]
    report = reportgen.build(
        shared_models / "tiny_darknet.keras", shared_photos, tmp_path / "out",
        sections="units", layers=layers, channels="0,3,7", activation_max="off", preprocess="unit",
        resize="crop", no_cache=True,
    )  # fmt: skip
    photos = [shared_photos / image.file for image in report.data.images]
    known = {layer.name: layer.receptive_field for layer in report.data.layers if layer.receptive_field is not None}
    fields = {name: (field.size[0], int(field.stride[0]), int(field.padding[0])) for name, field in known.items()}
    assert len(report.data.units) >= 9
    check_units(report.data.units, network, photos, 224, fields)
