"""Which layer of one network is which of another, and what changed in it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeVar

from reportgen.finished.comparison_facts import Change, Fact, change_of, fact
from reportgen.record import Layer
from reportgen.similarity import relative_change

Key = TypeVar("Key", bound=Hashable)

# Weights that were saved and loaded are equal; of sketches, five digits are kept.
_WEIGHTS_TOLERANCE = 1e-5


@dataclass(frozen=True)
class LayerComparison:
    """A layer as both reports have it (None: it is missing there) and the facts that differ.

    `name` is that of A, or of B where A has none. `weights_moved` and `activations_moved` are the norm of the
    difference over that of A, of all weights and of the channels' means on the images; `alike` is the linear CKA of
    what both give for the same images. None where that is not known.
    """

    name: str
    first: Layer | None
    second: Layer | None
    change: Change
    facts: tuple[Fact, ...]
    weights_moved: float | None = None
    activations_moved: float | None = None
    alike: float | None = None
    rebuilt: bool = False  # its type, shape, settings or what it reads changed, not its weights alone

    @property
    def names(self) -> tuple[str | None, str | None]:
        """What each report calls it."""
        first, second = (None if layer is None else layer.name for layer in (self.first, self.second))
        return first, second


def compare_layers(first: Sequence[Layer], second: Sequence[Layer]) -> tuple[LayerComparison, ...]:
    """All layers in the order of A, those only B has after the one they follow there."""
    matched = match_layers(first, second)
    places = {other: place for place, other in matched.items()}
    names = {second[other].name: first[place].name for place, other in matched.items()}
    order = _merged(
        [("A", place) for place in range(len(first))],
        [("A", places[other]) if other in places else ("B", other) for other in range(len(second))],
    )
    found = []
    for side, place in order:
        one = first[place] if side == "A" else None
        two = second[place] if side == "B" else second[matched[place]] if place in matched else None
        found.append(_compare(one, two, names))
    return tuple(found)


def match_layers(first: Sequence[Layer], second: Sequence[Layer]) -> dict[int, int]:
    """Which layer of `second` each layer of `first` is, by their places.

    Layers of the same name and the same type or shape are the same; of the others, those that come in the same order
    and are of the same type and size, then those of the same type that stand between the same layers.
    """
    by_name = {layer.name: place for place, layer in enumerate(second)}
    matched: dict[int, int] = {}
    for place, layer in enumerate(first):
        other = by_name.get(layer.name)
        if other is not None and _is_one(layer, second[other]):
            matched[place] = other
    for signature in (_size, _type):
        matched |= _in_order(first, second, matched, signature)
    return matched


def _is_one(first: Layer, second: Layer) -> bool:
    return first.type == second.type or (first.output_shape is not None and first.output_shape == second.output_shape)


def _size(layer: Layer) -> Hashable:
    return layer.type, str(layer.output_shape), layer.parameter_count


def _type(layer: Layer) -> Hashable:
    return layer.type


def _in_order(
    first: Sequence[Layer], second: Sequence[Layer], matched: dict[int, int], signature: Callable[[Layer], Hashable]
) -> dict[int, int]:
    """Further matches among layers without one: the longest runs that agree in `signature`, between matched ones."""
    taken = set(matched.values())
    found: dict[int, int] = {}
    for ones, twos in _gaps(len(first), len(second), matched, taken):
        blocks = SequenceMatcher(
            None, [signature(first[one]) for one in ones], [signature(second[two]) for two in twos], autojunk=False
        ).get_matching_blocks()
        for block in blocks:
            found |= dict(zip(ones[block.a : block.a + block.size], twos[block.b : block.b + block.size], strict=True))
    return found


def _gaps(first: int, second: int, matched: dict[int, int], taken: set[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Places without a match, between the same two matches on both sides; those that cross others are no bounds."""
    last_one, last_two = -1, -1
    for one, two in [*sorted(matched.items()), (first, second)]:
        if two > last_two and all(other > two for place, other in matched.items() if place > one and two < second):
            yield (
                [place for place in range(last_one + 1, one) if place not in matched],
                [place for place in range(last_two + 1, two) if place not in taken],
            )
            last_one, last_two = one, two


def _merged(first: Sequence[Key], second: Iterable[Key]) -> list[Key]:
    """All keys, in the order of the first, those only the second has after the one they follow there."""
    merged = list(first)
    known = set(merged)
    place = 0
    for key in second:
        if key in known:
            place = merged.index(key) + 1
        else:
            merged.insert(place, key)
            known.add(key)
            place += 1
    return merged


def _compare(first: Layer | None, second: Layer | None, names: dict[str, str]) -> LayerComparison:
    """A layer of both, or of one; `names` are A's names of B's layers."""
    if first is None or second is None:
        there = first or second
        return LayerComparison(
            there.name if there is not None else "", first, second, change_of(first and 1, second and 1), ()
        )
    built = [one for one in _construction(first, second, names) if one.change != "same"]
    measured = [one for one in _measurements(first, second) if one.change != "same"]
    weights = _weights_moved(first, second)
    moved = weights is not None and weights > _WEIGHTS_TOLERANCE
    return LayerComparison(
        name=first.name,
        first=first,
        second=second,
        change="changed" if built or measured or moved else "same",
        facts=(*built, *measured),
        weights_moved=weights,
        activations_moved=_activations_moved(first, second),
        rebuilt=bool(built),
    )


def _construction(first: Layer, second: Layer, names: dict[str, str]) -> Iterator[Fact]:
    """How the layer is built and where it stands."""
    yield fact("type", first.type, second.type)
    yield fact("output shape", first.output_shape, second.output_shape)
    yield fact("parameters", first.parameter_count, second.parameter_count)
    yield fact("multiply-accumulates", first.mac_count, second.mac_count)
    kernels = _kernel_shapes(first, second)
    if kernels is not None and first.parameter_count == second.parameter_count:  # else that it differs needs no saying
        yield fact("kernel", *kernels)
    for name in dict.fromkeys((*first.details, *second.details)):
        yield fact(name, first.details.get(name), second.details.get(name))
    yield fact("reads", ", ".join(first.inputs), ", ".join(names.get(name, name) for name in second.inputs))


def _measurements(first: Layer, second: Layer) -> Iterator[Fact]:
    """What was measured of its weights and on the images."""
    if first.sketch and second.sketch:
        # How far weights moved from nothing but zeros cannot be said as a share of these.
        yield fact("all weights are zero", *("no" if any(layer.sketch or ()) else "yes" for layer in (first, second)))
    one, two = first.weights, second.weights
    if one is not None and two is not None:
        yield fact("weight mean", one.mean, two.mean)
        yield fact("weight standard deviation", one.std, two.std)
        yield fact("zero weights", one.zero_fraction, two.zero_fraction)
        yield fact("zero filters", len(one.dead_filters), len(two.dead_filters))
    before, after = first.activations, second.activations
    if before is not None and after is not None:
        yield fact("activation maximum", before.max, after.max)
        yield fact("activation mean", before.mean, after.mean)
        yield fact("zero activations", before.zero_fraction, after.zero_fraction)
        yield fact("dead channels", len(before.dead_channels), len(after.dead_channels))


def _weights_moved(first: Layer, second: Layer) -> float | None:
    """None for weights of other shapes: their sketches are of one size, and yet have nothing to do with each other."""
    kernels = _kernel_shapes(first, second)
    if (kernels is not None and kernels[0] != kernels[1]) or first.parameter_count != second.parameter_count:
        return None
    return relative_change(first.sketch, second.sketch)


def _kernel_shapes(first: Layer, second: Layer) -> tuple[list[int], list[int]] | None:
    """Both, where both reports have them: those of earlier versions do not have all that those of today have."""
    if first.weights is None or second.weights is None:
        return None
    return first.weights.kernel_shape, second.weights.kernel_shape


def _activations_moved(first: Layer, second: Layer) -> float | None:
    one, two = first.activations, second.activations
    if one is None or two is None or one.columns is None or two.columns is None:
        return None
    return relative_change(one.columns.mean, two.columns.mean)
