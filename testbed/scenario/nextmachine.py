"""The machine after this one: what it finds of the bitmaps that the images have stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from testbed.domain.drive import Drive
from testbed.domain.node import Node
from testbed.promises.promise import Promise
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import Refused


def complaints_of_next_machine(first: Machine, drives: Sequence[Drive], in_step: Promise[Node]) -> Iterator[str]:
    """Boot another machine of the same build, and say which bitmaps it does not find as the first one has left them.

    The `first` one must have ended: the other one works in its directory, since an image names other files as seen from
    there. `in_step` is what the bitmaps of a node must be. The drives are opened for reading only, so that all that is
    stored stays as it was. Raises MachineDied and MachineHung when it does not live through that.
    """
    machine = first.twin(first.home)
    try:
        for drive in drives:
            yield from _complaints_about(drive, machine, in_step)
        machine.quit()
    finally:
        if machine.running:
            machine.kill()


def _complaints_about(drive: Drive, machine: Machine, in_step: Promise[Node]) -> Iterator[str]:
    file = {"driver": "file", "filename": drive.image}
    opened = {"driver": drive.image_format, "node-name": drive.name, "read-only": True, "file": file}
    try:
        machine.execute("blockdev-add", opened)
    except Refused as refusal:
        yield f"the next machine does not take {drive.name}: {refusal}"
        return
    node = Node(drive.name, machine, drive.size, bitmaps=dict(drive.kept_bitmaps))
    if complaint := in_step.complaint(node):
        yield f"the next machine does not find the bitmaps of {drive.name} as they were left: {complaint}"
