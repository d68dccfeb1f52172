"""What every release of QEMU since 5.2 has, and no packager can leave out: its lack is a broken promise."""

from __future__ import annotations

from testbed.base.text import one_line

SINCE = "5.2"
"""The release from which on it was never missing."""

JOB_VERBS = ("pause", "resume", "cancel", "complete", "finalize", "dismiss")
"""What the commands for jobs do; the same in both of their families."""

COMMANDS = frozenset(
    {
        *("blockdev-backup", "drive-backup", "transaction"),
        *(f"block-dirty-bitmap-{act}" for act in ("add", "remove", "clear", "enable", "disable", "merge")),
        *(f"{family}-{verb}" for family in ("job", "block-job") for verb in JOB_VERBS),
        *("block-job-set-speed", "query-jobs", "query-block-jobs"),
        *("blockdev-add", "blockdev-del", "blockdev-create", "blockdev-snapshot", "blockdev-mirror"),
        *("blockdev-snapshot-sync", "block-commit", "block-stream", "block_resize"),
        *("blockdev-snapshot-internal-sync", "blockdev-snapshot-delete-internal-sync"),
        *("query-block", "query-named-block-nodes", "query-blockstats"),
        *("nbd-server-start", "nbd-server-stop", "nbd-server-add"),
        *("block-export-add", "block-export-del", "query-block-exports"),
        *("object-add", "object-del", "query-commands", "query-qmp-schema", "query-version", "quit"),
    }
)
"""The commands of an emulator and of a storage daemon."""

COMMANDS_OF_MACHINES = frozenset(
    {
        *("human-monitor-command", "device_add", "device_del", "block_set_io_throttle"),
        *("cont", "stop", "system_reset", "migrate", "migrate-set-capabilities", "migrate-set-parameters"),
    }
)
"""The commands of an emulator only."""


class Withdrawn(AssertionError):
    """A build lacks what every release has that this suite knows."""

    def __init__(self, what: str, words: str = "") -> None:
        said = f" (QEMU says: {one_line(words)})" if words else ""
        super().__init__(f"this build has no {what}; every QEMU since {SINCE} has it{said}")
