"""The dialogue with QEMU: requests, what it grants, what it refuses, and what a refused request has changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from testbed.base.problems import AuthorError, near
from testbed.domain.catalogue import Catalogue
from testbed.domain.export import reported_by
from testbed.domain.node import UnknownName
from testbed.domain.request import Outlook, Refusal, Request
from testbed.promises.refusals import answers
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import Refused
from testbed.qemu.wording import as_said
from testbed.scenario.drives import Drives
from testbed.scenario.machines import Machines

DRAINING = ("transaction", "job-finalize")
"""The commands for which QEMU waits until all that is on its way to a drive has arrived."""


NO_SUCH_BITMAP = re.compile(r"itmap '([^']*)' (?:could not be|not) found")
"""How the models foresee a refusal of a request that speaks of a bitmap which there is not."""


class BrokenPromise(AssertionError):
    """Something that every scenario promises does not hold; the message names each such thing."""


@dataclass
class Answer:
    """What QEMU has answered to a request: its refusal, if it refused, and what was foreseen of that.

    `is_foreseen` tells whether the models had an opinion; `foreseen` is how QEMU must have refused it then, or None if
    it must have granted it.
    """

    request: Request
    refusal: Refused | None
    foreseen: Refusal | None
    is_foreseen: bool

    @property
    def surprise(self) -> str | None:
        """Say how the answer differs from what the models foresaw, or None if it does not."""
        if not self.is_foreseen or answers(self.refusal, self.foreseen):
            return None
        wanted = self.foreseen or "grant it"
        came = str(self.refusal) if self.refusal else f"QEMU granted {self.request.command}"
        return f"{came}; by all that was asked before, it should {wanted}"


@dataclass
class Dialogue:
    """Asks the machines of a scenario, and remembers the last answer until some sentence has spoken of it."""

    machines: Machines
    drives: Drives
    images: Images
    catalogue: Catalogue
    _unspoken: Answer | None = None
    _traces: list[str] = field(default_factory=list)

    def demand(self, request: Request) -> None:
        """Make a request that QEMU must grant; raises BrokenPromise when it does not, or has refused the one before.

        Raises it, too, when QEMU grants a request that the models say it should have refused. Raises AuthorError when
        QEMU had to refuse the request since it speaks of a bitmap that there is not.
        """
        answer = self._answer(request)
        if answer.refusal:
            raise self._wrong_with(answer) from None
        self._take_note(answer)

    def ask(self, request: Request) -> None:
        """Make a request; when QEMU refuses it, some sentence must speak of that before the next request.

        Raises what `demand` does but for the refusal itself, and BrokenPromise when QEMU holds on to what was got
        ready for a request that it refuses.
        """
        machine = request.machine or self.machines.current
        before = things_on(machine)
        self.images.date_back()
        answer = self._answer(request)
        self._unspoken = answer
        if answer.refusal is None:
            self._take_note(answer)
            return
        self._traces = [*_difference(before, things_on(machine)), *self._written_images()]
        try:
            request.refused()
        except Refused as held:
            text = f"after {answer.refusal}, what was got ready for it is still in use: {held}"
            raise BrokenPromise(text) from held

    def refused(self) -> Answer | None:
        """Return the answer to the last request; its refusal, if it is one, has been spoken of then."""
        answer, self._unspoken = self._unspoken, None
        return answer

    def insist_on_grant(self) -> None:
        """Raise what `demand` does, if QEMU refused the last request and nobody has spoken of that."""
        answer = self.refused()
        if answer and answer.refusal:
            raise self._wrong_with(answer)

    @property
    def traces(self) -> list[str]:
        """Say what the last refused request has changed all the same: nodes, jobs, exports, images."""
        return list(self._traces)

    def _answer(self, request: Request) -> Answer:
        self.insist_on_grant()
        machine = request.machine or self.machines.current
        machine.heard()
        self.catalogue.follow()
        outlook = Outlook()
        foreseen = request.forecast(outlook)
        try:
            machine.execute(request.command, request.arguments)
        except Refused as refusal:
            return Answer(request, refusal, foreseen, not outlook.is_open)
        return Answer(request, None, foreseen, not outlook.is_open)

    def _wrong_with(self, answer: Answer) -> BrokenPromise | AuthorError:
        """Return whose fault an unexpected refusal is: the author's, if he names a bitmap that there is not."""
        missing = NO_SUCH_BITMAP.search(answer.foreseen.words) if answer.foreseen else None
        if answer.surprise or missing is None:
            return BrokenPromise(str(answer.refusal))
        known = {name for node in self.drives.nodes() for name in node.bitmaps}
        slip = near(missing[1], sorted(known), "bitmap")
        return AuthorError(f"{slip}\n{answer.refusal}, as it must, and no sentence speaks of that")

    def _take_note(self, answer: Answer) -> None:
        if answer.surprise:
            raise BrokenPromise(answer.surprise)
        if answer.request.command in DRAINING:
            self.drives.let_writes_arrive()
        try:
            answer.request.granted()
            answer.request.settled()
        except UnknownName as unknown:
            raise BrokenPromise(f"QEMU granted what it should have refused: {unknown}") from unknown
        self.drives.note_moments()

    def _written_images(self) -> list[str]:
        """Say which images were written since they were dated back, but for those that running jobs may write."""
        said = {file.name for machine in self.machines for file in (machine.stdout, machine.stderr)}
        busy = {*said, *(backup.target.name for backup in self.catalogue.running())}
        return [f"the image {name} was written" for name in self.images.written() if name not in busy]


def insist_on_same_opinion(answer: Answer, table: Refusal | None) -> None:
    """Raise AuthorError when a sentence expects another answer than the models foresee: one of them is wrong."""
    if answer.is_foreseen and not _agree(answer.foreseen, table):
        told = table or "grant it"
        raise AuthorError(
            f"the sentence says that QEMU should {told}; by all that was asked before, the models say that it should "
            f"{answer.foreseen or 'grant it'}: one of the two is wrong"
        )


def _agree(foreseen: Refusal | None, table: Refusal | None) -> bool:
    if foreseen is None or table is None:
        return foreseen is table
    # Either may quote more of QEMU's text than the other one does.
    return foreseen.kind == table.kind and (foreseen.words in table.words or table.words in foreseen.words)


def things_on(machine: Machine) -> list[str]:
    """Name what a machine has, and what a request could leave behind: nodes, jobs with their speeds, exports."""
    nodes: list[Mapping[str, Any]] = machine.look("query-named-block-nodes", {"flat": True})
    names = jobs_on(machine)
    jobs: list[Mapping[str, Any]] = machine.execute("query-block-jobs") if names else []
    return [
        *(f"a node {node['node-name']}" for node in nodes),
        *(f"a job {name}" for name in names),
        *(f"a job {job['device']} at the speed {as_said('speed', job['speed'])}" for job in jobs),
        *(f"an export {name}" for name in reported_by(machine)),
    ]


def jobs_on(machine: Machine) -> list[str]:
    """Return the names of the jobs that a machine lists."""
    return [str(job["id"]) for job in machine.look("query-jobs")]


def _difference(before: Sequence[str], now: Sequence[str]) -> list[str]:
    return [
        *(f"there is {thing} that was not there before" for thing in now if thing not in before),
        *(f"{thing} is gone" for thing in before if thing not in now),
    ]
