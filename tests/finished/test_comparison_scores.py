from __future__ import annotations

import math
from pathlib import Path

import pytest
from support.records import small_record

from reportgen import record as r
from reportgen.finished.comparison import Comparison, compare
from reportgen.finished.comparison_scores import PairedScore, mcnemar
from reportgen.finished.comparison_words import comparison_markdown, score_words, sentences


@pytest.fixture
def record(tmp_path: Path) -> r.Record:
    return small_record(tmp_path)


LABELS = ("checks", "dots", "rings")


def judged(record: r.Record, answers: list[int], truths: list[int], *, named: bool = True) -> r.Record:
    """`record` with an image for each answer, whose right class is known."""
    first = record.images[0]
    images = [
        first.model_copy(
            update={
                "id": f"image-{place}",
                "file": f"{place}.png",
                "sha256": f"{place:064d}",
                "truth": LABELS[truth],
                "predictions": [r.Prediction(index=answer, label=LABELS[answer] if named else None, score=0.9)],
            }
        )
        for place, (answer, truth) in enumerate(zip(answers, truths, strict=True))
    ]
    return record.model_copy(update={"images": images})


def labelled(record: r.Record, scores: list[tuple[float, float, float]], truths: list[str]) -> r.Record:
    """`record` with an image for each row of scores, whose right labels are known."""
    output = r.Output(name="labels", kind="multilabel", shape=(None, 3), labels=list(LABELS), note=None, reason="")
    head = record.model.head.model_copy(update={"kind": "sigmoid", "classes": 3})
    images = [
        image.model_copy(
            update={
                "truth": truth,
                "predictions": [
                    r.Prediction(index=index, label=LABELS[index], score=row[index])
                    for index in sorted(range(3), key=lambda index: -row[index])
                ],
            }
        )
        for image, row, truth in zip(judged(record, [0] * 4, [0] * 4).images, scores, truths, strict=True)
    ]
    model = record.model.model_copy(update={"outputs": (output,), "head": head})
    return record.model_copy(update={"images": images, "model": model})


def test_labels_are_right_where_all_of_an_image_are(record: r.Record) -> None:
    truths = ["checks|dots", "rings", "checks", "dots|rings"]
    first = labelled(record, [(0.9, 0.8, 0.1), (0.1, 0.2, 0.7), (0.9, 0.6, 0.1), (0.1, 0.9, 0.4)], truths)
    second = labelled(record, [(0.9, 0.8, 0.1), (0.6, 0.2, 0.7), (0.9, 0.1, 0.1), (0.1, 0.9, 0.6)], truths)
    assert compare(first, second).score == PairedScore(images=4, right=(2, 3), better=2, worse=1)


@pytest.mark.parametrize(("better", "worse"), [(5, 0), (26, 5), (1, 0), (9, 9), (40, 60), (3, 17)], ids=str)
def test_mcnemar_is_the_binomial_test_of_one_half(better: int, worse: int) -> None:
    total = better + worse
    ways = [math.comb(total, k) for k in range(total + 1)]
    # Two-sided: all outcomes at most as likely as this one, which of a symmetric distribution is twice the tail.
    expected = sum(way for way in ways if way <= ways[better]) / 2**total
    assert mcnemar(better, worse) == pytest.approx(min(1.0, expected))


def test_mcnemar_of_many_images() -> None:
    assert 0 < mcnemar(5200, 4800) < 1e-4
    assert mcnemar(3000, 0) == pytest.approx(0, abs=1e-300)


def test_the_sentence_names_the_better_one(record: r.Record) -> None:
    truths = [place % 3 for place in range(1000)]
    one = [(truth + 1) % 3 if place < 50 else truth for place, truth in enumerate(truths)]
    two = [(truth + 1) % 3 if 26 <= place < 50 or 500 <= place < 505 else truth for place, truth in enumerate(truths)]
    first, second = judged(record, one, truths), judged(record, two, truths)
    comparison = compare(first, second)
    assert comparison.score == PairedScore(images=1000, right=(950, 971), better=26, worse=5)
    assert sentences(comparison)[0] == (
        "B is 2.1 points better on 1,000 images (p < 0.001); 31 answers changed, 26 for the better."
    )
    assert sentences(compare(second, first))[0].startswith("B is 2.1 points worse on 1,000 images (p < 0.001); 31")
    low, high = comparison.score.interval
    assert low < 0.021 < high
    assert low > 0.005
    assert high < 0.04
    assert [image.verdict for image in comparison.images[:6]] == ["worse"] * 5 + ["better"]


def test_what_may_be_chance_is_said(record: r.Record) -> None:
    truths = [0] * 30
    comparison = compare(judged(record, [1, 1, 2, *[0] * 27], truths), judged(record, [0, 0, 1, 1, *[0] * 26], truths))
    assert sentences(comparison)[0] == (
        "B is 3.3 points better on 30 images, which may be chance (p = 1.00); "
        "4 answers changed, 2 for the better and 1 for the worse."
    )


def test_a_side_without_names_is_compared_by_index(record: r.Record) -> None:
    answers = [0, 1, 2, 0]
    named, bare = judged(record, answers, answers), judged(record, answers, answers, named=False)
    for comparison in (compare(named, bare), compare(bare, named)):
        assert {image.change for image in comparison.images} == {"same"}
        assert comparison.score is not None
        assert comparison.score.right == (4, 4)
        assert all(best is not None and best.label for image in comparison.images for best in image.best)
    both = compare(bare, judged(record, [0, 1, 2, 1], answers, named=False))
    assert [image.change for image in both.images].count("changed") == 1


def test_classes_in_another_order_are_compared_by_name(record: r.Record) -> None:
    one = judged(record, [0, 1], [0, 1])
    images = [
        image.model_copy(update={"predictions": [best.model_copy(update={"index": 2 - best.index})]})
        for image in one.images
        for best in image.predictions[:1]
    ]
    comparison = compare(one, one.model_copy(update={"images": images}))
    assert {image.change for image in comparison.images} == {"same"}
    assert comparison.score is not None
    assert comparison.score.right == (2, 2)


def test_without_right_classes_only_agreement_is_said(record: r.Record) -> None:
    def without_truth(answers: list[int]) -> r.Record:
        known = judged(record, answers, answers)
        return known.model_copy(update={"images": [image.model_copy(update={"truth": None}) for image in known.images]})

    comparison = compare(without_truth([0, 1, 2, 0]), without_truth([0, 1, 2, 2]))
    assert comparison.score is None
    assert sentences(comparison)[
        0
    ] == "The best class is the same on 75 % of 4 shared images; 1 answer changed.".replace("75 %", "75.0 %")


def test_images_of_the_same_bytes_are_paired_once(record: r.Record) -> None:
    one = judged(record, [0, 0, 1], [0, 0, 0])
    twins = [image.model_copy(update={"sha256": "f" * 64}) for image in one.images]
    twice = one.model_copy(update={"images": twins})
    turned = one.model_copy(update={"images": twins[::-1]})
    comparison = compare(twice, turned)
    assert len(comparison.shared) == len(comparison.images) == 3
    assert {image.change for image in comparison.images} == {"same"}
    fewer = compare(twice, one.model_copy(update={"images": twins[:1]}))
    assert len(fewer.shared) == 1
    assert [image.change for image in fewer.images].count("only A") == 2


def test_two_of_one_name_are_told_apart(record: r.Record) -> None:
    def tagged(**tags: str) -> r.Record:
        return record.model_copy(update={"provenance": record.provenance.model_copy(update={"tags": tags})})

    def titles(one: r.Record, two: r.Record) -> tuple[str, str]:
        return compare(one, two).titles

    assert titles(tagged(step="1", run="a"), tagged(step="2", run="b")) == ("Textures (step 1)", "Textures (step 2)")
    assert titles(tagged(date="2026-01-02"), tagged()) == ("Textures (date 2026-01-02)", "Textures (no date)")
    other = record.model_copy(update={"model": record.model.model_copy(update={"source": "other.keras"})})
    assert titles(record, other) == ("Textures (texture_net.keras)", "Textures (other.keras)")
    assert titles(record, record) == ("Textures (A)", "Textures (B)")


def test_a_comparison_in_markdown_says_what_matters(record: r.Record) -> None:
    comparison: Comparison = compare(judged(record, [0, 1], [0, 0]), judged(record, [0, 0], [0, 0]))
    text = comparison_markdown(comparison)
    assert text.startswith("# Textures (A) and Textures (B)\n")
    assert (
        "- B is 50 points better on 2 images, which may be chance (p = 1.00); 1 answer changed, 1 for the better."
        in text
    )
    assert "- `1.png`: dots (0.9) in A, checks (0.9) in B, for the better" in text


def test_a_tie_is_said_as_one() -> None:
    assert score_words(PairedScore(10, (7, 7), 2, 2), ("A", "B")) == "B is right as often as A on 10 images"


def test_a_network_that_has_no_such_class_is_not_called_wrong(record: r.Record) -> None:
    """Names of another list, such as WordNet's numbers, tell nothing of how good a network is."""
    answers = [0, 1, 2, 0]
    one = judged(record, answers, answers)
    output = r.Output(name="o", kind="classes", shape=(None, 3), labels=["n01", "n02", "n03"], note=None, reason="")
    other = one.model_copy(update={"model": one.model.model_copy(update={"outputs": (output,)})})
    assert compare(one, other).score is None
    assert compare(other, one).score is None
    more = output.model_copy(update={"labels": ["checks", "dots", "n03"]})
    two = one.model_copy(update={"model": one.model.model_copy(update={"outputs": (more,)})})
    found = compare(one, two).score
    assert found is not None
    assert (found.images, found.right) == (3, (3, 3))
