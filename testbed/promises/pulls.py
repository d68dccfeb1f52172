"""What clients have copied in pull backups."""

from __future__ import annotations

from testbed.domain.pull import Pull
from testbed.promises.promise import Promise
from testbed.qemu.images import Images


def is_restored_by_copies(images: Images, restored: str) -> Promise[Pull]:
    """Match a pull whose copy, with those before it, is the drive at that moment, and that holds nothing needless."""

    def complaint(pull: Pull) -> str | None:
        if pull.copied is None:
            return f"no client has copied anything of {pull.drive.name}"
        if pull.copied != pull.changed:
            return f"a client was told to copy {pull.copied}; changed was {pull.changed}"
        wrong = images.first_difference(restored, "raw", pull.content)
        return f"what the copies of {pull.drive.name} restore: {wrong}" if wrong else None

    return Promise("a pull whose copies restore the drive", complaint)
