"""What is asked of QEMU: one command, or one action of a transaction, and what the models learn when it is granted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


def _nothing() -> None:
    """Change no model."""


@dataclass(frozen=True)
class Request:
    """A QMP command with its arguments; it serves alone and as an action of a transaction.

    `granted` is called once, when QEMU has agreed: it tells the models what must be true from then on. `refused` is
    called instead when it has not: it undoes what was got ready for the request.
    """

    command: str
    arguments: Mapping[str, object]
    granted: Callable[[], object] = _nothing
    refused: Callable[[], object] = _nothing

    def as_action(self) -> dict[str, object]:
        """Return the request as an action of the QMP command transaction."""
        return {"type": self.command, "data": dict(self.arguments)}


def transaction(requests: Sequence[Request], completion: str = "") -> Request:
    """Make one request of several: all are granted or none.

    With the `completion` "grouped" the jobs that they start also stand or fall together, with "individual" each does by
    itself (completion-mode of QMP's transaction); if it is empty, QEMU is left to its default.
    """

    def granted() -> None:
        for request in requests:
            request.granted()

    def refused() -> None:
        for request in requests:
            request.refused()

    arguments: dict[str, object] = {"actions": [request.as_action() for request in requests]}
    if completion:
        arguments["properties"] = {"completion-mode": completion}
    return Request("transaction", arguments, granted, refused)


ABORT = Request("abort", {})
"""The action that makes a transaction fail, for those who want to see it undone."""
