"""Several processes that share the features of one run: each takes the next feature when it is through with one.

The processes are forked when everything is loaded. What becomes of each scenario they tell the process that forked
them, which alone writes reports and speaks to the user.
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

PR_SET_PDEATHSIG = 1
"""The request of prctl(2) that names the signal for the end of the parent."""

Message = tuple[str, Any]
"""What a member says: a word and what goes with it."""


class Queue:
    """What a member of the crew sees: the features that it is handed, and whom to tell what becomes of them."""

    def __init__(self, connection: Connection, features: Sequence[Feature]) -> None:
        self._connection = connection
        self._features = features

    def __iter__(self) -> Iterator[Feature]:
        """Ask for one feature after the other until there is none left."""
        while True:
            self.tell("next")
            place = self._connection.recv()
            if place is None:
                return
            yield self._features[place]

    def tell(self, word: str, value: object = None) -> None:
        """Tell the process that forked this one; raises OSError when it is no more."""
        self._connection.send((word, value))


class Relay(Listener):
    """Passes on how the scenarios of one member turn out."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    @override
    def run_started(self, remarks: Sequence[str]) -> None:
        """Pass nothing on: the run has started long since."""

    @override
    def scenario_started(self, outcome: Outcome) -> None:
        """Pass on what would have to be said if the run ended here and now."""
        self._queue.tell("started", outcome)

    @override
    def scenario_settled(self, outcome: Outcome) -> None:
        """Pass on how a scenario ended."""
        self._queue.tell("settled", outcome)

    @override
    def run_finished(self, summary: RunSummary) -> None:
        """Pass nothing on: the others may not have finished."""


class WholeFeatures(Listener):
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
    def scenario_settled(self, outcome: Outcome) -> None:
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
            self._listener.scenario_settled(outcome)


@dataclass
class Crew:
    """The processes at work on the features. `hear` is told every message but the demand for the next feature."""

    features: Sequence[Feature]
    hear: Callable[[str, Any], None]
    errors: list[RunError] = field(default_factory=list)
    _members: dict[Connection, int] = field(default_factory=dict)
    _handed: int = 0
    _stopped: bool = False
    _signal: int | None = None

    def run(self, size: int, work: Callable[[Queue], None]) -> None:
        """Fork `size` processes, let each do the work, and wait until all have ended."""
        for _ in range(size):
            self._fork(work)
        while self._members:
            for connection in wait(list(self._members)):
                assert isinstance(connection, Connection)
                self._attend_to(connection)

    def hand_out_nothing_more(self) -> None:
        """Let each process end when it is through with the feature that it is at."""
        self._stopped = True

    def stop(self, number: int) -> None:
        """Hand out nothing more, and send every process the signal of that number."""
        self.hand_out_nothing_more()
        self._signal = number
        for member in self._members.values():
            os.kill(member, number)

    def _fork(self, work: Callable[[Queue], None]) -> None:
        ours, theirs = Pipe()
        parent = os.getpid()
        member = os.fork()
        if member == 0:
            _die_with(parent)
            os.setpgid(0, 0)  # Ctrl-C is for the process that was started, which tells the others in its own time
            ours.close()
            for other in self._members:
                other.close()
            status = 1
            try:
                work(Queue(theirs, self.features))
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        self._members[ours] = member
        if self._signal is not None:  # it came before this one could be told
            os.kill(member, self._signal)

    def _attend_to(self, connection: Connection) -> None:
        try:
            word, value = connection.recv()
        except EOFError:
            self._bury(connection)
            return
        if word == "next":
            done = self._stopped or self._handed == len(self.features)
            connection.send(None if done else self._handed)
            self._handed += 0 if done else 1
        else:
            self.hear(word, value)

    def _bury(self, connection: Connection) -> None:
        """Reap a process that has ended; say so if it should not have."""
        member = self._members.pop(connection)
        connection.close()
        _, status = os.waitpid(member, 0)
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
