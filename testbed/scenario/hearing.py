"""What the machines of a scenario tell by themselves, and what of that some sentence has spoken of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from testbed.domain.disk import Disk
from testbed.domain.lifecycle import ends_without_a_run
from testbed.qemu.monitor import Event
from testbed.qemu.wording import members
from testbed.scenario.machines import Machines

NOT_TOLD = ("JOB_STATUS_CHANGE", "GUEST_PANICKED")
"""Events of which no sentence needs to speak: a job's states are looked at elsewhere, a panic is the guest's own."""


@dataclass
class Hearing:
    """The events of all machines, each of which is heard once."""

    machines: Machines
    _heard: list[Event] = field(default_factory=list)
    _repeated: list[Callable[[Event], bool]] = field(default_factory=list)

    def new_events(self) -> list[Event]:
        """Return what QEMU has reported and nobody has heard of yet, other than changes of jobs' states.

        What a guest has caused is not among it: its firmware may reset the machine whenever it likes.
        """
        for machine in self.machines.running:
            machine.all_events()
        return self.unheard()

    def unheard(self) -> list[Event]:
        """Return the same as far as QEMU was heard already; nothing is asked."""
        events = (event for machine in self.machines for event in machine.heard())
        told = (event for event in events if not any(repeated(event) for repeated in self._repeated))
        new = [event for event in told if not any(event is heard for heard in self._heard)]
        self._heard += new
        return [event for event in new if event.name not in NOT_TOLD and not event.data.get("guest")]

    def heard(self, events: Iterable[Event]) -> None:
        """Take note that nobody needs to speak of events any more."""
        self._heard += events

    def hear_again_and_again(self, name: str, data: Mapping[str, str]) -> None:
        """Wait until QEMU has reported an event with these members twice; all more of them count as heard.

        Raises MachineHung or MachineDied.
        """

        def repeated(event: Event) -> bool:
            return event.name == name and data.items() <= event.data.items()

        self._repeated.append(repeated)
        machine, what = self.machines.current, f"{name} with {members(data)}" if data else name
        first = machine.wait_for(what, repeated)
        after_first = machine.monitor.events.index(first) + 1
        machine.wait_for(f"{what} again", repeated, start=after_first)

    def error_of_disk(self, disk: Disk) -> Event:
        """Wait for the first error of a guest's disk since the guest was last let run, and return it.

        If the guest is paused before any is told of, return that event. All errors that follow count as heard. Raises
        MachineHung or MachineDied.
        """

        def is_of_disk(event: Event) -> bool:
            return event.name == "BLOCK_IO_ERROR"

        self._repeated.append(is_of_disk)
        names = [event.name for event in disk.machine.monitor.events]
        start = len(names) - names[::-1].index("RESUME") if "RESUME" in names else 0
        return disk.machine.wait_for(
            f"an error of the guest's disk {disk.name}",
            lambda event: is_of_disk(event) or event.name == "STOP",
            start=start,
        )

    def odd_ends(self) -> list[Event]:
        """Return the events that tell of the end of a job which has never run, and so cannot end."""
        return [event for machine in self.machines for event in ends_without_a_run(machine.monitor.events)]
