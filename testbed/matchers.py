"""What a scenario can insist on, as PyHamcrest matchers whose mismatch says what came instead, and where.

A matcher here compares QEMU with one of the oracles, never with what QEMU said before.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

from testbed.backup import Backup, own_layer
from testbed.bitmap import BitmapState
from testbed.content import Content, Run
from testbed.dirty import COPY_CLUSTER
from testbed.drive import Drive
from testbed.image import SECTOR, Difference, Images
from testbed.job import Job
from testbed.life import state_of
from testbed.mirror import Mirror
from testbed.monitor import Event, Refused
from testbed.node import Node
from testbed.process import ToolFailed
from testbed.ranges import Ranges
from testbed.target import Target
from testbed.units import format_size
from testbed.wording import spellings

T = TypeVar("T")

LEGIBLE = 64
"""How many equal bytes in a row no encrypted data has by chance."""


class Promise(BaseMatcher[T]):
    """A promise in words, and the function that says how a thing breaks it, or None."""

    def __init__(self, words: str, complaint: Callable[[T], str | None]) -> None:
        """Keep the words and the function."""
        self.words = words
        self.complaint = complaint

    def _matches(self, item: T) -> bool:
        return self.complaint(item) is None

    def describe_to(self, description: Description) -> None:
        """Say what was promised."""
        description.append_text(self.words)

    def describe_mismatch(self, item: T, mismatch_description: Description) -> None:
        """Say what came instead."""
        mismatch_description.append_text(self.complaint(item) or "it was kept when looked at again")


def each(promise: Promise[T]) -> Promise[Sequence[T]]:
    """Match things that all keep a promise, and at least one thing; they are looked at side by side."""

    def complaint(items: Sequence[T]) -> str | None:
        if not items:
            return "there was nothing to look at"
        return "; ".join(all_complaints((item, promise) for item in items)) or None

    return Promise(f"each {promise.words.removeprefix('a ')}", complaint)


def all_complaints(promises: Iterable[tuple[Any, Promise[Any]]]) -> list[str]:
    """Return how things break their promises, given as pairs, looking at them side by side."""
    pairs = list(promises)
    if not pairs:
        return []
    with ThreadPoolExecutor(min(len(pairs), os.cpu_count() or 1)) as pool:
        found = pool.map(lambda pair: pair[1].complaint(pair[0]), pairs)
        return [complaint for complaint in found if complaint]


def _first_difference(images: Images, target: Target, expected: Content) -> Difference | None:
    """Return the first byte of a target that is not as expected, or None; the target is called by its file's name."""
    wrong = images.first_difference(target.address, target.image_format, expected)
    return replace(wrong, image=target.name) if wrong else None


def restores_its_moment(images: Images) -> Promise[Backup]:
    """Match a backup that reads, through its whole chain, as the drive did when it began: the first oracle."""

    def complaint(backup: Backup) -> str | None:
        target = backup.target
        wrong = _first_difference(images, target, backup.restored)
        return f"{backup}: {wrong}" if wrong else None

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
        held, unknown = own_layer(images.map(target.address, target.image_format))
        whole_sectors = -(-backup.content.size // SECTOR) * SECTOR
        wanted = backup.changed.rounded_out(target.cluster).below(whole_sectors)
        missing, needless = wanted - held - unknown, held - wanted
        if not missing and not needless:
            return None
        return f"{backup} should hold {wanted}; missing in it: {missing}; in it without need: {needless}"

    return Promise("a backup whose own image holds what had changed, and nothing else", complaint)


def holds_itself(images: Images, runs: Sequence[Run]) -> Promise[Backup]:
    """Match a backup whose own image holds these runs and nothing else, whatever shines through from below it."""

    def complaint(backup: Backup) -> str | None:
        target, expected = backup.target, backup.restored
        held, unknown = own_layer(images.map(target.address, target.image_format))
        wanted = Ranges.joined((run.start, run.end) for run in runs)
        missing, needless = wanted - held - unknown, held - wanted
        if missing or needless:
            return f"{backup} should hold {wanted}; missing in it: {missing}; in it without need: {needless}"
        for run in runs:
            expected = expected.written(run.pattern, run.start, run.end - run.start)
        wrong = _first_difference(images, target, expected)
        return f"{backup}: {wrong}" if wrong else None

    return Promise("a backup whose own image holds just what the table says", complaint)


def is_as_thin_as_its_drive(images: Images) -> Promise[Backup]:
    """Match a backup with no data where its drive had none, counted in what is copied or allocated at a time."""

    def complaint(backup: Backup) -> str | None:
        target = backup.target
        extents = images.map(target.address, target.image_format)
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
                    where = f"at offset {place} of the file stands 0x{pattern:02x}{said}"
                    return f"{backup} shows what its drive held: {where}"
        return None if patterns else f"{backup} is of a drive that held nothing which could be found again"

    return Promise("a backup that is encrypted", complaint)


def _deflated(data: bytes) -> bytes:
    """Compress a cluster as a qcow2 image holds it (compressed clusters in QEMU's specification of the format)."""
    stream = zlib.compressobj(wbits=-12, memLevel=9)
    return stream.compress(data) + stream.flush()


def equals_its_reference(images: Images) -> Promise[Backup]:
    """Match a backup that qemu-img finds equal to the full one taken with it: the third oracle."""

    def complaint(backup: Backup) -> str | None:
        if backup.reference is None:
            return f"{backup} has no reference to compare with"
        target, reference = backup.target, backup.reference
        words = images.compare(target.address, target.image_format, reference.address, reference.image_format)
        return f"{backup} differs from {reference.name}: {words}" if words else None

    return Promise("a backup that equals the full backup taken at the same moment", complaint)


def equals_its_drive(images: Images) -> Promise[Backup]:
    """Match a backup that qemu-img finds equal to the image of its drive, once no QEMU has that open."""

    def complaint(backup: Backup) -> str | None:
        target, drive = backup.target, backup.drive
        words = images.compare(target.address, target.image_format, drive.image, drive.image_format)
        return f"{backup} differs from {drive.image}: {words}" if words else None

    return Promise("a backup that equals the drive as it is now", complaint)


def equals_its_mirrored_drive(images: Images) -> Promise[Mirror]:
    """Match a mirror that reads as its drive did when the mirror ended."""

    def complaint(mirror: Mirror) -> str | None:
        if mirror.content is None:
            return f"{mirror} has not ended"
        wrong = _first_difference(images, mirror.target, mirror.content)
        return f"{mirror}: {wrong}" if wrong else None

    return Promise("a mirror that reads as its drive did when it ended", complaint)


def holds_what_the_guest_wrote(images: Images) -> Promise[Drive]:
    """Match a drive whose image reads as the guest's requests must have left it, once no QEMU has it open."""

    def complaint(drive: Drive) -> str | None:
        wrong = images.first_difference(drive.image, drive.image_format, drive.content)
        return f"{drive.name}: {wrong}" if wrong else None

    return Promise("a drive that holds just what the guest has written", complaint)


_FLAGS = {"auto": "recording", "in-use": "inconsistent"}
"""What qemu-img's words for the flags of a stored bitmap mean once a machine has it."""


def _stored(granularity: int, flags: Collection[str]) -> str:
    """Say how a bitmap is stored; whether one that is inconsistent had recorded is nothing to anybody."""
    how = next((flag for flag in ("inconsistent", "recording") if flag in flags), "not recording")
    return f"as {how}, with a granularity of {format_size(granularity)}"


def stores_its_bitmaps(images: Images) -> Promise[Drive]:
    """Match a drive whose image has stored its persistent bitmaps and no others, once no QEMU has it open."""

    def complaint(drive: Drive) -> str | None:
        wanted = {
            bitmap.name: _stored(bitmap.dirty.granularity, bitmap.state.flags) for bitmap in drive.kept_bitmaps.values()
        }
        found = {
            stored["name"]: _stored(stored["granularity"], [_FLAGS[flag] for flag in stored["flags"]])
            for stored in images.info(drive.image)["format-specific"]["data"].get("bitmaps", [])
        }
        wrong = [
            f'{drive.image} should store "{name}" {wanted.get(name, "not at all")}; it does {found.get(name, "not")}'
            for name in sorted({*wanted, *found})
            if wanted.get(name) != found.get(name)
        ]
        return "; ".join(wrong) or None

    return Promise("a drive whose image has stored its persistent bitmaps", complaint)


def has_bitmaps(expected: Sequence[BitmapState]) -> Promise[Node]:
    """Match a node on which QEMU reports these named bitmaps in these states, and no others."""

    def complaint(node: Node) -> str | None:
        wanted = {state.name: state for state in expected}
        found = {state.name: state for state in node.reported_bitmaps()}
        wrong = [
            f"{node.name} should have {wanted.get(name) or 'no bitmap ' + name}; "
            f"it has {found.get(name) or 'no such bitmap'}"
            for name in sorted({*wanted, *found})
            if wanted.get(name) != found.get(name)
        ]
        return "; ".join(wrong) or None

    return Promise("; ".join(str(state) for state in expected) or "no bitmap at all", complaint)


def has_bitmaps_in_step(*, with_digests: bool) -> Promise[Node]:
    """Match a node whose bitmaps have recorded just what was written while they should, granule for granule.

    `with_digests` tells whether the build can say what each bit is (see Dirty.digest); counts alone cannot tell two
    mistakes that cancel each other out.
    """

    def complaint(node: Node) -> str | None:
        counted = has_bitmaps([bitmap.state for bitmap in node.bitmaps.values()]).complaint(node)
        if counted or not with_digests:
            return counted
        wrong = [
            f'"{bitmap.name}" on {node.name} counts what it should, but not in the right places; '
            f"dirty should be {bitmap.dirty.granules}"
            for bitmap in node.bitmaps.values()
            if node.reported_digest(bitmap.name) != bitmap.dirty.digest()
        ]
        return "; ".join(wrong) or None

    return Promise("a node whose bitmaps hold just what was written", complaint)


Row = Mapping[str, object]


def is_shown_as(expected: Row) -> Promise[Job]:
    """Match a job of which QEMU shows these members, in the words of query-block-jobs, without contradicting itself."""

    def complaint(job: Job) -> str | None:
        shown = job.shown()
        wrong = [f"{key} is {shown.get(key)}" for key, value in expected.items() if shown.get(key) != value]
        return f"job {job.name}: {', '.join(wrong)}; QEMU shows {dict(shown)}" if wrong else None

    return Promise(", ".join(f"{key} {value}" for key, value in expected.items()), complaint)


def has_lived(expected: Sequence[tuple[str, Row]]) -> Promise[Job]:
    """Match a job that has told just this, in this order: each a state, or an event with members that it must have.

    An end of which no error is told, must be one without.
    """

    def complaint(job: Job) -> str | None:
        told = job.life.events
        tells = [
            (state_of(event) or event.name) == name
            and {"error": None, **members}.items() <= {"error": None, **event.data}.items()
            for event, (name, members) in zip(told, expected, strict=False)
        ]
        return None if len(told) == len(expected) and all(tells) else f"job {job.name} told: {job.life}"

    return Promise("; ".join(f"{name} {dict(members) or ''}".strip() for name, members in expected), complaint)


def reports(expected: Sequence[tuple[str, Mapping[str, str]]]) -> Promise[Sequence[Event]]:
    """Match events that are just the expected ones, in any order: each a name, and members that its data must have."""

    def complaint(events: Sequence[Event]) -> str | None:
        left = list(events)
        missing = []
        for name, data in sorted(expected, key=lambda one: -len(one[1])):  # a vague one may not take another's event
            found = next((event for event in left if event.name == name and data.items() <= event.data.items()), None)
            if found:
                left.remove(found)
            else:
                missing.append(f"{name} {dict(data)}")
        if not missing and not left:
            return None
        return f"missing: {'; '.join(missing) or 'nothing'}; besides: {'; '.join(map(str, left)) or 'nothing'}"

    return Promise("; ".join(f"{name} {dict(data)}" for name, data in expected), complaint)


def refused_with(kind: str, words: str) -> Promise[Refused | None]:
    """Match a refusal of a class ("GenericError") whose text has these words, in the newest or an older spelling."""

    def complaint(refusal: Refused | None) -> str | None:
        if refusal is None:
            return "QEMU granted the request"
        if refusal.kind == kind and any(spelling in refusal.text for spelling in spellings(words)):
            return None
        return f'QEMU refused it as a {refusal.kind} that says "{refusal.text}"'

    return Promise(f'a refusal as a {kind} that says "{words}"', complaint)
