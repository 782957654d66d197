"""Pictures of what excites the channels of a network's layers and the numbers of its answers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.maximization.answer_goals import AnswerGoals
from reportgen.analysis.maximization.ascent_task import AscentTask, Batch, MadeBatch
from reportgen.analysis.maximization.judged_pictures import judged_picture
from reportgen.analysis.maximization.kept_pictures import KeptPictures, keep_picture
from reportgen.analysis.maximization.layer_ascents import Item
from reportgen.analysis.maximization.parameterizations import colour_matrix
from reportgen.analysis.maximization.presets import Preset
from reportgen.analysis.maximization.scheduling import Clock, Job, further_goals, said_duration, schedule
from reportgen.analysis.maximization.subjects import Goal, LayerChannels
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.config import Config
from reportgen.engines import Outcome, open_engine
from reportgen.files.cache import Cache
from reportgen.formats import duration
from reportgen.results import FloatArray, LeftOut, MaximizedChannel, NetworkSummary

Progress = Callable[[float, float, str], None]
Key = tuple[str, str | None]


def maximize(
    passes: TracedPasses,
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
    answers: Sequence[AnswerGoals] = (),
    now: Callable[[], float] = time.monotonic,
) -> tuple[list[MaximizedChannel], list[LeftOut]]:
    """Make the pictures of `plan`, and of what of the answers is asked for.

    Args:
        passes: of the network, which is traced once for all that is made of it.
        plan: channels of each layer (see `scheduling.plan_channels`).
        dataset_max: under a layer's name `(channels,)`, the highest value over positions and images of the
            layer's output.
        colour_covariance: `(3, 3)` of red, green and blue over the images; by default that of photographs.
        cache: where pictures are kept between runs.
        progress: told `(seconds done, seconds in all, text)` before each batch and at the end.
        budget: a time limit in seconds. The order then is such that every layer gets something first.
        config: says which further pictures of channels are made, on which engine, and from what the network was
            loaded, for it to travel there. The cache is looked into and filled here, whatever the engine.
        answers: classes, labels and values of outputs (see `answer_goals`).

    Returns:
        The pictures in the order of `plan` and `answers`, and what was left out, since there was no time or no
        worker survived it.
    """
    network = passes.network
    colour = colour_matrix(colour_covariance) if network.channels == 3 else None
    jobs = schedule(
        plan, summary, network.size, preset, in_rounds=budget is not None, answers=answers, also=config.also
    )
    layers = [LayerChannels(layer, dataset_max.get(layer)) for layer in plan]
    task = AscentTask(passes, preset, colour, [*layers, *(answer.subject for answer in answers)], config)
    run = _Run(task, plan, seed, cache or Cache(None), Clock(jobs, now, budget), progress)
    run.compute(run.batches(jobs), config)
    run.compute(run.second_batches(jobs), config)
    run.tell("")
    wanted: list[tuple[Key, Sequence[Goal]]] = [
        ((layer, None), [goal for channel in channels for goal in _goals_of(channel, config)])
        for layer, channels in plan.items()
    ]
    wanted += [(answer.subject.key, answer.goals) for answer in answers]
    return run.results(wanted, budget)


class _Run:
    """What `maximize` has made so far, and what is left to do.

    Attributes:
        made: by layer and output, goal, and whether it is a second seed's.
        late: channels of each layer or output for which there was no time.
        deadly: channels of each layer or output that no worker survived.
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
        self.made: dict[tuple[Key, Goal, bool], MaximizedChannel] = {}
        self.late: dict[Key, list[int]] = {}
        self.deadly: dict[Key, list[int]] = {}

    def compute(self, batches: Iterator[Batch], config: Config) -> None:
        """Have `batches` computed; no engine is opened for what is all in the cache."""
        for first in islice(batches, 1):
            with open_engine(config) as engine:
                self.task.lighten_for(engine)
                self.clock.workers = engine.processes
                for outcome in engine.run(self.task, chain([first], batches), lambda _: None):
                    self.take(outcome)

    def batches(self, jobs: Iterable[Job]) -> Iterator[Batch]:
        """What of `jobs` is to be computed, as long as there is time; the rest is looked up."""
        for job in jobs:
            yield from self._batch(
                job, [Item(goal.channel, self.seed, False, goal.down, goal.variant) for goal in job.goals]
            )

    def second_batches(self, jobs: Iterable[Job]) -> Iterator[Batch]:
        """The same from another seed, where that decides something: whether a picture is weak by chance alone.

        Of each layer at most the first `second_seeds` weak ones are made again.
        """
        most, taken = self.task.preset.second_seeds, Counter[Key]()
        for job in jobs:
            weak = [
                goal
                for goal in job.goals
                if goal == Goal(goal.channel)
                and job.output is None
                and (job.key, goal, False) in self.made
                and self.made[job.key, goal, False].status == "weak"
                and self.made[job.key, goal, False].dataset_max is not None  # else any picture is weak
            ][: most - taken[job.key]]
            taken[job.key] += len(weak)
            if weak:
                share = replace(job, goals=tuple(weak), cost=job.cost * len(weak) / len(job.goals))
                yield from self._batch(share, [Item(goal.channel, self.seed + 1, again=True) for goal in weak])

    def _batch(self, job: Job, items: Sequence[Item]) -> Iterator[Batch]:
        """What of the pictures of a job is to be computed, if there is time; the rest is looked up."""
        again = items[0].again
        maker = self.task.ascents(job.key, job.canvas)
        store = KeptPictures(self.cache, maker, items)
        if store.missing and not maker.takes_canvas:
            maker = self.task.ascents(job.key, maker.network.size)
            store = KeptPictures(self.cache, maker, items)
        if again:
            self.clock.added(job)
        if store.missing and not self.clock.has_time_for(job):
            if not again:
                self.late.setdefault(job.key, []).extend(dict.fromkeys(job.channels))
            return
        for item, outcome in store.found():
            self.made[job.key, item.goal, again] = judged_picture(maker, item, outcome)
        if store.missing:
            self.tell(f"{job.output or job.layer}, {said_duration(self.clock.remaining())} left")
            batch = Batch(job.key, maker.canvas, tuple(store.missing), job.cost)
            self.clock.begun(batch)
            yield batch
        else:
            self.clock.looked_up(job)

    def take(self, outcome: Outcome) -> None:
        """Keep what was computed."""
        batch: Batch = outcome.chunk
        if outcome.set_aside is not None:
            self.clock.looked_up(batch)
            self.deadly.setdefault(batch.key, []).extend(item.channel for item in batch.items if not item.again)
            return
        made: MadeBatch = outcome.value
        self.clock.done(batch, made.seconds)
        maker = self.task.ascents(batch.key, batch.canvas)
        for item, one in zip(batch.items, made.outcomes, strict=True):
            keep_picture(self.cache, maker, item, one)
            self.made[batch.key, item.goal, item.again] = judged_picture(maker, item, one)
        if self.clock.is_busy:
            self.tell(f"{batch.key[1] or batch.key[0]}, {said_duration(self.clock.remaining())} left")

    def results(
        self, wanted: Sequence[tuple[Key, Sequence[Goal]]], budget: float | None
    ) -> tuple[list[MaximizedChannel], list[LeftOut]]:
        """What was made of `wanted`, in that order, and what was left out."""
        late = f"the time limit of {duration(budget)} was used up" if budget else ""
        left_out = [(self.late, late), (self.deadly, "every worker that took it died")]
        ordered = [(key, goal, again) for key, goals in wanted for goal in goals for again in (False, True)]
        return (
            [self.made[one] for one in ordered if one in self.made],
            [
                LeftOut(output or layer, tuple(channels[layer, output]), reason, is_output=output is not None)
                for (layer, output), _ in wanted
                for channels, reason in left_out
                if (layer, output) in channels
            ],
        )

    def tell(self, text: str) -> None:
        """Tell how far the run has come."""
        if self.progress is not None:
            taken = self.clock.taken()
            self.progress(taken, taken + self.clock.remaining() if text else taken, text)


def _goals_of(channel: int, config: Config) -> list[Goal]:
    """All pictures that are made of a channel."""
    return [Goal(channel), *(goal for kind in config.also for goal in further_goals(kind, channel))]
