"""Wrong options, configuration files, class names and right classes: one line that says what was expected."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from fuzz.generator import bad_labels, bad_text, bad_toml, bad_truth
from fuzz.watching import run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportgen.analysis.answers.truth import read_truth
from reportgen.config import Config, option_name
from reportgen.errors import ReportgenError, one_line
from reportgen.models.labels import read_labels
from reportgen.opening import MOST_BYTES
from reportgen.plain_json import parse_json, with_whole_letters

OPTIONS = tuple(name for name in Config.model_fields if name not in ("model", "images", "output"))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """The settings of reports that would be made; none is."""
    asked: list[Config] = []

    def build_from(config: Config, **_: object) -> SimpleNamespace:
        asked.append(config)
        return SimpleNamespace(path=config.output)

    monkeypatch.setattr("reportgen.build_from", build_from)
    return asked


@pytest.mark.usefixtures("built")
def test_bad_options(cases: range, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(cases.start * 3, cases.stop * 3):
        random = Random(seed)
        options = [
            f"--{option_name(random.choice(OPTIONS))}={bad_text(random)}" for _ in range(random.choice((1, 1, 2)))
        ]
        status, _ = run(["build", "m.keras", "a.png", "-o", str(tmp_path / "out"), *options], capsys, options)
        assert status in (0, 1, 2)
    assert not any(tmp_path.iterdir())


def test_bad_configuration_files(
    cases: range, built: list[Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tuple(option_name(name) for name in OPTIONS)
    file = tmp_path / "reportgen.toml"
    for seed in range(cases.start * 2, cases.stop * 2):
        file.write_bytes(bad_toml(names, Random(seed)))
        arguments = ["build", "m.keras", "a.png", "-o", str(tmp_path / "out"), "--config", str(file)]
        status, _ = run(arguments, capsys, (seed, file.read_bytes()[:300]))
        assert status in (0, 2), seed
    for config in built:
        assert config.custom_objects is None
        assert config.templates is None
        assert not config.preprocess.startswith("python:")


@pytest.mark.parametrize(
    "line", ['preprocess = "python:os:system"', 'custom-objects = "os"', 'templates = "t"', 'dask_address = "tcp://h:1"',
             'custom_objects = "python:m"', 'weights = " PYTHON:a:b"']
)  # fmt: skip
def test_code_named_by_a_file_needs_trust(
    line: str, built: list[Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "reportgen.toml"
    file.write_text(f'{line}\nengine = "dask"\n', encoding="utf-8")
    arguments = ["build", "m.keras", "a.png", "-o", "out", "--config", str(file)]
    status, said = run(arguments, capsys, line)
    assert status == 2
    assert "--trust-config" in said
    assert not built
    assert run([*arguments, "--trust-config"], capsys, line)[0] == 0
    assert len(built) == 1


def refused(read: Callable[[], object]) -> ReportgenError | None:
    """The line that says why something cannot be read, None where it can."""
    try:
        read()
    except ReportgenError as error:
        return error
    return None


def test_bad_class_names(cases: range, tmp_path: Path) -> None:
    for seed in cases:
        file = tmp_path / ("labels.json" if seed % 3 else "labels.txt")
        file.write_bytes(bad_labels(Random(seed)))
        error = refused(lambda file=file: read_labels(file))
        assert error is None or str(error).startswith("--labels: "), seed


def test_bad_right_classes(cases: range, tmp_path: Path) -> None:
    file = tmp_path / "truth.csv"
    for seed in cases:
        file.write_bytes(bad_truth(Random(seed)))
        error = refused(lambda: read_truth(str(file), ["a.png", "b.png"]))
        assert error is None or str(error).startswith("--truth"), seed


@pytest.mark.parametrize("read", [read_labels, lambda path: read_truth(str(path), ["a.png"])])
def test_only_regular_files_of_their_size_are_read(read: object, tmp_path: Path) -> None:
    assert callable(read)
    os.mkfifo(tmp_path / "queue")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MOST_BYTES["truth"] + 1)
    for path in (
        tmp_path / "queue",
        Path("/dev/zero"),
        tmp_path / "large",
        tmp_path / "absent",
        tmp_path / "a\0b",
        tmp_path / ("a" * 300),
    ):
        with pytest.raises(ReportgenError, match="cannot read"):
            read(path)


TEXTS = st.text(alphabet=st.characters(exclude_categories=()))
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(value=JSON)
def test_json_is_read_or_refused(value: object) -> None:
    text = json.dumps(value).encode()
    try:
        read = parse_json(text)
    except ValueError:
        with pytest.raises((ValueError, UnicodeEncodeError)):
            _kept(json.loads(text))
    else:
        assert _kept(read)


def _kept(value: object) -> bytes:
    """`value` as it goes into a record: numbers that are numbers, letters that are whole, 64 bits."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(name=st.binary(max_size=40))
def test_every_name_of_a_file_can_be_written_and_shown(name: bytes) -> None:
    text = os.fsdecode(name)
    with_whole_letters(text).encode("utf-8")
    one_line(text).encode("utf-8")
    assert one_line(text).isprintable()
