"""Bars and messages on standard error, with a terminal there and without one."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import pytest

from reportgen.progress import Silent, stage
from reportgen.terminal import TerminalProgress, terminal_progress


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error is a terminal, as wide as the lines of these tests."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")


def test_quiet_wins() -> None:
    assert isinstance(terminal_progress(quiet=True, verbose=True), Silent)
    assert isinstance(terminal_progress(quiet=False, verbose=False), TerminalProgress)


def test_without_a_terminal_stages_are_named_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for verbose, expected in ((False, ""), (True, "Filters\n")):
        with stage(TerminalProgress(verbose=verbose), "Filters", 2) as progress:
            progress.advance(1, "conv1")
        said = capsys.readouterr()
        assert (said.out, said.err) == ("", expected)


def test_a_message_is_one_line_however_long_and_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    message = "skipped [red]a[/red].png: " + "long " * 60
    TerminalProgress(verbose=False).say(message)
    assert capsys.readouterr().err == f"reportgen: {message}\n"


@pytest.mark.usefixtures("terminal")
def test_a_bar_counts_the_steps_and_says_what_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with stage(TerminalProgress(verbose=True), "Filters", 3) as progress:
        progress.advance(1, "[conv1]")
        progress.advance(2)
    said = capsys.readouterr()
    assert said.out == ""
    assert "Filters" in said.err
    assert "3/3" in said.err


@pytest.mark.usefixtures("terminal")
def test_a_stage_that_fails_takes_its_bar_away_and_another_may_begin(capsys: pytest.CaptureFixture[str]) -> None:
    progress = TerminalProgress(verbose=True)
    with pytest.raises(ZeroDivisionError), stage(progress, "First", 2):
        raise ZeroDivisionError
    progress.advance(1)  # nobody listens between two stages
    with stage(progress, "Second", None):
        progress.advance(1, "conv1")
    assert "Second: conv1" in capsys.readouterr().err


@pytest.mark.usefixtures("terminal")
def test_a_stage_inside_another_takes_its_bar_and_gives_it_back(capsys: pytest.CaptureFixture[str]) -> None:
    progress = TerminalProgress(verbose=True)
    with stage(progress, "Outer", 5):
        progress.advance(2)
        with stage(progress, "Inner", 3):
            progress.advance(3)
        progress.advance(1)
    shown = capsys.readouterr().err
    assert "Inner" in shown
    assert "3/3" in shown
    assert shown.rindex("Outer") > shown.rindex("Inner")
    assert "3/5" in shown[shown.rindex("Outer") :]


def test_a_stage_of_the_same_name_inside_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    progress = TerminalProgress(verbose=True)
    with stage(progress, "Filters"), stage(progress, "Filters", 3):
        progress.advance(3)
    assert capsys.readouterr().err == "Filters\n"


def test_details_are_for_those_who_asked_for_them(capsys: pytest.CaptureFixture[str]) -> None:
    for verbose, expected in ((False, ""), (True, "reportgen: small print\n")):
        TerminalProgress(verbose=verbose).explain("small print")
        assert capsys.readouterr().err == expected


def test_work_goes_on_when_nobody_reads_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    pipe = os.fdopen(writing, "w")
    monkeypatch.setattr(sys, "stderr", pipe)
    progress = TerminalProgress(verbose=True)
    for _ in range(2):
        with stage(progress, "Filters", 1):
            progress.say("a word")
            progress.advance(1)
    with suppress(BrokenPipeError):
        pipe.close()
