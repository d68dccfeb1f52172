"""What a mirror must hold."""

from __future__ import annotations

from testbed.domain.mirror import Mirror
from testbed.promises.backups import first_difference
from testbed.promises.promise import Promise
from testbed.qemu.images import Images


def equals_its_mirrored_drive(images: Images) -> Promise[Mirror]:
    """Match a mirror that reads as its drive did when the mirror ended."""

    def complaint(mirror: Mirror) -> str | None:
        if mirror.content is None:
            return f"{mirror} has not ended"
        wrong = first_difference(images, mirror.target, mirror.content)
        return f"{wrong}, in {mirror}" if wrong else None

    return Promise("a mirror that reads as its drive did when it ended", complaint)
