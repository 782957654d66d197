"""Rules on activations: channels that say nothing, values that are no numbers."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.analysis.findings.evidence import Evidence
from reportgen.analysis.findings.weight_rules import IDLE_SHARE
from reportgen.analysis.findings.wording import names, on_images, percent
from reportgen.formats import count, counted
from reportgen.results import Finding

# On fewer images than this, a dead channel may simply not have met what it looks for.
TELLING_IMAGES = 50

# A sigmoid or tanh with more than this share of values at its flat ends passes hardly any gradient on.
SATURATED_SHARE = 0.9

# Rounding differences between two ways of running the same network, as parts of the answer's size: float32
# stays below 1e-5 in all applications of Keras, 16 bits carry three digits.
CAPTURE_TOLERANCE = 1e-4
CAPTURE_TOLERANCE_HALF = 2e-2


def nonfinite_activations(evidence: Evidence) -> Iterator[Finding]:
    """Activations, or what goes into them, that are not a number or infinite.

    The first layer stands for those that follow.
    """
    places = {row.name: place for place, row in enumerate(evidence.summary.layers)}
    given = {facts.layer: facts.nonfinite_count for facts in evidence.channels if facts.nonfinite_count}
    inside = [name for name in evidence.nonfinite_inside if name in places]
    broken = sorted(dict.fromkeys([*given, *inside]), key=lambda name: places.get(name, 0))
    if broken:
        first = broken[0]
        others = f", and in {counted(len(broken) - 1, 'layer')} after it" if len(broken) > 1 else ""
        if first in given:
            message = f"{first} gives values that are not a number or infinite"
            measured = f"{counted(given[first], 'value')} in {first} {on_images(len(evidence.images))}"
            why = "They spread to everything computed after them, and no statistic can be made of them."
        else:
            message = f"{first} has values before its activation that are not a number or infinite"
            found = counted(evidence.nonfinite_inside[first], "value")
            measured = f"{found} before the activation of {first} on the first images"
            why = "The activation makes numbers of them, which say nothing of the image."
        yield Finding(
            rule="nonfinite-activations",
            severity="error",
            message=f"{message}{others}.",
            measured=measured,
            threshold="none may be",
            why=why,
            action="Look for infinite weights, a division by zero, or an overflow of 16-bit numbers in this layer.",
            layer=first,
        )


def dead_channels(evidence: Evidence) -> Iterator[Finding]:
    """Channels that are zero everywhere on every image."""
    images = len(evidence.images)
    inherited = _inherited_silence(evidence)
    for facts in evidence.channels:
        dead = tuple(channel for channel in facts.dead if channel not in inherited[facts.layer])
        if not dead:
            continue
        share = len(dead) / facts.channels
        worrying = share >= IDLE_SHARE and images >= TELLING_IMAGES
        yield Finding(
            rule="dead-channels",
            severity="warning" if worrying else "info",
            message=f"{facts.layer}: {counted(len(dead), 'channel')} of {count(facts.channels)} "
            f"{'is' if len(dead) == 1 else 'are'} zero everywhere {on_images(images)}.",
            measured=f"{percent(len(dead), facts.channels)} of the channels {on_images(images)}",
            threshold=f"a warning from {IDLE_SHARE:.0%} on, on {TELLING_IMAGES} images or more",
            why="A channel that never answers takes no part in the network's decision"
            + (" - or the few images do not show what it looks for." if images < TELLING_IMAGES else "."),
            action="Try more and other images; if it stays dead, lower the learning rate or use a leaky activation.",
            layer=facts.layer,
            channels=dead,
        )


def _inherited_silence(evidence: Evidence) -> dict[str, set[int]]:
    """For each layer, its channels that read nothing but one that is zero everywhere: it is said once, there."""
    dead = {facts.layer: set(facts.dead) for facts in evidence.channels}
    inherited: dict[str, set[int]] = {}
    for facts in evidence.channels:
        source = facts.source if facts.by_channel else None
        inherited[facts.layer] = dead.get(source or "", set()) | inherited.get(source or "", set())
    return inherited


def stuck_channels(evidence: Evidence) -> Iterator[Finding]:
    """Channels that have one and the same value other than zero everywhere on every image."""
    zero = {facts.layer: set(facts.zero) for facts in evidence.filters}
    inherited = _inherited_silence(evidence)
    stuck_before = {facts.layer: set(facts.stuck) for facts in evidence.channels}
    for facts in evidence.channels:
        explained = inherited[facts.layer] | zero.get(facts.layer, set())
        if facts.by_channel:
            explained |= stuck_before.get(facts.source or "", set())
        stuck = tuple(channel for channel in facts.stuck if channel not in explained)
        if stuck:
            yield Finding(
                rule="constant-channels",
                severity="info",
                message=f"{facts.layer}: {counted(len(stuck), 'channel')} of {count(facts.channels)} "
                f"{'has' if len(stuck) == 1 else 'have'} one value everywhere {on_images(len(evidence.images))}.",
                measured=f"no difference between any two positions {on_images(len(evidence.images))}",
                threshold="none is expected",
                why="Such a channel carries no information; it acts as a bias of the next layer.",
                action="See whether what it reads is constant, or its activation cut off.",
                layer=facts.layer,
                channels=stuck,
            )


def rare_channels(evidence: Evidence) -> Iterator[Finding]:
    """Channels that are above zero on hardly any image."""
    for facts in evidence.channels:
        if facts.rare:
            yield Finding(
                rule="rare-channels",
                severity="info",
                message=f"{facts.layer}: {counted(len(facts.rare), 'channel')} of {count(facts.channels)} "
                f"{'is' if len(facts.rare) == 1 else 'are'} nearly dead {on_images(len(evidence.images))}.",
                measured=f"above zero on at most 1% of the images {on_images(len(evidence.images))}",
                threshold="1% of the images",
                why="Either the channel looks for something rare, or it is about to die.",
                action="Look at its top images: if they have something in common, it is the former.",
                layer=facts.layer,
                channels=facts.rare,
            )


def saturated_activations(evidence: Evidence) -> Iterator[Finding]:
    """Sigmoid and tanh layers nearly all of whose values lie at the flat ends."""
    for facts in evidence.channels:
        if facts.saturated is not None and facts.saturated > SATURATED_SHARE:
            yield Finding(
                rule="saturated-activations",
                severity="warning",
                message=f"{facts.layer}: {facts.saturated:.0%} of the {facts.activation} values are saturated "
                f"{on_images(len(evidence.images))}.",
                measured=f"{facts.saturated:.0%} within 1% of an end of the {facts.activation}",
                threshold=f"{SATURATED_SHARE:.0%}",
                why="At the flat ends the gradient vanishes: the layer no longer learns, and tells little apart.",
                action="Check the scale of its input and the preprocessing; normalise before it.",
                layer=facts.layer,
            )


def capture_mismatch(evidence: Evidence) -> Iterator[Finding]:
    """A captured answer that differs from the network's own."""
    difference = evidence.capture_difference
    tolerance = CAPTURE_TOLERANCE_HALF if evidence.network.half_precision else CAPTURE_TOLERANCE
    if difference is not None and not difference <= tolerance:
        yield Finding(
            rule="capture-mismatch",
            severity="error",
            message="The answer captured for this report is not the one the network gives by itself.",
            measured=f"they differ by {difference:.2g} of the answer's size",
            threshold=f"{tolerance:.0e} of the answer's size",
            why="Feature maps and statistics of this report may not be those of the network.",
            action="Look for layers that behave at random in use, or that change state when called.",
        )


def load_notes(evidence: Evidence) -> Iterator[Finding]:
    """What Keras warned of when the network was loaded."""
    for note in evidence.network.notes:
        yield Finding(
            rule="load-warning",
            severity="warning",
            message=f"Keras warned when the network was loaded: {note}",
            measured=note,
            threshold="no warning",
            why="Weights may be missing, or not be those that were saved.",
            action="Compare the answers with those of the program that trained the network.",
        )


def skipped_images(evidence: Evidence) -> Iterator[Finding]:
    """Images that could not be used."""
    if evidence.skipped:
        files = sorted(evidence.skipped)
        yield Finding(
            rule="skipped-images",
            severity="warning",
            message=f"{counted(len(files), 'image')} could not be used: {names(files)}.",
            measured="; ".join(f"{file} {evidence.skipped[file]}" for file in files[:3]),
            threshold="none",
            why="What the report says holds for the other images only.",
            action="Mend or remove them.",
        )
