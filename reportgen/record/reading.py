"""`report.json`: a record written to it and read back, and its JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reportgen.errors import ReportgenError, one_line
from reportgen.facts import ALREADY_WHOLE
from reportgen.opening import read_regular
from reportgen.plain_json import parse_json
from reportgen.record.content import SCHEMA_VERSION, Record
from reportgen.record.review import review_tiles
from reportgen.record.upgrading import upgraded

RECORD_NAME = "report.json"


def named_files(record: Record) -> dict[str, str]:
    """The files besides the pages that `record` speaks of, sorted, each with the first key that names it."""
    named = [("site.logo", record.site.logo), ("site.css", record.site.css)]
    for place, figure in enumerate(record.figures):
        named += [(f"figures.{place}.picture", figure.picture), (f"figures.{place}.data", figure.data)]
    named += [(f"maximizations.{place}.picture", shown.picture) for place, shown in enumerate(record.maximizations)]
    named += [(f"features.{place}.file", feature.file) for place, feature in enumerate(record.features)]
    if record.products is not None:
        named.append(("products.file", record.products.file))
    for place, unit in enumerate(record.units):
        for number, top in enumerate(unit.top_images):
            where = f"units.{place}.top_images.{number}"
            named += [
                (f"{where}.{name}.picture", tile.picture)
                for name, tile in (("patch", top.patch), ("whole", top.whole))
                if tile is not None
            ]
    named += [(f"maximizations.{place}.array", shown.array) for place, shown in enumerate(record.maximizations)]
    for place, image in enumerate(record.images):
        for number, answer in enumerate(image.answers):
            named += [(f"images.{place}.answers.{number}", name) for name in answer.pictures]
        for number, shown_why in enumerate(image.attributions):
            where = f"images.{place}.attributions.{number}"
            named += [(f"{where}.picture", shown_why.picture), (f"{where}.array", shown_why.array)]
    for place, contrast in enumerate(record.attribution.contrasts if record.attribution is not None else ()):
        where = f"attribution.contrasts.{place}"
        named += [(f"{where}.picture", contrast.picture), (f"{where}.array", contrast.array)]
    named += [(f"thumbnails.{file}.picture", tile.picture) for file, tile in record.thumbnails.items()]
    named += [(f"{key}.picture", tile.picture) for key, tile in review_tiles(record.evaluation, record.robustness)]
    if record.dataset is not None and record.dataset.projection is not None:
        named.append(("dataset.projection.picture", record.dataset.projection.picture))
    files: dict[str, str] = {}
    for key, name in named:
        if name is not None:
            files.setdefault(name, key)
    return dict(sorted(files.items()))


def referenced_files(record: Record) -> list[str]:
    """The files besides the pages that `record` speaks of: pictures, data, logo and style sheet, sorted."""
    return list(named_files(record))


def dump_record(record: Record) -> str:
    """The text of `report.json`: keys in the order of the models, a line for each key at the top."""
    parts = (
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(',', ':'))}"
        for key, value in record.model_dump(mode="json").items()
    )
    return "{\n" + ",\n".join(parts) + "\n}\n"


def read_record(path: Path) -> Record:
    """Read a report's folder or its `report.json`; every path in it is a plain one inside the report.

    Raises:
        ReportgenError: there is none, or it is not what this version writes. The text names the key.
    """
    try:
        file = path / RECORD_NAME if path.is_dir() else path
        data = upgraded(parse_json(read_regular(file, "record", through_links=False)))
        return Record.model_validate(data, context=ALREADY_WHOLE)
    except OSError as error:
        raise ReportgenError(
            f"expected a report's folder or its {RECORD_NAME} at {path}, cannot read it ({error.strerror}); "
            "make one with `reportgen build`"
        ) from error
    except ValidationError as error:
        raise ReportgenError(
            f"{one_line(file, 56)} is none of schema {SCHEMA_VERSION}: {_first_fault(error)}; make the report again"
        ) from error
    except ValueError as error:
        raise ReportgenError(
            f"{one_line(path, 80)} holds no {RECORD_NAME} of this program: {one_line(error, 120)}; "
            "make the report again"
        ) from error


def _first_fault(error: ValidationError) -> str:
    """Where the first fault is and what it is."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "top"
    came = one_line(repr(first["input"]), 36)
    return f"{one_line(where, 60)}: {one_line(first['msg'].removeprefix('Value error, '), 76)} (got {came})"


def schema() -> dict[str, Any]:
    """The JSON Schema of `report.json`."""
    return Record.model_json_schema(mode="serialization")
