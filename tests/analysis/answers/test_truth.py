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


def test_a_table_of_longer_paths_is_of_the_image_in_its_folder(tmp_path: Path) -> None:
    files = ["cat/1.png", "dog/1.png", "dog/2.png"]
    found = read_truth(written(tmp_path, "train/cat/1.png,cat\ntrain/dog/1.png,dog\n/data/dog/2.png,dog\n"), files)
    assert found.labels == {"cat/1.png": "cat", "dog/1.png": "dog", "dog/2.png": "dog"}
    assert (found.missing, found.shared) == ((), ())


def test_a_table_that_does_not_tell_images_apart_says_so(tmp_path: Path) -> None:
    files = ["cat/1.png", "dog/1.png"]
    other = read_truth(written(tmp_path, "left/1.png,cat\nright/1.png,dog\n"), files)
    assert (other.labels, other.missing) == ({}, ("left/1.png", "right/1.png"))
    assert read_truth(written(tmp_path, "1.png,cat\n"), files).shared == ("1.png",)


def test_masks_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for name in ("masks/cat/1.png", "masks/dog/1.png", "masks/dog/2.png", "masks/dog/2.npy"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = read_truth(str(tmp_path), ["cat/1.jpg", "dog/1.jpg", "dog/2.jpg"])
    assert {file: path.relative_to(tmp_path).as_posix() for file, path in found.files.items()} == {
        "cat/1.jpg": "masks/cat/1.png", "dog/1.jpg": "masks/dog/1.png", "dog/2.jpg": "masks/dog/2.npy"
    }  # fmt: skip
    assert (found.missing, found.duplicates) == ((), ("masks/dog/2",))


@pytest.mark.parametrize("heading", ["path,label", "File_Name,site,class", "image path,camera,site,Labels"])
def test_the_column_of_labels_is_found_by_its_heading(tmp_path: Path, heading: str) -> None:
    columns = heading.count(",") - 1
    lines = [f"1.png,{'0,' * columns}cat", f"2.png,{'1,' * columns}dog", "3.png"]
    found = read_truth(written(tmp_path, "\n".join([heading, *lines[:2], "3.png,2"])), FILES)
    assert {file: found.labels.get(file) for file in FILES[:2]} == {"cat/1.png": "cat", "dog/2.png": "dog"}
    assert found.columns[found.place].lower() in ("label", "class", "labels")
    assert found.labels.get("dog/3.png") == (None if columns else "2")


SEA = settled_output("multilabel", (3,), labels=("sea", "sky", "road"), activation="sigmoid")


def test_an_image_without_labels_is_judged(tmp_path: Path) -> None:
    found = match_truth(read_truth(written(tmp_path, "file,labels\n1.png,sky|sea\n2.png,\n"), FILES), SEA)
    assert found.classes == {"cat/1.png": (1, 0), "dog/2.png": ()}
    alone = settled_output("classes", (3,), labels=("sea", "sky", "road"), activation="softmax")
    assert match_truth(read_truth(written(tmp_path, "file,label\n1.png,sky\n2.png,\n"), FILES), alone).classes == {
        "cat/1.png": (1,)
    }


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("file,sea,sky,road\n1.png,1,0,1\n2.png,0,0,0\n3.png,,1,0\n", (0, 1, 2)),
        ("file,camera,Road,sky,sea\n1.png,7,1,0,1\n2.png,7,0,0,0\n3.png,7,1,1,\n", (3, 2, 1)),
        ("file,a,b,c\n1.png,1.0,0.0,1.0\n2.png,0.0,0.0,0.0\n", (0, 1, 2)),
    ],
)
def test_labels_in_columns_of_zero_and_one(tmp_path: Path, text: str, places: tuple[int, ...]) -> None:
    found = match_truth(read_truth(written(tmp_path, text), FILES), SEA)
    assert found.classes == {"cat/1.png": (0, 2), "dog/2.png": ()}
    assert found.labels == {"cat/1.png": "sea|road", "dog/2.png": ""}
    assert found.places == places


def test_one_class_in_columns_of_zero_and_one(tmp_path: Path) -> None:
    output = settled_output("classes", (3,), labels=("sea", "sky", "road"), activation="softmax")
    found = match_truth(read_truth(written(tmp_path, "file,sky,sea,road\n1.png,1,0,0\n2.png,0,0,1\n"), FILES), output)
    assert found.classes == {"cat/1.png": (1,), "dog/2.png": (2,)}
    listed = match_truth(read_truth(("0|1|0", "1|0|0", "0|0|1"), FILES), output)
    assert list(listed.classes.values()) == [(1,), (0,), (2,)]


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("file,target,fold\n1.png,1,0\n2.png,0,0\n3.png,1,0\n", [1, 0, 1]),
        ("file,smiling,glasses\n1.png,1,0\n2.png,0,1\n3.png,0,0\n", [1, 0, 0]),
        ("file,smiling,glasses\n1.png,1,0\n2.png,1,1\n3.png,0,1\n", [1, 1, 0]),
        ("file,is_no,is_yes\n1.png,1,0\n2.png,0,1\n3.png,1,0\n", [0, 1, 0]),
        ("file,yes,no\n1.png,1,0\n2.png,0,1\n3.png,0,0\n", [1, 0]),
        ("file,label,dark\n1.png,1,0\n2.png,0,1\n3.png,0,0\n", [1, 0, 0]),
    ],
)
def test_a_property_of_zero_and_one_is_no_class(tmp_path: Path, text: str, classes: list[int]) -> None:
    output = settled_output("classes", (2,), labels=("no", "yes"), activation="softmax")
    found = match_truth(read_truth(written(tmp_path, text), FILES), output)
    assert [found.classes[file][0] for file in FILES if file in found.classes] == classes


def test_the_first_column_names_classes_where_that_called_so_does_not(tmp_path: Path) -> None:
    output = settled_output("classes", (3,), labels=("sea", "sky", "road"), activation="softmax")
    text = "file,place,class\n1.png,sky,nature\n2.png,road,city\n"
    found = match_truth(read_truth(written(tmp_path, text), FILES), output)
    assert (found.classes, found.places) == ({"cat/1.png": (1,), "dog/2.png": (2,)}, (0,))
    wrong = match_truth(read_truth(written(tmp_path, "file,age,label\n1.png,1,Meer\n"), FILES), output)
    assert (wrong.classes, wrong.unmatched, wrong.places) == ({}, ("Meer",), (1,))


@pytest.mark.parametrize("heading", ["label", "class", "truth"])
def test_values_are_taken_in_the_order_of_their_columns(tmp_path: Path, heading: str) -> None:
    output = settled_output("values", (3,), activation="linear")
    found = match_truth(read_truth(written(tmp_path, f"file,x,y,{heading}\n1.png,1,2,3\n"), FILES), output)
    assert (found.values, found.places) == ({"cat/1.png": (1.0, 2.0, 3.0)}, (0, 1, 2))


def test_lists_of_numbers_of_several_labels() -> None:
    assert list(match_truth(read_truth(("1|0|1", "0|0|0", "0|1|0"), FILES), SEA).classes.values()) == [(0, 2), (), (1,)]
    assert list(match_truth(read_truth(("0|2", "1|2", "1|0"), FILES), SEA).classes.values()) == [(0, 2), (1, 2), (1, 0)]


def test_values_are_not_taken_in_order_against_their_names(tmp_path: Path) -> None:
    output = settled_output("values", (2,), labels=("left", "top"), activation="linear")
    found = match_truth(read_truth(written(tmp_path, "file,top,x\n1.png,30,1.5\n"), FILES), output)
    assert (found.values, found.unmatched) == ({}, ("top", "x"))
    same = match_truth(read_truth(written(tmp_path, "file,left,y\n1.png,30,1.5\n"), FILES), output)
    assert same.values == {"cat/1.png": (30.0, 1.5)}


@pytest.mark.parametrize(
    ("given", "labels", "index"),
    [("0", ["1", "2", "3"], None), ("3", ["1", "2", "3"], 2), ("1", ["01", "02"], None), ("2", ["0", "1", "other"], 2),
     ("2", ["3", "1"], None), ("cafe\u0301", ["caf\u00e9"], 0), ("CAF\u00c9", ["cafe\u0301"], 0)],
)  # fmt: skip
def test_numbers_are_no_index_where_classes_are_called_by_numbers(
    given: str, labels: list[str], index: int | None
) -> None:
    assert match_label(given, labels, len(labels)) == index
