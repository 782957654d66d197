"""Which methods explain which images by themselves, and which of the maps are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from reportgen.analysis.attribution.layers import cam_layers
from reportgen.analysis.attribution.results import Method
from reportgen.analysis.attribution.tracing import Grid
from reportgen.attribution_settings import AttributionSettings, MethodWord
from reportgen.results import NetworkSummary
from reportgen.sampling import sample_evenly

CAMS = ("grad-cam", "layer-cam")

# Multiply-accumulates that the points of integrated gradients may take where nobody asked for the method: of networks
# up to the size of a ResNet-50 there is room for more points than the first 50, of a VGG16 there is not.
ROOM = 400e9


@dataclass(frozen=True)
class Plan:
    """Which methods run on which of the images.

    `methods` have the places of their images each, `checked` are the places of the images whose maps are checked;
    `grid` is that of the tokens, for attention rollout. `finer` says that LayerCAM follows where Grad-CAM finds nothing
    in most images.
    """

    methods: Mapping[Method, tuple[int, ...]]
    checked: tuple[int, ...]
    settings: AttributionSettings
    grid: Grid | None = None
    finer: bool = False
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
        words: methods, or `auto` alone: Grad-CAM of all images, LayerCAM where that finds nothing in most of them,
            attention rollout where tokens attend to each other, and integrated gradients of a few images; of all where
            the network has no map for the former.
        mistaken: of each image, whether the answer is known to be wrong.
    """
    layers = cam_layers(summary)[: settings.blocks]
    # Before the first layer of attention a class token may not have been put before the others yet.
    attending = {layer.token_grid for layer in summary.layers if "Attention" in layer.type and layer.token_grid}
    # Attention between tokens of several grids cannot be multiplied.
    attends = len(attending) == 1
    every = tuple(range(len(mistaken)))
    methods: dict[Method, tuple[int, ...]] = {}
    if tuple(words) == ("auto",):
        if layers:
            methods["grad-cam"] = every
        if attends:
            methods["attention-rollout"] = every
        methods["integrated-gradients"] = few_of(mistaken, settings.costly_images) if layers else every
        if summary.mac_count:
            most = max(settings.points, min(settings.most_points, int(ROOM // summary.mac_count)))
            settings = settings.model_copy(update={"most_points": most})
    else:
        for method in get_args(Method):
            possible = (method not in CAMS or layers) and (method != "attention-rollout" or attends)
            if method in words and possible:
                methods[method] = every
    return Plan(
        methods={method: places for method, places in methods.items() if places},
        checked=few_of(mistaken, settings.checked_images),
        settings=settings,
        grid=next(iter(attending)) if attends else None,
        finer=tuple(words) == ("auto",),
        seed=seed,
    )


def few_of(mistaken: Sequence[bool], count: int) -> tuple[int, ...]:
    """The places of at most `count` images, mistakes first, the others spread evenly, in their order.

    >>> few_of([False, False, True, False, False], 3)
    (0, 2, 3)
    """
    wrong = [place for place, is_wrong in enumerate(mistaken) if is_wrong][:count]
    others = [place for place, is_wrong in enumerate(mistaken) if not is_wrong]
    return tuple(sorted([*wrong, *sample_evenly(others, count - len(wrong))]))
