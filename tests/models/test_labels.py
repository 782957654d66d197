"""Class names: files of them, and those of ImageNet."""

from __future__ import annotations

import json

import pytest
from support.loading import load
from support.networks import two_convolutions

from reportgen.errors import ReportgenError
from reportgen.models.labels import read_labels


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", b"cat\ndog\n", ("cat", "dog")),
        ("a.txt", b"\xef\xbb\xbfcat\r\nd\xc3\xb6g\r\n\r\n\n", ("cat", "dög")),
        ("a.txt", b"cat\n\ndog", ("cat", "dog")),
        ("a.json", b'["cat", "dog"]', ("cat", "dog")),
        ("a.json", b'{"1": ["n2", "dog"], "0": ["n1", "cat"]}', ("cat", "dog")),
        ("a.json", b'{"0": "cat", "1": "dog"}', ("cat", "dog")),
        ("a.txt", b'{"dog": 1, "cat": 0}', ("cat", "dog")),
    ],
)
def test_labels(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    assert read_labels(tmp_path / name)[0] == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", None, "cannot read"),
        ("a.txt", b"\n \n", "holds no class names"),
        ("a.txt", b"caf\xe9", "is not UTF-8"),
        ("a.json", b"[1, 2]", "JSON of another form"),
        ("a.json", b'{"0": "cat", "2": "dog"}', "JSON of another form"),
        ("a.json", b'["cat"', "is not JSON"),
    ],
)
def test_label_files_that_are_none(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ReportgenError, match=message):
        read_labels(tmp_path / name)


def test_labels_of_a_network(tmp_path):
    (tmp_path / "a.txt").write_text("cat\n\ndog\n")
    network = load(two_convolutions(), labels=str(tmp_path / "a.txt"))
    assert (network.labels_origin, network.label_count) == ("file", 2)
    assert network.label_notes == ("blank lines are no classes and were passed over: line 2",)
    assert [network.label(index) for index in (0, 1, 2)] == ["cat", "dog", None]
    (tmp_path / "b.txt").write_text("crane\ncrane\ndog\n")
    twice = load(two_convolutions(), labels=str(tmp_path / "b.txt"))
    assert twice.label_notes == ("names that stand more than once: crane",)
    listed = load(two_convolutions(), labels=["a", "b", "c", "d"])
    assert (listed.labels_origin, listed.labels) == ("list", ("a", "b", "c", "d"))


def test_imagenet_labels_are_read_where_keras_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    model = two_convolutions(size=32)
    monkeypatch.setattr("reportgen.models.loading.build_application", lambda *_, **__: model)
    assert load("keras:MobileNet").labels_origin == "none"
    (tmp_path / "models").mkdir()
    content = {str(index): [f"n{index}", f"class {index}"] for index in range(1000)}
    (tmp_path / "models" / "imagenet_class_index.json").write_text(json.dumps(content))
    network = load("keras:MobileNet")
    assert (network.labels_origin, network.label(999)) == ("application", "class 999")
    assert load("keras:MobileNet", weights="none").labels is None
    assert load("keras:MobileNet", top=False).labels is None
