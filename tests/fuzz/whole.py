"""A report that names a file under every key that can, and where those keys are: by the types of the record alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo
from support.records import answers_record

from reportgen import record as r
from reportgen.finished.rendering import write_pages
from reportgen.record import attributions, content, review
from reportgen.record.tile import Tile

Place = tuple[Any, ...]
Way = tuple[str, ...]


def whole_record(folder: Path) -> r.Record:
    """The record with answers of every kind and all that an analysis can add; its files are written into `folder`."""
    record = answers_record(folder)
    picture = record.figures[0].picture
    np.save(folder / "assets" / "map.npy", np.zeros((2, 2), np.float32))
    np.save(folder / "assets" / "products.npy", np.ones((1, 3), np.float32))
    (folder / "assets" / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>', encoding="utf-8")
    (folder / "assets" / "own.css").write_text("main { color: #222222; }\n", encoding="utf-8")
    tile = Tile(picture=picture, tile=(0, 0, 4, 4), width=17, height=35)
    why = attributions.Attribution(
        output="scene", target=attributions.AttributionTarget(kind="predicted", index=0, label="sky"),
        method="grad-cam", layer="conv1", picture=picture, array="assets/map.npy", shape=[2, 2],
        positive_evidence=True, deletion=None, insertion=None, completeness_error=None, agreement=None, verdict=None,
    )  # fmt: skip
    answers = tuple(
        answer.model_copy(update={"photograph": picture}) if isinstance(answer, r.MapAnswer) else answer
        for answer in record.images[0].answers
    )
    first = record.images[0].model_copy(update={"answers": answers, "attributions": (why,)})
    files = [image.file for image in record.images]
    flip = review.Flip(image=files[0], severity=1, clean="sky", changed="road", before=tile, after=tile)
    projection = review.Projection(picture=picture, points=[review.ProjectedImage(image=files[0], x=0.1, y=0.2)])
    return record.model_copy(
        update={
            "site": record.site.model_copy(update={"logo": "assets/logo.svg", "css": "assets/own.css"}),
            "images": [first, *record.images[1:]],
            "attribution": attributions.AttributionSummary(methods=[], contrasts=(_mistake(record),)),
            "maximizations": [
                one.model_copy(update={"array": "assets/map.npy"}) if one.picture is not None else one
                for one in record.maximizations
            ],
            "figures": [record.figures[0].model_copy(update={"data": "assets/map.npy"}), *record.figures[1:]],
            "products": content.KeptProducts(layers=["conv1"], images=files[:2], file="assets/products.npy"),
            "evaluation": _evaluation(record, tile),
            "robustness": review.Robustness(
                images=2, seed=0, clean=0.5, shifts=[],
                corruptions=[review.Corruption(name="noise", severities=[], flips=(flip,))],
            ),
            "dataset": review.Dataset(
                images=3, compared=3, layer="conv1", duplicates=[], suspicious_labels=[], outliers=[],
                projection=projection,
            ),
            "thumbnails": {files[0]: tile},
        }
    )  # fmt: skip


def _mistake(record: r.Record) -> r.Contrast:
    """Why an image was taken for what it is not."""
    figure = record.figures[0]
    return r.Contrast(
        image=record.images[0].file, output="scene", layer="conv1", picture=figure.picture, array="assets/map.npy",
        shape=[2, 2], answer=r.ContrastSide(index=0, subject="sky", nearest=None),
        right=r.ContrastSide(index=1, subject="road", nearest=None), channels=[], figure=figure.id,
    )  # fmt: skip


def _evaluation(record: r.Record, tile: Tile) -> review.Evaluation:
    """Answers against the right ones, with the worst of a map: one as four pictures, one as a photograph."""
    first, second, *_ = (image.file for image in record.images)
    panels = review.WorstPanels(photograph=tile, truth=tile, answer=tile, difference=tile)
    worst = (
        review.WorstImage(image=first, score=0.1, panels=panels),
        review.WorstImage(image=second, score=0.2, thumbnail=tile),
    )
    output = review.EvaluationOutput(
        output="mask", kind="map", images=2, unmatched=0, per_class=[], mean_iou=0.15, worst=worst
    )
    assert record.evaluation is not None
    return record.evaluation.model_copy(update={"outputs": (output,)})


def write_whole_report(folder: Path) -> None:
    """Write the report of the whole record."""
    folder.mkdir(parents=True)
    write_pages(whole_record(folder), folder)


def _is_path(annotation: object) -> bool:
    """Whether a type is one of `reportgen.record.paths`, the only ones that are checked by a function."""
    inner = [*get_args(annotation), *getattr(annotation, "__metadata__", ())]
    return isinstance(annotation, AfterValidator) or any(_is_path(one) for one in inner)


def _is_path_field(info: FieldInfo) -> bool:
    return any(isinstance(one, AfterValidator) for one in info.metadata) or _is_path(info.annotation)


def path_places(value: object, at: Place = (), way: Way = ()) -> Iterator[tuple[Place, Way]]:
    """Where in a record paths stand, each with the fields that lead there."""
    if isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            item = getattr(value, name)
            if isinstance(item, str) and _is_path_field(info):
                yield (*at, name), (*way, name)
            else:
                yield from path_places(item, (*at, name), (*way, name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from path_places(item, (*at, key), way)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from path_places(item, (*at, number), way)


def path_ways(annotation: object = r.Record, way: Way = ()) -> Iterator[Way]:
    """The fields that lead to a path, of all that a record may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            if _is_path_field(info):
                yield (*way, name)
            else:
                yield from path_ways(info.annotation, (*way, name))
    for one in get_args(annotation):
        yield from path_ways(one, way)


def first_places(record: r.Record) -> dict[Way, Place]:
    """The first place of every key of a record that holds a path."""
    found: dict[Way, Place] = {}
    for place, way in path_places(record):
        found.setdefault(way, place)
    return found


def text_places(folder: Path) -> dict[tuple[str, ...], Place]:
    """The first place of every key of a `report.json` that holds a text."""
    found: dict[tuple[str, ...], Place] = {}

    def look(value: Any, at: Place) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            look(item, (*at, key))
        if isinstance(value, str):
            found.setdefault(tuple(part for part in at if isinstance(part, str)), at)

    look(json.loads((folder / "report.json").read_text(encoding="utf-8")), ())
    return found
