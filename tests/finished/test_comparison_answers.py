"""Answers of two networks to the same image, by kind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import get_args

import pytest
from support.answers import OUTPUTS
from support.records import answers_record, small_record

from reportgen.facts import AnswerKind
from reportgen.finished.comparison import compare
from reportgen.finished.comparison_answers import _COMPARED, AnswerComparison, compare_answers
from reportgen.finished.comparison_pages import write_comparison
from reportgen.record import ClassShare, Image, OtherAnswer, PointsAnswer, Record, Value


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return answers_record(tmp_path_factory.mktemp("compared"))


def changed(image: Image, name: str, **changes: object) -> Image:
    answers = tuple(one.model_copy(update=changes) if one.output == name else one for one in image.answers)
    return image.model_copy(update={"answers": answers})


def compared(record: Record, name: str, **changes: object) -> AnswerComparison:
    image = record.images[0]
    return next(one for one in compare_answers(image, changed(image, name, **changes)) if one.output == name)


def test_every_kind_is_compared() -> None:
    assert set(_COMPARED) == set(get_args(AnswerKind))


def test_the_same_answers_are_the_same(record: Record) -> None:
    found = compare_answers(record.images[0], record.images[0])
    assert len(found) == len(OUTPUTS)
    assert {one.apart for one in found} == {0.0}
    assert all(one.first == one.second for one in found)


def test_the_best_class(record: Record) -> None:
    answer = next(one for one in record.images[0].answers if one.output == "scene")
    found = compared(record, "scene", predictions=list(reversed(answer.predictions)))
    assert (found.first, found.second, found.apart) == ("sky (0.9)", "road (0.02)", 1)


def test_labels_that_are_given(record: Record) -> None:
    answer = next(one for one in record.images[0].answers if one.output == "tags")
    found = compared(record, "tags", predictions=answer.predictions[1:])
    assert (found.first, found.second, found.apart) == ("building, sky", "building", 1)


def test_the_value_that_changed_most(record: Record) -> None:
    values = [
        Value(index=0, name="age", value=31.0, place=None),
        Value(index=1, name="height", value=24.0, place=None),
        Value(index=2, name="weight", value=77.7, place=None),
    ]
    found = compared(record, "person", values=values)
    assert (found.about, found.first, found.second, found.apart) == ("height", "12", "24", 0.5)


def test_a_value_that_is_no_number_any_more(record: Record) -> None:
    found = compared(record, "person", values=[Value(index=1, name="height", value=None, place=None)])
    assert found.apart == math.inf


def test_the_share_of_pixels_that_changed(record: Record) -> None:
    # Sky 0.4 -> 0.1, building 0.2 -> 0.4, road 0.4 -> 0.5: three in ten pixels at least are another class.
    shares = [ClassShare(index=at, label=None, share=share) for at, share in enumerate((0.1, 0.4, 0.5))]
    found = compared(record, "mask", classes=shares)
    assert found.apart == pytest.approx(0.3)
    assert (found.first, found.second) == ("40.0 %", "10.0 %")
    assert "30.0 % of the pixels" in found.about


def test_points_that_moved(record: Record) -> None:
    found = compared(record, "landmarks", points=[(12.0, 20.0), (15.0, 48.0), (36.5, 32.0)])
    assert found.apart == pytest.approx(5.0)  # (3, 4) from where it was
    assert found.about == "moved by up to 5 pixels"


def test_fewer_points(record: Record) -> None:
    assert compared(record, "landmarks", points=[(12.0, 20.0)]).apart == math.inf


def test_another_nearest_image_and_another_error(record: Record) -> None:
    nearest = next(one for one in record.images[0].answers if one.output == "features").nearest
    assert compared(record, "features", nearest=nearest[::-1]).second == "no page.png"
    assert compared(record, "decoded", error=None).apart == math.inf


def test_another_kind_is_a_change(record: Record) -> None:
    image = record.images[0]
    other = tuple(
        OtherAnswer(output="box", kind="other", min=0, max=1, mean=0.5, std=0.1)
        if isinstance(one, PointsAnswer) and one.output == "box"
        else one
        for one in image.answers
    )
    found = compare_answers(image, image.model_copy(update={"answers": other}))
    assert [(one.first, one.second) for one in found if one.apart] == [("boxes", "other")]


def test_a_comparison_of_networks_without_classes(tmp_path: Path) -> None:
    one = answers_record(tmp_path / "one", ("map",))
    other = one.model_copy(update={"images": [changed(one.images[0], "mask", classes=[]), *one.images[1:]]})
    comparison = compare(one, other)
    assert comparison.agreement is None
    assert [image.change for image in comparison.images] == ["changed", "same", "same"]
    folders = (tmp_path / "one", tmp_path / "one")
    write_comparison(comparison, folders, tmp_path / "out")
    front = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    # The third image has no page, and no answer in the record.
    assert "The answer is the same on 50.0 % of 2 shared images; 1 answer changed." in front
    assert "mask: map" in front
    assert "checks.png (sky, at least 50.0 % of the pixels changed)" in (tmp_path / "out" / "images.html").read_text()


def test_records_without_answers_are_compared_as_before(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    comparison = compare(record, record)
    assert all(image.answers == () for image in comparison.images)
    assert {fact.name: fact.first for fact in comparison.model}["Answer"] == "softmax"
