"""Which names are of which files."""

from __future__ import annotations

import pytest

from reportgen.analysis.answers.file_names import match_files


@pytest.mark.parametrize(
    ("names", "files", "found"),
    [
        (["train/cat/1.png", "train/dog/1.png"], ["cat/1.png", "dog/1.png"], ["train/cat/1.png", "train/dog/1.png"]),
        (["/data/a/1.png", "C:/data/b/1.png"], ["a/1.png", "b/1.png"], ["/data/a/1.png", "C:/data/b/1.png"]),
        (["1.png", "dog/1.png"], ["set/cat/1.png", "set/dog/1.png"], ["1.png", "dog/1.png"]),
        (["./a/1.png"], ["a/1.png", "b/1.png"], ["./a/1.png", None]),
        (["caf\u00e9/1.png"], ["cafe\u0301/1.png"], ["caf\u00e9/1.png"]),
        (["old/1.png"], ["new/1.png"], ["old/1.png"]),
        (["old/1.png", "older/1.png"], ["new/1.png"], [None]),
        (["old/1.png"], ["new/1.png", "newer/1.png"], [None, None]),
        (["train/a/1.png", "val/a/1.png"], ["a/1.png"], [None]),
        ([], ["1.png"], [None]),
    ],
)
def test_names_go_with_the_file_whose_path_they_fit(
    names: list[str], files: list[str], found: list[str | None]
) -> None:
    matched = match_files(names, files)
    assert [matched.get(file) for file in files] == found


def test_many_files_of_one_name_take_no_longer_than_others() -> None:
    files = [f"case{number}/image.png" for number in range(20_000)]
    names = [f"study/{file}" for file in files]
    assert list(match_files(names, files).values()) == names
