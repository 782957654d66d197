"""The checks of many maps: how alike they are to maps of shuffled weights, whether the answer follows, what agrees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from reportgen.analysis.attribution.checks import agreement, is_flat, verdict
from reportgen.analysis.attribution.curves import Disturbed, check_faithfulness
from reportgen.analysis.attribution.explained import Explained, MethodChecked
from reportgen.analysis.attribution.making import run_method, together
from reportgen.analysis.attribution.planning import Plan
from reportgen.analysis.attribution.questions import Question
from reportgen.analysis.attribution.randomization import correlation, randomize
from reportgen.analysis.attribution.tracing import TracedCall
from reportgen.results import FloatArray

# Integrated gradients are compared with those of random weights on fewer points and images than they are shown with:
# by 4 points the correlation of eight maps of two ImageNet networks was within 0.05 of what it was by 30.
_RANDOMIZED_POINTS, _RANDOMIZED_IMAGES = 4, 2

# Shuffled weights may leave a small network dead: its maps say the same of every place, and nothing is like them. So
# often it is shuffled anew for maps that say anything.
_SHUFFLES = 4


@dataclass(eq=False)
class Checker:
    """Checks maps of the images of `pixels`, `(height, width, channels)` of 0..255 each, of which `asked` was asked."""

    traced: TracedCall
    pixels: Sequence[FloatArray]
    asked: Sequence[Sequence[Question]]
    plan: Plan
    _disturbed: dict[int, Disturbed] = field(default_factory=dict)
    _calls: dict[int, TracedCall] = field(default_factory=dict)

    def _shuffled(self, time: int) -> TracedCall:
        """The call with all weights shuffled; the way there from the top down is for those who measure methods."""
        if time not in self._calls:
            seed = self.plan.seed + time
            self._calls[time] = randomize(self.traced, self.pixels[0].shape, 1.0, seed)
        return self._calls[time]

    def check_method(self, own: Sequence[Explained]) -> MethodChecked:
        """Rank correlation of a method's maps on one layer with those of shuffled weights, of each image the first.

        Of occlusion it is not measured: it costs hundreds of passes an image.

        Args:
            own: the maps, at least one.
        """
        method, layer, plan = own[0].method, own[0].layer, self.plan
        # Maps without evidence are alike whatever the weights are.
        first = {one.image: one for one in reversed(own) if one.positive_evidence}
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
        for time in range(_SHUFFLES):
            call = self._shuffled(time).at(places)
            others = list(run_method(method, call, images, targets, few, plan.grid)[layer or ""].maps[0])
            if not all(is_flat(other) for other in others):
                break
        return MethodChecked(method, layer, correlation([one.values for one in chosen], others), len(places))

    def check_map(self, one: Explained, randomization: float | None) -> Explained:
        """A map with its curves and verdict, where it is to be checked; without evidence it explains nothing anyway."""
        if not one.positive_evidence:
            return replace(one, verdict="explains nothing")
        if one.image not in self.plan.checked or not _is_checked(one.question):
            return one
        traced, image = self.traced.at([one.image]), self.pixels[one.image].astype(np.float32)
        if one.image not in self._disturbed:
            targets = [question.target for question in self.asked[one.image] if _is_checked(question)]
            self._disturbed[one.image] = Disturbed(traced, image, targets, self.plan.seed)
        curves = check_faithfulness(
            traced,
            image,
            one.question.target,
            one.values,
            seed=self.plan.seed,
            disturbed=self._disturbed[one.image],
        )
        return replace(
            one, faithfulness=curves, verdict=verdict(one.values, curves, randomization, one.completeness_error)
        )


def _is_checked(question: Question) -> bool:
    return question.kind != "runner-up"


def with_agreement(found: Sequence[Explained]) -> Iterator[Explained]:
    """Each map with its rank correlation with the first one another method made for the same question."""
    alike: dict[int, list[Explained]] = {}
    for one in found:
        alike.setdefault(id(one.question), []).append(one)
    for one in found:
        other = next((each for each in alike[id(one.question)] if each.method != one.method), None)
        both = other is not None and one.positive_evidence and other.positive_evidence
        yield replace(one, agreement=agreement(one.values, other.values)) if both and other is not None else one
