"""The bench of a scenario: where an operator lets qemu-img work on the images of machines that are off."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.base.problems import AuthorError
from testbed.base.process import Finished
from testbed.domain.imagetool import ToolCall
from testbed.model.ranges import Ranges
from testbed.qemu.images import Images
from testbed.scenario.dialogue import BrokenPromise


@dataclass
class Bench:
    """Runs qemu-img, the tool of `images`, and lets the models learn what it has done.

    `told` is what a client was last told to be dirty. What a tool answers that may refuse, some sentence must speak of.
    """

    images: Images
    told: Ranges | None = None
    _unspoken: tuple[str, Finished] | None = None

    def spoken_of(self) -> Finished:
        """Return what a tool answered last that might have refused; raise AuthorError when none was asked since."""
        if self._unspoken is None:
            raise AuthorError("no tool was asked for anything that it might refuse")
        (_, answer), self._unspoken = self._unspoken, None
        return answer

    def insist_on_words(self) -> None:
        """Raise BrokenPromise if a tool has refused something and no sentence has spoken of that.

        Raises AuthorError if it has done what it was only to try: no model has learned of that.
        """
        if self._unspoken is None:
            return
        (what, answer), self._unspoken = self._unspoken, None
        if answer.returncode:
            raise _refused(what, answer)
        raise AuthorError(f"{what} was to be tried, and no sentence says how that ended")

    @property
    def last_told(self) -> Ranges:
        """Return `told`; raise AuthorError when no client has asked."""
        if self.told is None:
            raise AuthorError("no client has asked what is dirty")
        return self.told

    def do(self, call: ToolCall) -> Finished:
        """Let the tool do something, and return what it said; raises BrokenPromise when it refuses."""
        answer = self._run(call)
        if answer.returncode:
            raise _refused(str(call), answer)
        call.done()
        return answer

    def ask(self, call: ToolCall) -> Finished:
        """Let the tool try something; return how it ended and what it said, and let no model learn of it.

        Raises what `insist_on_words` does for the tool that was asked before; BrokenPromise when this one has changed
        what it had only to read, ToolFailed when it was killed or hangs.
        """
        answer = self._run(call)
        self.take_note(str(call), answer)
        return answer

    def take_note(self, what: str, answer: Finished) -> None:
        """Remember how a tool answered until some sentence speaks of it; `what` says what was asked for."""
        self._unspoken = what, answer

    def _run(self, call: ToolCall) -> Finished:
        self.insist_on_words()
        before = self._prints(call.reads)
        answer = self.images.tool(call.command, *call.arguments)
        changed = [name for name, print_ in zip(call.reads, before, strict=True) if self._prints([name]) != [print_]]
        if changed:
            raise BrokenPromise(f"{call} should only read {', '.join(changed)}; it has changed that")
        return answer

    def _prints(self, names: Sequence[str]) -> list[str]:
        return [_print_of(self.images.home / name) for name in names]


def _print_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _refused(what: str, answer: Finished) -> BrokenPromise:
    return BrokenPromise(f"{what} should have been done; it was refused: {_words(answer)}")


def _words(answer: Finished) -> str:
    return (answer.stderr or answer.stdout).strip() or f"it only exits with status {answer.returncode}"
