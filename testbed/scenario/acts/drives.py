"""What an operator does to drives and nodes: resizing them, putting things over and below them, giving them away."""

from __future__ import annotations

from functools import partial

from testbed.base.units import SECTOR
from testbed.domain.drive import Drive
from testbed.domain.request import ABORT, Outlook, Refusal, Request, always_granted, open_question
from testbed.qemu.image_kinds import SECRET
from testbed.scenario.acts.act import Actor, Name, Size, Value, act
from testbed.scenario.world import World


@act("resize", on="drive", by=Actor.OPERATOR)
def resize(world: World, drive: Drive, size: Size) -> Request:
    """Change a drive's size, in bytes, while the machine runs; it must be asked then."""
    drive.access.step_aside()

    def forecast(outlook: Outlook) -> Refusal | None:
        if any(bitmap.travelling for bitmap in drive.bitmaps.values()):
            return open_question(outlook)
        held = [name for name, bitmap in drive.bitmaps.items() if bitmap.inconsistent]
        if world.backups.of(drive) or world.exports.of(drive):
            return Refusal(f"Permission conflict on node '{drive.name}'")
        if not drive.is_active:
            return Refusal("Permission 'resize' unavailable on inactive node")
        if drive.read_only:
            return Refusal("Image is read-only")
        if size % SECTOR and drive.image.image_format == "qcow2":
            return Refusal(f"The new size must be a multiple of {SECTOR}")
        return Refusal(f"Bitmap '{held[0]}' is inconsistent and cannot be used") if held else None

    def granted() -> None:
        drive.resized(size)
        drive.access.step_back()

    arguments = {"node-name": drive.name, "size": size}
    return Request("block_resize", arguments, granted, drive.access.step_back, forecast, drive.machine)


def _give(drive: Drive, *, active: bool) -> Request:
    def granted() -> None:
        drive.is_active = active

    arguments = {"node-name": drive.name, "active": active}
    return Request("blockdev-set-active", arguments, granted, forecast=open_question, machine=drive.machine)


@act("activate", on="drive", by=Actor.OPERATOR, needs=("set-active",))
def activate(drive: Drive) -> Request:
    """Take the drive's image back from another machine."""
    return _give(drive, active=True)


@act("deactivate", on="drive", by=Actor.OPERATOR, needs=("set-active",))
def deactivate(drive: Drive) -> Request:
    """Give the drive's image over to another machine."""
    return _give(drive, active=False)


@act("snapshot", on="drive", by=Actor.OPERATOR)
def snapshot(world: World, drive: Drive, target: Name) -> Request:
    """Take an external snapshot: from then on the guest writes to a new image, `target`, above the drive's.

    The overlay is there at once, so that requests in the same transaction may speak of it.
    """
    overlay = world.drives.add_overlay(target, drive)

    arguments = {"node": drive.name, "overlay": target}
    return Request(
        "blockdev-snapshot",
        arguments,
        granted=partial(drive.give_guest_to, overlay),
        refused=partial(world.drives.drop_overlay, overlay),
        machine=drive.machine,
        settled=partial(drive.reopened, read_only=True),
    )


@act("commit", on="drive", by=Actor.OPERATOR)
def commit(drive: Drive) -> Request:
    """Write all that a drive holds itself into what is below it."""
    return Request("block-commit", {"device": drive.name, "job-id": "commit"}, machine=drive.machine)


@act("delete node", on="QEMU", by=Actor.OPERATOR)
def delete_node() -> Request:
    """Delete a node, which the column for that names."""
    return Request("blockdev-del", {"node-name": ""})


def _user(drive: Drive, permission: str, target: str) -> Request:
    """Let something use a node past all that is above: a node "user-of-" it, or of the drive if none is named.

    Without a target it is the file below the drive; that is granted only if the image is raw: others want their file
    for themselves.
    """
    options = {"driver": "blkdebug", "node-name": f"user-of-{target or drive.name}", "image": target or drive.file_name}

    def granted() -> None:
        drive.has_strangers = True

    return Request("blockdev-add", {**options, "take-child-perms": [permission]}, granted, machine=drive.machine)


@act("add writer", on="drive", by=Actor.HOST, needs=("blkdebug",))
def add_writer(drive: Drive, target: Name = "") -> Request:
    """Let something write to a node past all that is above it."""
    return _user(drive, "write", target)


@act("add resizer", on="drive", by=Actor.HOST, needs=("blkdebug",))
def add_resizer(drive: Drive, target: Name = "") -> Request:
    """Let something resize a node past all that is above it."""
    return _user(drive, "resize", target)


@act("add zero finder", on="drive", by=Actor.OPERATOR)
def add_zero_finder(drive: Drive, detect_zeroes: Value, discard: Value = "ignore") -> Request:
    """Put a node "finder-over-" the drive that looks for zeros in what is written, in QEMU's words."""
    options = {"driver": "raw", "node-name": f"finder-over-{drive.name}", "file": drive.name, "read-only": True}
    zeros = {"detect-zeroes": detect_zeroes, "discard": discard}

    def forecast(_outlook: Outlook) -> Refusal | None:
        words = "setting detect-zeroes to unmap is not allowed without setting discard operation to unmap"
        return Refusal(words) if detect_zeroes == "unmap" and discard != "unmap" else None

    return Request("blockdev-add", {**options, **zeros}, forecast=forecast, machine=drive.machine)


@act("add secret", on="QEMU", by=Actor.OPERATOR)
def add_secret() -> Request:
    """Give QEMU the key of all encrypted images."""
    return Request("object-add", SECRET, forecast=always_granted)


@act("abort", on="QEMU", by=Actor.OPERATOR)
def abort() -> Request:
    """Make the transaction fail that this is part of."""
    return ABORT


@act("a throttle filter", on="filter", by=Actor.OPERATOR, said="a throttle filter", needs=("throttle",))
def add_throttle(drive: Drive, name: Name) -> None:
    """Put a throttle node over a drive, through which the guest reaches it from then on."""
    drive.add_throttle(name)


@act("a copy-on-read filter", on="filter", by=Actor.OPERATOR, said="a copy-on-read filter", needs=("copy-on-read",))
def add_copy_on_read(drive: Drive, name: Name) -> None:
    """Put a node over a drive that copies up what the guest reads."""
    drive.add_copy_on_read(name)
