"""What a backup must hold, and what it must restore."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import replace

from testbed.base.process import ToolFailed
from testbed.base.units import SECTOR, format_size, whole_sectors
from testbed.domain.backup import Backup, own_layer
from testbed.domain.target import Target
from testbed.model.content import Content, Run
from testbed.model.dirty import COPY_CLUSTER
from testbed.model.ranges import Ranges
from testbed.promises.promise import Promise
from testbed.qemu.images import Difference, Images

CANCELLED = "cancelled"
"""How a job has ended that somebody cancelled, in the words of JobEnd."""

LEGIBLE = 64
"""How many equal bytes in a row no encrypted data has by chance."""


def first_difference(images: Images, target: Target, expected: Content) -> Difference | None:
    """Return the first byte of a target that is not as expected, or None; the target is called by its file's name."""
    wrong = images.first_difference(target.address, target.image_format, expected)
    return replace(wrong, image=target.name) if wrong else None


def has_ended(how: str) -> Promise[Backup]:
    """Match a backup whose job is over and has ended so, as in "completed" or 'failed with "No space left"'."""

    def complaint(backup: Backup) -> str | None:
        end = str(backup.job.end or "has not ended")
        return None if end == how else f"{backup} should have {_been(how)}; it {'was ' * (end == CANCELLED)}{end}"

    return Promise(f"a backup that has {_been(how)}", complaint)


def _been(how: str) -> str:
    return f"been {how}" if how == CANCELLED else how


def restores_its_moment(images: Images) -> Promise[Backup]:
    """Match a backup that reads, through its whole chain, as the drive did when it began: the first oracle."""

    def complaint(backup: Backup) -> str | None:
        target = backup.target
        wrong = first_difference(images, target, backup.restored)
        return f"{wrong}, in {backup}" if wrong else None

    return Promise("a backup that restores the drive as it was at the moment it was taken", complaint)


def is_found_broken(images: Images) -> Promise[Backup]:
    """Match a backup whose chain is broken, and that either cannot be opened or does not read as the drive did."""
    restored = restores_its_moment(images)

    def complaint(backup: Backup) -> str | None:
        try:
            wrong = restored.complaint(backup)
        except ToolFailed as failure:
            return None if "Could not open" in str(failure) else str(failure)
        return None if wrong else f"{backup} reads as if nothing had happened to its chain"

    return Promise("a backup that is found to be broken", complaint)


def holds_only_what_had_changed(images: Images) -> Promise[Backup]:
    """Match a backup whose own layer has the changed clusters and nothing else: the second oracle."""

    def complaint(backup: Backup) -> str | None:
        if backup.changed is None:
            return f"{backup} is not incremental: it may hold everything"
        target = backup.target
        held, unknown = own_layer(images.extents(target.address, target.image_format))
        wanted = backup.changed.rounded_out(target.cluster).below(whole_sectors(backup.content.size))
        missing, needless = wanted - held - unknown, held - wanted
        if not missing and not needless:
            return None
        return _layer_difference(backup, wanted, missing, needless)

    return Promise("a backup whose own image holds what had changed, and nothing else", complaint)


def _layer_difference(backup: Backup, wanted: Ranges, missing: Ranges, needless: Ranges) -> str:
    """Say what a backup's own image lacks, and what it has without need; what it should hold comes last."""
    wrong = [("missing in it", missing), ("in it without need", needless)]
    return f"{backup}: {'; '.join(f'{what}: {ranges}' for what, ranges in wrong if ranges)}; it should hold {wanted}"


def holds_itself(images: Images, runs: Sequence[Run]) -> Promise[Backup]:
    """Match a backup whose own image holds these runs and nothing else, whatever shines through from below it."""

    def complaint(backup: Backup) -> str | None:
        target, expected = backup.target, backup.restored
        held, unknown = own_layer(images.extents(target.address, target.image_format))
        wanted = Ranges.joined((run.start, run.end) for run in runs)
        missing, needless = wanted - held - unknown, held - wanted
        if missing or needless:
            return _layer_difference(backup, wanted, missing, needless)
        for run in runs:
            expected = expected.written(run.pattern, run.start, run.end - run.start)
        wrong = first_difference(images, target, expected)
        return f"{wrong}, in {backup}" if wrong else None

    return Promise("a backup whose own image holds just what the table says", complaint)


def is_as_thin_as_its_drive(images: Images) -> Promise[Backup]:
    """Match a backup with no data where its drive had none, counted in what is copied or allocated at a time."""

    def complaint(backup: Backup) -> str | None:
        target = backup.target
        extents = images.map(target.address, target.image_format)  # which knows holes in its file, too
        data = Ranges.joined((extent.start, extent.end) for extent in extents if extent.data and not extent.zero)
        needless = data - backup.content.data.rounded_out(max(target.cluster, COPY_CLUSTER))
        return f"{backup} holds data where the drive had none: {needless}" if needless else None

    return Promise("a backup with no data where the drive has none", complaint)


def is_compressed(images: Images) -> Promise[Backup]:
    """Match a backup whose own image holds something, all of it compressed."""

    def complaint(backup: Backup) -> str | None:
        allocated, compressed = images.clusters(backup.target.name)
        if compressed and compressed == allocated:
            return None
        return f"{backup} has {compressed} compressed clusters out of {allocated}"

    return Promise("a backup that is compressed", complaint)


def is_encrypted(images: Images) -> Promise[Backup]:
    """Match a backup whose image file shows nothing of what its drive held to somebody who has no key."""

    def complaint(backup: Backup) -> str | None:
        patterns = {run.pattern for run in backup.content.runs if run.pattern and run.end - run.start >= LEGIBLE}
        cluster = backup.target.kind.cluster
        for pattern in sorted(patterns):
            plain = bytes([pattern])
            for said, passage in (("", plain * LEGIBLE), (", compressed", _deflated(plain * cluster))):
                place = images.place_of(backup.target.name, passage)
                if place is not None:
                    where = f"at offset {format_size(place)} of the file stands 0x{pattern:02x}{said}"
                    return f"{backup} shows what its drive held: {where}"
        return None if patterns else f"{backup} is of a drive that held nothing which could be found again"

    return Promise("a backup that is encrypted", complaint)


def _deflated(data: bytes) -> bytes:
    """Compress a cluster as a qcow2 image holds it (compressed clusters in QEMU's specification of the format)."""
    stream = zlib.compressobj(wbits=-12, memLevel=9)
    return stream.compress(data) + stream.flush()


def equals_its_reference(images: Images) -> Promise[Backup]:
    """Match a backup that reads as the full one taken with it, image against image: the third oracle."""

    def complaint(backup: Backup) -> str | None:
        if backup.reference is None:
            return f"{backup} has no reference to compare with"
        target, reference = backup.target, backup.reference
        words = images.compare(target.address, target.image_format, reference.address, reference.image_format)
        return f"{backup} differs from {reference.name}: {_in_words(words)}" if words else None

    return Promise("a backup that equals the full backup taken at the same moment", complaint)


def equals_its_drive(images: Images) -> Promise[Backup]:
    """Match a backup that reads as the image of its drive, once no QEMU has that open."""

    def complaint(backup: Backup) -> str | None:
        target, drive = backup.target, backup.drive
        words = images.compare(target.address, target.image_format, drive.image.name, drive.image.image_format)
        return f"{backup} differs from {drive.image.name}: {_in_words(words)}" if words else None

    return Promise("a backup that equals the drive as it is now", complaint)


def _in_words(words: str) -> str:
    """Say what qemu-img said of two images without its raw numbers: it tells of the first sector that differs."""
    return re.sub(r"Content mismatch at offset (\d+)!", lambda told: _first_of_both(int(told[1])), words)


def _first_of_both(offset: int) -> str:
    return f"the first difference is in the {SECTOR} B at offset {format_size(offset)}"
