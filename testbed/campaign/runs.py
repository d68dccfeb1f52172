"""Runs of the suite: several at a time, each in a process of its own and within a bound; and what each has left.

Whoever waits for runs can be told to end, by Ctrl-C or a signal: then all runs are killed before it goes on.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from types import FrameType, TracebackType
from typing import Any, TypeVar

from testbed.base.process import LAST_WORDS, Child, Finished, ToolFailed, describe_ending, start_tool
from testbed.campaign.checkout import ROOT
from testbed.reports.directory import ENVIRONMENT, SUMMARY
from testbed.reports.outcome import Outcome, RunError, RunSummary, Sentence, Status
from testbed.reports.progress import Share

T = TypeVar("T", bound=Hashable)
R = TypeVar("R")

CONSOLE = "console.txt"
"""What a run said, in the folder of its reports."""

TAIL = 1 << 18
"""Bytes from the end of what a run said in which it has said how far it is."""

PYTHON = Path(sys.executable).absolute()
"""This Python, wherever one stands: started by way of a PATH with relative folders, it knows itself by a relative name.
"""

END_BOUND = 10.0
"""Seconds that a process may take to end when it is killed."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks a program to end."""


class Interrupted(KeyboardInterrupt):
    """Somebody has asked the program to end, by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number
        """The exit status that says so."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Interrupted in the main thread when a signal asks the program to end.

    A signal that is ignored, as under nohup, stays so.
    """

    def interrupt(number: int, _frame: FrameType | None) -> None:
        raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    try:
        for number in heeded:
            signal.signal(number, interrupt)
        yield
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)


class Stopped(Exception):
    """Nothing is to be started any more, since all runs were told to end."""


@dataclass(frozen=True)
class Run:
    """A run of the suite as it is wanted.

    It reports into the folder `reports`; `options` are those of -D that must hold, `arguments` all else that behave is
    told. `program` is what Python is started with to run behave, and `hidden` are the environment variables that the
    run must not see.
    """

    reports: Path
    options: Mapping[str, object]
    arguments: Sequence[str] = ()
    program: Sequence[str] = ("-m", "behave")
    hidden: Collection[str] = ()

    @property
    def command(self) -> Sequence[str]:
        """The command line; of two options of one name behave takes the last."""
        hiding = [word for name in self.hidden for word in ("-u", name)]
        options = as_words({**self.options, "reports": self.reports})
        return ["env", *hiding, str(PYTHON), *self.program, *self.arguments, *options]


def as_words(options: Mapping[str, object]) -> list[str]:
    """Return options as behave's command line has them."""
    return [word for name, value in options.items() for word in ("-D", f"{name}={value}")]


@dataclass(frozen=True)
class EndedRun:
    """What a run has left in the folder of its reports.

    `summary` is None, and `banner`, the line by which QEMU introduces itself, is empty where the run came to no end.
    `problems` are what kept it from that, in plain words; `last_words` is the end of what the run said. `subject` says
    in a line what was judged.
    """

    reports: Path
    summary: RunSummary | None
    banner: str
    problems: Sequence[str] = ()
    last_words: str = ""
    subject: str = ""

    @classmethod
    def read(cls, reports: Path, problems: Sequence[str] = ()) -> EndedRun:
        """Read what a run has left; `problems` are those that are known already."""
        summary = _read(reports / SUMMARY)
        environment = _read(reports / ENVIRONMENT) or {}
        banner = str(environment.get("qemu", {}).get("banner", ""))
        console = reports / CONSOLE
        said = console.read_bytes()[-LAST_WORDS:].decode(errors="replace") if console.exists() else ""
        subject = str(environment.get("subject", ""))
        return cls(reports, _summary(summary) if summary else None, banner, problems, said.strip(), subject)

    @property
    def outcomes(self) -> Sequence[Outcome]:
        """What became of the scenarios, as far as it is known."""
        return self.summary.outcomes if self.summary else ()


def how_far(reports: Path) -> Share | None:
    """Tell how far a run is that reports into a folder, or return None where it does not say so yet."""
    try:
        with (reports / CONSOLE).open("rb") as console:
            console.seek(max(0, console.seek(0, os.SEEK_END) - TAIL))
            return Share.read(console.read().decode(errors="replace"))
    except FileNotFoundError:
        return None


def _read(path: Path) -> Any:
    """Return what a JSON file says, or None if there is none or it is not whole."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _summary(told: Mapping[str, Any]) -> RunSummary:
    """Return the summary that summary.json was written of."""
    return RunSummary(
        outcomes=tuple(map(_outcome, told["outcomes"])),
        errors=tuple(RunError(**error) for error in told["errors"]),
        started=datetime.fromisoformat(told["started"]),
        seconds=told["seconds"],
        in_earnest=told["in_earnest"],
        reports=Path(told["reports"]) if told["reports"] else None,
    )


def _outcome(told: Mapping[str, Any]) -> Outcome:
    typed = {
        "tags": tuple(told["tags"]),
        "started": datetime.fromisoformat(told["started"]),
        "status": Status(told["status"]),
        "step": Sentence(**told["step"]) if told["step"] else None,
        "reasons": tuple(told["reasons"]),
        "warnings": tuple(told.get("warnings", ())),
        "evidence": Path(told["evidence"]) if told["evidence"] else None,
    }
    return Outcome(**{**told, **typed})


@dataclass
class Runs:
    """The runs that are under way, and tools that work for them. Leaving the context ends all, and waits for that.

    `bound` is how many seconds a run may take.
    """

    bound: float
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _living: list[Child] = field(default_factory=list, repr=False)
    _workers: list[threading.Thread] = field(default_factory=list, repr=False)
    _is_stopped: bool = False

    def __enter__(self) -> Runs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._is_stopped = True
            living = list(self._living)
        for child in living:
            child.kill()
        # Each worker reaps what it has started. One that is stuck, as at a lock that another program has, hangs on this
        # process: it ends with it.
        deadline = monotonic() + END_BOUND
        for worker in self._workers:
            worker.join(max(0.0, deadline - monotonic()))

    def each(self, act: Callable[[T], R], items: Sequence[T], at_once: int) -> Iterator[tuple[T, R]]:
        """Do something with each item, so many at a time, and yield the items with the results as they come.

        Raises what `act` raises, and Stopped when all runs were told to end.
        """
        waiting = deque((item, Future[R]()) for item in items)
        results = {result: item for item, result in waiting}

        def unless_stopped(item: T) -> R:
            if self._is_stopped:
                raise Stopped
            return act(item)

        def work() -> None:
            with suppress(IndexError):  # when none is waiting any more
                while True:
                    item, result = waiting.popleft()
                    _settle(result, unless_stopped, item)

        for _ in range(min(at_once, len(items))):
            self._workers.append(threading.Thread(target=work, daemon=True))
            self._workers[-1].start()
        for result in as_completed(results):
            yield results[result], result.result()

    def run(self, wanted: Run) -> EndedRun:
        """Run the suite to its end, and return what it has left.

        Raises Stopped when all runs were told to end, and OSError when its folder cannot be written to.
        """
        wanted.reports.mkdir(parents=True, exist_ok=True)
        console = wanted.reports / CONSOLE

        def start() -> Child:
            return Child.start(wanted.command, cwd=ROOT, stdout=console, stderr=console)

        try:
            with self._under_way(start) as child:
                code = child.wait(self.bound)
        except ToolFailed as failure:
            return EndedRun.read(wanted.reports, [str(failure)])
        return EndedRun.read(wanted.reports, list(self._problems(code)))

    def run_tool(self, argv: Sequence[str], *, cwd: Path, bound: float, allowed: Collection[int] = (0,)) -> Finished:
        """Run a short tool in the directory `cwd`, for at most `bound` seconds, and return what it said.

        `allowed` are the statuses with which it may end. Raises ToolFailed, and Stopped when all runs were told to end.
        """
        tools = []

        def start() -> Child:
            tools.append(start_tool(argv, cwd=cwd))
            return tools[0].child

        with self._under_way(start):
            return tools[0].result(bound, allowed)

    @contextmanager
    def _under_way(self, start: Callable[[], Child]) -> Iterator[Child]:
        """Start a process that is ended with all others, or at the end of the block."""
        with self._lock:
            if self._is_stopped:
                raise Stopped
            child = start()
            self._living.append(child)
        try:
            yield child
        finally:
            child.kill_and_reap(END_BOUND)
            with self._lock:
                self._living.remove(child)
                is_stopped = self._is_stopped
        if is_stopped:
            raise Stopped

    def _problems(self, code: int | None) -> Iterator[str]:
        """Say what is wrong with how behave has ended, which itself says 0 or 1, and the reports why."""
        if code is None:
            yield f"the run did not end within {self.bound:g} s and was killed"
        elif code < 0:
            yield f"behave was {describe_ending(code)}"
        elif code > 1:
            yield f"behave ended with status {code}"


def _settle(result: Future[R], act: Callable[[T], R], item: T) -> None:
    """Do something, and keep what came of it."""
    try:
        result.set_result(act(item))
    except BaseException as error:  # noqa: BLE001 (whoever waits for the result gets it)
        result.set_exception(error)
