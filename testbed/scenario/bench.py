"""The bench of a scenario: where an operator lets qemu-img work on the images of machines that are off."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.base.process import Finished
from testbed.domain.imagetool import ToolCall
from testbed.qemu.images import Images
from testbed.scenario.dialogue import BrokenPromise


@dataclass(frozen=True)
class Bench:
    """Runs qemu-img, the tool of `images`, and lets the models learn what it has done."""

    images: Images

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


def _words(answer: Finished) -> str:
    return (answer.stderr or answer.stdout).strip() or f"it only exits with status {answer.returncode}"
