"""Which pictures arguments stand for, and how they are named."""

from __future__ import annotations

import os

import pytest
from support.images import write_images

from reportgen.errors import ReportgenError
from reportgen.images import collect_images


def collected(*arguments: object, **options: object) -> list[str]:
    return [image.file for image in collect_images([str(argument) for argument in arguments], **options)]


def test_folders_are_searched_through_in_order(tmp_path):
    for folder in ("b", "a/deep", "."):
        write_images(tmp_path / folder, 2)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    write_images(tmp_path / ".thumbnails", 1)
    (tmp_path / "PHOTO.JPG").write_bytes((tmp_path / "image-0.png").read_bytes())
    expected = ["PHOTO.JPG", "a/deep/image-0.png", "a/deep/image-1.png", "b/image-0.png", "b/image-1.png"]
    assert collected(tmp_path) == [*expected, "image-0.png", "image-1.png"]


def test_files_and_globs_are_named_by_what_was_given(tmp_path, monkeypatch):
    write_images(tmp_path / "set" / "cat", 2)
    write_images(tmp_path / "set" / "dog", 1)
    assert collected(tmp_path / "set" / "cat" / "image-1.png") == ["image-1.png"]
    assert collected(tmp_path / "set" / "*" / "*.png") == ["cat/image-0.png", "cat/image-1.png", "dog/image-0.png"]
    assert collected(tmp_path / "s*") == ["set/cat/image-0.png", "set/cat/image-1.png", "set/dog/image-0.png"]
    monkeypatch.chdir(tmp_path / "set")
    assert collected("**/*-0.png") == ["cat/image-0.png", "dog/image-0.png"]
    assert collected("cat") == ["image-0.png", "image-1.png"]


def test_a_picture_named_twice_counts_once_and_namesakes_are_numbered(tmp_path):
    first, second = write_images(tmp_path / "a", 1)[0], write_images(tmp_path / "b", 1)[0]
    assert collected(first, tmp_path / "a", first) == ["image-0.png"]
    assert collected(first, second) == ["image-0.png", "image-0 (2).png"]
    write_images(tmp_path / "c", 1)
    (tmp_path / "c" / "image-0.png").rename(tmp_path / "c" / "image-0 (2).png")
    assert collected(first, tmp_path / "c", second) == ["image-0.png", "image-0 (2).png", "image-0 (3).png"]


STRANGE = ["with space.png", 'it\'s "quoted".png', "<img src=x>.png", "50% #1?.png", "日本語-ü.png", "[1].png"]


@pytest.mark.parametrize("name", STRANGE)
def test_strange_names(tmp_path, name):
    path = write_images(tmp_path, 1)[0].rename(tmp_path / name)
    assert collected(path) == collected(tmp_path) == [name]


def test_names_that_differ_only_in_case_and_names_that_are_no_text(tmp_path):
    for name in ("a.png", "A.png", "a.PNG"):
        write_images(tmp_path / "x", 1)[0].rename(tmp_path / name)
    assert collected(tmp_path) == ["A.png", "a.PNG", "a.png"]
    (tmp_path / "A.png").rename(tmp_path / os.fsdecode(b"\xff.png"))
    assert collected(tmp_path)[-1] == "\N{REPLACEMENT CHARACTER}.png"


def test_a_folder_that_links_to_itself(tmp_path):
    write_images(tmp_path / "set", 1)
    (tmp_path / "set" / "again").symlink_to(tmp_path / "set", target_is_directory=True)
    assert collected(tmp_path / "set") == ["image-0.png"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [("none", "no such file or folder"), ("*.png", "no images there"), ("empty", "no images there")],
)
def test_nothing_to_be_found(tmp_path, argument, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReportgenError, match=message):
        collected(tmp_path / argument)
    with pytest.raises(ReportgenError, match="none were given"):
        collect_images([])


def test_hash_and_size(tmp_path):
    path = write_images(tmp_path, 1, height=10, width=14)[0]
    image = collect_images([path]).images[0]
    assert (image.height, image.width, image.path) == (10, 14, str(path))
    assert len(image.sha256) == 64


def test_folders_that_are_passed_over_are_read_where_they_are_named_themselves(tmp_path):
    write_images(tmp_path / "set" / "cat", 1)
    write_images(tmp_path / "set" / "report" / "assets" / "deep", 1)
    write_images(tmp_path / "set" / "more" / "report", 1)
    options = {"passed_over": lambda folder: folder.name == "report"}
    assert collected(tmp_path / "set", **options) == ["cat/image-0.png"]
    for pattern in ("*", "**/*.png", "*/*.png", "**"):
        assert set(collected(tmp_path / "set" / pattern, **options)) == {"cat/image-0.png"}, pattern
    assert collected(tmp_path / "set" / "report", **options) == ["assets/deep/image-0.png"]
    assert collected(tmp_path / "set" / "report" / "*", **options) == ["assets/deep/image-0.png"]
