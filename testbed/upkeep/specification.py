"""The specification as a book: all features in the order in which somebody would learn what they promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

from testbed.base.problems import AuthorError, near
from testbed.build import defects
from testbed.language import tags
from testbed.upkeep import bugs
from testbed.upkeep.featurelint import FeatureFile

WIDTH = 120
"""Of a line of text, in letters."""


@dataclass(frozen=True)
class Chapter:
    """What one area promises about one question.

    `features` are the names of files in the folder of the area, in the order in which they are to be read; `lacks`
    says in a sentence or two what the question might make a reader expect, and no scenario shows.
    """

    area: str
    question: str
    features: Sequence[str]
    lacks: str

    @property
    def paths(self) -> list[str]:
        """Return the features by their paths below features/, without suffix."""
        return [f"{self.area}/{name}" for name in self.features]


BOOK = (
    Chapter(
        "bitmap",
        "What does a bitmap record?",
        ["recording", "long_changes", "granularity"],
        "What clients read of a record over NBD has a chapter of its own. The guest's changes end at 4 GiB, and no "
        "drive has terabytes that were written to.",
    ),
    Chapter(
        "bitmap",
        "What can be done to a bitmap, and what does that change?",
        ["life", "several", "merging"],
        "Nobody changes the bitmaps of an image that no machine has open.",
    ),
    Chapter(
        "bitmap",
        "Where can a bitmap be?",
        ["inner_nodes", "beside_a_mirror"],
        "The bitmaps below a snapshot are transient ones here; those of layers have a chapter of their own.",
    ),
    Chapter(
        "layers",
        "What becomes of bitmaps when images are put on the guest's, and taken away again?",
        [
            "commit",
            "several_overlays",
            "restarted",
            "stream",
            "mirrored",
            "chain",
            "opened_anew",
            "during_backup",
            "internal",
            "two_jobs",
            "failing_commit",
        ],
        "No stream and no mirror fails while data moves. What a mirror of a whole drive writes "
        "where that holds nothing, is QEMU's own choice: no bitmap of the copy records from its start.",
    ),
    Chapter(
        "bitmap",
        "Which bitmaps outlive the disk and the machine?",
        ["guest_disk", "persistent"],
        "At the end of a scenario the next machine opens the drives for reading, and compares what it finds. No disk "
        "fails while bitmaps are stored, and no stored bitmap is damaged.",
    ),
    Chapter(
        "backup",
        "What does a chain of backups restore?",
        ["incremental_chain", "long_chains", "several_drives"],
        "What is restored is compared byte for byte; no guest boots from it and no file system is mounted. Nothing "
        "writes to a drive that no machine has open.",
    ),
    Chapter(
        "backup",
        "What if the guest writes while a backup runs?",
        ["guest_writes", "writes_in_flight", "held_up_writes", "copy_before_write_only", "guest_events"],
        "The guest makes single writes at chosen moments: there is no load that goes on, and no operating system with "
        "drivers. What was saved is read when the backup is over; no client reads the frozen state meanwhile, and the "
        "filters that tools put over a drive for that, copy-before-write and snapshot-access, are in no scenario.",
    ),
    Chapter(
        "pull",
        "What can clients read over the network, and pull as backups?",
        ["bitmaps", "exports", "removal", "clients", "layers", "pulls", "pulled_days"],
        "Servers listen on unix sockets; no connection is encrypted, and none goes over a network. What is frozen for "
        "a pull is kept by a backup with sync none.",
    ),
    Chapter(
        "backup",
        "What is copied of a drive that consists of layers?",
        ["layered_drives", "top_layer", "copy_on_read"],
        "Layers are added during a chain, and none is merged into the one below while a bitmap records.",
    ),
    Chapter(
        "backup",
        "What is copied of an unusual drive?",
        ["odd_sizes", "zeros", "preallocated", "external_data", "iothreads"],
        "Drives that are encrypted, for reading only, block devices or on the network are not backed up here. "
        "Iothreads serve nodes and exports, not disks that a guest has drivers for.",
    ),
    Chapter(
        "target",
        "Into what images can a backup go?",
        ["formats", "mixed_formats", "clusters", "made_by_qemu", "prepared_images", "past_formats"],
        "That another hypervisor reads these images is not tried: QEMU's own tools read them.",
    ),
    Chapter(
        "target",
        "Can a backup be compressed or encrypted?",
        ["compression", "encrypted"],
        "How much smaller compression makes a backup is not promised; only that all of its image is compressed.",
    ),
    Chapter(
        "target",
        "On what storage can a backup go, and how fast?",
        ["storage", "tuning", "another_machine"],
        "No target is a block device, or reached by TCP or with TLS; how QEMU opens files (aio, cache) is left to its "
        "defaults. How long the guest has to wait for a slow target is not measured.",
    ),
    Chapter(
        "transaction",
        "How do bitmaps and backups begin at one moment?",
        ["common_point_in_time", "chain_start", "order_of_requests", "moved_bitmaps"],
        "The bitmaps that follow a guest to its overlay are transient ones.",
    ),
    Chapter(
        "transaction",
        "What is left when one request of a transaction fails?",
        ["failing_requests", "undone_requests", "removed_persistent", "refused_backups"],
        "Requests that have nothing to do with backups, such as internal snapshots, are in no transaction here.",
    ),
    Chapter(
        "transaction",
        "How do backups end that began together?",
        ["individual_completion", "group_ends", "grouped_completion", "group_cancelled"],
        "No backup of a group that waits to be finalized fails while it waits.",
    ),
    Chapter(
        "job",
        "What does a backup job tell of itself?",
        ["states", "progress", "remembered_end", "second_monitor"],
        "A monitor that is lost is not connected to anew. How long a backup takes is not judged.",
    ),
    Chapter(
        "job",
        "How is a backup job told what to do?",
        ["paused", "speed", "cancelled", "refused_commands"],
        "Commands come while a job is held in a state, not at any odd moment between two states.",
    ),
    Chapter(
        "job",
        "What does a backup job hold while it runs?",
        ["bitmap_in_use", "nodes_in_use", "filter", "several_backups", "changing_drive"],
        "A drive under a filter is not reopened with other options, and its nodes are not listed without pause while "
        "the filter comes and goes.",
    ),
    Chapter(
        "job",
        "What if the machine is shut down meanwhile?",
        ["shut_down"],
        "QEMU is told to quit, and ends in order. It is not killed, and no guest shuts itself down.",
    ),
    Chapter(
        "restart",
        "Does a chain go on when the machine starts again?",
        ["next_machine", "several_days", "chains", "ends", "crashes", "upgrade", "inconsistent", "way_out"],
        "The machine is killed while it is at rest or in the midst of a backup, not while it stores its bitmaps.",
    ),
    Chapter(
        "restart",
        "What if a drive goes away and comes back, or may only be read for a while?",
        ["unplugged", "reopened", "writable_again", "reopened_together", "read_only", "read_only_backups"],
        "A drive is opened anew with the same image below it, and no layer below is made writable.",
    ),
    Chapter(
        "restart",
        "What if two machines want an image, or there is no room for its bitmaps?",
        ["opened_twice", "full_store"],
        "The second machine is on the same host: locks of a storage that several hosts share are not looked at.",
    ),
    Chapter(
        "restart",
        "What is left when the storage stops, or fails once?",
        ["crash_at_any_moment", "crash_of_changing_drive", "crash_elsewhere", "failing_storage"],
        "A power cut takes away one write that was not flushed, and not several, nor a part of one. One write or one "
        "flush fails, and reads do not. Backups into such storage, commits and images that are given over are not "
        "tried.",
    ),
    Chapter(
        "pull",
        "What does a client read of a drive that stands still while its guest writes?",
        ["frozen_view", "view_of_changes", "view_ends", "view_backup", "who_pays", "view_time_out", "view_iothread"],
        "One client reads at a time, between the guest's requests and not while one is under way. No guest of its own "
        "makes the requests, and compressed writes do not pass through the filter.",
    ),
    Chapter(
        "damage",
        "What can be had of an image whose bitmaps are damaged?",
        ["directory", "bitmap", "missing", "outdated", "inconsistent"],
        "One thing is damaged at a time, in images that QEMU has stored in order. Damages of what has nothing to do "
        "with bitmaps are in no scenario.",
    ),
    Chapter(
        "migration",
        "What becomes of bitmaps when the guest moves to another machine?",
        [
            "shared_images",
            "travelling",
            "copied_images",
            "names",
            "refused_names",
            "on_its_way",
            "in_use",
            "called_off",
            "stays_persistent",
            "kept_state",
        ],
        "The guest has no memory and runs no program: it makes its writes at moments that a migration is held at. "
        "Streams go over a socket and through a file, neither compressed nor over several channels.",
    ),
    Chapter(
        "offline",
        "What do tools do to bitmaps while the machine is off?",
        [
            "kept_bitmaps",
            "refused_tools",
            "merged_images",
            "told_bitmaps",
            "bitmap_command",
            "refused_bitmap_command",
            "named_otherwise",
        ],
        "No tool is interrupted, and none works on an image that a machine has open.",
    ),
    Chapter(
        "failure",
        "What does a backup that fails leave behind?",
        ["failed_backup", "bitmap_modes", "bitmap_modes_at_errors"],
        "A backup fails by an error of its disk, or is cancelled; QEMU itself does not die under it.",
    ),
    Chapter(
        "failure",
        "What does a backup do when it meets an error?",
        ["error_policies", "full_disk", "stopped_backup", "guest_policies", "guest_disk"],
        "Errors come one at a time, or at every other request, from storage that fails on purpose. The events of "
        "errors that the guest itself meets are not looked at.",
    ),
    Chapter(
        "resize",
        "What if a drive changes its size between two backups?",
        ["growing", "shrinking", "regrown", "persistent", "refused"],
        "A drive is resized by its own node: not through a filter, not in an iothread, and not by a tool while no "
        "machine has it open.",
    ),
    Chapter(
        "refusal",
        "Which bitmaps cannot be added or used?",
        [
            "bitmap_name",
            "missing_bitmap",
            "busy_bitmap",
            "persistent_bitmap",
            "inconsistent_bitmap",
            "inconsistent_backup",
        ],
        "No bitmap that may only be read is tried.",
    ),
    Chapter(
        "refusal",
        "Which backups cannot begin?",
        [
            "incremental_backup",
            "bitmap_and_mode",
            "backup_arguments",
            "backup_target",
            "job_arguments",
            "inactive_image",
        ],
        "A machine that gives its images over does not migrate: it only lets them go and takes them back.",
    ),
)
"""All chapters. A part for each area, in the order in which the areas come here first."""


def misfiled(features: Iterable[str], book: Sequence[Chapter] = BOOK) -> list[str]:
    """Return what is wrong with the book, for these features: their paths below features/, without suffix."""
    written = [path for chapter in book for path in chapter.paths]
    there = list(features)
    return [
        *(
            f"features/{path}.feature is in no chapter of testbed/upkeep/specification.py"
            for path in there
            if path not in written
        ),
        *(f"testbed/upkeep/specification.py: {near(path, there, 'feature')}" for path in written if path not in there),
        *(f"features/{path}.feature is in two chapters" for path in dict.fromkeys(written) if written.count(path) > 1),
    ]


def text(files: Mapping[str, FeatureFile], book: Sequence[Chapter] = BOOK) -> str:
    """Return the book in Markdown, for a document in docs/; `files` are all features by path.

    Raises AuthorError for a book that does not have each feature once.
    """
    if problems := misfiled(files, book):
        raise AuthorError("\n".join(problems))
    areas = dict.fromkeys(chapter.area for chapter in book)
    parts = [_part(area, [chapter for chapter in book if chapter.area == area], files) for area in areas]
    contents = [f"- [{chapter.question}](#{anchor(chapter.question)})" for chapter in book]
    return "\n".join([*contents, "", *parts])


def anchor(heading: str) -> str:
    """Return the address of a heading within its document, as the common renderers make it."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def _part(area: str, chapters: Sequence[Chapter], files: Mapping[str, FeatureFile]) -> str:
    meaning = f"{tags.AREAS[area]}. To try this part: `make accept TAGS={area}`."
    lines = [f"## {area.capitalize()}", "", fill(f"{meaning[0].upper()}{meaning[1:]}", WIDTH), ""]
    for chapter in chapters:
        lines += [f"### {chapter.question}", ""]
        for path in chapter.paths:
            lines += [*_feature(path, files[path]), ""]
        lines += [fill(f"*Not covered:* {chapter.lacks}", WIDTH), ""]
    return "\n".join(lines)


def _feature(path: str, file: FeatureFile) -> list[str]:
    """Return what one feature promises, and what it has to do with bugs."""
    known = [f"[{defect.name}](tags.md#known-defects)" for defect in defects.named(file.tags)]
    past = [f"[{number}](bugs.md#{number.lower()})" for number in bugs.numbers(file.tags)]
    return [
        f"**[{file.feature.name}](../features/{path}.feature)**",
        "",
        *file.feature.description,
        "",
        *(f"- {rule.name}" for rule in file.feature.rules),
        *(["", f"Broken by some releases: {', '.join(known)}."] if known else []),
        *(["", f"Looks for bugs of the past: {', '.join(past)}."] if past else []),
    ]
