"""`report.json`: a record written to it and read back, and its JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reportgen.errors import ReportgenError
from reportgen.record.content import SCHEMA_VERSION, Record
from reportgen.record.upgrading import upgraded

RECORD_NAME = "report.json"


def referenced_files(record: Record) -> list[str]:
    """The files besides the pages that `record` speaks of: pictures, data, logo and style sheet, sorted."""
    tiles = [tile for unit in record.units for top in unit.top_images for tile in (top.patch, top.whole)]
    named = [
        record.site.logo,
        record.site.css,
        *(figure.picture for figure in record.figures),
        *(figure.data for figure in record.figures),
        *(shown.picture for shown in record.maximizations),
        *(shown.array for shown in record.maximizations),
        *(feature.file for feature in record.features),
        None if record.products is None else record.products.file,
        *(tile.picture for tile in tiles if tile is not None),
        *(name for image in record.images for answer in image.answers for name in answer.pictures),
    ]
    return sorted({name for name in named if name is not None})


def dump_record(record: Record) -> str:
    """The text of `report.json`: keys in the order of the models, a line for each key at the top."""
    parts = (
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(',', ':'))}"
        for key, value in record.model_dump(mode="json").items()
    )
    return "{\n" + ",\n".join(parts) + "\n}\n"


def read_record(path: Path) -> Record:
    """Read a report's folder or its `report.json`.

    Raises:
        ReportgenError: there is none, or it is not what this version writes.
    """
    file = path / RECORD_NAME if path.is_dir() else path
    try:
        return Record.model_validate(upgraded(json.loads(file.read_bytes())))
    except OSError as error:
        raise ReportgenError(
            f"expected a report's folder or its {RECORD_NAME} at {path}, found none ({error.strerror}); "
            "make one with `reportgen build`"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ReportgenError(
            f"{file} is not a report.json of schema {SCHEMA_VERSION}: {where or 'top'}: {first['msg']}; "
            "make the report again with this version"
        ) from error


def schema() -> dict[str, Any]:
    """The JSON Schema of `report.json`."""
    return Record.model_json_schema(mode="serialization")
