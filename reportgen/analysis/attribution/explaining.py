"""Maps of all methods asked for, of all images and questions, with the checks of some: what a report shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from reportgen.analysis.attribution.attention import NoAttentionError
from reportgen.analysis.attribution.checking import Checker, with_agreement
from reportgen.analysis.attribution.explained import Explained, Explanation, MethodChecked
from reportgen.analysis.attribution.layers import cam_layers
from reportgen.analysis.attribution.making import make_maps
from reportgen.analysis.attribution.planning import Plan
from reportgen.analysis.attribution.questions import Question
from reportgen.analysis.attribution.results import Method
from reportgen.analysis.attribution.tracing import TracedCall
from reportgen.attribution_settings import AttributionSettings
from reportgen.models import Network
from reportgen.results import FloatArray, NetworkSummary

# Images whose maps are made at a time: the directions of a question about a map are as large as the map.
_CHUNK = 16

# Where Grad-CAM finds nothing in so many images, its channels' mean gradients say nothing: behind the layer, places
# are read with weights of their own, as by a Flatten. LayerCAM takes the gradient at each place.
_MOSTLY = 0.5


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
        traced: of all images where other inputs get a value for each (`TracedCall.of_images`).
        pixels: of each image, `(height, width, channels)` of 0..255, all of one size.
        advance: hears of each method when it is done.
    """
    found: list[Explained] = []
    methods: list[MethodChecked] = []
    checker = Checker(traced, pixels, asked, plan)
    waiting: dict[Method, tuple[int, ...]] = dict(plan.methods)
    while waiting:
        method, places = next(iter(waiting.items()))
        del waiting[method]
        try:
            made = [one for chunk in _chunks(places) for one in make_maps(method, traced, pixels, asked, chunk, plan)]
        except NoAttentionError:
            made = []  # a layer is called attention, but no token of it looks at the others
        for layer in dict.fromkeys(one.layer for one in made):
            maps = [one for one in made if one.layer == layer]
            methods.append(checker.check_method(maps))
            found += [checker.check_map(one, methods[-1].randomization) for one in maps]
        if method == "grad-cam" and plan.finer and _is_mostly_empty(made):
            waiting = {"layer-cam": places, **waiting}
        advance(method)
    return Explanation(tuple(with_agreement(found)), tuple(methods))


def _is_mostly_empty(made: Sequence[Explained]) -> bool:
    return sum(not one.positive_evidence for one in made) > _MOSTLY * len(made)


def _chunks(places: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(places), _CHUNK):
        yield places[start : start + _CHUNK]
