from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.ascents import small_network

from reportgen.analysis.maximization import CLASSIC, CRISP
from reportgen.analysis.maximization.scheduling import (
    AFFORDABLE_MACS,
    BATCH_BYTES,
    BATCH_IMAGES,
    Clock,
    Expense,
    Job,
    affordable_canvas,
    batches,
    choose_canvas,
    choose_channels,
    expense_of,
    narrowed,
    plan_channels,
    said_duration,
    schedule,
)
from reportgen.analysis.maximization.subjects import Goal
from reportgen.analysis.network.layers import summarize_network
from reportgen.errors import UsageError
from reportgen.facts import ReceptiveField
from reportgen.option_values import parse_channels

MAXIMA = np.array([1.0, 5.0, 5.0, 0.0, 7.0], np.float32)


@pytest.fixture(scope="module")
def summary():
    return summarize_network(small_network())


@pytest.mark.parametrize(
    ("choice", "channels"),
    [
        ("strongest:3", (4, 1, 2)),
        ("strongest:99", (4, 1, 2, 0, 3)),
        ("first:2", (0, 1)),
        ("first:99", (0, 1, 2, 3, 4)),
        ("all", (0, 1, 2, 3, 4)),
        ("3, 0,3", (3, 0)),
        ("1,7", (1,)),
    ],
)
def test_channels_are_chosen(choice, channels):
    assert choose_channels(parse_channels(choice), MAXIMA) == channels


def test_channels_that_are_no_numbers_come_last():
    assert choose_channels(parse_channels("strongest:2"), np.array([np.nan, 1.0, 2.0], np.float32)) == (2, 1)


def test_a_listed_channel_must_exist_in_some_layer():
    maxima = {"narrow": MAXIMA[:2], "wide": MAXIMA}
    assert plan_channels(parse_channels("0,4"), maxima) == {"narrow": (0,), "wide": (0, 4)}
    with pytest.raises(UsageError, match="no layer has a channel 5; the widest has 5"):
        plan_channels(parse_channels("0,5"), maxima)


def test_the_canvas_follows_the_receptive_field(summary):
    row = summary.layer("conv1")

    def canvas(size, stride, preset=CRISP):
        field = None if size is None else ReceptiveField(size=(size, size), stride=(stride, stride), padding=(0, 0))
        return choose_canvas(replace(row, receptive_field=field), (224, 192), preset)

    assert canvas(3, 1) == (64, 64)
    assert canvas(100, 16) == (128, 128)
    assert canvas(160, 16) == (208, 192)
    assert canvas(500, 32) == (224, 192)
    assert canvas(None, 1) == (224, 192)
    assert canvas(500, 32, CLASSIC) == (128, 128)
    assert canvas(3, 1, replace(CRISP, canvas=(50, 70))) == (50, 70)


def test_the_canvas_of_a_costly_layer_shrinks_but_not_below_what_it_can_show(summary):
    row = summary.layer("conv1")

    def canvas(times, size=(224, 192)):
        costly = replace(summary, layers=(replace(row, mac_count=int(times * AFFORDABLE_MACS), inputs=()),))
        return affordable_canvas(costly, "conv1", size, size)

    assert canvas(0.9) == (224, 192)
    assert canvas(2) == (160, 136)
    assert canvas(100) == (136, 112)
    assert canvas(100, (96, 224)) == (96, 224)


def test_of_a_wide_receptive_field_the_middle_is_drawn(summary):
    preset = replace(CRISP, most_canvas=160)
    assert narrowed((224, 224), preset) == (160, 160)
    assert narrowed((160, 96), preset) == (160, 96)
    assert narrowed((299, 448), preset) == (160, 240)
    assert narrowed((299, 448), replace(CRISP, most_canvas=0)) == (299, 448)
    wide = replace(summary, layers=tuple(replace(row, receptive_field=None) for row in summary.layers))
    (job,) = schedule({"conv1": (0,)}, wide, (300, 300), preset, in_rounds=False)
    assert job.canvas == (160, 160)


def test_a_canvas_that_is_asked_for_stays(summary):
    row = summary.layer("conv1")
    costly = replace(summary, layers=(replace(row, mac_count=10**12),))
    jobs = schedule({"conv1": (0,)}, costly, (300, 300), replace(CRISP, canvas=(200, 200)), in_rounds=False)
    assert [job.canvas for job in jobs] == [(200, 200)]


def test_only_what_lies_below_a_layer_costs(summary):
    first = expense_of(summary, "conv1", (16, 16), (16, 16))
    second = expense_of(summary, "conv2", (16, 16), (16, 16))
    whole = expense_of(summary, None, (16, 16), (16, 16))
    assert first.macs == summary.layer("conv1").mac_count
    assert second.macs == summary.layer("conv1").mac_count + summary.layer("conv2").mac_count
    assert whole.macs == summary.mac_count
    assert expense_of(summary, "conv2", (16, 16), (8, 16)).macs == second.macs / 2


def test_batches_fit_in_memory_and_are_of_about_equal_size():
    assert batches(range(20), Expense(0, 0)) == [tuple(range(10)), tuple(range(10, 20))]
    assert BATCH_IMAGES == 16
    large = batches(range(5), Expense(0, BATCH_BYTES / 4))
    assert [len(part) for part in large] == [2, 2, 1]
    assert batches(range(2), Expense(0, 10 * BATCH_BYTES)) == [(0,), (1,)]
    assert batches([], Expense(0, 0)) == []


def test_without_a_time_limit_layers_follow_each_other(summary):
    jobs = schedule({"conv2": range(3), "conv1": range(5)}, summary, (16, 16), CRISP, in_rounds=False)
    assert [(job.layer, job.channels) for job in jobs] == [("conv2", (0, 1, 2)), ("conv1", (0, 1, 2, 3, 4))]


def test_with_a_time_limit_every_layer_gets_something_first(summary):
    jobs = schedule({"conv2": (7, 3, 1), "conv1": (0, 1, 2, 3, 4)}, summary, (16, 16), CRISP, in_rounds=True)
    assert [(job.layer, job.channels) for job in jobs] == [
        ("conv1", (0,)),
        ("conv2", (7,)),
        ("conv1", (1,)),
        ("conv2", (3,)),
        ("conv2", (1,)),
        ("conv1", (2, 3)),
        ("conv1", (4,)),
    ]


def test_with_a_time_limit_the_deepest_layer_is_first_and_then_the_depth_is_spread_over(summary):
    row = summary.layer("conv1")
    many = replace(summary, layers=tuple(replace(row, name=str(place), inputs=()) for place in range(9)))
    jobs = schedule({str(place): (0,) for place in range(9)}, many, (16, 16), CRISP, in_rounds=True)
    assert [job.layer for job in jobs[:3]] == ["8", "0", "4"]
    assert {job.layer for job in jobs[3:5]} == {"2", "6"}


def test_with_a_time_limit_cheap_layers_come_first_once_all_have_something(summary):
    jobs = schedule({"conv1": (0, 1), "conv2": (0, 1)}, summary, (16, 16), CRISP, in_rounds=True)
    assert [job.layer for job in jobs] == ["conv2", "conv1", "conv1", "conv2"]


def test_further_pictures_of_all_layers_come_last(summary):
    plan = {"conv1": (0,), "conv2": (3, 1, 5)}
    for in_rounds in (False, True):
        also = ("negative", "diversity")
        jobs = schedule(plan, summary, (16, 16), CRISP, in_rounds=in_rounds, also=also)
        plain = [not (goal.down or goal.variant) for job in jobs for goal in job.goals]
        assert plain == sorted(plain, reverse=True)
        goals = [(job.layer, goal) for job in jobs for goal in job.goals]
        assert ("conv1", Goal(0, down=True)) in goals
        assert [goal.variant for layer, goal in goals if goal.channel == 3] == [0, 0, 1, 2, 3]
        # Pictures that are to differ are made together.
        assert all(len(job.goals) % 3 == 0 for job in jobs if job.goals[0].variant)


def test_the_clock_learns_from_what_jobs_took():
    jobs = [Job(str(i), (0,), (8, 8), 10.0) for i in range(4)]
    time = iter([0.0, 30.0, 30.0])
    clock = Clock(jobs, lambda: next(time), budget=60.0)
    assert clock.remaining() == 40
    clock.begun(jobs[0])
    clock.done(jobs[0], 30.0)
    assert clock.remaining() == 90
    assert clock.has_time_for(jobs[1])
    assert not clock.has_time_for(Job("slow", (0,), (8, 8), 11.0))


def test_what_was_only_looked_up_says_nothing_about_the_pace():
    jobs = [Job(str(i), (0,), (8, 8), 10.0) for i in range(2)]
    clock = Clock(jobs, lambda: 0.0, budget=None)
    clock.looked_up(jobs[0])
    assert clock.remaining() == 10
    assert clock.has_time_for(jobs[1])


def test_jobs_under_way_are_waited_for_by_all_workers():
    jobs = [Job(str(i), (0,), (8, 8), 10.0) for i in range(6)]
    clock = Clock(jobs, lambda: 0.0, budget=20.0, workers=2)
    assert clock.remaining() == 30
    clock.begun(jobs[0])
    clock.begun(jobs[1])
    assert clock.has_time_for(jobs[2])
    clock.begun(jobs[2])
    assert not clock.has_time_for(jobs[3])
    clock.done(jobs[0], 5.0)
    assert clock.has_time_for(jobs[3])
    assert clock.taken() == 2.5
    assert clock.remaining() == 12.5


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "less than a minute"), (70, "about 1 minute"), (600, "about 10 minutes")]
)
def test_durations_are_said_roughly(seconds, said):
    assert said_duration(seconds) == said
