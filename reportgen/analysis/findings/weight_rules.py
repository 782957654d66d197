"""Rules on weights: what is broken, idle or never trained in them."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.analysis.findings.evidence import Evidence
from reportgen.analysis.findings.initial import UNTRAINED_SHARE, looks_untrained
from reportgen.analysis.findings.wording import names, percent
from reportgen.formats import count, counted
from reportgen.results import Finding

# A layer of which more than this share of weights is zero was thinned out on purpose, and the network with it
# if this holds for so many of its convolutions; a single sparse layer may come of training alone.
PRUNED_SHARE = 0.5
PRUNED_LAYERS = 0.25

# A dense layer is worth a thought when it holds more than this share of all parameters ...
DENSE_SHARE = 0.5

# ... and so many that they matter on disk: four megabytes of float32.
DENSE_PARAMETERS = 1_000_000

# From this share of idle filters on, a layer wastes what a narrower one would save.
IDLE_SHARE = 0.1


def nonfinite_weights(evidence: Evidence) -> Iterator[Finding]:
    """Weights that are not a number, or infinite."""
    for facts in evidence.variables:
        if facts.nonfinite_count:
            yield Finding(
                rule="nonfinite-weights",
                severity="error",
                message=f"{facts.layer}: {counted(facts.nonfinite_count, 'weight')} of {facts.variable} "
                f"{'is' if facts.nonfinite_count == 1 else 'are'} not a number or infinite.",
                measured=f"{count(facts.nonfinite_count)} of {count(facts.size)} values",
                threshold="none may be",
                why="Everything computed from such a weight is not a number either.",
                action="Go back to a checkpoint before training diverged; lower the learning rate or clip gradients.",
                layer=facts.layer,
            )


def zero_filters(evidence: Evidence) -> Iterator[Finding]:
    """Filters whose weights are all zero, or next to it."""
    for facts in evidence.filters:
        if facts.zero:
            share = len(facts.zero) / facts.filters
            yield Finding(
                rule="zero-filters",
                severity="warning" if share >= IDLE_SHARE else "info",
                message=f"{facts.layer}: {counted(len(facts.zero), 'filter')} of {count(facts.filters)} "
                f"{'has' if len(facts.zero) == 1 else 'have'} only zero weights.",
                measured=f"{percent(len(facts.zero), facts.filters)} of the filters",
                threshold=f"a warning from {IDLE_SHARE:.0%} on",
                why="Such a filter gives the same value whatever the image shows: it costs time and says nothing.",
                action="If the network was pruned, this is meant, and the channels can be removed; if not, look for "
                "too strong a weight decay or a layer that got no gradient.",
                layer=facts.layer,
                channels=facts.zero,
            )


def constant_filters(evidence: Evidence) -> Iterator[Finding]:
    """Filters with one and the same weight everywhere."""
    for facts in evidence.filters:
        if facts.constant:
            yield Finding(
                rule="constant-filters",
                severity="warning" if len(facts.constant) / facts.filters >= IDLE_SHARE else "info",
                message=f"{facts.layer}: all weights are equal in {counted(len(facts.constant), 'filter')} "
                f"of {count(facts.filters)}.",
                measured=f"{percent(len(facts.constant), facts.filters)} of the filters",
                threshold=f"a warning from {IDLE_SHARE:.0%} on",
                why="Weights that started equal get equal gradients and stay equal: the filter only averages.",
                action="Start the layer from random weights, or leave it out of training on purpose.",
                layer=facts.layer,
                channels=facts.constant,
            )


def duplicate_filters(evidence: Evidence) -> Iterator[Finding]:
    """Filters of a layer that are next to equal."""
    for facts in evidence.filters:
        if facts.duplicates:
            spare = sum(len(group) - 1 for group in facts.duplicates)
            groups = "; ".join(" = ".join(str(index) for index in group) for group in facts.duplicates[:3])
            yield Finding(
                rule="duplicate-filters",
                severity="warning" if spare / facts.filters >= IDLE_SHARE else "info",
                message=f"{facts.layer}: {counted(spare, 'filter')} of {count(facts.filters)} "
                f"{'repeats another' if spare == 1 else 'repeat others'} ({groups}"
                f"{', ...' if len(facts.duplicates) > 3 else ''}).",
                measured=f"{percent(spare, facts.filters)} of the filters",
                threshold=f"a warning from {IDLE_SHARE:.0%} on",
                why="Two equal filters give the same map twice.",
                action="Check that the layer was initialised at random; the repeated channels can be merged.",
                layer=facts.layer,
                channels=tuple(sorted(index for group in facts.duplicates for index in group)),
            )


def pruned_weights(evidence: Evidence) -> Iterator[Finding]:
    """Layers most of whose weights are zero, one by one rather than by filter."""
    thin = [facts for facts in evidence.filters if (facts.zero_fraction or 0) > PRUNED_SHARE]
    if len(thin) > PRUNED_LAYERS * len(evidence.filters):
        zeros = [facts.zero_fraction or 0.0 for facts in thin]
        yield Finding(
            rule="pruned-weights",
            severity="info",
            message=f"{counted(len(thin), 'convolution')} of {count(len(evidence.filters))} "
            f"{'has' if len(thin) == 1 else 'have'} mostly zero weights: the network was pruned.",
            measured=f"{min(zeros):.0%} to {max(zeros):.0%} zeros in {names([facts.layer for facts in thin])}",
            threshold=f"more than {PRUNED_SHARE:.0%} zeros in more than {PRUNED_LAYERS:.0%} of the convolutions",
            why="Pruned weights save time only where the program that runs the network makes use of zeros.",
            action="Nothing, if it was pruned on purpose.",
        )


def untrained_weights(evidence: Evidence) -> Iterator[Finding]:
    """Kernels distributed as their initializer left them, and biases still zero."""
    judged = [facts for facts in evidence.variables if facts.initial is not None]
    initial = [facts for facts in judged if facts.initial]
    if not initial:
        return
    whole = looks_untrained(judged)
    layers = [facts.layer for facts in initial]
    yield Finding(
        rule="untrained-weights",
        severity="warning",
        message=(
            "The network looks untrained: its weights are distributed as their initializers left them."
            if whole
            else f"{names(layers)} {'looks' if len(layers) == 1 else 'look'} untrained, unlike the other layers."
        ),
        measured=f"{count(len(initial))} of {counted(len(judged), 'kernel')} "
        f"{'has' if len(initial) == 1 else 'have'} the spread and the limits of their initializer, and zero biases",
        threshold=f"from {UNTRAINED_SHARE:.0%} on the whole network counts as untrained",
        why="Features and answers of random weights mean nothing.",
        action="Check that the trained weights were loaded, into these layers too.",
        layer=None if whole else layers[0],
    )


def untouched_moments(evidence: Evidence) -> Iterator[Finding]:
    """BatchNormalization layers whose moving moments never moved, though something was trained."""
    if looks_untrained(evidence.variables):
        return  # nothing was trained, which is said already
    idle = [facts.layer for facts in evidence.normalizations if facts.never_updated and not facts.changes_nothing]
    if idle:
        yield Finding(
            rule="untouched-moments",
            severity="warning",
            message=f"{counted(len(idle), 'BatchNormalization layer')} of {count(len(evidence.normalizations))} "
            f"{'has' if len(idle) == 1 else 'have'} moving moments that were never updated.",
            measured=f"mean 0 and variance 1 exactly in {names(idle)}, beside a trained scale or shift",
            threshold="none is expected after training",
            why="In use the layer then normalises with moments that are not those of its input: the network "
            "answers otherwise than in training.",
            action="Train with training=True passed through, or run some batches to set the moments.",
            layer=idle[0],
        )


def oversized_dense(evidence: Evidence) -> Iterator[Finding]:
    """A dense layer that holds most of the network's parameters."""
    total = evidence.summary.parameter_count
    for layer in evidence.summary.layers:
        if layer.kind != "dense" or layer.parameter_count < max(DENSE_PARAMETERS, DENSE_SHARE * total):
            continue
        yield Finding(
            rule="oversized-dense",
            severity="info",
            message=f"{layer.name} holds {layer.parameter_count / total:.0%} of all parameters.",
            measured=f"{count(layer.parameter_count)} of {count(total)} parameters",
            threshold=f"more than {DENSE_SHARE:.0%} and {count(DENSE_PARAMETERS)}",
            why="A dense layer on a whole map is large, ties the network to one input size and overfits easily.",
            action="Consider global average pooling before it.",
            layer=layer.name,
        )
