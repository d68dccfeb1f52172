"""What a drive must read as, and how its image must be left."""

from __future__ import annotations

from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.promises.promise import Promise
from testbed.qemu.images import Images


def holds_what_the_guest_wrote(images: Images) -> Promise[Drive]:
    """Match a drive whose image reads as the guest's requests must have left it, once no QEMU has it open."""

    def complaint(drive: Drive) -> str | None:
        wrong = images.first_difference(drive.image.name, drive.image.image_format, drive.content)
        return f"{wrong}, on {drive.name}" if wrong else None

    return Promise("a drive that holds just what the guest has written", complaint)


def is_left_alone() -> Promise[Drive]:
    """Match a drive of which no file was written since it was opened for reading only, if it is open so."""

    def complaint(drive: Drive) -> str | None:
        if not drive.found or drive.fingerprint == drive.found:
            return None
        return f"{drive.image.name} was written although {drive.name} is open for reading only"

    return Promise("a drive that is only read, if it may be no more", complaint)


def is_only_read() -> Promise[Drive]:
    """Match a drive of which QEMU says that its image is open for reading only."""

    def complaint(drive: Drive) -> str | None:
        nodes = drive.machine.execute("query-named-block-nodes", {"flat": True})
        is_read_only = next(node["ro"] for node in nodes if node["node-name"] == drive.name)
        return None if is_read_only else f"{drive.name} should be open for reading only; it is open for writing"

    return Promise("a drive whose image is open for reading only", complaint)


def is_sound(images: Images) -> Promise[Image]:
    """Match an image that does not contradict itself, once no QEMU has it open.

    Two things in one cluster, or one in a cluster that counts as free, and the next write spoils something (reference
    counts, in QEMU's specification of qcow2).
    """

    def complaint(image: Image) -> str | None:
        flaws = images.flaws(image.name) if image.image_format == "qcow2" else []
        return "\n".join(f"{image.name} contradicts itself: {flaw}" for flaw in flaws) or None

    return Promise("an image that does not contradict itself", complaint)
