from __future__ import annotations

import json
from pathlib import Path

from support.records import small_record

from reportgen.record import dump_record, read_record


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    file = tmp_path / "report.json"
    file.write_text(dump_record(record), encoding="utf-8")
    assert read_record(tmp_path) == record
    assert {layer.kind for layer in read_record(file).layers} == {"convolution", "activation"}


def test_records_from_before_kinds_of_layers_were_recorded_are_read(tmp_path: Path) -> None:
    content = json.loads(dump_record(small_record(tmp_path)))
    for layer in content["layers"]:
        del layer["kind"]
    (tmp_path / "report.json").write_text(json.dumps(content), encoding="utf-8")
    assert all(layer.kind is None for layer in read_record(tmp_path).layers)
