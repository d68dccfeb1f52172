"""Machines, drives and a world for tests of models alone: no QEMU is started, and nobody can be asked."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

from testbed.domain.access import MonitorAccess, MonitorAccesses
from testbed.domain.catalogue import Catalogue
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.target import Targets
from testbed.model.content import Content
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import Event, Monitor
from testbed.scenario.machines import Machines
from testbed.scenario.world import World

NOWHERE = Path("/nonexistent")

MIB = 1 << 20


def ended_machine(events: Sequence[Event] = ()) -> Machine:
    """Return a machine that has told of these events and then ended in order."""
    machine = Machine(NOWHERE / "qemu", NOWHERE, 1.0)
    with socket.socket() as closed:
        machine.monitor = Monitor(closed, 1.0, list(events))
    machine.dismissed = machine.has_quit = True
    return machine


def state(job: str, status: str) -> Event:
    """Return the event by which a job tells of a state."""
    return Event("JOB_STATUS_CHANGE", {"id": job, "status": status}, 0.0)


def image(name: str = "drive0", size: int = MIB, kind: ImageKind | None = None, base: Image | None = None) -> Image:
    """Return an image of zeros, in the file `name` and its format, of qcow2 unless a kind is given."""
    kind = kind or ImageKind("qcow2")
    return Image(f"{name}.{kind.image_format}", kind, Content(size), base)


def drive_of(held: Image, machine: Machine | None = None) -> Drive:
    """Return a drive, called after the file of its image, which the machine has open."""
    machine = machine or ended_machine()
    drive = Drive.of(held.name.partition(".")[0], machine, held, MonitorAccesses(machine))
    drive.access = MonitorAccess(machine, f"guest-{drive.name}")
    drive.opened()
    return drive


def world_of(*drives: Drive) -> World:
    """Return a world with drives of one machine, or with none."""
    machine = drives[0].machine if drives else ended_machine()
    images = Images(NOWHERE / "qemu-img", NOWHERE / "qemu-io", NOWHERE, NOWHERE, 1.0)
    catalogue = Catalogue(Targets(images, ImageKind("qcow2")))
    world = World.of(Machines(machine), images, catalogue, MonitorAccesses, "qcow2", digests=None)
    world.drives.by_name = {drive.name: drive for drive in drives}
    return world
