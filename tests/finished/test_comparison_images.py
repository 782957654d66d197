"""Answers of two networks that call one thing by two names, or two things by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from support.answers import LABELS
from support.records import answers_record, small_record

from reportgen import record as r
from reportgen.finished.comparison import Comparison, compare
from reportgen.finished.comparison_pages import write_comparison
from reportgen.finished.comparison_words import comparison_markdown, sentences

SAME = "The answers to all 2 shared images are the same."
UNMATCHED = "Nothing tells which of their classes are the same, so they are not compared."


def with_answer(record: r.Record, named: str, /, **changes: object) -> r.Record:
    """`record` with another answer of the output `named` to every image that has one."""
    images = [
        image.model_copy(
            update={
                "answers": tuple(
                    one.model_copy(update=changes) if one.output == named else one for one in image.answers
                )
            }
        )
        for image in record.images
    ]
    return record.model_copy(update={"images": images})


def with_output(record: r.Record, named: str, /, **changes: object) -> r.Record:
    """`record` of a network whose output `named` is described otherwise."""
    outputs = tuple(one.model_copy(update=changes) if one.name == named else one for one in record.model.outputs)
    return record.model_copy(update={"model": record.model.model_copy(update={"outputs": outputs})})


def lead(comparison: Comparison) -> str:
    return sentences(comparison)[0]


def answered(folder: Path, *kinds: str) -> r.Record:
    """A record of a network with these kinds of output, of two images; none is answered with classes beside them."""
    record = answers_record(folder, kinds)
    images = [image for image in record.images if image.answers]
    if "classes" not in kinds:
        images = [image.model_copy(update={"predictions": []}) for image in images]
    return record.model_copy(update={"images": images})


def test_another_output_that_changed_beside_the_classes_is_told(tmp_path: Path) -> None:
    one = answered(tmp_path, "classes", "values")
    values = [
        r.Value(index=at, name=name, value=5.0, place=None) for at, name in enumerate(("age", "height", "weight"))
    ]
    found = compare(one, with_answer(one, "person", values=values))
    assert lead(found) == "The best class is the same on 100 % of 2 shared images; 2 answers changed."
    assert "person, weight: 77.7 in A, person, weight: 5 in B" in comparison_markdown(found)
    assert lead(compare(one, one)) == SAME


def test_labels_below_the_strongest_that_changed_are_told(tmp_path: Path) -> None:
    one = answered(tmp_path, "multilabel")
    images = [
        image.model_copy(update={"predictions": image.answers[0].predictions})
        for image in one.images
        if isinstance(image.answers[0], r.ClassesAnswer)
    ]
    one = one.model_copy(update={"images": images})
    weaker = [(0.97, 0.2, 0.3)[at] for at in range(3)]
    predictions = [r.Prediction(index=at, label=name, score=weaker[at]) for at, name in enumerate(LABELS)]
    other = with_answer(one, "tags", predictions=predictions)
    found = compare(one, other)
    assert lead(found) == "The answer is the same on 0 % of 2 shared images; 2 answers changed."
    assert "labels given: building, sky in A, labels given: sky in B" in comparison_markdown(found)

    def without_pages(record: r.Record) -> r.Record:
        return record.model_copy(
            update={"images": [image.model_copy(update={"answers": ()}) for image in record.images]}
        )

    weak = other.model_copy(
        update={"images": [image.model_copy(update={"predictions": predictions}) for image in other.images]}
    )
    assert lead(compare(without_pages(one), without_pages(weak))) == lead(found)
    assert lead(compare(without_pages(one), without_pages(one))) == SAME


def test_values_are_compared_by_their_names(tmp_path: Path) -> None:
    one = answered(tmp_path, "values")
    images = []
    for image in one.images:
        (answer,) = image.answers
        assert isinstance(answer, r.ValuesAnswer)
        turned = [value.model_copy(update={"index": 2 - value.index}) for value in reversed(answer.values)]
        images.append(image.model_copy(update={"answers": (answer.model_copy(update={"values": turned}),)}))
    assert lead(compare(one, one.model_copy(update={"images": images}))) == SAME


@pytest.mark.parametrize("kind", ["classes", "multilabel"])
def test_names_that_one_report_alone_has_are_no_change(tmp_path: Path, kind: str) -> None:
    one = answered(tmp_path, kind, "values")
    name = one.model.outputs[0].name
    bare = with_output(one, name, labels=None)
    images = []
    for image in bare.images:
        answer = image.answers[0]
        assert isinstance(answer, r.ClassesAnswer)
        nameless = [best.model_copy(update={"label": None}) for best in answer.predictions]
        answers = (answer.model_copy(update={"predictions": nameless}), *image.answers[1:])
        images.append(image.model_copy(update={"answers": answers, "predictions": nameless}))
    bare = bare.model_copy(update={"images": images})
    for found in (compare(one, bare), compare(bare, one)):
        assert [change for image in found.images for _, change in image.answers] == ["same"] * 4


def masked(folder: Path, name: str, indices: np.ndarray, labels: tuple[str, ...]) -> tuple[r.Record, Path]:
    """A record whose answers are all this mask, and its folder."""
    place = folder / name
    record = answered(place, "map")
    picture = Pillow.fromarray(indices.astype(np.uint8), "P")
    picture.putpalette(list(range(9)))
    picture.save(place / "assets/mask.png")
    shares = [
        r.ClassShare(index=at, label=label, share=float((indices == at).mean())) for at, label in enumerate(labels)
    ]
    record = with_output(with_answer(record, "mask", mask="assets/mask.png", classes=shares), "mask", labels=[*labels])
    return record, place


def test_pixels_that_changed_are_counted_on_the_masks(tmp_path: Path) -> None:
    indices = np.zeros((4, 4))
    indices[:, 2:] = 1  # half of it, and half of it on the other side: no share of a class changes
    one, first = masked(tmp_path, "a", indices, ("sky", "road"))
    two, second = masked(tmp_path, "b", indices[:, ::-1], ("sky", "road"))
    found = compare(one, two, (first, second))
    assert {image.change for image in found.images} == {"changed"}
    assert [image.answers[0][0].apart for image in found.images] == [1.0, 1.0]
    assert "sky, 100 % of the pixels changed: 50.0 %" in comparison_markdown(found)
    assert lead(compare(one, one, (first, first))) == SAME


def test_classes_of_maps_in_another_order_are_compared_by_name(tmp_path: Path) -> None:
    indices = np.zeros((4, 4))
    indices[:, 1:] = 1
    indices[0] = 2
    one, first = masked(tmp_path, "a", indices, ("sky", "road", "tree"))
    two, second = masked(tmp_path, "b", 2 - indices, ("tree", "road", "sky"))
    other, third = masked(tmp_path, "c", indices, ("sky", "road", "house"))
    for folders in ((first, second), None):
        assert lead(compare(one, two, folders)) == SAME
    for folders in ((first, third), None):
        (answer, _), *_ = compare(one, other, folders).images[0].answers
        assert answer.apart == pytest.approx(0.25)


def test_masks_of_one_class_are_compared_where_it_is_seen(tmp_path: Path) -> None:
    found = []
    for name, chance in (("a", 130), ("b", 140), ("c", 120)):
        record = with_answer(answered(tmp_path / name, "map"), "mask", mask="assets/chance.png")
        Pillow.fromarray(np.full((4, 4), chance, np.uint8), "L").save(tmp_path / name / "assets/chance.png")
        found.append((record, tmp_path / name))
    (one, first), (alike, second), (other, third) = found
    assert lead(compare(one, alike, (first, second))) == SAME
    assert compare(one, other, (first, third)).images[0].answers[0][0].apart == 1.0


def test_pictures_that_nothing_is_known_to_be_wrong_with_are_compared_themselves(tmp_path: Path) -> None:
    found = []
    for name, level in (("a", 100), ("b", 140)):
        record = with_answer(answered(tmp_path / name, "picture"), "decoded", error=None, picture="assets/made.png")
        Pillow.fromarray(np.full((64, 64, 3), level, np.uint8)).save(tmp_path / name / "assets/made.png")
        found.append((record, tmp_path / name))
    (one, first), (two, second) = found
    comparison = compare(one, two, (first, second))
    assert lead(comparison) == "The answer is the same on 0 % of 2 shared images; 2 answers changed."
    assert comparison.images[0].answers[0][0].about == "40 of 255 apart"
    assert lead(compare(one, one, (first, first))) == SAME


def test_nearest_images_that_were_renamed_are_the_same(tmp_path: Path) -> None:
    one = answers_record(tmp_path, ("embedding",))
    one = one.model_copy(update={"images": [image.model_copy(update={"predictions": []}) for image in one.images]})
    names = {image.file: f"moved/{at}.png" for at, image in enumerate(one.images)}
    images = []
    for image in one.images:
        answers = tuple(
            answer.model_copy(
                update={"nearest": [like.model_copy(update={"image": names[like.image]}) for like in answer.nearest]}
            )
            for answer in image.answers
            if isinstance(answer, r.EmbeddingAnswer)
        )
        images.append(image.model_copy(update={"file": names[image.file], "answers": answers}))
    assert lead(compare(one, one.model_copy(update={"images": images}))) == SAME


def test_outputs_that_were_not_named_are_compared_by_their_place(tmp_path: Path) -> None:
    one = answered(tmp_path, "values")
    again = with_output(with_answer(one, "person", output="dense_7"), "person", name="dense_7")
    assert lead(compare(one, again)) == SAME
    moved = with_answer(again, "dense_7", values=[r.Value(index=0, name="age", value=1.0, place=None)])
    assert lead(compare(one, moved)).endswith("2 answers changed.")
    two = answered(tmp_path, "values", "classes")
    two = with_output(with_answer(two, "person", output="dense_8"), "person", name="dense_8")
    assert [answer.output for answer, _ in compare(two, one).images[0].answers] == ["dense_8"]


def test_images_that_have_but_their_name_in_common_are_said_to(tmp_path: Path) -> None:
    one = small_record(tmp_path)
    others = [image.model_copy(update={"sha256": f"{at:064d}"}) for at, image in enumerate(one.images)]
    said = sentences(compare(one, one.model_copy(update={"images": others})))
    assert "3 of 3 shared images are matched by their names alone: the files differ." in said
    said = sentences(compare(one, one.model_copy(update={"images": [others[0], *one.images[1:]]})))
    assert "1 of 3 shared images is matched by its name alone: the files differ." in said
    assert not any("matched by" in sentence for sentence in sentences(compare(one, one)))


def test_copies_are_paired_with_copies_before_names_are(tmp_path: Path) -> None:
    one = small_record(tmp_path)
    first, second, third = (image.model_copy(update={"sha256": "c" * 64}) for image in one.images)
    two = one.model_copy(update={"images": [second, third]})
    found = compare(one.model_copy(update={"images": [first, second]}), two)
    pairs = {image.file: image.second and image.second.file for image in found.images}
    assert pairs == {first.file: third.file, second.file: second.file}


def evaluated(record: r.Record, **overlaps: float) -> r.Record:
    """`record` with a mean IoU for each of these outputs."""
    outputs = tuple(
        r.EvaluationOutput(output=name, kind="map", images=2, unmatched=0, mean_iou=value)
        for name, value in overlaps.items()
    )
    evaluation = r.Evaluation.model_construct(images=2, accuracy=None, outputs=outputs)
    return record.model_copy(update={"evaluation": evaluation})


def test_figures_are_of_one_output_in_both(tmp_path: Path) -> None:
    record = answered(tmp_path, "map", "values")
    found = compare(evaluated(record, mask=0.75, edges=0.25), evaluated(record, edges=0.25, mask=0.75))
    facts = {fact.name: (fact.first, fact.second) for fact in found.model if "IoU" in fact.name}
    assert facts == {"Mean IoU": (0.75, 0.75), "edges: Mean IoU": (0.25, 0.25)}
    found = compare(evaluated(record, mask=0.75), evaluated(record, edges=0.25))
    facts = {fact.name: (fact.first, fact.second) for fact in found.model if "IoU" in fact.name}
    assert facts == {"Mean IoU": (0.75, None), "edges: Mean IoU": (None, 0.25)}
    (only,) = (fact for fact in compare(record, evaluated(record, edges=0.5)).model if "IoU" in fact.name)
    assert (only.name, only.first, only.second) == ("Mean IoU", None, 0.5)


def test_figures_of_pictures_are_compared(tmp_path: Path) -> None:
    record = answered(tmp_path, "picture")

    def judged(mae: float) -> r.Record:
        output = r.EvaluationOutput(output="decoded", kind="picture", images=2, unmatched=0, mae=mae, psnr=30.0)
        return record.model_copy(update={"evaluation": r.Evaluation.model_construct(accuracy=None, outputs=(output,))})

    facts = {fact.name: fact.change for fact in compare(judged(3.0), judged(4.0)).model}
    assert facts["Mean absolute error"] == "changed"
    assert facts["Peak signal to noise ratio"] == "same"


def classified(record: r.Record, labels: list[str] | None, count: int, best: list[int]) -> r.Record:
    """`record` of a network with these classes, and an image for each best class."""
    output = r.Output(name="scene", kind="classes", shape=(None, count), labels=labels, note=None, reason="")
    model = record.model.model_copy(
        update={"outputs": (output,), "head": record.model.head.model_copy(update={"classes": count})}
    )
    images = []
    for place, index in enumerate(best):
        predictions = [r.Prediction(index=index, label=labels and labels[index], score=0.9)]
        answer = r.ClassesAnswer(output="scene", kind="classes", predictions=predictions)
        update = {"file": f"{place}.png", "sha256": f"{place:064d}", "predictions": predictions, "answers": (answer,)}
        images.append(record.images[0].model_copy(update={**update, "truth": "fox"}))
    return record.model_copy(update={"model": model, "images": images})


def test_classes_of_one_name_and_of_many_are_the_same(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    one = classified(record, ["fox", "missile", "projectile", "wolf"], 4, [0, 1, 2, 1])
    two = classified(record, ["projectile, missile", "missile", "red fox, fox", "wolf"], 4, [2, 1, 0, 0])
    for found in (compare(one, two), compare(two, one)):
        changes = {image.file: image.change for image in found.images}
        # "missile" is the class of this whole name, not that which has it among others.
        assert changes == {"0.png": "same", "1.png": "same", "2.png": "same", "3.png": "changed"}


@pytest.mark.parametrize(
    ("labels", "others", "count"),
    [
        (["cat", "fox", "wolf"], None, 4),
        (["cat", "fox", "wolf"], ["Katze", "Rotfuchs", "Hund"], 3),
        (["0", "1", "2"], ["n01", "n02", "n03", "n04"], 4),
        (None, None, 4),
    ],
)
def test_classes_of_which_nothing_tells_which_are_the_same_are_not_compared(
    labels: list[str] | None, others: list[str] | None, count: int, tmp_path: Path
) -> None:
    record = small_record(tmp_path)
    one, bare = classified(record, labels, 3, [0, 1]), classified(record, others, count, [1, 1])
    for found in (compare(one, bare), compare(bare, one)):
        assert lead(found) == UNMATCHED
        assert [image.change for image in found.images] == ["not compared"] * 2
        assert (found.agreement, found.score) == (None, None)
        assert "Answers that changed" not in comparison_markdown(found)
    write_comparison(compare(one, bare), (tmp_path, tmp_path), tmp_path / "out")
    assert "not compared" in (tmp_path / "out" / "images.html").read_text(encoding="utf-8")


def test_one_class_that_both_know_is_enough_to_compare_by_name(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    one = classified(record, ["cat", "fox", "wolf"], 3, [0, 1])
    other = classified(record, ["Katze", "fox", "Hund"], 3, [0, 1])
    assert {image.file: image.change for image in compare(one, other).images} == {"0.png": "changed", "1.png": "same"}
    # Reports of earlier versions know the classes alone that were answered: those of the other may be among the rest.
    old = [
        one.model_copy(update={"model": one.model.model_copy(update={"outputs": ()})})
        for one in (one, classified(record, ["cat", "fox", "dog"], 3, [2, 2]))
    ]
    assert [image.change for image in compare(old[0], old[1]).images] == ["changed"] * 2


@pytest.mark.parametrize("kind", ["multilabel", "map"])
def test_labels_and_maps_that_nothing_matches_are_said_not_to_be_compared(kind: str, tmp_path: Path) -> None:
    record = answered(tmp_path, kind)
    output = record.model.outputs[0]
    bare = with_output(record, output.name, labels=None, shape=(*output.shape[:-1], 4))
    found = compare(record, bare)
    assert lead(found) == UNMATCHED
    assert [image.change for image in found.images] == ["not compared"] * 2


def test_outputs_that_are_left_out_are_not_among_those_that_are_the_same(tmp_path: Path) -> None:
    record = answered(tmp_path, "values", "map")
    bare = with_output(record, "mask", labels=None, shape=(None, 32, 32, 4))
    said = ("The other answers to all 2 shared images are the same.", "The answers of mask are not compared.")
    assert sentences(compare(record, bare))[:2] == said
    one = record.model_copy(update={"images": [record.images[0]]})
    assert lead(compare(one, one)) == "The answers to the one shared image are the same."


def test_an_output_of_another_kind_is_no_changed_answer(tmp_path: Path) -> None:
    record = answered(tmp_path, "classes", "values")
    values = [output for output in record.model.outputs if output.name != "person"]
    other = [
        output.model_copy(update={"name": "person"}) for output in answers_record(tmp_path, ["other"]).model.outputs
    ]
    answer = r.OtherAnswer(output="person", kind="other", min=0.0, max=1.0, mean=0.5, std=0.25)
    images = [
        image.model_copy(update={"answers": (*(one for one in image.answers if one.output != "person"), answer)})
        for image in record.images
    ]
    model = record.model.model_copy(update={"outputs": (*values, *other)})
    found = compare(record, record.model_copy(update={"model": model, "images": images}))
    assert [image.change for image in found.images] == ["same"] * 2
    assert "The answers of person are not compared." in sentences(found)


def test_what_changed_is_shown_before_what_is_not_compared(tmp_path: Path) -> None:
    one = answered(tmp_path, "values", "picture")
    values = [r.Value(index=at, name=f"v{at}", value=31.4 + at, place=None) for at in range(2)]
    moved = [value.model_copy(update={"value": value.value and value.value + 1}) for value in values]
    first = with_answer(one, "person", values=values)
    second = with_answer(with_output(first, "decoded", kind="other"), "person", values=moved)
    answer = r.OtherAnswer(output="decoded", kind="other", min=0.0, max=1.0, mean=0.5, std=0.25)
    images = [image.model_copy(update={"answers": (image.answers[0], answer)}) for image in second.images]
    found = comparison_markdown(compare(first, second.model_copy(update={"images": images})))
    assert "person, v0: 31.4 in A, person, v0: 32.4 in B" in found
    assert "kind of answer" not in found


def test_values_that_one_report_has_beside_others_are_no_change(tmp_path: Path) -> None:
    one = answered(tmp_path, "values")
    left = [
        r.Value(index=0, name="Weight", value=77.7, place=None),
        r.Value(index=1, name="age", value=40.0, place=None),
    ]
    other = with_answer(one, "person", values=left)
    for found in (compare(one, other), compare(other, one)):
        about = {answer.about.casefold() for image in found.images for answer, _ in image.answers}
        assert about <= {"age", "weight"}
        assert {answer.about for answer, _ in found.images[0].answers} == {"age"}


@pytest.mark.parametrize(("moved", "change"), [(0.04, "same"), (1.0, "changed")])
def test_points_that_moved_by_less_than_is_said_are_the_same(moved: float, change: str, tmp_path: Path) -> None:
    one = answered(tmp_path, "points")
    points = [(12.0 + moved, 20.0), (12.0, 44.0), (36.5, 32.0)]
    images = compare(one, with_answer(one, "landmarks", points=points)).images
    shown = next(image for image in images if image.file == one.images[0].file)
    ((answer, became),) = shown.answers
    assert (became, answer.about) == (change, "" if change == "same" else "moved by up to 1 pixel")


def single_sigmoid(record: r.Record) -> r.Record:
    """`record` of a network that tells its two classes apart by one unit."""
    return with_output(record, "scene", shape=(None, 1))


def test_two_classes_are_the_same_whether_one_unit_tells_them_apart_or_two(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    named, bare = classified(record, ["cat", "fox"], 2, [0, 1]), classified(record, None, 2, [0, 1])
    for one, two in ((single_sigmoid(named), bare), (single_sigmoid(bare), named), (single_sigmoid(bare), bare)):
        for found in (compare(one, two), compare(two, one)):
            assert [change for image in found.images for _, change in image.answers] == ["same"] * 2
    other = classified(record, ["Katze", "Fuchs"], 2, [0, 1])
    found = compare(single_sigmoid(named), single_sigmoid(other))
    assert [change for image in found.images for _, change in image.answers] == ["not compared"] * 2


def two_heads(record: r.Record, outputs: tuple[str, ...], best: dict[str, int]) -> r.Record:
    """`record` of a network with these outputs of classes, in this order; images are told by the first."""
    names = ["cat", "fox", "wolf"]
    described = tuple(
        r.Output(name=name, kind="classes", shape=(None, 3), labels=names, note=None, reason="") for name in outputs
    )
    answers = tuple(
        r.ClassesAnswer(
            output=name,
            kind="classes",
            predictions=[r.Prediction(index=best[name], label=names[best[name]], score=0.9)],
        )
        for name in outputs
    )
    scored = tuple(
        r.EvaluationOutput(output=name, kind="classes", images=2, unmatched=0, accuracy=0.25 * best[name])
        for name in outputs
    )
    images = [
        image.model_copy(update={"answers": answers, "predictions": answers[0].predictions, "truth": "cat"})
        for image in record.images
    ]
    evaluation = r.Evaluation.model_construct(accuracy=scored[0].accuracy, outputs=scored)
    model = record.model.model_copy(update={"outputs": described})
    return record.model_copy(update={"model": model, "images": images, "evaluation": evaluation})


def test_outputs_in_another_order_are_not_taken_for_each_other(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    one = two_heads(record, ("species", "mood"), {"species": 1, "mood": 2})
    turned = two_heads(record, ("mood", "species"), {"species": 1, "mood": 2})
    found = compare(one, turned)
    assert {image.change for image in found.images} == {"same"}
    assert found.score is None
    facts = {fact.name: (fact.first, fact.second) for fact in found.model if "ccuracy" in fact.name}
    assert facts == {"species: Accuracy": (0.25, 0.25), "mood: Accuracy": (0.5, 0.5)}
    other = two_heads(record, ("mood", "species"), {"species": 0, "mood": 2})
    assert "species: fox (0.9) in A, species: cat (0.9) in B" in comparison_markdown(compare(one, other))
    # The same output, or none that the other report has by that name, is what images are told by.
    alone = two_heads(record, ("species",), {"species": 1})
    assert compare(one, alone).score is not None
    assert compare(one, two_heads(record, ("predictions",), {"predictions": 1})).agreement == 1.0


def test_classes_of_one_report_alone_are_no_change_of_what_both_answer(tmp_path: Path) -> None:
    both = answered(tmp_path, "classes", "values")
    images = [
        image.model_copy(update={"predictions": [], "answers": tuple(a for a in image.answers if a.output == "person")})
        for image in both.images
    ]
    model = both.model.model_copy(update={"outputs": both.model.outputs[1:]})
    one = both.model_copy(update={"model": model, "images": images})
    values = [r.Value(index=0, name="age", value=5.0, place=None)]
    for first, second in ((both, one), (one, both)):
        assert lead(compare(first, second)) == SAME
        found = compare(first, with_answer(second, "person", values=values))
        assert lead(found) == "The answer is the same on 0 % of 2 shared images; 2 answers changed."
        assert "age: 31.4 in A, age: 5 in B" in comparison_markdown(found)
    write_comparison(compare(both, one), (tmp_path, tmp_path), tmp_path / "out")
    assert "sky" not in (tmp_path / "out" / "images.html").read_text(encoding="utf-8")
