"""Features: what layers give for each image, as arrays in a file."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from reportgen.analysis.network.capture import Extractor
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.errors import ReportgenError
from reportgen.results import ByteArray, FloatArray, LayerSummary, NetworkSummary

# Enough to keep the processor busy; the largest layers of usual networks take 13 MB an image.
BATCH_SIZE = 8

FILES_KEY = "files"

# What stands between the last map and the classifier, and is no feature of its own.
_BETWEEN = frozenset({"input", "global pooling", "flattening", "reshaping", "resting", "dense", "padding"})

# Kinds of answers that a head makes of features.
_OF_A_HEAD = ("classes", "multilabel", "values", "points", "boxes")

# The earliest time a zip archive can state: the same features give the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def default_feature_layer(summary: NetworkSummary, outputs: Sequence[SettledOutput]) -> str:
    """The last layer before the classification head: the last map before the layer that tells classes apart.

    This is what `include_top=False` leaves of a network of `keras.applications`. A network without a
    classification head gives its features itself, in its last layer.
    """
    rows = [row for row in summary.layers if row.actual_shape is not None]
    if not any(output.kind in _OF_A_HEAD for output in outputs):
        return rows[-1].name
    classifier = max((i for i, row in enumerate(rows) if row.parameter_count), default=len(rows) - 1)
    for row in reversed(rows[:classifier]):
        if _is_feature_map(row):
            return row.name
    return rows[max(classifier - 1, 0)].name


def _is_feature_map(row: LayerSummary) -> bool:
    if row.kind in _BETWEEN or not (row.is_map or row.token_grid):
        return False
    shape = row.actual_shape
    # An average over the whole map is a head's pooling by another name.
    return not (row.type == "AveragePooling2D" and shape is not None and tuple(shape[1:3]) == (1, 1))


def extract_features(
    extractor: Extractor, images: Iterable[tuple[str, ByteArray]], *, batch_size: int = BATCH_SIZE
) -> Iterator[tuple[tuple[str, ...], Mapping[str, FloatArray]]]:
    """Run the network over images, a batch at a time.

    Args:
        extractor: its layers are those whose features are wanted.
        images: name and pixels `(height, width, channels)` of 0..255 of each, fitted to the network's input.
        batch_size: images in one forward pass.

    Yields:
        The names of a batch, and for each layer an array `(batch, ...)`, float32.
    """
    waiting = iter(images)
    while batch := list(islice(waiting, batch_size)):
        names = tuple(name for name, _ in batch)
        yield names, extractor(np.stack([pixels for _, pixels in batch]), extractor.network.others_of(names))


def save_features(
    extractor: Extractor, images: Iterable[tuple[str, ByteArray]], path: Path, *, batch_size: int = BATCH_SIZE
) -> dict[str, tuple[int, ...]]:
    """Write the features of `images` to the `.npz` file `path`, for `numpy.load`.

    It holds an array `(images, ...)` for each layer under the layer's name, and `files`, the images'
    names in the order of the rows. The file appears whole or not at all; arrays go to disk batch by
    batch, so memory does not grow with the number of images.

    Returns:
        The shape of each layer's array.

    Raises:
        ReportgenError: `path` cannot be written, there are no images, or a layer is called "files".
    """
    if FILES_KEY in extractor.names:
        raise ReportgenError(f"a layer called {FILES_KEY!r} has no place beside the list of files; rename the layer")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            files, shapes = _write_rows(extract_features(extractor, images, batch_size=batch_size), Path(folder))
            if not files:
                raise ReportgenError("expected at least one image to take features of, got none")
            archive = Path(folder) / "features.npz"
            _pack(archive, Path(folder), shapes, files)
            archive.replace(path)
    except OSError as error:
        raise ReportgenError(f"cannot write {path}: {error.strerror}; choose another file with -o") from error
    return shapes


def _write_rows(
    batches: Iterable[tuple[tuple[str, ...], Mapping[str, FloatArray]]], folder: Path
) -> tuple[list[str], dict[str, tuple[int, ...]]]:
    """Append each layer's rows to a file of its own, `0`, `1`, ...; the images' names and arrays' shapes."""
    files: list[str] = []
    shapes: dict[str, tuple[int, ...]] = {}
    for names, outputs in batches:
        for index, (layer, rows) in enumerate(outputs.items()):
            with (folder / str(index)).open("ab") as file:
                file.write(np.ascontiguousarray(rows, dtype="<f4").data)
            shapes[layer] = (len(files) + len(names), *rows.shape[1:])
        files.extend(names)
    return files, shapes


def _pack(archive: Path, folder: Path, shapes: Mapping[str, tuple[int, ...]], files: list[str]) -> None:
    """Put the rows that `_write_rows` left in `folder` into one archive."""
    with zipfile.ZipFile(archive, "w") as packed:
        for index, (layer, shape) in enumerate(shapes.items()):
            with _entry(packed, layer) as entry, (folder / str(index)).open("rb") as rows:
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(entry, header)
                shutil.copyfileobj(rows, entry)
        with _entry(packed, FILES_KEY) as entry:
            np.lib.format.write_array(entry, np.array(files), allow_pickle=False)


def _entry(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    # Sizes are not known beforehand, and may be beyond what the plain format can state.
    return archive.open(zipfile.ZipInfo(f"{name}.npy", _NO_TIME), "w", force_zip64=True)
