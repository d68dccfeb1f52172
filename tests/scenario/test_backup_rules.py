"""When QEMU must refuse a backup: every rule, without asking any QEMU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from without_qemu import MIB, drive_of, image

from testbed.domain.backup import COMMANDS, Backup
from testbed.domain.drive import Drive
from testbed.domain.job import Job
from testbed.domain.request import Outlook, Refusal
from testbed.domain.target import Local, Target
from testbed.qemu.image_kinds import KINDS, ImageKind
from testbed.scenario.backup_rules import Surroundings, foresee

NOTHING_ELSE = Surroundings(
    nodes={"drive0", "drive1", "target0"}, without_medium={"cd0"}, jobs=set(), targets=set(), sources=set()
)
"""What there is on a machine without jobs."""

A = {"bitmap": "a"}
ABSENT = {"bitmap": "absent"}
ALWAYS = {"bitmap-mode": "always"}
NEVER = {"bitmap-mode": "never"}
ON_SUCCESS = {"bitmap-mode": "on-success"}


@pytest.fixture
def drive() -> Drive:
    """Return a drive with the bitmap "a"."""
    drive = drive_of(image())
    drive.gained_bitmap("a", {"persistent": True})
    return drive


def backup_of(
    drive: Drive,
    sync: str = "full",
    options: Mapping[str, object] = {},
    *,
    command: str = "blockdev-backup",
    target: Target | None = None,
    job: str = "job0",
) -> Backup:
    """Return a backup that is about to be asked for, with options besides sync, in QEMU's words."""
    target = target or Target(image("drive0-1"))
    return Backup(drive, target, COMMANDS[command], Job(drive.machine, job), {"sync": sync, **options})


def foreseen(backup: Backup, there: Surroundings = NOTHING_ELSE, outlook: Outlook | None = None) -> str | None:
    """Return the words with which QEMU must refuse a backup; the models have an opinion on it."""
    outlook = outlook or Outlook()
    refusal = foresee(backup, there, outlook)
    assert not outlook.is_open
    assert refusal is None or refusal.kind == "GenericError"
    return refusal.words if refusal else None


def is_open(backup: Backup, there: Surroundings = NOTHING_ELSE) -> bool:
    """Tell whether no model knows what will come of a backup."""
    outlook = Outlook()
    foresee(backup, there, outlook)
    return outlook.is_open


# What it grants.


@pytest.mark.parametrize("command", COMMANDS)
def test_plain_backup_is_granted(drive: Drive, command: str) -> None:
    for sync in ("full", "top", "none"):
        assert foreseen(backup_of(drive, sync, command=command)) is None
    assert foreseen(backup_of(drive, "incremental", A)) is None


def test_bitmap_of_a_granted_backup_is_held_from_then_on(drive: Drive) -> None:
    outlook = Outlook()
    assert foreseen(backup_of(drive, "incremental", A), outlook=outlook) is None
    assert outlook.held == {("drive0", "a")}
    in_use = "Bitmap 'a' is currently in use"
    assert foreseen(backup_of(drive, "incremental", A), outlook=outlook) == in_use
    refused = Outlook()
    assert foreseen(backup_of(drive, "incremental", A | {"speed": -1}), outlook=refused)
    assert refused.held == set()


# Words and names that there are not.


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("sync", "differential"),
        ("bitmap-mode", "sometimes"),
        ("on-source-error", "panic"),
        ("on-target-error", "panic"),
        ("mode", "new"),
    ],
)
def test_word_that_there_is_not(drive: Drive, option: str, value: str) -> None:
    assert (
        foreseen(backup_of(drive, options={option: value})) == f"Parameter '{option}' does not accept value '{value}'"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("absent", "Cannot find device='absent' nor node-name='absent'"),
        ("cd0", "Device 'cd0' has no medium"),
    ],
)
def test_drive_or_target_that_there_is_not(drive: Drive, name: str, words: str) -> None:
    assert foreseen(backup_of(drive, options={"device": name})) == words
    assert foreseen(backup_of(drive, options={"target": name})) == words


def test_other_drive_is_an_open_question(drive: Drive) -> None:
    assert is_open(backup_of(drive, options={"device": "drive1"}))
    assert is_open(backup_of(drive, options={"device": "drive1"} | ABSENT))


def test_file_that_the_command_has_to_open_is_an_open_question(drive: Drive) -> None:
    assert is_open(backup_of(drive, options={"target": "absent"}, command="drive-backup"))
    assert (
        foreseen(backup_of(drive, options={"target": "absent"})) == "Cannot find device='absent' nor node-name='absent'"
    )


def test_format_that_there_is_not(drive: Drive) -> None:
    assert foreseen(backup_of(drive, options={"format": "qcow3"}, command="drive-backup")) == "Unknown driver 'qcow3'"
    for known in ("raw", "qcow2", "qed", "vmdk", "vdi"):
        assert foreseen(backup_of(drive, options={"format": known}, command="drive-backup")) is None


def test_image_that_another_machine_has(drive: Drive) -> None:
    elsewhere = Target(image("drive0-1"), Local(options={"active": False}))
    assert foreseen(backup_of(drive, target=elsewhere)) == "Inactive 'drive0-1' can't be a target child"
    drive.is_active = False
    assert foreseen(backup_of(drive)) == "Inactive 'drive0' can't be a file child"


def test_drive_with_strangers_is_an_open_question(drive: Drive) -> None:
    drive.has_strangers = True
    assert is_open(backup_of(drive))
    assert foresee(backup_of(drive, options={"mode": "new"}), NOTHING_ELSE, Outlook()) is not None


# Bitmap, kind and mode.

NEEDED = "must provide a valid bitmap name for '{}' sync mode"


@pytest.mark.parametrize("sync", ["incremental", "bitmap"])
def test_kinds_that_go_by_a_bitmap_need_one(drive: Drive, sync: str) -> None:
    assert foreseen(backup_of(drive, sync)) == NEEDED.format(sync)
    assert foreseen(backup_of(drive, sync, ALWAYS)) == NEEDED.format(sync)


def test_incremental_backup_has_one_mode(drive: Drive) -> None:
    other = "Bitmap sync mode must be 'on-success'"
    assert foreseen(backup_of(drive, "incremental", A | ON_SUCCESS)) is None
    for mode in (ALWAYS, NEVER):
        assert foreseen(backup_of(drive, "incremental", A | mode)) == other
        assert foreseen(backup_of(drive, "incremental", ABSENT | mode)) == other


@pytest.mark.parametrize("sync", ["full", "top", "none", "bitmap"])
def test_bitmap_of_any_other_kind_needs_a_mode(drive: Drive, sync: str) -> None:
    assert foreseen(backup_of(drive, sync, A)) == "Bitmap sync mode must be given when providing a bitmap"
    assert foreseen(backup_of(drive, sync, ABSENT)) == "Bitmap 'absent' could not be found"


@pytest.mark.parametrize(
    ("sync", "mode", "words"),
    [
        ("bitmap", "on-success", None),
        ("bitmap", "never", None),
        ("bitmap", "always", None),
        ("full", "on-success", None),
        ("full", "always", None),
        ("full", "never", "'never' has no meaningful effect when combined with sync mode 'full'"),
        ("top", "always", None),
        ("top", "never", "'never' has no meaningful effect when combined with sync mode 'top'"),
        ("none", "always", "sync mode 'none' does not produce meaningful bitmap outputs"),
        ("none", "never", "sync mode 'none' does not produce meaningful bitmap outputs"),
    ],
)
def test_each_kind_goes_with_its_modes(drive: Drive, sync: str, mode: str, words: str | None) -> None:
    assert foreseen(backup_of(drive, sync, A | {"bitmap-mode": mode})) == words


@pytest.mark.parametrize("sync", ["full", "top", "none"])
def test_mode_without_a_bitmap(drive: Drive, sync: str) -> None:
    assert foreseen(backup_of(drive, sync, ALWAYS)) == "Cannot specify bitmap sync mode without a bitmap"


def test_bitmap_must_be_there_free_and_consistent(drive: Drive) -> None:
    in_use, spoilt = "Bitmap 'a' is currently in use", "Bitmap 'a' is inconsistent and cannot be used"
    backup, bitmap = backup_of(drive, "incremental", A), drive.bitmap("a")
    assert foreseen(backup, outlook=Outlook(removed={("drive0", "a")})) == in_use
    assert foreseen(backup, outlook=Outlook(held={("drive1", "a")})) is None
    bitmap.exported = True
    assert foreseen(backup) == in_use
    bitmap.exported = False
    bitmap.hold()
    assert foreseen(backup) == in_use
    bitmap.successor = None
    bitmap.inconsistent = True
    assert foreseen(backup) == spoilt
    assert foreseen(backup_of(drive, "none", A | ALWAYS)) == spoilt, "the bitmap comes before the combination"
    drive.lost_bitmap("a")
    assert foreseen(backup) == "Bitmap 'a' could not be found"
    assert foreseen(backup, outlook=Outlook(added={("drive0", "a")})) is None


# The target.


def test_drive_is_no_target_of_its_own(drive: Drive) -> None:
    assert foreseen(backup_of(drive, options={"target": "drive0"})) == "Source and target cannot be the same"


def test_target_and_source_of_running_jobs_are_in_use(drive: Drive) -> None:
    there = replace(NOTHING_ELSE, targets={"target0"}, sources={"drive1"})
    busy = "'target0' is busy: block device is in use by block job: backup"
    assert foreseen(backup_of(drive, options={"target": "target0"}), there) == busy
    assert foreseen(backup_of(drive, options={"target": "drive1"}), there) == "Permission conflict on node 'drive1'"
    assert foreseen(backup_of(drive), there) is None
    assert is_open(backup_of(drive, options={"target": "target0"}))


@pytest.mark.parametrize(
    ("words", "can"),
    [
        ("a qcow2 image", True),
        ("a VMDK image", True),
        ("a raw image", False),
        ("a QED image", False),
        ("a VDI image", False),
    ],
)
def test_only_some_images_can_be_compressed(drive: Drive, words: str, *, can: bool) -> None:
    target = Target(image("drive0-1", kind=KINDS[words]))
    refused = None if can else "Compression is not supported for this drive"
    assert foreseen(backup_of(drive, options={"compress": True}, target=target)) == refused
    assert foreseen(backup_of(drive, options={"compress": False}, target=target)) is None


def test_target_has_the_size_of_the_drive_unless_qemu_makes_it(drive: Drive) -> None:
    other = Target(image("drive0-1", MIB + 512))
    assert foreseen(backup_of(drive, target=other)) == "Source and target image have different sizes"
    to_be_made = Target(image("drive0-1", 512), exists=False)
    assert foreseen(backup_of(drive, command="drive-backup", target=to_be_made)) is None


# Numbers.

BAD_WORKERS = f"max-workers must be between 1 and {2**31 - 1}"


@pytest.mark.parametrize(
    ("tuning", "words"),
    [
        ({"max-workers": 1}, None),
        ({"max-workers": 2**31 - 1}, None),
        ({"max-workers": 0}, BAD_WORKERS),
        ({"max-workers": -1}, BAD_WORKERS),
        ({"max-workers": 2**31}, BAD_WORKERS),
        ({"max-chunk": 0}, None),
        ({"max-chunk": 65536}, None),
        ({"max-chunk": -1}, "max-chunk must be zero (which means no limit) or positive"),
        ({"max-chunk": 1}, "Required max-chunk (1) is less than backup cluster size"),
        ({"max-chunk": 65535}, "Required max-chunk (65535) is less than backup cluster size"),
        ({"max-workers": 0, "max-chunk": -1}, BAD_WORKERS),
    ],
)
def test_tuning_is_within_bounds(drive: Drive, tuning: dict[str, object], words: str | None) -> None:
    assert foreseen(backup_of(drive, options={"x-perf": tuning})) == words


def test_speed_is_not_below_zero(drive: Drive) -> None:
    assert foreseen(backup_of(drive, options={"speed": -1})) == "Parameter 'speed' expects a non-negative value"
    assert foreseen(backup_of(drive, options={"speed": 0})) is None


# Names of what is made.


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("filter0", None),
        ("drive1", "Duplicate nodes with node-name='drive1'"),
        ("1st", "Invalid node-name: '1st'"),
        ("a b", "Invalid node-name: 'a b'"),
        ("", "Invalid node-name: ''"),
    ],
)
def test_filter_has_a_name_of_its_own(drive: Drive, name: str, words: str | None) -> None:
    assert foreseen(backup_of(drive, options={"filter-node-name": name})) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("job0", None),
        ("a.b-c_d9", None),
        ("job1", "Job ID 'job1' already in use"),
        ("1st", "Invalid job ID '1st'"),
        ("", "Invalid job ID ''"),
        ("a/b", "Invalid job ID 'a/b'"),
    ],
)
def test_job_has_a_name_of_its_own(drive: Drive, name: str, words: str | None) -> None:
    there = replace(NOTHING_ELSE, jobs={"job1", "1"})
    assert foreseen(backup_of(drive, job=name), there) == words


# The order in which QEMU looks.


def test_first_thing_that_is_wrong_is_told(drive: Drive) -> None:
    """Each line puts the one thing right that was told before, and the next is told."""
    there = replace(NOTHING_ELSE, jobs={"job0"})
    raw = Target(image("drive0-1", MIB + 512, ImageKind("raw")), Local(options={"active": False}))
    wrong: dict[str, object] = {
        "mode": "new",
        "device": "absent",
        "bitmap": "absent",
        "compress": True,
        "x-perf": {"max-workers": 0},
        "filter-node-name": "drive1",
        "speed": -1,
    }
    backup = replace(backup_of(drive, target=raw), options={"sync": "bitmap", **wrong})
    told = []
    for option, value in (
        ("mode", "existing"),
        ("device", None),
        ("target", Target(image("drive0-1", MIB + 512, ImageKind("raw")))),
        ("bitmap", "a"),
        ("bitmap-mode", "always"),
        ("compress", False),
        ("target", Target(image("drive0-1"))),
        ("x-perf", {}),
        ("filter-node-name", "filter0"),
        ("job", Job(drive.machine, "job2")),
        ("speed", 0),
    ):
        told.append(foreseen(backup, there))
        if isinstance(value, Target):
            backup.target = value
        elif isinstance(value, Job):
            backup.job = value
        else:
            backup.options = {**backup.options, option: value}
    assert told == [
        "Parameter 'mode' does not accept value 'new'",
        "Cannot find device='absent' nor node-name='absent'",
        "Inactive 'drive0-1' can't be a target child",
        "Bitmap 'absent' could not be found",
        "Bitmap sync mode must be given when providing a bitmap",
        "Compression is not supported for this drive",
        "Source and target image have different sizes",
        BAD_WORKERS,
        "Duplicate nodes with node-name='drive1'",
        "Job ID 'job0' already in use",
        "Parameter 'speed' expects a non-negative value",
    ]
    assert foreseen(backup, there) is None


def test_refusals_are_of_the_class_that_qemu_gives_them(drive: Drive) -> None:
    found = foresee(backup_of(drive, "bitmap"), NOTHING_ELSE, Outlook())
    assert found == Refusal(NEEDED.format("bitmap"), "GenericError")
