"""Several processes that share the features of one run: each takes the next feature when it is through with one.

The workers are forked when everything is loaded. What becomes of each scenario they tell the main process, which forked
them, and which alone writes reports and speaks to the user.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any

from testbed.base.gherkin import Feature, override
from testbed.reports.outcome import Listener, Outcome, RunError, RunSummary
from testbed.reports.progress import PERIOD

PR_SET_PDEATHSIG = 1
"""The request of prctl(2) that names the signal for the end of the parent."""

Message = tuple[str, Any]
"""What a worker says: a word and what goes with it."""


class MainProcess:
    """The main process as a worker sees it: it hands out features, and is told what becomes of them."""

    def __init__(self, connection: Connection, features: Sequence[Feature]) -> None:
        self._connection = connection
        self._features = features

    def features(self) -> Iterator[Feature]:
        """Ask for one feature after the other until there is none left."""
        while True:
            self.tell("next")
            number = self._connection.recv()
            if number is None:
                return
            yield self._features[number]

    def tell(self, word: str, value: object = None) -> None:
        """Send a word and what goes with it; raises OSError when the main process is no more."""
        self._connection.send((word, value))


class Forwarder(Listener):
    """Forwards to the main process how a worker's scenarios turn out."""

    def __init__(self, main: MainProcess) -> None:
        self._main = main

    @override
    def run_started(self, remarks: Sequence[str]) -> None:
        """Forward nothing: the run has started long since."""

    @override
    def scenario_started(self, outcome: Outcome) -> None:
        """Forward what would have to be said if the run ended here and now."""
        self._main.tell("started", outcome)

    @override
    def scenario_finished(self, outcome: Outcome) -> None:
        """Forward how a scenario ended."""
        self._main.tell("ended", outcome)

    @override
    def run_finished(self, summary: RunSummary) -> None:
        """Forward nothing: the other workers may not have ended."""


class FeatureByFeature(Listener):
    """Tells another listener of a feature's scenarios when all have ended: several features are run at a time.

    `sizes` holds how many scenarios of each file are to be run.
    """

    def __init__(self, listener: Listener, sizes: Mapping[str, int]) -> None:
        self._listener = listener
        self._sizes = sizes
        self._told: dict[str, list[Outcome]] = {}

    @override
    def run_started(self, remarks: Sequence[str]) -> None:
        """Pass on what is to be said before the first scenario."""
        self._listener.run_started(remarks)

    @override
    def scenario_started(self, outcome: Outcome) -> None:
        """Pass nothing on: there is no telling which of several ends first."""

    @override
    def scenario_finished(self, outcome: Outcome) -> None:
        """Pass a whole feature on with its last scenario, and what belongs to no such feature at once."""
        told = self._told.setdefault(outcome.file, [])
        told.append(outcome)
        if len(told) >= self._sizes.get(outcome.file, 0):
            self._flush(outcome.file)

    @override
    def run_finished(self, _summary: RunSummary) -> None:
        """Pass nothing on but what is still held back: the end is told by others."""
        for file in list(self._told):
            self._flush(file)

    def _flush(self, file: str) -> None:
        for outcome in self._told.pop(file):
            self._listener.scenario_finished(outcome)


@dataclass
class Workers:
    """The processes at work on the features, as the main process sees them.

    `hear` is told what they say, but for their demands for the next feature; `tick` is called every so often.
    """

    features: Sequence[Feature]
    hear: Callable[[str, Any], None]
    tick: Callable[[], None] = lambda: None
    errors: list[RunError] = field(default_factory=list)
    _processes: dict[Connection, int] = field(default_factory=dict)
    _handed_out: int = 0
    _stopped: bool = False
    _signal: signal.Signals | None = None

    def run(self, number: int, work: Callable[[MainProcess], None]) -> None:
        """Fork so many workers, let each do the work, and wait until all have ended."""
        for _ in range(number):
            self._fork(work)
        while self._processes:
            for connection in wait(list(self._processes), timeout=PERIOD):
                assert isinstance(connection, Connection)
                self._attend_to(connection)
            self.tick()

    def hand_out_nothing_more(self) -> None:
        """Let each worker end when it is through with the feature that it is at."""
        self._stopped = True

    def stop(self, sign: signal.Signals) -> None:
        """Hand out nothing more, and send every worker a signal."""
        self.hand_out_nothing_more()
        self._signal = sign
        for process in self._processes.values():
            os.kill(process, sign)

    def _fork(self, work: Callable[[MainProcess], None]) -> None:
        ours, theirs = Pipe()
        parent = os.getpid()
        process = os.fork()
        if process == 0:
            _die_with(parent)
            os.setpgid(0, 0)  # Ctrl-C is for the process that was started, which tells the others in its own time
            ours.close()
            for other in self._processes:
                other.close()
            status = 1
            try:
                work(MainProcess(theirs, self.features))
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        self._processes[ours] = process
        if self._signal is not None:  # it came before this one could be told
            os.kill(process, self._signal)

    def _attend_to(self, connection: Connection) -> None:
        try:
            word, value = connection.recv()
        except EOFError:
            self._reap(connection)
            return
        if word == "next":
            done = self._stopped or self._handed_out == len(self.features)
            connection.send(None if done else self._handed_out)
            self._handed_out += 0 if done else 1
        else:
            self.hear(word, value)

    def _reap(self, connection: Connection) -> None:
        """Reap a worker that has ended; say so if it should not have."""
        process = self._processes.pop(connection)
        connection.close()
        _, status = os.waitpid(process, 0)
        code = os.waitstatus_to_exitcode(status)
        if code:
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with status {code}"
            text = f"a process of the run {how}; the scenarios that it was at are reported as not run"
            self.errors.append(RunError("process", "ProcessDied", text, text))


def _die_with(parent: int) -> None:
    """Let the kernel kill this process when the one that forked it ends in whatever way; Linux only, as the rest is."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was told
        os._exit(1)
