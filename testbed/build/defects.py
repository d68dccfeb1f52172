"""The closed list of QEMU's known defects, and how a scenario is judged that shows one.

A scenario that states a promise which some builds break by a known defect names it by a tag, `@known-defect.NAME`. It
runs everywhere. What may come of it depends on the build:

- A version in which the defect was seen must show it still, and in the same way: that is reported as a known defect and
  is not red. A pass is red there, since the list is out of date then, and so is a failure of any other kind.
- A version in which it was looked for and not seen must keep the promise.
- A build for which its packager says that it mends the defect (-D mended=NAME) must keep the promise.
- Any other version is judged by the nearest ones on either side that were tried. If neither had the defect, the promise
  must be kept. Else nobody knows: a distribution may have mended what the release has. Either outcome is reported, as
  known defect or as passed with a remark, and neither is red.

`python -m testbed.build.defects` prints the list.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto

from testbed.base.problems import EnvironmentUnusable, Problem, hint, near
from testbed.build.toolchain import Tool

TAG = "known-defect."
"""How the tags begin that name a known defect."""


class Standing(Enum):
    """What is known of a build and a defect."""

    SEEN = auto()
    """The build has it."""
    UNSEEN = auto()
    """The build does not have it."""
    UNTRIED = auto()
    """Nobody knows."""


@dataclass(frozen=True)
class Defect:
    """A defect of QEMU that is on record.

    `what` says in one sentence what breaks, and for whom; `how` how to see it. `seen` are the builds that have it and
    `unseen` those that do not although they were tried: releases of QEMU such as "7.2.22", or versions of a
    distribution's package as they stand in the banner, such as "1:7.2+dfsg-7", which overrule the release.
    `failure` is a regular expression that is found in the report of the failure and in that of no other.
    """

    name: str
    what: str
    how: str
    seen: tuple[str, ...]
    unseen: tuple[str, ...]
    failure: str

    def standing(self, qemu: Tool) -> Standing:
        """Tell what is known of a build whose emulator is `qemu`."""
        record = {**dict.fromkeys(self.seen, Standing.SEEN), **dict.fromkeys(self.unseen, Standing.UNSEEN)}
        for package in _package(qemu.banner):
            if package in record:
                return record[package]
        if qemu.release in record:
            return record[qemu.release]
        releases = {_version(text): standing for text, standing in record.items() if _RELEASE.fullmatch(text)}
        below = max((version for version in releases if version < qemu.version), default=None)
        above = min((version for version in releases if version > qemu.version), default=None)
        neighbours = {releases[version] for version in (below, above) if version is not None}
        return Standing.UNSEEN if neighbours == {Standing.UNSEEN} else Standing.UNTRIED

    def explains(self, failure: str) -> bool:
        """Tell whether a failure, as it is reported, is of the kind that this defect causes."""
        return re.search(self.failure, failure) is not None


_RELEASE = re.compile(r"\d+(?:\.\d+)+")


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def _package(banner: str) -> list[str]:
    """Return the words in which a distribution names its package: those in parentheses."""
    found = re.search(r"\((.*)\)", banner)
    return found[1].split() if found else []


_ALONE = r"\A(?:(?!wrong: ).|\n)*(?:wrong: {}.*\n?\s*)+\Z"
"""The form of a failure that lists what is wrong, each time in the same way."""

DEFECTS = (
    Defect(
        name="merge-empty-list",
        what="a merge of no bitmaps kills QEMU with SIGSEGV, and with it the guest whose backup tool asked for it",
        how="block-dirty-bitmap-merge with an empty list of sources, alone or in a transaction",
        seen=("7.2.22", "10.0.13", "11.1.3"),
        unseen=("5.2.0",),
        failure=r"SIGSEGV[\s\S]*waiting for the answer to (?:block-dirty-bitmap-merge|transaction)\b",
    ),
    Defect(
        name="drained-for-ever",
        what="after a backup is refused since its target cannot be opened, the guest's requests are never answered",
        how="drive-backup to a missing file or directory, or in an unknown format, then a write of the guest",
        seen=("5.2.0",),
        unseen=("7.2.22", "10.0.13", "11.1.3"),
        failure=r"the answer to human-monitor-command did not come|the guest's request .* did not end within",
    ),
    Defect(
        name="nodes-of-ended-backup",
        what="whoever lists the block nodes while a backup has ended and is not yet dismissed, kills QEMU with SIGSEGV",
        how="blockdev-backup with auto-dismiss=false; when it has concluded, query-named-block-nodes",
        seen=("5.2.0",),
        unseen=("7.2.22", "10.0.13", "11.1.3"),
        failure=r"SIGSEGV[\s\S]*waiting for the answer to query-named-block-nodes\b",
    ),
    Defect(
        name="enable-missing-bitmap",
        what="a transaction that enables a bitmap which does not exist kills QEMU with SIGSEGV, and with it the guest",
        how="transaction with a block-dirty-bitmap-enable of a name that no bitmap has",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"SIGSEGV[\s\S]*waiting for the answer to transaction\b",
    ),
    Defect(
        name="enable-in-group",
        what="a transaction with grouped completion that is refused for enabling a bitmap kills QEMU with SIGSEGV",
        how="transaction with the completion mode grouped and a block-dirty-bitmap-enable of any bitmap",
        seen=("5.2.0", "7.2.22"),
        unseen=("10.0.13", "11.1.3"),
        failure=r"SIGSEGV[\s\S]*waiting for the answer to transaction\b",
    ),
    Defect(
        name="enable-busy-bitmap",
        what="a transaction that is refused for enabling a busy bitmap disables it: the next backup lacks new writes",
        how="transaction with a block-dirty-bitmap-enable of a bitmap that records and is in use; then query its flags",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r'"bitmap0" should be recording; it is not recording',
    ),
    Defect(
        name="streamed-away",
        what="a stream from below into an overlay that was put on a drive during its backup, kills QEMU with SIGABRT",
        how="blockdev-backup of a drive, blockdev-snapshot of it, then block-stream into the overlay, all at a time",
        seen=("5.2.0", "7.2.22"),
        unseen=("10.0.13", "11.1.3"),
        failure=r"SIGABRT[\s\S]*bdrv_close: Assertion .*dirty_bitmaps",
    ),
    Defect(
        name="writable-after-stream",
        what="an image below the guest's that was streamed into stays writable, and if it has bitmaps, a commit fails",
        how="block-stream into an image below the guest's that stores a bitmap, then block-commit of what is above it",
        seen=("10.0.13", "11.1.3"),
        unseen=("5.2.0", "7.2.22"),
        failure=r'overlay0 should be open for reading only|become ready; it failed with "Operation not permitted"',
    ),
    Defect(
        name="snapshot-during-increment",
        what="a snapshot during an incremental backup stores its bitmap as one that does not record: changes are in no "
        "increment of the next machine; and this machine cannot commit into the image",
        how="blockdev-snapshot of a drive during an incremental backup with a persistent bitmap, to its end; then quit",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r'should store "bitmap0" as recording.*; it does as not|become ready; it failed with "Operation not',
    ),
    Defect(
        name="cancel-waits-for-target",
        what="a backup whose target does not answer can be given up only when the wait for the target is over",
        how="a target over NBD with a reconnect-delay, whose server goes away; then block-job-cancel with force=true",
        seen=("5.2.0",),
        unseen=("7.2.22", "10.0.13", "11.1.3"),
        failure=r'the state "null" of job drive0 did not come',
    ),
    Defect(
        name="given-back-while-written",
        what="a cluster that is given back while a write into it is on its way is lost to the guest's next new data",
        how="hold up a write into a cluster of zeros that has its space, unmap it, let go, write elsewhere and there",
        seen=("5.2.0", "7.2.22"),
        unseen=("10.0.13", "11.1.3"),
        failure=r"offset 2 MiB should be 0x22 and is 0x33, in the incremental backup",
    ),
    Defect(
        name="backup-of-nothing",
        what="a backup of a drive that holds no byte kills QEMU with SIGABRT, and with it the guest",
        how="blockdev-backup or drive-backup of a drive of 0 bytes",
        seen=("5.2.0",),
        unseen=("7.2.22", "10.0.13", "11.1.3"),
        failure=r"SIGABRT[\s\S]*hbitmap_iter_init: Assertion[\s\S]*waiting for the answer to transaction\b",
    ),
    Defect(
        name="compressed-retry",
        what="a compressed backup that has stopped since its target was full fails when it is resumed with enough room",
        how="compress=yes, on-target-error=enospc, a qcow2 target that fails one compressed write, block-job-resume",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r'should have completed; it failed with "Input/output error"$',
    ),
    Defect(
        name="compressed-in-the-clear",
        what="a compressed backup into an encrypted qcow2 image is stored as plain text that anybody can inflate",
        how="blockdev-backup with compress=true into a qcow2 image with encrypt.format=luks",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"shows what its drive held: at offset [\w +-]+ of the file stands 0x\w\w, compressed",
    ),
    Defect(
        name="qed-odd-size",
        what="a backup into a QED image kills QEMU when its drive ends with zeros in the middle of a cluster",
        how="blockdev-backup or drive-backup with sync=full of a drive of 4 MiB + 4 KiB + 512 B into a new QED image",
        seen=("7.2.22", "10.0.13", "11.1.3"),
        unseen=("5.2.0",),
        failure=r"SIGABRT[\s\S]*qed_aio_write_alloc: Assertion",
    ),
    Defect(
        name="lost-by-growing",
        what="when a drive has grown too large for one of its persistent bitmaps, QEMU stores none of them in the end",
        how="a persistent bitmap of 512 B, one of 64 KiB, block_resize from 4 MiB to 2 TiB + 512 B, then quit",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r'should store "coarse" .*; it does not\n.*should store "fine" .*; it does not$',
    ),
    Defect(
        name="bitmap-not-stored",
        what="qemu-img bitmap ends with status 0, as if all were well, when the image has no space for the bitmap",
        how="qemu-img bitmap --add for an image without bitmaps, each write to whose storage fails with ENOSPC",
        seen=("5.2.0", "7.2.22"),
        unseen=("10.0.13", "11.1.3"),
        failure=r"qemu-img did it, and said: [\s\S]*Lost persistent bitmaps",
    ),
    Defect(
        name="downgrade-loses-bitmaps",
        what="qemu-img amend turns an image into one of version 2 whose bitmaps are lost, without a word",
        how="qemu-img amend -o compat=0.10 of an image that stores bitmaps; check then finds their clusters leaked",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r'saying "bitmap"[\s\S]*qemu-img did it, and said: nothing',
    ),
    Defect(
        name="regrown-space",
        what="after a drive shrinks and grows between two backups, the incremental one restores data that was cut off",
        how="block_resize to less and back again, then an incremental backup on top of the full one from before",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"restores? the drive as it was[\s\S]*should be 0x00 and is 0x11",
    ),
    Defect(
        name="hidden-by-bitmaps",
        what="nobody can read the data of an image whose list of bitmaps is damaged, and no tool drops that list",
        how="write any number that breaks a rule into the bitmap directory of a qcow2 image; then qemu-img convert",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"QEMU, for reading gives no data: [\s\S]*qemu-img convert gives no data: ",
    ),
    Defect(
        name="missing-is-clean",
        what="a bitmap of which a part is beyond the end of the file is taken for valid: the next backup lacks data",
        how="cut a qcow2 image off before the table of a bitmap, or its bits, and open it",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"QEMU, for writing takes for valid, although the (?:table is|bits are|file ends) ",
    ),
    Defect(
        name="overlooked-end",
        what="qemu-img check finds no fault with an image that ends before the table of a bitmap, which reads as clean",
        how="cut a qcow2 image off where a table of less than a cluster begins, that of a bitmap; then qemu-img check",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"qemu-img check did not say that [\s\S]*although the file ends before the table: Leaked cluster",
    ),
    Defect(
        name="wrecked-by-freeing",
        what="nothing can open an image any more in which QEMU has stored or removed a bitmap said to be far off",
        how="in an image with clusters of 1 KiB, let the table of a bitmap be at 1 TiB; open that for writing, twice",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"Reference count table too large",
    ),
    Defect(
        name="removed-all-the-same",
        what="a transaction that fails removes a bitmap from the image all the same: after a crash nobody knows of it",
        how="transaction with a block-dirty-bitmap-remove of a stored bitmap and an abort; kill QEMU, start another",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r'drive0 should have "bitmap0" \(persistent, inconsistent.*\); it has no such bitmap',
    ),
    Defect(
        name="nameless-bitmap",
        what="a stored bitmap without a name, which no image may have, is loaded, and nobody can name it to remove it",
        how="let the name of an entry of the bitmap directory of a qcow2 image be of 0 bytes, and open it",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"QEMU, for writing takes for valid, although the name is empty",
    ),
    Defect(
        name="added-to-read-only",
        what="a persistent bitmap can be added to a drive that may only be read, and is lost when its machine ends",
        how="blockdev-add with read-only=true, block-dirty-bitmap-add with persistent=true, quit; all is granted",
        seen=("5.2.0", "7.2.22", "10.0.13"),
        unseen=("11.1.3",),
        failure=r"QEMU granted block-dirty-bitmap-add; [\s\S]*read-only or inactive node",
    ),
    Defect(
        name="stored-while-in-use",
        what="a drive that becomes read-only while a backup uses its bitmap, stores the bitmap as one that does not "
        "record: later changes are in no increment, or the guest cannot write any more",
        how="blockdev-reopen with read-only=true while an incremental backup runs, and back when it is over; then quit",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r'"bitmap0" should be recording.*; it is not recording|write failed: Operation not permitted',
    ),
    Defect(
        name="read-only-after-refusal",
        what="after a drive with persistent bitmaps was refused to become read-only, its guest's writes fail",
        how="blockdev-reopen with read-only=true of a node that a device writes to, then a write of the guest to it, "
        "or to another node of the same list",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"the guest's request .* was not carried out; QEMU said: write failed: Operation not permitted",
    ),
    Defect(
        name="empty-by-failed-flush",
        what="one flush that fails while bitmaps are stored leaves one that is empty, and is said to be good",
        how="blkdebug below a qcow2 image fails a flush with ENOSPC, once, at quit or blockdev-del; discard=unmap",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=_ALONE.format(r"flush [0-9]+ of [0-9]+ has failed: the bitmap .* lacks a change"),
    ),
    Defect(
        name="unopenable-after-removal",
        what="one flush that fails while a bitmap is removed, and a crash later: nothing can open the image any more",
        how="blkdebug fails a flush of block-dirty-bitmap-remove with ENOSPC, once; the guest writes on; kill -9",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=_ALONE.format(r"flush .*refused block-dirty-bitmap-remove: .*bitmap"),
    ),
    Defect(
        name="gone-by-refused-opening",
        what="a write or a flush that fails while an image is opened takes its bitmaps away: they are gone",
        how="blkdebug fails a write with ENOSPC, once, while blockdev-add loads bitmaps; look into the image",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=_ALONE.format(r".* refused blockdev-add: .*is gone"),
    ),
    Defect(
        name="half-resized",
        what="a resize that is refused for a failing write or flush is half done: data, size or the table is lost",
        how="blkdebug fails a write or flush of block_resize with ENOSPC, once; then read the image, or kill -9 first",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=_ALONE.format(r".* refused block_resize: .*(?:it is of|the byte at offset|a table of it is at)"),
    ),
    Defect(
        name="stalled-client-stays",
        what="an export that is deleted by force stays while a client takes no answers, and QEMU uses all of a "
        "processor until that client has gone",
        how="an NBD client that asks for 64 MiB of data and reads none of it; block-export-del with mode=hard",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"BLOCK_EXPORT_DELETED of \S+ did not come",
    ),
    Defect(
        name="stalled-client-holds-server",
        what="QEMU never answers any more when its NBD server is stopped while a client takes no answers",
        how="an NBD client that asks for 64 MiB of data and reads none of it; nbd-server-stop",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"the answer to nbd-server-stop did not come",
    ),
    Defect(
        name="killed-by-leaving-client",
        what="a client that leaves an export of a drive in an iothread kills QEMU with SIGABRT, and with it the guest",
        how="block-export-add with an iothread; a client connects, reads, and leaves",
        seen=("7.2.22",),
        unseen=("5.2.0", "10.0.13", "11.1.3"),
        failure=r"SIGABRT[\s\S]*nbd_blockdev_client_closed: Assertion",
    ),
    Defect(
        name="view-shows-new-data",
        what="one read of a frozen view that begins in what was saved and runs on into what was not, returns what the "
        "guest has written since; block status of such a part is wrong, too, and copies lack data",
        how="copy-before-write with snapshot-access, a guest's write of 64 KiB, then one read of 128 KiB from there",
        seen=("7.2.22",),
        unseen=("10.0.13", "11.1.3"),
        failure=r"in one read of .*QEMU finds: Pattern verification failed|is said to hold zeros where it holds data|"
        r"copy-of-view\d\.qcow2: the byte at|backup-of-view\d\.qcow2: the byte at",
    ),
    Defect(
        name="cbw-timeout-overflows",
        what="a cbw-timeout of more than 4 s ends much too early: with 43 s, a guest's write fails after 0.05 s",
        how="copy-before-write with cbw-timeout=43 and a scratch image that takes 48 KiB a second; write twice",
        seen=("7.2.22",),
        unseen=("10.0.13", "11.1.3"),
        failure=r"write failed: Connection timed out",
    ),
    Defect(
        name="small-scratch-image",
        what="a scratch image that is smaller than its drive is taken; a guest's write behind its end kills QEMU",
        how="copy-before-write with file of 4 MiB and target of 2 MiB, then a guest's write at 2 MiB",
        seen=("7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"SIGABRT[\s\S]*bdrv_co_write_req_prepare: Assertion",
    ),
    Defect(
        name="broken-backup-completes",
        what="a backup that could not save what its guest overwrites, and lets it go on, completes, with the new data",
        how="blockdev-backup with on-cbw-error=break-snapshot, speed=1; its target fails one write, that for the guest",
        seen=("11.1.3",),
        unseen=(),
        failure=r'should have failed with "Input/output error"; it completed$',
    ),
    Defect(
        name="odd-discard-of-view",
        what="a client of a frozen view that discards no whole clusters kills QEMU with SIGABRT, and with it the guest",
        how="export a snapshot-access node, discard=unmap, for writing; a client discards 100 KiB at 100 KiB",
        seen=("7.2.22",),
        unseen=("10.0.13", "11.1.3"),
        failure=r"SIGABRT[\s\S]*hbitmap_reset: Assertion",
    ),
    Defect(
        name="bitmap-for-smaller-drive",
        what="a bitmap that comes to a smaller drive kills the QEMU it comes to with SIGABRT, and the source says that "
        "the migration has completed, so that the guest is nowhere",
        how="migrate with dirty-bitmaps to a machine whose drive of that name is smaller",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"SIGABRT[\s\S]*serialization_chunk: Assertion",
    ),
    Defect(
        name="bitmap-stored-already",
        what="a persistent bitmap that comes to an image which stores one of that name leaves the guest without its "
        "drive, and both sides say that the migration has completed",
        how="migrate with dirty-bitmaps to a machine whose image stores a bitmap of that name",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"the migration should have failed; it completed",
    ),
    Defect(
        name="not-stored-after-failed-move",
        what="after a migration with bitmaps that was called off or failed, the source never stores its persistent "
        "bitmaps again, and says nothing: the next machine has none, and at a second attempt they arrive as transient",
        how="migrate with dirty-bitmaps, migrate_cancel while it is active, cont, quit; then list the image's bitmaps",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"should store \"bitmap0\" as recording.*; it does not|\"bitmap0\" should be persistent; it is not|"
        r"it has no such bitmap",
    ),
    Defect(
        name="large-bitmap-never-sent",
        what="a migration with a bitmap of a drive of terabytes never ends by itself, be the bitmap empty and the "
        "guest at rest; a large downtime-limit ends it",
        how="migrate with dirty-bitmaps, with one bitmap on a drive of 4 TiB, and wait",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"the migration should have completed; it (?:is|was) still active",
    ),
    Defect(
        name="resized-on-the-way",
        what="whoever resizes a drive whose bitmaps are being sent to another machine, kills QEMU with SIGABRT, and "
        "with it the guest",
        how="migrate with dirty-bitmaps; while that is active, block_resize of a drive with a bitmap",
        seen=("5.2.0", "7.2.22", "10.0.13", "11.1.3"),
        unseen=(),
        failure=r"SIGABRT[\s\S]*bdrv_dirty_bitmap_truncate: Assertion[\s\S]*waiting for the answer to block_resize\b",
    ),
    Defect(
        name="moved-in-spite-of-backup",
        what="a guest moves to another machine although a backup of its drive runs, which goes on with an image that "
        "is the other machine's",
        how="migrate while a full backup is running",
        seen=("5.2.0",),
        unseen=("7.2.22", "10.0.13", "11.1.3"),
        failure=r"the migration should have failed; it completed",
    ),
)
"""All defects, in the order in which the documentation lists them."""

_BY_NAME = {defect.name: defect for defect in DEFECTS}


def named(tags: Iterable[str]) -> list[Defect]:
    """Return the defects that tags, written without their @, name; raise AuthorError for one that is not listed."""
    names = [tag.removeprefix(TAG) for tag in dict.fromkeys(tags) if tag.startswith(TAG)]
    for name in names:
        if name not in _BY_NAME:
            raise near(name, _BY_NAME, "known defect")
    return [_BY_NAME[name] for name in names]


@dataclass(frozen=True)
class Comparison:
    """How a scenario that is over compares with the known defects that its tags name.

    `shown` is the defect that its failure is due to, if it is due to one, and `first` says where it was seen for the
    first time; `unexpected` is why a pass is wrong; `remarks` are for readers of a pass, `log` for those of a failure.
    """

    shown: Defect | None = None
    first: str = ""
    unexpected: str | None = None
    remarks: tuple[str, ...] = ()
    log: tuple[str, ...] = ()


def insist_on_listed(names: Iterable[str]) -> None:
    """Raise EnvironmentUnusable, with the nearest that are listed, if defects are declared mended that are not."""
    problems = [
        Problem(f'-D mended= names "{name}", which is no known defect', hint(name, _BY_NAME))
        for name in names
        if name not in _BY_NAME
    ]
    if problems:
        raise EnvironmentUnusable(problems)


def compare(failure: str, tags: Iterable[str], qemu: Tool, mended: Collection[str] = ()) -> Comparison:
    """Compare a scenario that is over with what is on record of the defects that its tags name.

    `failure` says how it failed, and is empty if it did not; `mended` are the names of defects that the build is
    declared to have mended. Raises AuthorError.
    """
    found = Comparison()
    for defect in named(tags):
        if defect.name not in mended:
            found = _compared(found, failure, defect, qemu)
        elif failure:
            note = f"known defect {defect.name} is declared mended in this build, with -D mended={defect.name}"
            found = replace(found, log=(*found.log, note))
    return found


def _compared(so_far: Comparison, failure: str, defect: Defect, qemu: Tool) -> Comparison:
    standing = defect.standing(qemu)
    known = f"known defect {defect.name}"
    match bool(failure), standing:
        case True, Standing.UNSEEN:
            note = f"{known} was looked for in {qemu.release} and not seen there"
            return replace(so_far, log=(*so_far.log, note))
        case True, _ if defect.explains(failure):
            first = "" if standing is Standing.SEEN else f" (seen here first in {qemu.release})"
            return replace(so_far, shown=defect, first=first)
        case True, _:
            note = f"{known} does not explain this failure: it looks different"
            return replace(so_far, log=(*so_far.log, note))
        case False, Standing.SEEN:
            return replace(so_far, unexpected=_unexpected(defect, qemu))
        case False, Standing.UNTRIED:
            remark = f"{known} does not show here; QEMU {qemu.release} was never tried before"
            return replace(so_far, remarks=(*so_far.remarks, remark))
    return so_far


def _unexpected(defect: Defect, qemu: Tool) -> str:
    """Say what a packager is to do whose build does not have a defect that its release has."""
    packages = [word for word in _package(qemu.banner) if any(letter.isdigit() for letter in word)]
    version = f'"{packages[-1]}"' if packages else "the version of your package, as --version prints it in parentheses,"
    return (
        f"passed, although QEMU {qemu.release} has the known defect {defect.name}: {defect.what}.\n"
        f"If this build mends it, all is well: say so with -D mended={defect.name} "
        f"(make accept ARGS='-D mended={defect.name}'), and for good by adding {version} to what is unseen of this "
        "defect in testbed/build/defects.py.\n"
        f"If nobody has mended it, look why it does not show: {defect.how}."
    )


def table() -> str:
    """Return the list of defects as a Markdown table."""
    lines = [("tag", "what breaks, and for whom", "how to see it", "seen in QEMU", "not seen in"), ("---",) * 5]
    for defect in DEFECTS:
        seen, unseen = (", ".join(versions) for versions in (defect.seen, defect.unseen))
        lines.append((f"`@{TAG}{defect.name}`", defect.what, defect.how, seen, unseen))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    sys.stdout.write(table())
