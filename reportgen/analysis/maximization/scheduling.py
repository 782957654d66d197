"""What to maximise, on which canvas, in which batches and in what order, for how long."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from reportgen.analysis.maximization.answer_goals import AnswerGoals
from reportgen.analysis.maximization.presets import Preset, shrunk
from reportgen.analysis.maximization.subjects import Goal
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.config import FurtherPicture
from reportgen.errors import UsageError
from reportgen.option_values import ChannelChoice
from reportgen.results import FloatArray, LayerSummary, NetworkSummary

_T = TypeVar("_T")

# What the maps of a batch may take, with their gradients. More gains nothing: maps that fit the processor's
# cache are faster, and a batch only has to be large enough to keep all cores busy.
BATCH_BYTES = 512 * 2**20
BATCH_IMAGES = 16

# Where a forward pass of one image takes more multiply-accumulates than this, its canvas shrinks until it does not,
# though not below a side on which deep layers still show what they look for: nearly that of the classic recipe.
AFFORDABLE_MACS = 2.5e9
_AFFORDABLE_SIDE = 112

# Maps are kept for the way back, and about as much again is under way.
_BYTES_KEPT = 2

# A step costs the forward pass and about as much on the way back.
_PASSES = 2

# Sides of a canvas are multiples of this.
_CANVAS_STEP = 8
_MAP_STEP = 32

# Before anything was measured: what two cores of a present-day machine do.
_FIRST_RATE = 30e9  # multiply-accumulates a second
_FIRST_BANDWIDTH = 2e9  # bytes of maps a second
_FIRST_STEP_SECONDS = 1.0

# So many pictures of a channel are made to differ.
DIVERSE_PICTURES = 3


@dataclass(frozen=True)
class Job:
    """What of one layer or output is to be maximised together; `cost` is the guessed time in seconds."""

    layer: str
    goals: tuple[Goal, ...]
    canvas: tuple[int, int]
    cost: float
    output: str | None = None

    @property
    def channels(self) -> tuple[int, ...]:
        """Which channels, classes, labels or values."""
        return tuple(goal.channel for goal in self.goals)

    @property
    def key(self) -> tuple[str, str | None]:
        """The layer, and the output if it is one."""
        return self.layer, self.output


def choose_channels(choice: ChannelChoice, dataset_max: FloatArray) -> tuple[int, ...]:
    """The channels `choice` means, for a layer whose channels reach `dataset_max` `(channels,)` on the images.

    The strongest are those with the highest `dataset_max`, the lower index first among equals; channels that the
    images leave at or below zero come last. Of a list, those the layer has.
    """
    count = len(dataset_max)
    if choice.kind == "list":
        return tuple(channel for channel in choice.listed if channel < count)
    if choice.kind == "strongest":
        order = np.argsort(-np.nan_to_num(dataset_max, nan=-np.inf), kind="stable")
        return tuple(int(channel) for channel in order[: choice.count])
    return tuple(range(count if choice.kind == "all" else min(choice.count, count)))


def plan_channels(choice: ChannelChoice, dataset_max: Mapping[str, FloatArray]) -> dict[str, tuple[int, ...]]:
    """`choose_channels` for each layer, in the order given.

    Raises:
        UsageError: a listed channel that none of the layers has.
    """
    most = max((len(maxima) for maxima in dataset_max.values()), default=None)
    beyond = [channel for channel in choice.listed if most is not None and channel >= most]
    if beyond:
        raise UsageError(f"--channels: no layer has a channel {beyond[0]}; the widest has {most}, counted from 0")
    return {layer: choose_channels(choice, maxima) for layer, maxima in dataset_max.items()}


def choose_canvas(row: LayerSummary, size: tuple[int, int], preset: Preset) -> tuple[int, int]:
    """The canvas for a layer: as large as its receptive field asks for, no larger than the network's input.

    A wider one would only repeat the texture. Layers that see everything, or of which it is not known, get the
    network's own size.
    """
    if preset.canvas is not None:
        return preset.canvas
    if row.receptive_field is None:
        return size
    sides = [
        _canvas_side(seen, stride, side, preset)
        for seen, stride, side in zip(row.receptive_field.size, row.receptive_field.stride, size, strict=True)
    ]
    return sides[0], sides[1]


def _canvas_side(seen: int, stride: float, side: int, preset: Preset) -> int:
    wanted = max(preset.least_canvas, math.ceil(seen * (1 + preset.canvas_margin)))
    step = max(_CANVAS_STEP, math.ceil(stride))
    return min(side, math.ceil(wanted / step) * step)


def narrowed(canvas: tuple[int, int], preset: Preset) -> tuple[int, int]:
    """`canvas`, or of a wide one the middle: of the same form, its smaller side no more than the preset's most.

    The influence of a pixel falls off from the middle of a receptive field much as a Gaussian does (Luo et al.,
    "Understanding the effective receptive field in deep convolutional neural networks", 2016): the margin of a wide
    one counts for little.
    """
    return shrunk(canvas, preset.most_canvas / min(canvas) if preset.most_canvas else 1.0, _CANVAS_STEP)


def affordable_canvas(
    summary: NetworkSummary, layer: str | None, size: tuple[int, int], canvas: tuple[int, int]
) -> tuple[int, int]:
    """`canvas`, or a smaller one of the same form where `layer` (None: the whole network) would be very slow on it."""
    share = math.sqrt(AFFORDABLE_MACS / max(1.0, expense_of(summary, layer, size, canvas).macs))
    return shrunk(canvas, max(share, _AFFORDABLE_SIDE / min(canvas)), _CANVAS_STEP)


@dataclass(frozen=True)
class Expense:
    """What one image costs a layer at its canvas: multiply-accumulates forward, and bytes of all maps below."""

    macs: float
    map_bytes: float

    def seconds(self, steps: int) -> float:
        """A first guess at the time of an ascent."""
        return steps * _PASSES * (self.macs / _FIRST_RATE + self.map_bytes / _FIRST_BANDWIDTH)


def expense_of(summary: NetworkSummary, layer: str | None, size: tuple[int, int], canvas: tuple[int, int]) -> Expense:
    """What the part of the network up to `layer` costs on `canvas` (None: the whole network)."""
    share = canvas[0] * canvas[1] / (size[0] * size[1])
    rows = {row.name: row for row in summary.layers}
    below = list(rows) if layer is None else _ancestors(rows, layer)
    return Expense(
        macs=share * sum(rows[name].mac_count or 0 for name in below),
        map_bytes=share * sum(rows[name].memory_bytes or 0 for name in below),
    )


def _ancestors(rows: Mapping[str, LayerSummary], layer: str) -> list[str]:
    found: dict[str, None] = {}
    queue = [layer]
    while queue:
        name = queue.pop()
        if name in rows and name not in found:
            found[name] = None
            queue.extend(rows[name].inputs)
    return list(found)


def batches(goals: Sequence[_T], expense: Expense) -> list[tuple[_T, ...]]:
    """Divide channels, or whatever stands for them, into batches of about equal size that fit in memory."""
    most = int(BATCH_BYTES / max(1.0, _BYTES_KEPT * expense.map_bytes))
    most = max(1, min(BATCH_IMAGES, most))
    count = math.ceil(len(goals) / most)
    places = np.array_split(np.arange(len(goals)), count) if count else []
    return [tuple(goals[place] for place in part) for part in places]


def schedule(
    plan: Mapping[str, Sequence[int]],
    summary: NetworkSummary,
    size: tuple[int, int],
    preset: Preset,
    *,
    in_rounds: bool,
    answers: Sequence[AnswerGoals] = (),
    also: Sequence[FurtherPicture] = (),
) -> list[Job]:
    """Jobs for all of `plan`, for `answers` behind them, and at the end for further pictures of the channels.

    Without `in_rounds` they follow the order of the layers. With it, for runs that may be cut short, every layer
    gets one channel before any gets two, two before any gets four, and so on. In the first round the layers are spread
    over the depth of the network, the deepest first, then the middle (`_spread`): what is left out lies between others.
    In later ones cheap layers come first.
    """
    jobs: list[list[Job]] = []
    first = [*_wanted_channels(plan, summary, size, preset), *_wanted_answers(answers, summary, size)]
    further = [one for kind in also for one in _wanted_further(kind, plan, summary, size, preset)]
    rounds = max((len(_doubling(wanted.groups)) for wanted in first), default=0)
    for wanted, later in (*((one, 0) for one in first), *((one, rounds) for one in further)):
        groups = _doubling(wanted.groups) if in_rounds else [wanted.groups]
        for number, group in enumerate(groups, later if in_rounds else 0):
            jobs += [[] for _ in range(number + 1 - len(jobs))]
            jobs[number] += [wanted.job(batch, preset) for batch in batches(group, wanted.expense)]
    if in_rounds:
        depths = {wanted.key: place for place, wanted in enumerate(first)}
        jobs = [
            sorted(group, key=lambda job: job.cost) if number else _spread(group, depths)
            for number, group in enumerate(jobs)
        ]
    return [job for group in jobs for job in group]


def _spread(jobs: Sequence[Job], depths: Mapping[tuple[str, str | None], int]) -> list[Job]:
    """Jobs in such an order that what comes first lies as far apart in depth as can be, the deepest first."""
    waiting = sorted(jobs, key=lambda job: depths[job.key], reverse=True)
    ordered: list[Job] = []
    while waiting:
        taken = [depths[job.key] for job in ordered]
        away = [min((abs(depths[job.key] - depth) for depth in taken), default=0) for job in waiting]
        ordered.append(waiting.pop(away.index(max(away))))
    return ordered


@dataclass(frozen=True)
class _Wanted:
    """All that is wanted of one layer or output."""

    layer: str
    output: str | None
    groups: tuple[tuple[Goal, ...], ...]  # of goals that are made together
    canvas: tuple[int, int]
    expense: Expense  # of a group

    @property
    def key(self) -> tuple[str, str | None]:
        """The layer, and the output if it is one."""
        return self.layer, self.output

    def job(self, groups: Sequence[tuple[Goal, ...]], preset: Preset) -> Job:
        """Some of the groups in one job."""
        cost = len(groups) * self.expense.seconds(preset.steps) + _FIRST_STEP_SECONDS
        return Job(self.layer, tuple(goal for group in groups for goal in group), self.canvas, cost, self.output)


def _wanted_channels(
    plan: Mapping[str, Sequence[int]], summary: NetworkSummary, size: tuple[int, int], preset: Preset
) -> Iterator[_Wanted]:
    for layer, channels in plan.items():
        canvas = choose_canvas(summary.layer(layer), size, preset)
        if preset.canvas is None:
            canvas = affordable_canvas(summary, layer, size, narrowed(canvas, preset))
        groups = tuple((Goal(int(channel)),) for channel in channels)
        yield _Wanted(layer, None, groups, canvas, expense_of(summary, layer, size, canvas))


def _wanted_further(
    kind: FurtherPicture,
    plan: Mapping[str, Sequence[int]],
    summary: NetworkSummary,
    size: tuple[int, int],
    preset: Preset,
) -> Iterator[_Wanted]:
    """The channels of `plan` once more: turned round, or several pictures of each that are to differ."""
    for wanted in _wanted_channels(plan, summary, size, preset):
        groups = tuple(further_goals(kind, group[0].channel) for group in wanted.groups)
        count, expense = len(groups[0]) if groups else 1, wanted.expense
        yield replace(wanted, groups=groups, expense=Expense(count * expense.macs, count * expense.map_bytes))


def further_goals(kind: FurtherPicture, channel: int) -> tuple[Goal, ...]:
    """What further pictures of a channel are made for."""
    if kind == "negative":
        return (Goal(channel, down=True),)
    return tuple(Goal(channel, variant=variant) for variant in range(1, DIVERSE_PICTURES + 1))


def _wanted_answers(
    answers: Sequence[AnswerGoals], summary: NetworkSummary, size: tuple[int, int]
) -> Iterator[_Wanted]:
    for answer in answers:
        canvas = answer_canvas(answer.subject.output, summary, size)
        layer, output = answer.subject.key
        groups = tuple((goal,) for goal in answer.goals)
        yield _Wanted(layer, output, groups, canvas, expense_of(summary, None, size, canvas))


def answer_canvas(output: SettledOutput, summary: NetworkSummary, size: tuple[int, int]) -> tuple[int, int]:
    """The canvas for an output: the network's own size, but for maps that would be very slow on it a smaller one.

    Networks that give maps halve and double their sizes several times, for which sides must be divisible.
    """
    if output.kind != "map":
        return size
    affordable = affordable_canvas(summary, None, size, size)
    height, width = (
        min(side, math.ceil(less / _MAP_STEP) * _MAP_STEP) for side, less in zip(size, affordable, strict=True)
    )
    return height, width


def _doubling(goals: Sequence[_T]) -> list[tuple[_T, ...]]:
    """Channels in groups of 1, 1, 2, 4, ..."""
    groups = []
    start, end = 0, 1
    while start < len(goals):
        groups.append(tuple(goals[start:end]))
        start, end = end, 2 * end
    return groups


class Costly(Protocol):
    """Work with a guessed time in seconds."""

    @property
    def cost(self) -> float:
        """The guess."""


class Clock:
    """How long the rest will take, from the guesses and from what the jobs so far took.

    `workers` is how many jobs are done at the same time.
    """

    def __init__(self, jobs: Sequence[Job], now: Callable[[], float], budget: float | None, workers: int = 1) -> None:
        self._now = now
        self._start = now()
        self._guessed = 0.0
        self._computed = 0.0
        self._total = sum(job.cost for job in jobs)
        self._under_way = 0.0
        self._budget = budget
        self.workers = workers

    def begun(self, job: Costly) -> None:
        """`job` is on its way to be computed."""
        self._under_way += job.cost

    def done(self, job: Costly, seconds: float) -> None:
        """`job` took `seconds`."""
        self._under_way -= job.cost
        self._total -= job.cost
        self._guessed += job.cost
        self._computed += seconds

    def added(self, job: Costly) -> None:
        """`job` is to be done beside those known from the start."""
        self._total += job.cost

    def looked_up(self, job: Costly) -> None:
        """`job` need not be computed; that says nothing about the others."""
        self._total -= job.cost

    @property
    def _pace(self) -> float:
        return self._computed / self._guessed if self._guessed else 1.0

    def taken(self) -> float:
        """Seconds that the jobs so far took."""
        return self._computed / self.workers

    def remaining(self) -> float:
        """Seconds until everything is done, budget or not."""
        return max(0.0, self._total * self._pace / self.workers)

    @property
    def is_busy(self) -> bool:
        """Whether jobs are under way."""
        return self._under_way > 0

    def has_time_for(self, job: Costly) -> bool:
        """Whether `job`, begun after those under way, is likely to end within the budget."""
        if self._budget is None:
            return True
        wait = self._under_way / self.workers
        return self._now() - self._start + (wait + job.cost) * self._pace <= self._budget


def said_duration(seconds: float) -> str:
    """A rough time in words."""
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    return f"about {minutes} minute{'s' if minutes > 1 else ''}"
