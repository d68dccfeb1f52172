"""The machines of a scenario, by their names: as many as it speaks of, of the build under test or of another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed.base.problems import AuthorError, near
from testbed.qemu.machine import WAITING, Machine

EARLIER = "earlier"
"""What a machine is called that had an image before the scenario begins."""

AFTER = "after"
"""What the machine is called that is asked in the end what it finds in the images."""


@dataclass
class Machines:
    """All machines of a scenario work in one directory, so that an image has one name for all of them.

    `current` is the machine that a sentence means which names none. `next_qemu` is the emulator of another build, if
    the run has been given one.
    """

    current: Machine
    next_qemu: Path | None = None
    started: list[Machine] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with the machine that is there."""
        self.started.append(self.current)

    def __iter__(self) -> Iterator[Machine]:
        """Return all machines that were ever started, those that have ended included; the first one first."""
        return iter(self.started)

    @property
    def running(self) -> list[Machine]:
        """Return those that have not ended."""
        return [machine for machine in self if machine.running]

    @property
    def home(self) -> Path:
        """Return the directory in which they work."""
        return self.current.home

    @property
    def warnings(self) -> list[str]:
        """Return what any of them has warned of so far, each once."""
        return list(dict.fromkeys(warning for machine in self for warning in machine.warnings))

    def named(self, name: str) -> Machine:
        """Return the machine that was last started under a name; raise AuthorError when there is none."""
        found = [machine for machine in self if machine.name == name]
        if not found:
            raise near(name, (machine.name for machine in self), "machine")
        return found[-1]

    def boot(self, name: str) -> Machine:
        """Start another machine of the same build on bare hardware; see Machine.start for what it raises.

        A machine that has ended may start again under its name; raises AuthorError when it has not.
        """
        return self._start(type(self.current), self.started[0].qemu, name)

    def boot_next_build(self, name: str) -> Machine:
        """Do as `boot` does, with the other build that the run was given; raises AuthorError when it was given none."""
        if self.next_qemu is None:
            raise AuthorError("the run has no next build: the sentence must say that it needs one")
        return self._start(Machine, self.next_qemu, name)

    def boot_to_wait(self, name: str, *, next_build: bool = False) -> Machine:
        """Start a machine that waits for a guest to come, of the same build or the next one; see `boot`."""
        if not next_build:
            return self._start(type(self.current), self.started[0].qemu, name, WAITING)
        if self.next_qemu is None:
            raise AuthorError("the run has no next build: the sentence must say that it needs one")
        return self._start(Machine, self.next_qemu, name, WAITING)

    def check_alive(self) -> None:
        """Raise MachineDied when one of them has ended and was not told to."""
        for machine in self:
            machine.check_alive()

    def kill_all(self) -> None:
        """End all that still run, at once."""
        for machine in self.running:
            machine.kill()

    def _start(self, kind: type[Machine], qemu: Path, name: str, more: Sequence[str] = ()) -> Machine:
        if any(machine.name == name for machine in self.running):
            raise AuthorError(f'a machine "{name}" runs already: give this one another name')
        machine = kind.boot(qemu, self.home, self.current.bound, name, more)
        self.started.append(machine)
        return machine
