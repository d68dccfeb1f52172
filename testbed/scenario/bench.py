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

    `answer` is what a tool said last that might have refused; `told` is what a client was last told to be dirty.
    """

    images: Images
    answer: Finished | None = None
    told: Ranges | None = None

    @property
    def last_answer(self) -> Finished:
        """Return `answer`; raise AuthorError when no tool was asked."""
        if self.answer is None:
            raise AuthorError("no tool was asked for anything that it might refuse")
        return self.answer

    @property
    def last_told(self) -> Ranges:
        """Return `told`; raise AuthorError when no client has asked."""
        if self.told is None:
            raise AuthorError("no client has asked what is dirty")
        return self.told

    def do(self, call: ToolCall) -> Finished:
        """Let the tool do something, and return what it said; raises BrokenPromise when it refuses."""
        answer = self.ask(call)
        if answer.returncode:
            raise BrokenPromise(f"{call} should have been done; it was refused: {_words(answer)}")
        call.done()
        return answer

    def ask(self, call: ToolCall) -> Finished:
        """Let the tool try something; return how it ended and what it said, and let no model learn of it.

        Raises BrokenPromise when it has changed what it had only to read, ToolFailed when it was killed or hangs.
        """
        before = self._prints(call.reads)
        answer = self.answer = self.images.tool(call.command, *call.arguments)
        changed = [name for name, print_ in zip(call.reads, before, strict=True) if self._prints([name]) != [print_]]
        if changed:
            raise BrokenPromise(f"{call} should only read {', '.join(changed)}; it has changed that")
        return answer

    def _prints(self, names: Sequence[str]) -> list[str]:
        return [_print_of(self.images.home / name) for name in names]


def _print_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _words(answer: Finished) -> str:
    return (answer.stderr or answer.stdout).strip() or f"it only exits with status {answer.returncode}"
