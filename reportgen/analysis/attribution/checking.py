"""The checks of many maps: how alike they are to maps of shuffled weights, whether the answer follows, what agrees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.checks import agreement, verdict
from reportgen.analysis.attribution.curves import blur, check_faithfulness
from reportgen.analysis.attribution.explained import Explained, MethodChecked
from reportgen.analysis.attribution.making import run_method, together
from reportgen.analysis.attribution.planning import Plan
from reportgen.analysis.attribution.randomization import measure_randomization
from reportgen.analysis.attribution.results import AttributionMaps
from reportgen.analysis.attribution.tracing import TracedCall
from reportgen.results import FloatArray

# Integrated gradients are compared with those of random weights on fewer points and images than they are shown with:
# how alike two maps are does not hang on the third digit.
_RANDOMIZED_POINTS, _RANDOMIZED_IMAGES = 10, 2

# A map is compared with that of all weights shuffled alone; the way there is for those who measure methods.
_RANDOMIZED_SHARES = (1.0,)


@dataclass(eq=False)
class Checker:
    """Checks maps of the images of `pixels`, `(height, width, channels)` of 0..255 each."""

    traced: TracedCall
    pixels: Sequence[FloatArray]
    plan: Plan
    _blurred: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def check_method(self, own: Sequence[Explained]) -> MethodChecked:
        """Rank correlation of a method's maps on one layer with those of shuffled weights, first questions alone.

        Of occlusion it is not measured: it costs hundreds of passes an image.

        Args:
            own: the maps, at least one.
        """
        method, layer, plan = own[0].method, own[0].layer, self.plan
        first = {one.image: one for one in reversed(own)}
        most = _RANDOMIZED_IMAGES if method == "integrated-gradients" else len(plan.checked)
        chosen = [first[place] for place in plan.checked if place in first][:most]
        forms = {one.question.target.form for one in chosen}
        if len(forms) != 1 or method == "occlusion":
            return MethodChecked(method, layer, None, 0)
        places = [one.image for one in chosen]
        images = np.stack([self.pixels[place] for place in places])
        target = together([one.question.target for one in chosen])
        few = plan.settings.model_copy(update={"points": _RANDOMIZED_POINTS, "most_points": 0})

        # As many targets as the maps were made of go through what was compiled for them.
        targets = [target] * max(Counter(one.image for one in own).values())

        def make(call: TracedCall) -> AttributionMaps:
            made = run_method(method, call, images, targets, few, plan.grid)[layer or ""]
            return replace(made, maps=made.maps[:1])

        measured = measure_randomization(
            self.traced.at(places),
            images.shape[1:],
            make,
            shares=_RANDOMIZED_SHARES,
            seed=plan.seed,
            maps=np.stack([one.values for one in chosen])[None],
        )
        return MethodChecked(method, layer, measured.correlation, len(places))

    def check_map(self, one: Explained, randomization: float | None) -> Explained:
        """A map with its curves and verdict, where it is to be checked; without evidence it explains nothing anyway."""
        if not one.positive_evidence:
            return replace(one, verdict="explains nothing")
        if one.image not in self.plan.checked or one.question.kind == "runner-up":
            return one
        image = self.pixels[one.image].astype(np.float32)
        if one.image not in self._blurred:
            self._blurred[one.image] = blur(image)
        curves = check_faithfulness(
            self.traced.at([one.image]),
            image,
            one.question.target,
            one.values,
            grain=one.grain,
            seed=self.plan.seed,
            blurred=self._blurred[one.image],
        )
        return replace(
            one, faithfulness=curves, verdict=verdict(one.values, curves, randomization, one.completeness_error)
        )


def with_agreement(found: Sequence[Explained]) -> Iterator[Explained]:
    """Each map with its rank correlation with the first one another method made for the same question."""
    alike: dict[int, list[Explained]] = {}
    for one in found:
        alike.setdefault(id(one.question), []).append(one)
    for one in found:
        other = next((each for each in alike[id(one.question)] if each.method != one.method), None)
        both = other is not None and one.positive_evidence and other.positive_evidence
        yield replace(one, agreement=agreement(one.values, other.values)) if both and other is not None else one
