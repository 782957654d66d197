"""Pictures of what excites the channels of a network's layers and the classes of its answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.maximization.ascent_task import AscentTask, Batch, MadeBatch
from reportgen.analysis.maximization.judged_pictures import judged_picture
from reportgen.analysis.maximization.kept_pictures import KeptPictures, keep_picture
from reportgen.analysis.maximization.layer_ascents import ANSWER, Item, LayerAscents
from reportgen.analysis.maximization.parameterizations import colour_matrix
from reportgen.analysis.maximization.presets import Preset
from reportgen.analysis.maximization.scheduling import Clock, Job, batches, expense_of, said_duration, schedule
from reportgen.analysis.network.trace import trace_network
from reportgen.config import Config
from reportgen.engines import Outcome, open_engine
from reportgen.files.cache import Cache
from reportgen.models import Network
from reportgen.results import FloatArray, LeftOut, MaximizedChannel, NetworkSummary

Progress = Callable[[float, float, str], None]


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

    def batches(self, jobs: Iterable[Job]) -> Iterator[Batch]:
        """What of `jobs` is to be computed, as long as there is time; the rest is looked up."""
        for job in jobs:
            items = _items(job, self.plan[job.layer], self.task.preset, self.seed)
            maker = self.task.ascents(job.layer, job.canvas)
            store = KeptPictures(self.cache, maker, items)
            if store.missing and not maker.takes_canvas:
                maker = self.task.ascents(job.layer, maker.network.size)
                store = KeptPictures(self.cache, maker, items)
            if store.missing and not self.clock.has_time_for(job):
                self.late.setdefault(job.layer, []).extend(job.channels)
                continue
            for item, outcome in store.found():
                self.made[job.layer, item.channel, item.again] = judged_picture(maker, item, outcome, job.layer)
            if store.missing:
                self.tell(f"{job.layer}, {said_duration(self.clock.remaining())} left")
                batch = Batch(job.layer, maker.canvas, tuple(store.missing), job.cost)
                self.clock.begun(batch)
                yield batch
            else:
                self.clock.looked_up(job)

    def take(self, outcome: Outcome) -> None:
        """Keep what was computed."""
        batch: Batch = outcome.chunk
        if outcome.set_aside is not None:
            self.clock.looked_up(batch)
            self.deadly.setdefault(batch.layer, []).extend(item.channel for item in batch.items if not item.again)
            return
        made: MadeBatch = outcome.value
        self.clock.done(batch, made.seconds)
        maker = self.task.ascents(batch.layer, batch.canvas)
        for item, one in zip(batch.items, made.outcomes, strict=True):
            keep_picture(self.cache, maker, item, one)
            self.made[batch.layer, item.channel, item.again] = judged_picture(maker, item, one, batch.layer)
        if self.clock.is_busy:
            self.tell(f"{batch.layer}, {said_duration(self.clock.remaining())} left")

    def tell(self, text: str) -> None:
        """Tell how far the run has come."""
        if self.progress is not None:
            taken = self.clock.taken()
            self.progress(taken, taken + self.clock.remaining() if text else taken, text)


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
    maker = LayerAscents(network, ANSWER, network.size, preset, colour, dataset_max)
    trace = trace_network(network.model, network.input_specs())
    # Where the answer comes from an operation outside layers, the last layer before it stands for it.
    layer = next(iter(trace.answer_layers), trace.calls[-1].name)
    expense = expense_of(summary, None, network.size, network.size)
    pictures = []
    for batch in batches(classes, expense):
        items = [Item(channel, seed, again=False) for channel in batch]
        outcomes = KeptPictures(cache or Cache(None), maker, items).complete()
        pictures += [judged_picture(maker, item, outcomes[item], layer) for item in items]
    return pictures


def _items(job: Job, planned: Sequence[int], preset: Preset, seed: int) -> list[Item]:
    twice = set(planned[: preset.second_seeds])
    first = [Item(channel, seed, again=False) for channel in job.channels]
    return first + [Item(channel, seed + 1, again=True) for channel in job.channels if channel in twice]
