"""What a scenario may need of a build, and whether the build under test has it.

What a scenario needs is said by its sentences, its words and its tables (testbed.language.needs), by names from this
closed list. Whether a build has what is needed is not guessed from its version but found out from itself: from the
schema of its QMP commands, from what its tools say of themselves, and by a trial where neither tells.
`python -m testbed.build.needs` prints the list.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from testbed.base.problems import near
from testbed.base.text import one_line
from testbed.build.answers import NO, YES, Answer, Unclear
from testbed.build.capabilities import Capabilities
from testbed.build.promised import JOB_VERBS, SINCE, Withdrawn

EMULATOR = "emulator"
DAEMON = "storage daemon"
"""The kinds of programs that a build under test may be."""

ALL = (EMULATOR, DAEMON)


STATED = "the schema of its QMP commands"
TRIED = "a trial"
PLACE = "a trial, of the place and not of the build"
"""What tells whether a need is met."""


@dataclass(frozen=True)
class Need:
    """Something that a build may lack.

    `meaning` completes "this build has no ..."; `probe` tells whether a build has it; `since` is the version
    of QEMU that first had it, empty if every supported one does; `otherwise` says why a build may lack it that
    is not too old. `promised_by` are the kinds of programs that nobody can build without it. `source` says how the
    build tells: by what QEMU states of itself, or, where that is a name that promises nothing, by a trial.
    """

    name: str
    meaning: str
    probe: Callable[[Capabilities], bool | Answer]
    since: str = ""
    otherwise: str = "dropped or left out by its packager"
    promised_by: tuple[str, ...] = ()
    source: str = STATED

    def answer(self, capabilities: Capabilities) -> Answer:
        """Return what a build answers, which is asked once; raises Unclear where that is neither yes nor no."""
        if self.name not in capabilities.answers:
            capabilities.answers[self.name] = self._asked(capabilities)
        known = capabilities.answers[self.name]
        if isinstance(known, Unclear):
            raise known
        return known

    def _asked(self, capabilities: Capabilities) -> Answer | Unclear:
        try:
            said = self.probe(capabilities)
        except Unclear as unclear:
            return unclear
        return said if isinstance(said, Answer) else (YES if said else NO)

    def is_promised_by(self, capabilities: Capabilities) -> bool:
        """Tell whether a build can only lack it by breaking a promise."""
        kind = DAEMON if capabilities.toolchain.qemu.is_storage_daemon else EMULATOR
        return kind in self.promised_by

    def why_not(self, capabilities: Capabilities, words: str = "") -> str:
        """Say of a build that lacks it that it does, and why: in QEMU's `words`, if there are some."""
        qemu = capabilities.toolchain.qemu
        too_old = self.since and qemu.version < tuple(map(int, self.since.split(".")))
        if too_old:
            why = f"QEMU has it since {self.since}, this is {qemu.release}"
        elif qemu.is_storage_daemon and not words:
            why = "this is a storage daemon"
        else:
            why = f"QEMU says: {one_line(words)}" if words else self.otherwise
        return f"this build has no {self.meaning} ({why})"


def _command(name: str, *, called: str = "", since: str = "") -> Need:
    command = called or name
    return Need(name, f"{command} command", lambda build: build.has_commands(command), since)


def _commands(name: str, meaning: str, *commands: str) -> Need:
    return Need(name, meaning, lambda build: build.has_commands(*commands))


def _argument(name: str, command: str, *path: str, since: str = "") -> Need:
    meaning = f"argument {'.'.join(path)} of {command}"
    return Need(name, meaning, lambda build: build.schema.has_argument(command, *path), since)


def _promised(need: Need, by: tuple[str, ...] = ALL) -> Need:
    return replace(need, promised_by=by)


def _driver(name: str) -> Need:
    meaning = f"block driver {name} that may write"
    return Need(name, meaning, lambda build: build.has_driver(name) and build.tries(name), source=TRIED)


def _format(name: str) -> Need:
    meaning = f"image format {name} that may be written"
    return Need(name, meaning, lambda build: build.has_format(name) and build.tries(name), source=TRIED)


def _creation_option(name: str, image_format: str, option: str) -> Need:
    meaning = f"option {option} for {image_format} images"
    return Need(
        name,
        meaning,
        lambda build: build.has_creation_option(image_format, option) and build.tries(name),
        source=TRIED,
    )


def _image_tool(name: str, command: str) -> Need:
    return Need(name, f"qemu-img {command}", lambda build: build.image_tool_takes(command), source=TRIED)


_TRIAL_OF_MOUNT = "unshare --user --map-root-user --mount sh -c 'mount -t tmpfs trial /tmp && echo mounted' || :"

NEEDS = (
    # Backups and their options.
    _promised(_command("drive-backup")),
    _promised(_command("blockdev-backup")),
    _argument("x-perf", "blockdev-backup", "x-perf", "max-workers", since="6.0"),
    _argument("min-cluster-size", "blockdev-backup", "x-perf", "min-cluster-size", since="9.2"),
    _promised(_argument("compress", "blockdev-backup", "compress")),
    # Jobs, nodes and machines.
    _promised(_commands("job-commands", "job-* commands", *(f"job-{verb}" for verb in JOB_VERBS))),
    _promised(_commands("block-job-commands", "block-job-* commands", *(f"block-job-{verb}" for verb in JOB_VERBS))),
    _promised(_command("blockdev-create")),
    _command("set-active", called="blockdev-set-active", since="10.0"),
    _command("block-graph", called="x-debug-query-block-graph"),
    _promised(_command("human-monitor", called="human-monitor-command"), by=(EMULATOR,)),
    Need(
        "guest-disk",
        "machine whose guest can have a SCSI disk",
        lambda build: build.has_board(),
        source=TRIED,
    ),
    Need(
        "disk-reading-firmware",
        "machine with a disk device whose firmware reads its disks, of the types known here",
        lambda build: build.board is not None and build.board.reads_disks,
        otherwise="a guest of its own has none here",
        source="a trial of the machine, and what is known of its firmware",
    ),
    Need(
        "reopen",
        "blockdev-reopen command, be it one that is called x-blockdev-reopen",
        lambda build: build.has_commands("blockdev-reopen") or build.has_commands("x-blockdev-reopen"),
    ),
    _command("reopen-several", called="blockdev-reopen"),
    _command("state-jobs", called="snapshot-save", since="6.0"),
    # Bitmaps.
    _command("bitmap-hash", called="x-debug-block-dirty-bitmap-sha256"),
    Need(
        "bitmap-migration",
        "migration of bitmaps",
        lambda build: build.schema.has_enum_member(
            "dirty-bitmaps", "migrate-set-capabilities", "capabilities", "capability"
        ),
    ),
    _argument("bitmap-mapping", "migrate-set-parameters", "block-bitmap-mapping"),
    _argument(
        "bitmap-transform",
        "migrate-set-parameters",
        *("block-bitmap-mapping", "bitmaps", "transform", "persistent"),
        since="6.0",
    ),
    # NBD.
    _driver("nbd"),
    Need(
        "block-export",
        "block-export-add that exports over NBD",
        lambda build: build.schema.has_enum_member("nbd", "block-export-add", "type") and build.tries("block-export"),
        source=TRIED,
        promised_by=ALL,
    ),
    _argument("export-any-bitmap", "block-export-add", "bitmaps", "node", since="6.0"),
    _argument("export-inactive", "block-export-add", "allow-inactive", since="10.0"),
    # Frozen views.
    Need(
        "frozen-view",
        "block drivers copy-before-write and snapshot-access",
        lambda build: all(
            build.schema.has_enum_member(driver, "blockdev-add", "driver")
            for driver in ("copy-before-write", "snapshot-access")
        ),
        since="7.0",
    ),
    _argument("on-cbw-error", "blockdev-add", "on-cbw-error", since="7.1"),
    _argument("cbw-timeout", "blockdev-add", "cbw-timeout", since="7.1"),
    _argument("cbw-min-cluster-size", "blockdev-add", "min-cluster-size", since="9.2"),
    _argument("discard-source", "blockdev-backup", "discard-source", since="9.1"),
    _argument("backup-on-cbw-error", "blockdev-backup", "on-cbw-error", since="10.1"),
    # Formats and drivers.
    _format("qcow2"),
    _format("raw"),
    _format("vmdk"),
    _format("vdi"),
    _format("qed"),
    _format("luks"),
    _driver("blkdebug"),
    _driver("blklogwrites"),
    _driver("throttle"),
    _driver("copy-on-read"),
    _promised(_creation_option("data-file", "qcow2", "data_file")),
    _promised(_creation_option("extended-l2", "qcow2", "extended_l2")),
    Need(
        "zstd",
        "compression of qcow2 images by zstd",
        lambda build: (
            build.schema.has_enum_member("zstd", "blockdev-create", "options", "compression-type")
            and build.tries("zstd")
        ),
        source=TRIED,
    ),
    # Tools.
    Need(
        "small-disk",
        "small file system that a scenario can fill",
        lambda build: "mounted" in build.ask(("sh", "-c", _TRIAL_OF_MOUNT)),
        otherwise="this machine lets nobody mount one in a name space of his own",
        source=PLACE,
    ),
    Need(
        "next-build",
        "other build for its machines to go on with",
        lambda build: build.next_build is not None,
        otherwise="none was named; -D next_qemu=PATH names one",
        source="the option",
    ),
    _promised(_image_tool("qemu-img-bitmap", "bitmap")),
    Need(
        "qemu-nbd",
        "qemu-nbd beside its qemu-img",
        lambda build: build.has_image_server(),
        otherwise="it is in another package, or in another place",
        source=TRIED,
    ),
    Need(
        "libnbd",
        "reader of exports beside it that is not QEMU's: nbdinfo and nbdcopy of libnbd",
        lambda build: build.has_libnbd(),
        otherwise="they are no part of QEMU; `.ci/setup clients` installs them",
        source=PLACE,
    ),
    Need(
        "libnbd-python",
        "client of exports beside it that is not QEMU's and can be told each word: libnbd for the system's Python",
        lambda build: build.has_libnbd_for_python(),
        otherwise="it is no part of QEMU; `.ci/setup clients` installs it",
        source=PLACE,
    ),
    Need(
        "remove-all-bitmaps",
        "qemu-img bitmap --remove-all",
        lambda build: build.image_tool_has_option("bitmap", "--remove-all"),
        since="11.0",
        source=TRIED,
    ),
    Need(
        "skip-broken-bitmaps",
        "qemu-img convert --skip-broken-bitmaps",
        lambda build: build.image_tool_has_option("convert", "--skip-broken-bitmaps"),
        since="6.1",
        source=TRIED,
    ),
)
"""All needs, in the order in which the documentation lists them."""

_BY_NAME = {known.name: known for known in NEEDS}


def need(name: str) -> Need:
    """Return the need of that name; raise AuthorError, with the nearest that there are, if there is none."""
    if name not in _BY_NAME:
        raise near(name, _BY_NAME, "need")
    return _BY_NAME[name]


def has(build: Capabilities, name: str) -> bool:
    """Tell whether a build has what the need `name` asks for; raise AuthorError if there is none, or Unclear."""
    return bool(need(name).answer(build))


def unmet(names: Iterable[str], capabilities: Capabilities) -> list[str]:
    """Return why a scenario with these needs cannot be run on a build, in plain words: all reasons, or none.

    Raises AuthorError for a name that is not in the list, Unclear where the build's answer is neither yes nor no, and
    Withdrawn where it lacks what every QEMU has.
    """
    lacking = [(each, answer) for each in map(need, dict.fromkeys(names)) if not (answer := each.answer(capabilities))]
    for each, answer in lacking:
        if each.is_promised_by(capabilities):
            raise Withdrawn(each.meaning, answer.words)
    return [each.why_not(capabilities, answer.words) for each, answer in lacking]


def table() -> str:
    """Return the list of needs as a Markdown table."""
    rows = [f"| `{each.name}` | {each.meaning} | {_since(each)} | {each.source} |" for each in NEEDS]
    heading = "| need | what the build must have | since QEMU | what tells |"
    return "\n".join([heading, "| --- | --- | --- | --- |", *rows, ""])


def _since(each: Need) -> str:
    return "always: its lack is a failure" if each.promised_by else each.since or f"{SINCE} or older"


if __name__ == "__main__":
    sys.stdout.write(table())
