from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest
from behave.configuration import Configuration
from parsed import labelled, parsed

from testbed.base.gherkin import Config
from testbed.reports.console import Printer
from testbed.reports.outcome import Listener, Outcome, RunSummary, Status
from testbed.reports.progress import EVERY, InTurn, Line, Progress, Share


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
        "... 29/100 done, 0 red, about 73 s left; running: S30",
        "... 59/100 done, 0 red, about 42 s left; running: S60",
        "... 89/100 done, 0 red, about 11 s left; running: S90",
    ]


def test_a_log_has_its_line_also_while_one_scenario_takes_long() -> None:
    stream, clock = io.StringIO(), Clock()
    told = progress(stream, clock)
    told.scenario_started(scenario(1))
    for clock.seconds in (10, 29, 31, 59, 62):
        told.line.tick()
    assert stream.getvalue() == "... 0/4 done, 0 red; running: S1\n" * 2


class Watched(io.StringIO):
    """A stream that somebody can wait for to be written to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


def line(stream: io.StringIO, clock: Clock, total: int = 4, red: str = "red") -> Line:
    return Line(Printer(stream, cast("Config", Configuration([], load_config=False))), total, red, clock)


def test_it_ticks_in_a_thread_of_its_own_until_it_is_told_not_to() -> None:
    stream, clock = Watched(), Clock()
    told = line(stream, clock)
    clock.seconds = EVERY
    with told.ticking(0.001):
        assert stream.written.wait(10)
    assert stream.getvalue() == "... 0/4 done, 0 red\n"
    assert [thread for thread in threading.enumerate() if "tick" in thread.name] == []


def test_a_tick_that_comes_to_its_turn_after_the_end_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Turn:
        """A turn that tells when somebody waits for it who is not in this thread."""

        def __init__(self) -> None:
            self.lock = threading.RLock()
            self.other = threading.Thread()
            self.is_awaited = threading.Event()

        def __enter__(self) -> None:
            if threading.current_thread() is not threading.main_thread():
                self.other = threading.current_thread()
                self.is_awaited.set()
            self.lock.acquire()

        def __exit__(self, *_error: object) -> None:
            self.lock.release()

    monkeypatch.setattr("testbed.reports.progress.END_BOUND", 0)
    stream, clock, turn = io.StringIO(), Clock(), Turn()
    told = line(stream, clock)
    told.turn = cast("threading.RLock", turn)
    clock.seconds = EVERY
    with turn, told.ticking(0.001):
        assert turn.is_awaited.wait(10)
    turn.other.join(10)
    assert not turn.other.is_alive()
    assert stream.getvalue() == ""


def test_another_prints_only_while_the_line_does_not() -> None:
    told = line(io.StringIO(), Clock())
    heard: list[str] = []

    class Heard(Listener):
        """Takes down whether the line could print just now."""

        def try_turn(self) -> None:
            other = threading.Thread(target=lambda: heard.append(str(told.turn.acquire(blocking=False))))
            other.start()
            other.join()

        def run_started(self, _remarks: Sequence[str]) -> None:
            self.try_turn()

        def scenario_started(self, _outcome: Outcome) -> None:
            self.try_turn()

        def scenario_finished(self, _outcome: Outcome) -> None:
            self.try_turn()

        def run_finished(self, _summary: RunSummary) -> None:
            self.try_turn()

    in_turn = InTurn(Heard(), told)
    in_turn.run_started([])
    in_turn.scenario_started(scenario(1))
    in_turn.scenario_finished(scenario(1))
    in_turn.run_finished(cast("RunSummary", None))
    assert heard == ["False"] * 4


def test_what_runs_tells_how_far_it_is_and_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream, clock = Terminal(), Clock()
    told = line(stream, clock, total=2, red="unfound")
    told.began("a", "bookworm", lambda: Share("300/600", 0.5, 7))
    clock.seconds = 60
    told.began("b", "trixie", lambda: Share("is being fetched, 12 MB so far"))
    told.say("one thing")
    assert stream.getvalue().split("\r\x1b[K")[-3:] == [
        "0/2 done, 7 unfound, about 3 min left; running: bookworm 300/600 | trixie is being fetched, 12 MB so far",
        "one thing\n",
        "0/2 done, 7 unfound, about 3 min left; running: bookworm 300/600 | trixie is being fetched, 12 MB so far",
    ]


@pytest.mark.parametrize(
    ("log", "share"),
    [
        ("", None),
        ("passed ... 3/4 done, 1 red\n", None),
        ("... 1/8 done, 0 red\nFAILED\n... 4/8 done, 2 red, about 9 s left\npassed\n", Share("4/8", 0.5, 2)),
    ],
)
def test_a_log_of_a_run_tells_how_far_that_is(log: str, share: Share | None) -> None:
    assert Share.read(log) == share


def test_the_line_of_a_log_is_read_as_it_is_written() -> None:
    stream, clock = io.StringIO(), Clock()
    told = progress(stream, clock)
    told.scenario_finished(scenario(1, Status.FAILED))
    clock.seconds = EVERY
    told.line.tick()
    assert Share.read(stream.getvalue()) == Share("1/4", 0.25, 1)
