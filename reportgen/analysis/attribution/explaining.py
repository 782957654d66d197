"""Maps of all methods asked for, of all images and questions, with the checks of some: what a report shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.attention import attention_rollout
from reportgen.analysis.attribution.cams import grad_cam, layer_cam
from reportgen.analysis.attribution.checks import agreement, verdict
from reportgen.analysis.attribution.curves import check_faithfulness
from reportgen.analysis.attribution.integrated_gradients import integrated_gradients
from reportgen.analysis.attribution.layers import cam_layers
from reportgen.analysis.attribution.occlusion import occlusion
from reportgen.analysis.attribution.questions import Question
from reportgen.analysis.attribution.randomization import measure_randomization
from reportgen.analysis.attribution.results import AttributionMaps, Faithfulness, Method, Verdict
from reportgen.analysis.attribution.targets import Target
from reportgen.analysis.attribution.tracing import Grid, TracedCall
from reportgen.attribution_settings import AttributionSettings, MethodWord
from reportgen.models import Network
from reportgen.results import FloatArray, NetworkSummary

# Images whose maps are made at a time: the directions of a question about a map are as large as the map.
_CHUNK = 16

# Integrated gradients are compared with those of random weights on fewer points and images than they are shown with:
# how alike two maps are does not hang on the third digit.
_RANDOMIZED_POINTS, _RANDOMIZED_IMAGES = 16, 2

# A map is compared with that of all weights shuffled alone; the way there is for those who measure methods.
_RANDOMIZED_SHARES = (1.0,)

CAMS = ("grad-cam", "layer-cam")


@dataclass(frozen=True, eq=False)
class Explained:
    """A map of one image for one question.

    `values` are `(rows, columns)` float32, see `AttributionMaps`; checks that were not made are None, as is `verdict`
    then. `image` is the place among the images given. `channels` `(channels,)` is what each channel of a CAM's layer
    adds to what is explained.
    """

    image: int
    question: Question
    method: Method
    layer: str | None
    values: NDArray[np.float32]
    positive_evidence: bool
    completeness_error: float | None = None
    points: int | None = None
    grain: int = 1
    channels: NDArray[np.float32] | None = None
    faithfulness: Faithfulness | None = None
    agreement: float | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True)
class MethodChecked:
    """A method on a layer: `randomization` is its rank correlation with maps of shuffled weights, on `images`."""

    method: Method
    layer: str | None
    randomization: float | None
    images: int


@dataclass(frozen=True, eq=False)
class Explanation:
    """All maps, method by method and image by image, and what was found of each method."""

    maps: tuple[Explained, ...]
    methods: tuple[MethodChecked, ...]


@dataclass(frozen=True)
class Plan:
    """Which methods run on which of the images.

    `methods` have the places of their images each, `checked` are the places of the images whose maps are checked;
    `grid` is that of the tokens, for attention rollout.
    """

    methods: Mapping[Method, tuple[int, ...]]
    checked: tuple[int, ...]
    settings: AttributionSettings
    grid: Grid | None = None
    seed: int = 0


def make_plan(
    summary: NetworkSummary,
    words: Sequence[MethodWord],
    settings: AttributionSettings,
    mistaken: Sequence[bool],
    *,
    seed: int = 0,
) -> Plan:
    """Decide on methods, layers, and the few images of what costs much: mistakes first, the others spread evenly.

    Args:
        words: methods, or `auto` alone: Grad-CAM of all images, attention rollout where tokens attend to each other,
            and integrated gradients of a few images; of all where the network has no map for the former.
        mistaken: of each image, whether the answer is known to be wrong.
    """
    layers = cam_layers(summary)[: settings.blocks]
    # Before the first layer of attention a class token may not have been put before the others yet.
    attending = [layer.token_grid for layer in summary.layers if "Attention" in layer.type and layer.token_grid]
    attends = bool(attending)
    every = tuple(range(len(mistaken)))
    methods: dict[Method, tuple[int, ...]] = {}
    if tuple(words) == ("auto",):
        if layers:
            methods["grad-cam"] = every
        if attends:
            methods["attention-rollout"] = every
        methods["integrated-gradients"] = few_of(mistaken, settings.costly_images) if layers else every
    else:
        for method in get_args(Method):
            possible = (method not in CAMS or layers) and (method != "attention-rollout" or attends)
            if method in words and possible:
                methods[method] = every
    return Plan(
        methods={method: places for method, places in methods.items() if places},
        checked=few_of(mistaken, settings.checked_images),
        settings=settings,
        grid=attending[0] if attends else None,
        seed=seed,
    )


def few_of(mistaken: Sequence[bool], count: int) -> tuple[int, ...]:
    """The places of at most `count` images, mistakes first, the others spread evenly, in their order.

    >>> few_of([False, False, True, False, False], 3)
    (0, 2, 3)
    """
    wrong = [place for place, is_wrong in enumerate(mistaken) if is_wrong][:count]
    others = [place for place, is_wrong in enumerate(mistaken) if not is_wrong]
    room = min(count - len(wrong), len(others))
    spread = [others[index * len(others) // room] for index in range(room)]
    return tuple(sorted([*wrong, *spread]))


def trace_network(network: Network, summary: NetworkSummary, settings: AttributionSettings) -> TracedCall:
    """The one call that all methods read: the last maps of as many blocks as `settings` says."""
    grids = {layer.name: layer.token_grid for layer in summary.layers if layer.token_grid is not None}
    return TracedCall(network, cam_layers(summary)[: settings.blocks], grids=grids)


def explain(
    traced: TracedCall,
    pixels: Sequence[FloatArray],
    asked: Sequence[Sequence[Question]],
    plan: Plan,
    advance: Callable[[str], None] = lambda _what: None,
) -> Explanation:
    """Answer the questions `asked` about each image by the methods of `plan`, and check what it says to check.

    Args:
        pixels: of each image, `(height, width, channels)` of 0..255, all of one size.
        advance: hears of each method when it is done.
    """
    found: list[Explained] = []
    methods: list[MethodChecked] = []
    for method, places in plan.methods.items():
        made = [one for chunk in _chunks(places) for one in _made(method, traced, pixels, asked, chunk, plan)]
        for layer in dict.fromkeys(one.layer for one in made):
            own = [one for one in made if one.layer == layer]
            randomization, count = _randomization(method, layer, traced, pixels, asked, plan, own)
            found += [_checked(one, traced, pixels, plan, randomization) for one in own]
            methods.append(MethodChecked(method, layer, randomization, count))
        advance(method)
    return Explanation(tuple(_with_agreement(found)), tuple(methods))


def _chunks(places: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(places), _CHUNK):
        yield places[start : start + _CHUNK]


# --- making ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Batch:
    """Rows of images and the targets asked of all of them; of `asked` `[target][row]` None is of no interest."""

    places: tuple[int, ...]
    targets: list[Target]
    asked: list[list[Question | None]]


def _made(
    method: Method,
    traced: TracedCall,
    pixels: Sequence[FloatArray],
    asked: Sequence[Sequence[Question]],
    places: Sequence[int],
    plan: Plan,
) -> list[Explained]:
    """The maps of one method for the questions about images at `places`."""
    made: list[Explained] = []
    for batch in _batches(method, asked, places):
        images = np.stack([pixels[place] for place in batch.places])
        for maps in _run(method, traced, images, batch.targets, plan.settings, plan.grid).values():
            made += _unpacked(maps, batch)
    return made


def _batches(method: Method, asked: Sequence[Sequence[Question]], places: Sequence[int]) -> list[_Batch]:
    """What goes through the network together.

    Further targets of an image share its forward pass. Integrated gradients go through the whole network for each, so
    that an image with two questions counts as two; only the first one and the right class are asked about.
    """
    if method == "attention-rollout":
        told = [place for place in places if asked[place]]
        return [_Batch(tuple(told), [], [[asked[place][0] for place in told]])] if told else []
    if method == "integrated-gradients":
        return _by_question(asked, places)
    return _by_image(asked, places)


def _by_question(asked: Sequence[Sequence[Question]], places: Sequence[int]) -> list[_Batch]:
    rows: dict[tuple[object, float], list[tuple[int, Question]]] = {}
    for place in places:
        first = {question.output: question for question in reversed(asked[place])}
        for question in asked[place]:
            if question.kind == "truth" or question is first[question.output]:
                rows.setdefault((question.target.form, question.target.offset), []).append((place, question))
    return [
        _Batch(
            tuple(place for place, _ in own),
            [_together([question.target for _, question in own])],
            [[question for _, question in own]],
        )
        for own in rows.values()
    ]


def _by_image(asked: Sequence[Sequence[Question]], places: Sequence[int]) -> list[_Batch]:
    slots: dict[tuple[object, float, int], dict[int, Question]] = {}
    for place in places:
        counts: dict[tuple[object, float], int] = {}
        for question in asked[place]:
            key = question.target.form, question.target.offset
            counts[key] = counts.get(key, -1) + 1
            slots.setdefault((*key, counts[key]), {})[place] = question
    if not slots:
        return []
    targets, rows = [], []
    for own in slots.values():
        nothing = replace(next(iter(own.values())).target, directions=_zeros(next(iter(own.values())).target))
        targets.append(_together([own[place].target if place in own else nothing for place in places]))
        rows.append([own.get(place) for place in places])
    return [_Batch(tuple(places), targets, rows)]


def _zeros(target: Target) -> NDArray[np.float32]:
    return np.zeros_like(target.directions)


def _together(targets: Sequence[Target]) -> Target:
    return replace(targets[0], directions=np.concatenate([target.directions for target in targets]))


def _run(
    method: Method,
    traced: TracedCall,
    pixels: FloatArray,
    targets: Sequence[Target],
    settings: AttributionSettings,
    grid: Grid | None,
) -> dict[str, AttributionMaps]:
    """The maps of one method, by layer; "" where it reads none."""
    if method == "grad-cam":
        return grad_cam(traced, pixels, targets)
    if method == "layer-cam":
        return layer_cam(traced, pixels, targets)
    if method == "occlusion":
        return {"": occlusion(traced, pixels, targets, window=settings.window, grey=settings.grey)}
    if method == "attention-rollout" and grid is not None:
        return {"": attention_rollout(traced, pixels, grid)}
    return {
        "": integrated_gradients(
            traced,
            pixels,
            targets,
            baseline=settings.baseline,
            points=settings.points,
            most_points=settings.most_points,
        )
    }


def _unpacked(maps: AttributionMaps, batch: _Batch) -> Iterator[Explained]:
    """The maps of a batch image by image."""
    for row, place in enumerate(batch.places):
        for slot, questions in enumerate(batch.asked):
            question = questions[row]
            if question is not None:
                error = maps.completeness_error
                yield Explained(
                    image=place,
                    question=question,
                    method=maps.method,
                    layer=maps.layer,
                    values=maps.maps[slot, row],
                    positive_evidence=bool(maps.positive_evidence[slot, row]),
                    completeness_error=None if error is None else float(error[slot, row]),
                    points=None if maps.points is None else int(maps.points[row]),
                    grain=maps.grain,
                    channels=None if maps.channels is None else maps.channels[slot, row],
                )


# --- checking -------------------------------------------------------------------------------------


def _randomization(
    method: Method,
    layer: str | None,
    traced: TracedCall,
    pixels: Sequence[FloatArray],
    asked: Sequence[Sequence[Question]],
    plan: Plan,
    made: Sequence[Explained],
) -> tuple[float | None, int]:
    """Rank correlation of first questions' maps with those of shuffled weights, and of how many images.

    Of occlusion it is not measured: it costs hundreds of passes an image.
    """
    places = [place for place in plan.checked if any(one.image == place for one in made)]
    if method == "integrated-gradients":
        places = places[:_RANDOMIZED_IMAGES]
    if not places or method == "occlusion":
        return None, 0
    few = plan.settings.model_copy(update={"points": _RANDOMIZED_POINTS, "most_points": _RANDOMIZED_POINTS})
    images = np.stack([pixels[place] for place in places])
    forms = [asked[place][0].target for place in places]
    if len({(target.form, target.offset) for target in forms}) > 1:
        return None, 0
    target = _together(forms)

    def make(call: TracedCall) -> AttributionMaps:
        return _run(method, call, images, [target], few, plan.grid)[layer or ""]

    measured = measure_randomization(traced, images.shape[1:], make, shares=_RANDOMIZED_SHARES, seed=plan.seed)
    return measured.correlation, len(places)


def _checked(
    one: Explained, traced: TracedCall, pixels: Sequence[FloatArray], plan: Plan, randomization: float | None
) -> Explained:
    """A map with its curves and verdict, where it is to be checked; one without evidence explains nothing anyway."""
    if not one.positive_evidence:
        return replace(one, verdict="explains nothing")
    if one.image not in plan.checked or one.question.kind == "runner-up":
        return one
    curves = check_faithfulness(
        traced, pixels[one.image], one.question.target, one.values, grain=one.grain, seed=plan.seed
    )
    said = verdict(one.values, curves, randomization, one.completeness_error)
    return replace(one, faithfulness=curves, verdict=said)


def _with_agreement(found: Sequence[Explained]) -> Iterator[Explained]:
    """Each map with its rank correlation with the first one another method made for the same question."""
    alike: dict[int, list[Explained]] = {}
    for one in found:
        alike.setdefault(id(one.question), []).append(one)
    for one in found:
        other = next((each for each in alike[id(one.question)] if each.method != one.method), None)
        both = other is not None and one.positive_evidence and other.positive_evidence
        yield replace(one, agreement=agreement(one.values, other.values)) if both and other is not None else one
