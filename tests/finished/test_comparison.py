from __future__ import annotations

from pathlib import Path

import pytest
from support.records import small_record

from reportgen.finished.comparison import compare
from reportgen.finished.comparison_words import comparison_markdown
from reportgen.record import Finding, Output, Record


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return small_record(tmp_path)


def test_a_report_compared_with_itself_is_the_same_throughout(record: Record) -> None:
    comparison = compare(record, record)
    assert {fact.change for fact in comparison.model} == {"same"}
    assert {layer.change for layer in comparison.layers} == {"same"}
    assert {image.change for image in comparison.images} == {"same"}
    assert all(item.change == "same" for item in comparison.findings)
    assert len(comparison.layers) == len(record.layers)
    assert comparison.agreement == 1.0


def test_a_layer_that_changed_says_in_what(record: Record) -> None:
    weighed = next(layer for layer in record.layers if layer.weights is not None)
    assert weighed.weights is not None
    weights = weighed.weights.model_copy(update={"zero_fraction": 0.75, "dead_filters": [0, 1, 2]})
    changed = weighed.model_copy(update={"weights": weights, "parameter_count": weighed.parameter_count + 1})
    other = record.model_copy(update={"layers": [changed if layer is weighed else layer for layer in record.layers]})
    found = {layer.name: layer for layer in compare(record, other).layers if layer.change != "same"}
    assert set(found) == {weighed.name}
    facts = {fact.name: (fact.first, fact.second) for fact in found[weighed.name].facts}
    assert facts["parameters"] == (weighed.parameter_count, weighed.parameter_count + 1)
    assert facts["zero weights"] == (weighed.weights.zero_fraction, 0.75)
    assert facts["zero filters"] == (len(weighed.weights.dead_filters), 3)


def test_the_last_digits_of_a_statistic_are_no_change(record: Record) -> None:
    def nudged(factor: float) -> Record:
        layers = [
            layer.model_copy(
                update={"weights": layer.weights.model_copy(update={"std": (layer.weights.std or 0) * factor})}
            )
            if layer.weights is not None
            else layer
            for layer in record.layers
        ]
        return record.model_copy(update={"layers": layers})

    assert {layer.change for layer in compare(record, nudged(1.0001)).layers} == {"same"}
    assert "changed" in {layer.change for layer in compare(record, nudged(1.01)).layers}


def test_layers_that_only_one_network_has_keep_their_place(record: Record) -> None:
    without = record.model_copy(update={"layers": [record.layers[0], *record.layers[2:]]})
    names = [layer.name for layer in record.layers]
    one = compare(record, without)
    assert [layer.name for layer in one.layers] == names
    assert [layer.change for layer in one.layers if layer.name == names[1]] == ["only A"]
    two = compare(without, record)
    assert [layer.name for layer in two.layers] == names
    assert [layer.change for layer in two.layers if layer.name == names[1]] == ["only B"]


def test_images_are_matched_by_their_bytes_and_differ_by_best_class(record: Record) -> None:
    first = record.images[0]
    best = first.predictions[0].model_copy(update={"index": 999, "label": "something else"})
    renamed = first.model_copy(update={"file": "renamed.png", "predictions": [best, *first.predictions[1:]]})
    other = record.model_copy(update={"images": [renamed, *record.images[1:]]})
    comparison = compare(record, other)
    assert len(comparison.images) == len(record.images)
    assert comparison.images[0].change == "changed"
    assert comparison.images[0].second is renamed
    assert comparison.agreement == pytest.approx(1 - 1 / len([i for i in record.images if i.predictions]))


def test_findings_are_new_gone_or_the_same(record: Record) -> None:
    extra = Finding(
        rule="dead-channels", severity="warning", layer=record.layers[1].name, channels=[3], image=None,
        message="m", measured=None, threshold=None, why=None, action=None, page=None,
    )  # fmt: skip
    more = record.model_copy(update={"findings": [*record.findings, extra]})
    changes = [item.change for item in compare(record, more).findings]
    assert changes.count("only B") == 1
    assert [item.change for item in compare(more, record).findings].count("only A") == 1


def test_findings_of_both_show_what_each_says(record: Record) -> None:
    one = record.findings[0].model_copy(update={"severity": "warning", "message": "12 of 100 channels."})
    milder = one.model_copy(update={"message": "3 of 100 channels.", "severity": "info"})
    other = one.model_copy(update={"message": "14 of 100 channels."})
    first, *others = (record.model_copy(update={"findings": [finding]}) for finding in (one, milder, other))
    [changed], [kept], [same] = (compare(first, second).findings for second in (*others, first))
    assert (changed.change, changed.finding, changed.second) == ("changed", one, milder)
    assert (kept.change, kept.finding, kept.second) == ("same", one, other)
    assert (same.change, same.second) == ("same", None)
    words = comparison_markdown(compare(first, others[0]))
    assert "1 finding in both with another severity" in words
    assert "warning in A, info in B): 3 of 100 channels" in words


def test_findings_of_one_rule_are_each_told(record: Record) -> None:
    one = record.findings[0].model_copy(update={"layer": None, "image": None})
    many = [one.model_copy(update={"message": message}) for message in ("of output a", "of output b", "of output c")]
    first, second = (record.model_copy(update={"findings": found}) for found in (many, [many[2], many[0]]))
    found = {item.finding.message: item.change for item in compare(first, second).findings}
    assert found == {"of output a": "same", "of output b": "only A", "of output c": "same"}
    other = many[1].model_copy(update={"message": "of output d"})
    third = record.model_copy(update={"findings": [other, *many]})
    assert [item.change for item in compare(first, third).findings].count("only B") == 1


def maximized(record: Record, labels: list[str], channels: list[int]) -> Record:
    """`record` of a network with these classes and a picture of each of `channels`."""
    output = Output(name="classes", kind="classes", shape=(None, 3), labels=labels, note=None, reason="")
    made = next(one for one in record.maximizations if one.picture is not None)
    shown = [
        made.model_copy(
            update={"objective": "logit", "output": "classes", "channel": at, "label": labels[at], "layer": "dense"}
        )
        for at in channels
    ]
    model = record.model.model_copy(update={"outputs": (output,)})
    return record.model_copy(update={"maximizations": shown, "model": model})


def test_maximised_classes_are_paired_by_name(record: Record) -> None:
    one = maximized(record, ["checks", "dots", "rings"], [0, 1])
    two = maximized(record, ["rings", "checks", "dots"], [0, 1])
    pairs = compare(one, two).maximizations
    assert [(pair.first.label, pair.second.label) for pair in pairs] == [("checks", "checks")]
    twice = maximized(record, ["crane", "crane", "dots"], [0, 1])
    pairs = compare(twice, twice).maximizations
    assert [(pair.first.channel, pair.second.channel) for pair in pairs] == [(0, 0), (1, 1)]
