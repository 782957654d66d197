from __future__ import annotations

from pathlib import Path

import pytest
from support.settled import settled_output

from reportgen.analysis.answers.truth import match_truth, read_truth
from reportgen.class_names import match_label
from reportgen.errors import ReportgenError

LABELS = ["cat", "dog, hound", "fish", "bird", "horse", "cow"]
FILES = ["cat/1.png", "dog/2.png", "dog/3.png"]


def written(folder: Path, text: str, name: str = "truth.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


@pytest.mark.parametrize(
    ("given", "index"), [("Dog", 1), ("HOUND", 1), ("2", 2), ("9", None), ("mouse", None), ("dog,  hound", 1)]
)
def test_labels_are_matched_by_any_of_their_names_or_their_number(given: str, index: int | None) -> None:
    assert match_label(given, LABELS, 6) == index


def test_the_right_classes_from_a_file(tmp_path: Path) -> None:
    file = written(tmp_path, '\ufefffile,label\nsub/a.png,cat\n"b, c.png","dog, hound"\n\nz.png,fish\ngone.png,cow\n')
    found = read_truth(file, ["sub/a.png", "b, c.png", "elsewhere/z.png", "unknown.png"])
    assert found.labels == {"sub/a.png": "cat", "b, c.png": "dog, hound", "elsewhere/z.png": "fish"}
    assert found.missing == ("gone.png",)
    assert found.names_classes() == 3


def test_the_right_classes_from_folders() -> None:
    assert read_truth("folders", ["cat/1.png", "set/dog/2.png", "loose.png"]).labels == {
        "cat/1.png": "cat", "set/dog/2.png": "dog"
    }  # fmt: skip


def test_truth_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ReportgenError, match="cannot read"):
        read_truth(str(tmp_path / "absent.csv"), ["a.png"])
    with pytest.raises(ReportgenError, match="line 1"):
        read_truth(written(tmp_path, "a.png\n"), ["a.png"])
    with pytest.raises(ReportgenError, match="each of 1 images"):
        read_truth(("cat", "dog"), ["a.png"])


@pytest.mark.parametrize(
    ("text", "classes"),
    [("file,age\n1.png,30\n2.png,31\n", None), ("file,label\n1.png,0\n2.png,1\n", 2), ("1.png,30.5\n2.png,3\n", None)],
)
def test_numbers_are_classes_only_where_they_count_them(tmp_path: Path, text: str, classes: int | None) -> None:
    assert read_truth(written(tmp_path, text), FILES).names_classes() == classes


def test_a_name_that_stands_twice_counts_once_and_is_listed(tmp_path: Path) -> None:
    found = read_truth(written(tmp_path, "1.png,cat\n1.png,dog\n2.png,dog\n"), FILES)
    assert found.labels == {"cat/1.png": "cat", "dog/2.png": "dog"}
    assert found.duplicates == ("1.png",)


def test_truth_that_matches_nothing_is_listed_and_not_matched(tmp_path: Path) -> None:
    output = settled_output(size=(2,), labels=("left", "right"))
    found = match_truth(read_truth("folders", FILES), output)
    assert (found.is_matched, found.unmatched, found.known) == (False, ("cat", "dog"), ("left", "right"))
    nowhere = match_truth(read_truth(written(tmp_path, "q.png,left\n"), FILES), output)
    assert (nowhere.is_matched, nowhere.given.missing) == (False, ("q.png",))


def test_labels_that_hold_together_are_parted(tmp_path: Path) -> None:
    output = settled_output("multilabel", (3,), labels=("sea", "sky", "road"), activation="sigmoid")
    found = match_truth(read_truth(written(tmp_path, "1.png,sky|sea\n2.png,road\n3.png,moon\n"), FILES), output)
    assert found.classes == {"cat/1.png": (1, 0), "dog/2.png": (2,)}
    assert found.unmatched == ("moon",)


def test_values_are_matched_by_the_names_of_their_columns(tmp_path: Path) -> None:
    output = settled_output("values", (2,), labels=("age", "size"), activation="linear")
    by_name = read_truth(written(tmp_path, "file,size,note,age\n1.png,1.5,x,30\n2.png,,x,31\n"), FILES)
    assert match_truth(by_name, output).values == {"cat/1.png": (30.0, 1.5)}
    in_order = read_truth(written(tmp_path, "file,a,b\n1.png,30,1.5\n"), FILES)
    assert match_truth(in_order, output).values == {"cat/1.png": (30.0, 1.5)}
    assert not match_truth(read_truth("folders", FILES), output).is_matched


def test_masks_are_matched_by_their_stems(tmp_path: Path) -> None:
    for name in ("1.png", "3.tif", "9.png"):
        (tmp_path / name).write_bytes(b"")
    found = match_truth(read_truth(str(tmp_path), FILES), settled_output("map", (4, 4, 3)))
    assert {file: path.name for file, path in found.files.items()} == {"cat/1.png": "1.png", "dog/3.png": "3.tif"}
    assert found.given.missing == ("9.png",)


def test_lists_from_python() -> None:
    assert read_truth(("cat", "", "dog"), FILES).labels == {"cat/1.png": "cat", "dog/3.png": "dog"}
    numbers = match_truth(read_truth(("30", "31.5", "29"), FILES), settled_output("values", (1,), name="age"))
    assert numbers.values == {"cat/1.png": (30.0,), "dog/2.png": (31.5,), "dog/3.png": (29.0,)}
