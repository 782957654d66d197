"""Explanations as they are kept in the cache: maps, what was asked, and what the checks found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.explained import Explained, Explanation, MethodChecked
from reportgen.analysis.attribution.questions import Question
from reportgen.analysis.attribution.results import Curve, Faithfulness
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.attribution_settings import AttributionSettings
from reportgen.files.cache import Cache, Entry, content_key
from reportgen.models import Network
from reportgen.results import FloatArray

# Counted up when the same settings would give other maps than before.
_VERSION = 5

_ARRAYS = ("values", "evidence", "channels")
_CURVES = ("deletion", "insertion", "fair_deletion", "fair_insertion")


def explanation_key(
    network: Network,
    files: Sequence[str],
    pixels: Sequence[FloatArray],
    asked: Sequence[tuple[SettledOutput, Sequence[Sequence[int]]]],
    answered: Sequence[Any],
    methods: Sequence[str],
    settings: AttributionSettings,
    seed: int,
) -> str:
    """Everything an explanation depends on.

    Args:
        files: the images' names: of the images most alike they are said, and other inputs have values for them.
        pixels: of each image.
        asked: the outputs that are explained, with the right classes of each image.
        answered: what the network answered, as measured; it tells of changes in custom layers.
    """
    outputs = [
        [output.index, output.name, output.kind, output.size, output.labels, output.activation, output.channels_first]
        for output, _ in asked
    ]
    return content_key(
        "attribution",
        _VERSION,
        network.content,
        files,
        pixels,
        outputs,
        [right for _, right in asked],
        answered,
        methods,
        settings.model_dump(exclude={"masks"}),  # these are laid over maps that are made
        seed,
    )


def kept_explanation(
    cache: Cache, key: str, make: Callable[[], tuple[list[bool], Explanation]]
) -> tuple[list[bool], Explanation]:
    """The explanation kept under `key`, else what `make` gives, kept for the next run.

    Returns:
        Of each image whether its answer is wrong, and the explanation. The questions of one that was kept are those
        that were asked, in words and numbers: they can be read, not asked again.
    """
    entry = cache.get(key)
    if entry is not None:
        return list(entry.meta["mistaken"]), _explanation_of(entry)
    mistaken, found = make()
    entry = _entry(mistaken, found)
    cache.put(key, entry.arrays, entry.meta)
    return mistaken, found


def _entry(mistaken: Sequence[bool], found: Explanation) -> Entry:
    arrays: dict[str, NDArray[Any]] = {}
    for place, one in enumerate(found.maps):
        held = {name: getattr(one, name) for name in _ARRAYS}
        arrays |= {f"{name} {place}": array for name, array in held.items() if array is not None}
    meta = {
        "mistaken": [bool(one) for one in mistaken],
        "maps": [_plain(one) for one in found.maps],
        "methods": [asdict(one) for one in found.methods],
    }
    return Entry(arrays, meta)


def _plain(one: Explained) -> dict[str, Any]:
    """A map in values JSON knows, without its arrays."""
    question = one.question
    return {
        "image": one.image,
        "question": {
            "output": question.output,
            "kind": question.kind,
            "index": question.index,
            "label": question.label,
            "subject": question.subject,
            "score": question.score,
        },
        "method": one.method,
        "layer": one.layer,
        "positive_evidence": bool(one.positive_evidence),
        "completeness_error": None if one.completeness_error is None else float(one.completeness_error),
        "points": None if one.points is None else int(one.points),
        "faithfulness": None if one.faithfulness is None else asdict(one.faithfulness),
        "agreement": None if one.agreement is None else float(one.agreement),
        "verdict": one.verdict,
    }


def _explanation_of(entry: Entry) -> Explanation:
    maps = tuple(_map_of(plain, place, entry.arrays) for place, plain in enumerate(entry.meta["maps"]))
    return Explanation(maps, tuple(MethodChecked(**plain) for plain in entry.meta["methods"]))


def _map_of(plain: Mapping[str, Any], place: int, arrays: Mapping[str, NDArray[np.float32]]) -> Explained:
    values = {
        **plain,
        "question": Question(**plain["question"], build=_cannot_be_asked),
        "faithfulness": None if plain["faithfulness"] is None else _faithfulness_of(plain["faithfulness"]),
        **{name: arrays.get(f"{name} {place}") for name in _ARRAYS},
    }
    return Explained(**values)


def _faithfulness_of(plain: Mapping[str, Any]) -> Faithfulness:
    curves = {name: None if plain[name] is None else Curve(**plain[name]) for name in _CURVES}
    return Faithfulness(**{**plain, **curves})


def _cannot_be_asked() -> NoReturn:
    raise LookupError("expected a question of this run, got one of an explanation that was kept; ask it anew")
