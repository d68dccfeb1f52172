"""What a drive must read as."""

from __future__ import annotations

from testbed.domain.drive import Drive
from testbed.promises.promise import Promise
from testbed.qemu.images import Images


def holds_what_the_guest_wrote(images: Images) -> Promise[Drive]:
    """Match a drive whose image reads as the guest's requests must have left it, once no QEMU has it open."""

    def complaint(drive: Drive) -> str | None:
        wrong = images.first_difference(drive.image.name, drive.image.image_format, drive.content)
        return f"{wrong}, on {drive.name}" if wrong else None

    return Promise("a drive that holds just what the guest has written", complaint)
