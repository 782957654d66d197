"""What a report says of the one whose place it takes."""

from __future__ import annotations

from pathlib import Path

from reportgen.errors import ReportgenError
from reportgen.files.manifest import kind_of
from reportgen.finished.comparison import compare
from reportgen.finished.comparison_words import sentences
from reportgen.finished.opened_record import held, odd_values_told, opened_record
from reportgen.finished.summary import changes_kept
from reportgen.record import RECORD_NAME, Record, dump_record


def changes_since(folder: Path, record: Record) -> tuple[str, ...]:
    """What changed since the report that lies in `folder`, in sentences.

    Nothing where there is none, it cannot be read, or it says the same as `record`: then what it said itself of the
    one before is still true.
    """
    if kind_of(folder) != "report":
        return ()
    said = dump_record(record)
    try:
        with held(folder) as inside:
            if inside.read(RECORD_NAME, "the record", "record") == said.encode():  # as most that are made again
                return changes_kept(inside)
        with opened_record(folder) as (before, inside), odd_values_told(folder):
            if dump_record(before) == said:
                return changes_kept(inside)
            return sentences(compare(before, record), ("the one before", "this one"))
    except ReportgenError:  # of another version, or broken: that is no reason not to replace it
        return ()
