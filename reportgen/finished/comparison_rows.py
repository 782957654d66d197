"""From what two reports have and have not in common to rows, cards, pairs and drawings of it."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen import formats
from reportgen.facts import SEVERITIES
from reportgen.finished.comparison import Comparison, FindingComparison, MaximizationPair, PicturePair
from reportgen.finished.comparison_facts import Change, Fact, Value
from reportgen.finished.comparison_images import ImageComparison
from reportgen.finished.comparison_layers import LayerComparison
from reportgen.finished.comparison_views import (
    AlikeCell,
    AlikeView,
    AnswerCard,
    ChangedGraph,
    FactRow,
    GraphsView,
    Half,
    LayerRow,
    PairView,
)
from reportgen.finished.comparison_words import answer_words, construction_words, p_words
from reportgen.record import Figure, Graph, Layer
from reportgen.record.objectives import maximized_name, objective_words
from reportgen.site.facts import trust_words
from reportgen.site.figures import FigureView, crop_of, view_alone
from reportgen.site.gallery import view_edge, view_node

WORDS: dict[Change, str] = {
    "same": "same",
    "changed": "changed",
    "only A": "only in A",
    "only B": "only in B",
    "not compared": "not compared",
}

SHADES = 10
# Of a layer, so many differences stand in its row.
MOST_FACTS = 8


def fact_row(fact: Fact) -> FactRow:
    """A line of a table."""
    return FactRow(fact.name, _words(fact.first), _words(fact.second), fact.change, WORDS[fact.change])


def _words(value: Value) -> str:
    """A fact's value as the pages of a report write it."""
    if isinstance(value, str):
        return value or formats.NOTHING
    if isinstance(value, tuple):
        return formats.shape(value)
    return formats.count(value) if isinstance(value, int) else formats.number(value)


def layer_row(layer: LayerComparison) -> LayerRow:
    """A layer with all that is known of its change."""
    names = layer.names
    name = layer.name if None in names or names[0] == names[1] else f"{names[0]} \N{RIGHTWARDS ARROW} {names[1]}"
    return LayerRow(
        name=name,
        first=_layer_words(layer.first),
        second=_layer_words(layer.second),
        weights=_moved(layer.weights_moved),
        activations=_moved(layer.activations_moved),
        alike=formats.NOTHING if layer.alike is None else f"{layer.alike:.2f}",
        facts=tuple(fact_row(fact) for fact in layer.facts[:MOST_FACTS]),
        change=layer.change,
        words=WORDS[layer.change],
    )


def _layer_words(layer: Layer | None) -> str:
    return formats.NOTHING if layer is None else f"{layer.type}, {formats.shape(layer.output_shape)}"


def _moved(value: float | None) -> str:
    return formats.NOTHING if value is None else formats.percent(value)


def most_changed(layers: tuple[LayerComparison, ...], count: int) -> list[LayerComparison]:
    """The layers that changed most: those one side lacks or that are built differently, then by how far they moved."""
    changed = [layer for layer in layers if layer.change != "same"]
    return sorted(
        changed,
        key=lambda layer: (
            layer.change == "changed" and not layer.rebuilt,
            -(layer.weights_moved or 0.0),
            -(layer.activations_moved or 0.0),
        ),
    )[:count]


def image_rows(image: ImageComparison) -> Iterator[FactRow]:
    """A line for each output that both describe, else one for the best class."""
    verdict = "" if image.verdict is None else f", for the {image.verdict}"
    if not image.answers or (all(image.best) and len(image.answers) == 1):
        first, second = answer_words(image)
        yield FactRow(image.file, first, second, image.change, f"{WORDS[image.change]}{verdict}")
        return
    for answer, change in image.answers:
        about = f" ({answer.about})" if answer.about else ""
        name = f"{image.file}{about}" if len(image.answers) == 1 else f"{image.file}: {answer.output}{about}"
        yield FactRow(name, answer.first, answer.second, change, WORDS[change])


def answer_card(image: ImageComparison) -> AnswerCard:
    """An image whose answer changed."""
    truths = [side.truth for side in (image.first, image.second) if side is not None and side.truth is not None]
    return AnswerCard(
        file=image.file,
        likeness=None if image.likeness is None else _figure(image.likeness, "ab"[image.likeness_in]),
        answers=answer_words(image),
        truth=truths[0] if truths else None,
        verdict=image.verdict,
        evidence=(
            None if image.evidence[0] is None else _figure(image.evidence[0], "a"),
            None if image.evidence[1] is None else _figure(image.evidence[1], "b"),
        ),
    )


def _figure(figure: Figure, side: str) -> FigureView:
    """A figure under an id that tells the two reports apart."""
    return view_alone(figure.model_copy(update={"id": f"{side}-{figure.id}"}))


def ordered_findings(findings: tuple[FindingComparison, ...]) -> list[FindingComparison]:
    """Those that came, then those that are graver or milder, those that went, the others; the worst first."""
    order = ("only B", "changed", "only A", "same")
    return sorted(findings, key=lambda one: (order.index(one.change), SEVERITIES.index(one.finding.severity)))


def figure_pair(pair: PicturePair) -> PairView:
    """A figure of both."""
    halves = Half(_figure(pair.first, "a"), None, ""), Half(_figure(pair.second, "b"), None, "")
    return PairView(_figure_name(pair.first, pair.second), halves)


def _figure_name(first: Figure, second: Figure) -> str:
    """What both show: of why they answered so both answers, where they differ."""
    differ = first.kind == "attribution" and first.title != second.title
    title = f"{first.title} in A, {second.title} in B" if differ else first.title
    return ", ".join(part for part in (title, first.image, first.variant) if part)


def maximization_pair(pair: MaximizationPair) -> PairView:
    """What excites the same channel of both."""
    first, second = (Half(None, crop_of(shown), trust_words(shown)) for shown in (pair.first, pair.second))
    one = pair.first
    what = maximized_name(one.objective, one.channel, one.label)
    variant = objective_words(one.objective).variant
    return PairView(", ".join(part for part in (one.layer, one.output, what, variant) if part), (first, second))


def score_facts(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """How often each network is right, and what the difference is worth."""
    score = comparison.score
    if score is None:
        return ()
    low, high = (formats.number(round(100 * bound, 1)) for bound in score.interval)
    one, two = score.accuracies
    return (
        ("A is right", formats.percent(one)),
        ("B is right", formats.percent(two)),
        ("B less A, in points", formats.number(round(100 * score.difference, 1))),
        ("in 95 of 100 samples", f"{low} to {high}"),
        ("exact McNemar test", p_words(score.p_value)),
        ("images of both", formats.count(score.images)),
    )


def alike_view(comparison: Comparison) -> AlikeView | None:
    """The matrix of layers, None where nothing was kept to compare."""
    likeness = comparison.likeness
    if likeness is None:
        return None
    matched = {layer.names for layer in comparison.layers}
    rows = tuple(
        (
            row,
            tuple(
                AlikeCell(
                    formats.NOTHING if value is None else f"{value:.2f}",
                    None if value is None else round(value * SHADES),
                    (row, column) in matched,
                )
                for column, value in zip(likeness.columns, values, strict=True)
            ),
        )
        for row, values in zip(likeness.rows, likeness.values, strict=True)
    )
    return AlikeView(comparison.titles, likeness.images, likeness.columns, rows)


def graphs_view(comparison: Comparison) -> GraphsView | None:
    """The graphs with what differs marked: B's, and A's where something of it is gone; None where nothing differs."""
    removed = {layer.name for layer in comparison.layers if layer.change == "only A"}
    added = {layer.name for layer in comparison.layers if layer.change == "only B"}
    rebuilt = [layer.names for layer in comparison.layers if layer.rebuilt]
    if not (removed or added or rebuilt):
        return None
    first, second = comparison.graphs
    drawn = []
    if second is not None:
        marks = dict.fromkeys(added, "added") | {name: "changed" for _, name in rebuilt if name is not None}
        drawn.append(_changed_graph(second, f"B: {comparison.titles[1]}", marks))
    if first is not None and (removed or second is None):
        marks = dict.fromkeys(removed, "removed") | {name: "changed" for name, _ in rebuilt if name is not None}
        drawn.append(_changed_graph(first, f"A: {comparison.titles[0]}", marks))
    words = " ".join(map(formats.capitalized, construction_words(comparison)))
    return GraphsView(words, tuple(drawn)) if drawn else None


def _changed_graph(graph: Graph, title: str, marks: dict[str, str]) -> ChangedGraph:
    """A graph whose nodes are marked by the layers in them: one that is new as a whole is added, else changed."""
    nodes = []
    for node in graph.nodes:
        found = [marks.get(layer) for layer in node.layers or [node.name]]
        kinds = set(found)
        mark = "" if kinds == {None} else (found[0] or "") if len(kinds) == 1 else "changed"
        nodes.append((view_node(node.model_copy(update={"page": None})), mark))
    return ChangedGraph(title, graph.width, graph.height, tuple(nodes), tuple(map(view_edge, graph.edges)))
