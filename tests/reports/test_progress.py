from __future__ import annotations

import io
from dataclasses import replace
from typing import cast

import pytest
from behave.configuration import Configuration
from parsed import labelled, parsed

from testbed.base.gherkin import Config
from testbed.reports.console import Printer
from testbed.reports.outcome import Outcome, Status
from testbed.reports.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Seconds that go on when they are told to."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def scenario(number: int, status: Status = Status.PASSED) -> Outcome:
    return replace(labelled(parsed())[0], scenario=f"S{number}", line=number, status=status)


def progress(stream: io.StringIO, clock: Clock, total: int = 4) -> Progress:
    return Progress(Printer(stream, cast("Config", Configuration([], load_config=False))), total, clock)


def test_a_terminal_has_one_line_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    stream, clock = Terminal(), Clock()
    told = progress(stream, clock)
    told.scenario_started(scenario(1))
    told.scenario_started(scenario(2))
    clock.seconds = 50
    told.scenario_finished(scenario(1, Status.FAILED))
    clock.seconds = 60
    told.scenario_finished(scenario(2))
    lines = stream.getvalue().split("\r\x1b[K")[1:]
    assert lines == [
        "0/4 done, 0 red; running: S1",
        "0/4 done, 0 red; running: S1 | S2",
        "1/4 done, 1 red, about 2 min left; running: S2",
        "2/4 done, 1 red, about 60 s left",
    ]
    told.scenario_started(replace(scenario(3), scenario="S" * 100))
    assert len(stream.getvalue().rpartition("\r\x1b[K")[2]) == 59
    assert "\n" not in stream.getvalue()


def test_a_log_has_a_line_every_half_a_minute() -> None:
    stream, clock = io.StringIO(), Clock()
    told = progress(stream, clock, total=100)
    for number in range(1, 100):
        clock.seconds = number
        told.scenario_started(scenario(number))
        told.scenario_finished(scenario(number))
    assert stream.getvalue().splitlines() == [
        "... 29/100 done, 0 red, about 73 s left",
        "... 59/100 done, 0 red, about 42 s left",
        "... 89/100 done, 0 red, about 11 s left",
    ]
