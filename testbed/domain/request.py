"""What is asked of QEMU: one command, or one action of a transaction; what must come of it, and what the models learn.

A model *foresees* what QEMU must answer before it is asked: it grants the request, or refuses it in words that are
known beforehand. Where no model has an opinion, the question is open, and the scenario alone says what must come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from testbed.base.problems import AuthorError
from testbed.qemu.machine import Machine


def _nothing() -> None:
    """Change no model."""


@dataclass(frozen=True)
class Refusal:
    """An answer by which QEMU must refuse a request: `words` that stand in its text, and its class (`kind`).

    The words are those of the newest QEMU; see testbed.qemu.wording for older ones.
    """

    words: str
    kind: str = "GenericError"

    def __str__(self) -> str:
        """Say it in words that fit after "QEMU should"."""
        return f'refuse it as a {self.kind} that says "{self.words}"'


@dataclass
class Outlook:
    """What will have changed when a request is looked at that follows others in its transaction.

    Bitmaps are meant by the names of their node and their own. `is_open` tells that no model knows what will come.
    """

    added: set[tuple[str, str]] = field(default_factory=set)
    removed: set[tuple[str, str]] = field(default_factory=set)
    held: set[tuple[str, str]] = field(default_factory=set)
    is_open: bool = False

    def leave_open(self) -> None:
        """Have no opinion, neither on this request nor on any that follows it."""
        self.is_open = True


Forecast = Callable[[Outlook], Refusal | None]
"""Says how QEMU must refuse a request, given what went before it in its transaction, or None when it must grant it."""


def open_question(outlook: Outlook) -> Refusal | None:
    """Have no opinion on a request."""
    outlook.leave_open()
    return None


def always_granted(_outlook: Outlook) -> Refusal | None:
    """Foresee that a request is granted, whatever went before."""
    return None


@dataclass(frozen=True)
class Request:
    """A QMP command with its arguments; it serves alone and as an action of a transaction.

    `granted` is called once, when QEMU has agreed: it tells the models what must be true from then on; `settled` tells
    them what comes of all that was asked for in the same transaction. `refused` is called instead when it has not: it
    undoes what was got ready for the request. `forecast` says which of the two must come. `machine` is whom to ask; the
    machine that the scenario speaks of if none is named.
    """

    command: str
    arguments: Mapping[str, object]
    granted: Callable[[], object] = _nothing
    refused: Callable[[], object] = _nothing
    forecast: Forecast = open_question
    machine: Machine | None = None
    settled: Callable[[], object] = _nothing

    def then(self, more: Callable[[], object]) -> Request:
        """Return the request with something more that the models learn when it is granted."""

        def granted() -> None:
            self.granted()
            more()

        return replace(self, granted=granted)

    def as_action(self) -> dict[str, object]:
        """Return the request as an action of the QMP command transaction."""
        return {"type": self.command, "data": dict(self.arguments)}


def transaction(requests: Sequence[Request], completion: str = "") -> Request:
    """Make one request of several: all are granted or none.

    With the `completion` "grouped" the jobs that they start also stand or fall together, with "individual" each does by
    itself (completion-mode of QMP's transaction); if it is empty, QEMU is left to its default.
    Raises AuthorError when they are not all for one machine.
    """
    machines = {id(request.machine): request.machine for request in requests if request.machine}
    if len(machines) > 1:
        raise AuthorError("a transaction is made of one machine, and these requests are for several")
    arguments: dict[str, object] = {"actions": [request.as_action() for request in requests]}
    if completion:
        arguments["properties"] = {"completion-mode": completion}
    return Request(
        "transaction",
        arguments,
        granted=lambda: [request.granted() for request in requests],
        refused=lambda: [request.refused() for request in requests],
        forecast=lambda outlook: _foresee_all(requests, completion, outlook),
        machine=next(iter(machines.values()), None),
        settled=lambda: [request.settled() for request in requests],
    )


def _foresee_all(requests: Sequence[Request], completion: str, outlook: Outlook) -> Refusal | None:
    """Foresee what comes of requests one after the other: the first that must be refused, refuses them all."""
    for request in requests:
        if completion == "grouped" and request.command not in JOB_ACTIONS:
            return Refusal("property completion-mode = grouped")
        refusal = request.forecast(outlook)
        if refusal or outlook.is_open:
            return refusal
    return None


JOB_ACTIONS = ("drive-backup", "blockdev-backup")
"""The actions of a transaction that start jobs: only these can end together."""


def _aborted(_outlook: Outlook) -> Refusal:
    return Refusal("Transaction aborted using Abort action")


ABORT = Request("abort", {}, forecast=_aborted)
"""The action that makes a transaction fail, for those who want to see it undone."""
