"""Machines that start ahead: while one scenario is at work, the QEMU of the next one is on its way."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path

from testbed.base.process import ToolFailed
from testbed.base.scratch import Scratch
from testbed.qemu.machine import Machine


@dataclass
class Launcher:
    """Starts machines of one build, each in a directory of its own, and always one more than was asked for.

    The start of QEMU is most of what a short scenario would have to wait for. `close` ends the one that nobody took;
    none is started ahead where no scenario is `to_come` any more, so many as are known of.
    """

    kind: type[Machine]
    qemu: Path
    scratch: Scratch
    to_come: float = math.inf
    _next: Machine | None = None

    def machine_for(self, scenario_name: str, bound: float) -> Machine:
        """Return a machine on bare hardware for a scenario; `bound` is as in Machine.

        Raises what Machine.start does.
        """
        machine = self._next or self._launch(bound)
        self._next = None
        machine.move(self.scratch.directory_for(scenario_name))
        machine.bound = bound
        machine.meet()
        self.to_come -= 1
        if self.to_come > 0:
            with contextlib.suppress(ToolFailed, OSError):  # whoever needs that machine will try again, and be told
                self._next = self._launch(bound)
        return machine

    def close(self) -> None:
        """End the machine that nobody has taken."""
        if self._next:
            self._next.kill()
            self._next = None

    def _launch(self, bound: float) -> Machine:
        machine = self.kind(self.qemu, self.scratch.directory_for("ahead"), bound)
        machine.launch(self.kind.bare)
        return machine
