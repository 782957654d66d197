"""Pictures of what excites the channels of a network's layers and the classes of its answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.maximization import objectives
from reportgen.analysis.maximization.ascent import Climb, Climber, climb, make_climber, random_transform
from reportgen.analysis.maximization.judging import (
    RANKS_OK,
    Status,
    judge,
    logit_function,
    rank_of,
    response_function,
)
from reportgen.analysis.maximization.parameterizations import (
    Parameterization,
    colour_matrix,
    fourier,
    pixel_grid,
)
from reportgen.analysis.maximization.presets import Preset
from reportgen.analysis.maximization.scheduling import (
    Clock,
    Job,
    batches,
    expense_of,
    said_duration,
    schedule,
)
from reportgen.analysis.network.capture import trace_network
from reportgen.analysis.network.travelling import NetworkTask
from reportgen.config import Config
from reportgen.engines import Advance, Outcome, open_engine
from reportgen.errors import ReportgenError
from reportgen.files.cache import Cache, Entry, content_key
from reportgen.models import Network
from reportgen.results import ByteArray, FloatArray, LeftOut, MaximizedChannel, NetworkSummary

Progress = Callable[[float, float, str], None]

# Counted up when the same settings would give other pictures than before.
_VERSION = 1

# The layer of a class's picture is the network's answer, which has no channels of its own.
_ANSWER = ""

# Objectives are told at no more steps than a chart can show.
_CURVE_POINTS = 64


@dataclass(frozen=True)
class _Item:
    """One picture to be made."""

    channel: int
    seed: int
    again: bool


@dataclass(frozen=True, eq=False)
class _Outcome:
    """One picture made, as it is kept in the cache: nothing in it is a judgement."""

    pixels: ByteArray
    responses: FloatArray
    scores: FloatArray
    steps: int
    flat: bool
    attempts: int
    against_rivals: bool

    def entry(self) -> Entry:
        arrays: dict[str, NDArray[Any]] = {"pixels": self.pixels, "responses": self.responses, "scores": self.scores}
        meta = {
            "steps": self.steps,
            "flat": self.flat,
            "attempts": self.attempts,
            "against_rivals": self.against_rivals,
        }
        return Entry(arrays, meta)

    @classmethod
    def of_entry(cls, entry: Entry) -> _Outcome:
        values: dict[str, Any] = {**entry.arrays, **entry.meta}
        return cls(**values)


class LayerAscents:
    """All ascents of one layer (or, for layer `""`, of the classes of the answer) on one canvas.

    Args:
        colour: from decorrelated to shown colours; None where channels are no colours.
        dataset_max: `(channels,)` of the layer, None if unknown.
    """

    def __init__(
        self,
        network: Network,
        layer: str,
        canvas: tuple[int, int],
        preset: Preset,
        colour: FloatArray | None,
        dataset_max: FloatArray | None,
    ) -> None:
        self.network = network
        self.layer = layer
        self.canvas = canvas
        self.preset = preset
        self.colour = colour
        self.dataset_max = dataset_max

    @cached_property
    def _parameterization(self) -> Parameterization:
        preset = self.preset
        if preset.parameterization == "pixels":
            return pixel_grid(self.canvas, self.network.channels, mean=preset.noise_mean, std=preset.noise_std)
        return fourier(
            self.canvas,
            self.network.channels,
            std=preset.spectrum_std,
            decay=preset.spectrum_decay,
            colour=self.colour,
        )

    @cached_property
    def measure(self) -> Callable[[ByteArray], FloatArray]:
        """From 8-bit pictures to the highest response of every channel, or the logit of every class."""
        return response_function(self.network, self.layer) if self.layer else logit_function(self.network)

    @cached_property
    def climber(self) -> Climber:
        """The traced functions of the layer's ascents."""
        layer, spread = self.layer, self.preset.spread
        return make_climber(
            self.network,
            lambda channels: objectives.channel(layer, channels, spread) if layer else objectives.logit(channels),
            self._parameterization,
            self.preset,
            random_transform(self.preset, self.canvas),
        )

    @cached_property
    def _rival_climber(self) -> Climber:
        scale, preset = self.dataset_max, self.preset
        assert scale is not None
        return make_climber(
            self.network,
            lambda channels: objectives.apart_from_rivals(
                self.layer, channels, scale, spread=preset.spread, weight=preset.rival_weight
            ),
            self._parameterization,
            self.preset,
            random_transform(self.preset, self.canvas),
        )

    @cached_property
    def takes_canvas(self) -> bool:
        """Whether the layers below run on the canvas.

        Raises:
            ReportgenError: the canvas is of the network's own size, and still they do not.
        """
        try:
            self.measure(np.zeros((1, *self.canvas, self.network.channels), np.uint8))
        except ReportgenError:
            if self.canvas == self.network.size:
                raise
            return False
        return True

    def run(self, items: Sequence[_Item]) -> list[_Outcome]:
        """Maximise `items` as one batch, again from other seeds where there was no gradient at all."""
        climbs = self._climb(items, 0)
        attempts = [1] * len(items)
        for attempt in range(1, self.preset.restarts + 1):
            flat = [i for i, one in enumerate(climbs) if one.flat]
            if not flat:
                break
            for i, one in zip(flat, self._climb([items[i] for i in flat], attempt), strict=True):
                climbs[i] = one
                attempts[i] += 1
        outcomes = [_outcome(one, attempt) for one, attempt in zip(climbs, attempts, strict=True)]
        rivalled = [i for i, item in enumerate(items) if self._has_rivals(item, climbs[i])]
        if rivalled:
            better = self._climb_apart([items[i] for i in rivalled], [climbs[i] for i in rivalled])
            for i, one in zip(rivalled, better, strict=True):
                if one.value > self._standing(items[i].channel, climbs[i].responses):
                    outcomes[i] = _outcome(one, attempts[i], first=climbs[i])
        return outcomes

    def _climb(self, items: Sequence[_Item], attempt: int) -> list[Climb]:
        generators = [np.random.default_rng([item.seed, item.channel, attempt]) for item in items]
        return climb(
            self.climber,
            self.climber.start(generators),
            np.array([item.channel for item in items], np.int32),
            self.preset,
            steps=self.preset.steps,
            seed=items[0].seed,
            measure=self.measure,
            value=lambda i, responses: float(responses[items[i].channel]),
        )

    def _climb_apart(self, items: Sequence[_Item], climbs: Sequence[Climb]) -> list[Climb]:
        """Go on from `climbs` with the other channels held down."""
        return climb(
            self._rival_climber,
            self._rival_climber.resume([one.variables for one in climbs]),
            np.array([item.channel for item in items], np.int32),
            replace(self.preset, patience=0),
            steps=self.preset.rival_steps,
            seed=items[0].seed + 1,
            measure=self.measure,
            value=lambda i, responses: self._standing(items[i].channel, responses),
            enough=_GOOD_STANDING,
        )

    def _has_rivals(self, item: _Item, one: Climb) -> bool:
        """Whether the picture leaves its channel behind others, or behind what images reach."""
        if not self.preset.rival_steps or not self.layer or self.dataset_max is None or one.flat:
            return False
        return self.dataset_max[item.channel] > 0 and self._standing(item.channel, one.responses) < _GOOD_STANDING

    def _standing(self, channel: int, responses: FloatArray) -> float:
        """How far a picture is on the way to "ok", `_GOOD_STANDING` and more if it is."""
        assert self.dataset_max is not None
        rank = rank_of(channel, responses, self.dataset_max) or 0
        ratio = float(responses[channel] / self.dataset_max[channel])
        # What is beyond counts little, but decides between two pictures that are both good.
        return min(ratio, 1.0) + 1 / (1 + max(0, rank - RANKS_OK + 1)) + 1e-3 * ratio


_GOOD_STANDING = 2.0


def _outcome(one: Climb, attempts: int, first: Climb | None = None) -> _Outcome:
    """`first` is the ascent that `one` went on from."""
    return _Outcome(
        pixels=one.pixels,
        responses=one.responses,
        scores=np.asarray((first or one).scores, np.float32),
        steps=one.step + (first.steps if first else 0),
        flat=one.flat if first is None else first.flat,
        attempts=attempts,
        against_rivals=first is not None,
    )


# --- ascents where an engine runs them ------------------------------------------------------------


@dataclass(frozen=True)
class _Batch:
    """Pictures of one layer that are made together; `cost` is the guessed time in seconds."""

    layer: str
    canvas: tuple[int, int]
    items: tuple[_Item, ...]
    cost: float

    @property
    def size(self) -> int:
        """How many pictures there are."""
        return len(self.items)

    def divide(self) -> tuple[_Batch, ...]:
        """One batch for each picture; none if there is only one."""
        cost = self.cost / self.size
        return tuple(replace(self, items=(item,), cost=cost) for item in self.items) if self.size > 1 else ()


@dataclass(frozen=True, eq=False)
class _Made:
    """What became of a batch, and how long it took."""

    outcomes: list[_Outcome]
    seconds: float


class AscentTask(NetworkTask):
    """Makes batches of pictures; the same batch gives the same pictures wherever TensorFlow has as many threads."""

    uses_all_processors = True

    def __init__(
        self,
        network: Network,
        preset: Preset,
        colour: FloatArray | None,
        dataset_max: Mapping[str, FloatArray],
        config: Config,
    ) -> None:
        super().__init__(network, config.model, config.custom_objects)
        self.preset = preset
        self.colour = colour
        self.dataset_max = dataset_max
        self._ascents: dict[tuple[str, tuple[int, int]], LayerAscents] = {}

    def ascents(self, layer: str, canvas: tuple[int, int]) -> LayerAscents:
        """The ascents of `layer` on `canvas`, compiled once."""
        if (layer, canvas) not in self._ascents:
            maxima = self.dataset_max.get(layer)
            made = LayerAscents(self.network, layer, canvas, self.preset, self.colour, maxima)
            self._ascents[layer, canvas] = made
        return self._ascents[layer, canvas]

    def run(self, batch: _Batch, advance: Advance) -> _Made:
        """Make the pictures of `batch`."""
        started = time.monotonic()
        outcomes = self.ascents(batch.layer, batch.canvas).run(batch.items)
        advance(batch.size)
        return _Made(outcomes, time.monotonic() - started)

    def __getstate__(self) -> dict[str, Any]:
        kept = {"preset": self.preset, "colour": self.colour, "dataset_max": dict(self.dataset_max)}
        return {**super().__getstate__(), **kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.preset, self.colour = state["preset"], state["colour"]
        self.dataset_max = state["dataset_max"]
        self._ascents = {}


# --- the public functions -------------------------------------------------------------------------


def maximize(
    network: Network,
    summary: NetworkSummary,
    plan: Mapping[str, Sequence[int]],
    preset: Preset,
    *,
    dataset_max: Mapping[str, FloatArray],
    colour_covariance: NDArray[np.float64] | None = None,
    seed: int = 0,
    cache: Cache | None = None,
    progress: Progress | None = None,
    budget: float | None = None,
    config: Config = Config(),  # noqa: B008 - settings do not change
    now: Callable[[], float] = time.monotonic,
) -> tuple[list[MaximizedChannel], list[LeftOut]]:
    """Make the pictures of `plan`.

    Args:
        plan: channels of each layer (see `scheduling.plan_channels`).
        dataset_max: under a layer's name `(channels,)`, the highest value over positions and images of the
            layer's output.
        colour_covariance: `(3, 3)` of red, green and blue over the images; by default that of photographs.
        cache: where pictures are kept between runs.
        progress: told `(seconds done, seconds in all, text)` before each batch and at the end.
        budget: a time limit in seconds. The order then is such that every layer gets something first.
        config: says on which engine, and from what the network was loaded, for it to travel there. The cache
            is looked into and filled here, whatever the engine.

    Returns:
        The pictures in the order of `plan`, and what was left out, since there was no time or no worker
        survived it.
    """
    colour = colour_matrix(colour_covariance) if network.channels == 3 else None
    jobs = schedule(plan, summary, network.size, preset, in_rounds=budget is not None)
    task = AscentTask(network, preset, colour, dataset_max, config)
    run = _Run(task, plan, seed, cache or Cache(None), Clock(jobs, now, budget), progress)
    batches = run.batches(jobs)
    # No engine is opened for what is all in the cache.
    for first in islice(batches, 1):
        with open_engine(config) as engine:
            task.lighten_for(engine)
            run.clock.workers = engine.processes
            for outcome in engine.run(task, chain([first], batches), lambda _: None):
                run.take(outcome)
    run.tell("")
    ordered = [(layer, channel, again) for layer in plan for channel in plan[layer] for again in (False, True)]
    late = f"the time limit of {said_duration(budget)} was used up" if budget else ""
    left_out = [(run.late, late), (run.deadly, "every worker that took it died")]
    return (
        [run.made[key] for key in ordered if key in run.made],
        [
            LeftOut(layer, tuple(channels[layer]), reason)
            for layer in plan
            for channels, reason in left_out
            if layer in channels
        ],
    )


class _Run:
    """What `maximize` has made so far, and what is left to do.

    Attributes:
        made: by layer, channel and whether it is a second seed's.
        late: channels of each layer for which there was no time.
        deadly: channels of each layer that no worker survived.
    """

    def __init__(
        self,
        task: AscentTask,
        plan: Mapping[str, Sequence[int]],
        seed: int,
        cache: Cache,
        clock: Clock,
        progress: Progress | None,
    ) -> None:
        self.task = task
        self.plan = plan
        self.seed = seed
        self.cache = cache
        self.clock = clock
        self.progress = progress
        self.made: dict[tuple[str, int, bool], MaximizedChannel] = {}
        self.late: dict[str, list[int]] = {}
        self.deadly: dict[str, list[int]] = {}

    def batches(self, jobs: Iterable[Job]) -> Iterator[_Batch]:
        """What of `jobs` is to be computed, as long as there is time; the rest is looked up."""
        for job in jobs:
            items = _items(job, self.plan[job.layer], self.task.preset, self.seed)
            maker = self.task.ascents(job.layer, job.canvas)
            store = _Store(self.cache, maker, items)
            if store.missing and not maker.takes_canvas:
                maker = self.task.ascents(job.layer, maker.network.size)
                store = _Store(self.cache, maker, items)
            if store.missing and not self.clock.has_time_for(job):
                self.late.setdefault(job.layer, []).extend(job.channels)
                continue
            for item, outcome in store.found():
                self.made[job.layer, item.channel, item.again] = _judged(maker, item, outcome, job.layer)
            if store.missing:
                self.tell(f"{job.layer}, {said_duration(self.clock.remaining())} left")
                batch = _Batch(job.layer, maker.canvas, tuple(store.missing), job.cost)
                self.clock.begun(batch)
                yield batch
            else:
                self.clock.looked_up(job)

    def take(self, outcome: Outcome) -> None:
        """Keep what was computed."""
        batch: _Batch = outcome.chunk
        if outcome.set_aside is not None:
            self.clock.looked_up(batch)
            self.deadly.setdefault(batch.layer, []).extend(item.channel for item in batch.items if not item.again)
            return
        made: _Made = outcome.value
        self.clock.done(batch, made.seconds)
        maker = self.task.ascents(batch.layer, batch.canvas)
        for item, one in zip(batch.items, made.outcomes, strict=True):
            _keep(self.cache, maker, item, one)
            self.made[batch.layer, item.channel, item.again] = _judged(maker, item, one, batch.layer)
        if self.clock.is_busy:
            self.tell(f"{batch.layer}, {said_duration(self.clock.remaining())} left")

    def tell(self, text: str) -> None:
        """Tell how far the run has come."""
        if self.progress is not None:
            taken = self.clock.taken()
            self.progress(taken, taken + self.clock.remaining() if text else taken, text)


def maximize_layer(
    network: Network,
    summary: NetworkSummary,
    layer: str,
    channels: Sequence[int],
    preset: Preset,
    *,
    dataset_max: FloatArray | None = None,
    colour_covariance: NDArray[np.float64] | None = None,
    seed: int = 0,
    cache: Cache | None = None,
) -> list[MaximizedChannel]:
    """Make the pictures of some channels of one layer (see `maximize`)."""
    known = {} if dataset_max is None else {layer: dataset_max}
    pictures, _ = maximize(
        network,
        summary,
        {layer: channels},
        preset,
        dataset_max=known,
        colour_covariance=colour_covariance,
        seed=seed,
        cache=cache,
    )
    return pictures


def maximize_classes(
    network: Network,
    summary: NetworkSummary,
    classes: Sequence[int],
    preset: Preset,
    *,
    dataset_max: FloatArray | None = None,
    colour_covariance: NDArray[np.float64] | None = None,
    seed: int = 0,
    cache: Cache | None = None,
) -> list[MaximizedChannel]:
    """Make a picture of each class, by its logit, on a canvas of the network's size.

    `rank` is here the place of the class in the network's answer to the picture: 0 says that it is recognised.

    Args:
        dataset_max: `(classes,)`, the highest logit over the images.
    """
    colour = colour_matrix(colour_covariance) if network.channels == 3 else None
    maker = LayerAscents(network, _ANSWER, network.size, preset, colour, dataset_max)
    trace = trace_network(network.model, network.input_specs())
    # Where the answer comes from an operation outside layers, the last layer before it stands for it.
    layer = next(iter(trace.answer_layers), trace.calls[-1].name)
    expense = expense_of(summary, None, network.size, network.size)
    pictures = []
    for batch in batches(classes, expense):
        items = [_Item(channel, seed, again=False) for channel in batch]
        outcomes = _Store(cache or Cache(None), maker, items).complete()
        pictures += [_judged(maker, item, outcomes[item], layer) for item in items]
    return pictures


def _items(job: Job, planned: Sequence[int], preset: Preset, seed: int) -> list[_Item]:
    twice = set(planned[: preset.second_seeds])
    first = [_Item(channel, seed, again=False) for channel in job.channels]
    return first + [_Item(channel, seed + 1, again=True) for channel in job.channels if channel in twice]


class _Store:
    """The outcomes of a batch, as far as they are kept."""

    def __init__(self, cache: Cache, maker: LayerAscents, items: Sequence[_Item]) -> None:
        self._cache = cache
        self._maker = maker
        self._found = {item: entry for item in items if (entry := cache.get(_key(maker, item)))}
        self.missing = [item for item in items if item not in self._found]

    def found(self) -> Iterator[tuple[_Item, _Outcome]]:
        """The items that are kept, with their outcomes."""
        for item, entry in self._found.items():
            yield item, _Outcome.of_entry(entry)

    def complete(self) -> dict[_Item, _Outcome]:
        """The outcomes of all items; those not kept are made now, and kept."""
        made = dict(zip(self.missing, self._maker.run(self.missing) if self.missing else [], strict=True))
        for item, outcome in made.items():
            _keep(self._cache, self._maker, item, outcome)
        return dict(self.found()) | made


def _keep(cache: Cache, maker: LayerAscents, item: _Item, outcome: _Outcome) -> None:
    entry = outcome.entry()
    cache.put(_key(maker, item), entry.arrays, entry.meta)


def _key(maker: LayerAscents, item: _Item) -> str:
    """Everything a picture depends on."""
    return content_key(
        "activation maximisation",
        _VERSION,
        maker.network.content,
        maker.layer,
        maker.canvas,
        maker.preset.content(),
        maker.colour,
        maker.dataset_max if maker.preset.rival_steps and maker.layer else None,
        item.channel,
        item.seed,
    )


def _judged(maker: LayerAscents, item: _Item, outcome: _Outcome, layer: str) -> MaximizedChannel:
    channel, maxima = item.channel, maker.dataset_max
    activation = float(outcome.responses[channel])
    highest = None if maxima is None else float(maxima[channel])
    if not maker.layer:
        rank: int | None = int(np.count_nonzero(outcome.responses > activation))
    else:
        rank = None if maxima is None else rank_of(channel, outcome.responses, maxima)
    # A picture of a class is right when the network takes it for that class, not nearly.
    status: Status = judge(activation, highest, rank, outcome.flat, RANKS_OK if maker.layer else 1)
    kept = np.linspace(0, len(outcome.scores) - 1, min(_CURVE_POINTS, len(outcome.scores))).round().astype(int)
    return MaximizedChannel(
        layer=layer,
        channel=channel,
        objective="channel" if maker.layer else "logit",
        label=None if maker.layer else maker.network.label(channel),
        preset=maker.preset.name,
        seed=item.seed,
        steps=outcome.steps,
        canvas=maker.canvas,
        pixels=None if status == "failed" else outcome.pixels,
        activation=activation,
        dataset_max=highest,
        rank=rank,
        status=status,
        curve=tuple((int(step) + 1, float(outcome.scores[step])) for step in kept),
        note="; ".join(_notes(maker, outcome, status)) or None,
        again=item.again,
    )


def _notes(maker: LayerAscents, outcome: _Outcome, status: Status) -> Iterable[str]:
    if status == "failed":
        yield "no image with a gradient was found" if outcome.flat else "the layer's output stayed at zero"
    if outcome.attempts > 1:
        yield f"{outcome.attempts} starts"
    if outcome.against_rivals:
        yield "other channels of the layer held down in the last steps"
    wanted = maker.preset.canvas
    if wanted is not None and wanted != maker.canvas:
        yield f"on the network's own size, since it does not run on {wanted[0]}x{wanted[1]}"
    elif wanted is None and (maker.canvas[0] < maker.network.size[0] or maker.canvas[1] < maker.network.size[1]):
        yield "on a smaller canvas, after the layer's receptive field and its cost"
