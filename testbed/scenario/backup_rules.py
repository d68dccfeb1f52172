"""When QEMU must refuse a backup, in which words, and in which order it looks (blockdev.c and block/backup.c)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from testbed.domain.backup import INCREMENTAL, KEEPING, Backup
from testbed.domain.request import Outlook, Refusal
from testbed.model.dirty import COPY_CLUSTER

POLICIES = ("report", "ignore", "enospc", "stop", "auto")

WORDS: Mapping[str, tuple[str, ...]] = {
    "sync": ("full", "incremental", "bitmap", "top", "none"),
    "bitmap-mode": ("on-success", "never", "always"),
    "on-source-error": POLICIES,
    "on-target-error": POLICIES,
    "mode": ("existing", "absolute-paths"),
}
"""The words that these options may be (the enums of the QMP reference manual)."""

FORMATS = ("raw", "qcow2", "qed", "vmdk", "vdi")
"""The formats of images that QEMU makes or opens for a backup."""

MOST_WORKERS = (1 << 31) - 1

ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
"""What a job or a node may be called."""


@dataclass(frozen=True)
class Surroundings:
    """What else there is on the machine: names of nodes, of drives without a medium, of jobs, and of nodes in use."""

    nodes: Collection[str]
    without_medium: Collection[str]
    jobs: Collection[str]
    targets: Collection[str]
    sources: Collection[str]


def foresee(backup: Backup, there: Surroundings, outlook: Outlook) -> Refusal | None:
    """Foresee what QEMU must answer to the request for a backup; it holds its bitmap then, if it is granted."""
    if backup.drive.has_strangers:
        outlook.leave_open()
    refusal = _wrong_word(backup) or _wrong_node(backup, there, outlook)
    if refusal or outlook.is_open:
        return refusal
    refusal = _wrong_mode(backup) or _wrong_bitmap(backup, outlook) or _wrong_combination(backup) or _read_only(backup)
    refusal = refusal or _wrong_target(backup, there, outlook) or _wrong_number(backup) or _wrong_name(backup, there)
    if not refusal and backup.bitmap:
        outlook.held.add((backup.drive.name, backup.bitmap))
    return refusal


def _wrong_word(backup: Backup) -> Refusal | None:
    for option, words in WORDS.items():
        value = backup.options.get(option)
        if value is not None and value not in words:
            return Refusal(f"Parameter '{option}' does not accept value '{value}'")
    return None


def _wrong_node(backup: Backup, there: Surroundings, outlook: Outlook) -> Refusal | None:
    """Look at what the options name in the place of the drive and of the target's node, and at the drive itself."""
    for option in ("device", "target"):
        name = backup.options.get(option)
        if name is None:
            continue
        if backup.command.opens_target and option == "target":
            outlook.leave_open()  # it is a file, which QEMU may be able to open or not
        elif refusal := _no_such_node(str(name), there):
            return refusal
        elif option == "device":
            outlook.leave_open()
    image_format = backup.options.get("format", FORMATS[0])
    if backup.command.opens_target and image_format not in FORMATS:
        return Refusal(f"Unknown driver '{image_format}'")
    if not backup.target.location.is_active:
        return Refusal(f"Inactive '{backup.target.node}' can't be a target child")
    return None if backup.drive.is_active else Refusal(f"Inactive '{backup.drive.name}' can't be a file child")


def _no_such_node(name: str, there: Surroundings) -> Refusal | None:
    if name in there.without_medium:
        return Refusal(f"Device '{name}' has no medium")
    return None if name in there.nodes else Refusal(f"Cannot find device='{name}' nor node-name='{name}'")


def _wrong_mode(backup: Backup) -> Refusal | None:
    if backup.sync in INCREMENTAL and not _names_bitmap(backup):
        return Refusal(f"must provide a valid bitmap name for '{backup.sync}' sync mode")
    if backup.sync == "incremental" and backup.mode != "on-success":
        return Refusal("Bitmap sync mode must be 'on-success'")
    return None


def _wrong_bitmap(backup: Backup, outlook: Outlook) -> Refusal | None:
    name = backup.bitmap
    if name is None:
        return None
    bitmap, key = backup.drive.bitmaps.get(name), (backup.drive.name, name)
    if bitmap is None and key not in outlook.added:
        return Refusal(f"Bitmap '{name}' could not be found")
    if backup.sync != "incremental" and "bitmap-mode" not in backup.options:
        return Refusal("Bitmap sync mode must be given when providing a bitmap")
    if (bitmap and bitmap.busy) or key in outlook.held | outlook.removed:
        return Refusal(f"Bitmap '{name}' is currently in use")
    is_spoilt = bitmap is not None and bitmap.inconsistent
    return Refusal(f"Bitmap '{name}' is inconsistent and cannot be used") if is_spoilt else None


def _wrong_combination(backup: Backup) -> Refusal | None:
    if not _names_bitmap(backup):
        alone = "bitmap-mode" in backup.options
        return Refusal("Cannot specify bitmap sync mode without a bitmap") if alone else None
    if backup.sync == KEEPING:
        return Refusal(f"sync mode '{KEEPING}' does not produce meaningful bitmap outputs")
    if backup.mode == "never" and backup.sync not in INCREMENTAL:
        return Refusal(f"'never' has no meaningful effect when combined with sync mode '{backup.sync}'")
    return None


def _read_only(backup: Backup) -> Refusal | None:
    """Foresee a refusal since the backup's end would have to change a bitmap that is only read."""
    bitmap = backup.drive.bitmaps.get(backup.bitmap or "")
    is_fixed = backup.drive.read_only and bitmap is not None and bitmap.persistent and backup.mode != "never"
    return Refusal(f"Bitmap '{backup.bitmap}' is readonly and cannot be modified") if is_fixed else None


def _names_bitmap(backup: Backup) -> bool:
    return backup.bitmap is not None


def _wrong_target(backup: Backup, there: Surroundings, outlook: Outlook) -> Refusal | None:
    node = backup.options.get("target", backup.target.node)
    if node == backup.drive.name:
        return Refusal("Source and target cannot be the same")
    if node in there.targets and "target" in backup.options:
        return Refusal(f"'{node}' is busy: block device is in use by block job: backup")
    if node in there.sources:
        return Refusal(f"Permission conflict on node '{node}'")
    if "target" in backup.options:
        outlook.leave_open()
    if backup.options.get("compress") and backup.target.image_format not in ("qcow2", "vmdk"):
        return Refusal("Compression is not supported for this drive")
    made_by_qemu = not backup.target.exists
    if not made_by_qemu and "target" not in backup.options and backup.target.image.size != backup.drive.size:
        return Refusal("Source and target image have different sizes")
    return None


def _wrong_number(backup: Backup) -> Refusal | None:
    tuning = backup.options.get("x-perf")
    asked: Mapping[str, object] = tuning if isinstance(tuning, dict) else {}
    workers, chunk = asked.get("max-workers", 1), asked.get("max-chunk", 0)
    if isinstance(workers, int) and not 1 <= workers <= MOST_WORKERS:
        return Refusal(f"max-workers must be between 1 and {MOST_WORKERS}")
    if isinstance(chunk, int) and chunk < 0:
        return Refusal("max-chunk must be zero (which means no limit) or positive")
    if isinstance(chunk, int) and 0 < chunk < COPY_CLUSTER:
        return Refusal(f"Required max-chunk ({chunk}) is less than backup cluster size")
    return None


def _wrong_name(backup: Backup, there: Surroundings) -> Refusal | None:
    over = backup.options.get("filter-node-name")
    if over is not None and not ID.fullmatch(str(over)):
        return Refusal(f"Invalid node-name: '{over}'")
    if over in there.nodes:
        return Refusal(f"Duplicate nodes with node-name='{over}'")
    if backup.job.name in there.jobs:
        return Refusal(f"Job ID '{backup.job.name}' already in use")
    if not ID.fullmatch(backup.job.name):
        return Refusal(f"Invalid job ID '{backup.job.name}'")
    speed = backup.options.get("speed", 0)
    return Refusal("Parameter 'speed' expects a non-negative value") if isinstance(speed, int) and speed < 0 else None
