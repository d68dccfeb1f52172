"""What a scenario may need of a build, and whether the build under test has it.

A scenario names a need by a tag, `@needs.NAME`. The list is closed. Whether a build has what is needed is not
guessed from its version but found out from itself: from the schema of its QMP commands, from what its tools
say of themselves, and by a trial where neither tells. `python -m testbed.needs` prints the list.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from testbed.process import run_tool
from testbed.toolchain import Toolchain

TAG = "needs."
"""How the tags begin that name a need."""

BOUND = 30.0
"""Seconds that a tool may take to say something of itself."""

JOB_VERBS = ("pause", "resume", "cancel", "complete", "finalize", "dismiss")
"""What the commands for jobs do; the same in both of their families."""

_NOT_TAKEN = ("unrecognized option", "Command not found")


class UnknownNeed(ValueError):
    """A tag names a need that is not in the list."""


class Schema:
    """QEMU's own description of its QMP commands, as query-qmp-schema gives it.

    A path leads from a command's arguments or answer to a member: through objects in objects, into each of
    their branches, and through arrays and alternatives, which it does not mention.
    """

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        # Types are named by numbers, which differ from build to build; only commands and events have names.
        self._entries = {str(entry["name"]): entry for entry in entries}

    def has_command(self, name: str) -> bool:
        """Tell whether there is such a command."""
        return self._entries.get(name, {}).get("meta-type") == "command"

    def has_event(self, name: str) -> bool:
        """Tell whether there is such an event."""
        return self._entries.get(name, {}).get("meta-type") == "event"

    def has_argument(self, command: str, *path: str) -> bool:
        """Tell whether a command takes an argument, or a member at the end of a path into its arguments."""
        return bool(self._follow(command, "arg-type", path))

    def has_enum_member(self, member: str, command: str, *path: str) -> bool:
        """Tell whether `member` is among the words that an argument, or a member further down, may be."""
        return any(
            member in type_.get("values", ()) or any(member == other["name"] for other in type_.get("members", ()))
            for type_ in self._unfolded(self._follow(command, "arg-type", path))
            if type_["meta-type"] == "enum"
        )

    def returns_member(self, command: str, *path: str) -> bool:
        """Tell whether a command's answer may have a member at the end of a path."""
        return bool(self._follow(command, "ret-type", path))

    def _follow(self, command: str, start: str, path: Sequence[str]) -> set[str]:
        """Return the names of the types that the path leads to; none if it leads nowhere."""
        types = {self._entries[command][start]} if self.has_command(command) else set()
        for step in path:
            types = {
                member["type"]
                for type_ in self._unfolded(types)
                if type_["meta-type"] == "object"
                for member in type_["members"]
                if member["name"] == step
            }
        return types

    def _unfolded(self, names: Iterable[str]) -> list[Mapping[str, Any]]:
        """Return the types of these names with what they may stand for: elements, alternatives, branches."""
        types: dict[str, Mapping[str, Any]] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in types:
                types[name] = self._entries[name]
                waiting += _stands_for(types[name])
        return list(types.values())


def _stands_for(type_: Mapping[str, Any]) -> list[str]:
    match type_["meta-type"]:
        case "array":
            return [type_["element-type"]]
        case "alternate":
            return [member["type"] for member in type_["members"]]
        case "object":
            return [branch["type"] for branch in type_.get("variants", ())]
    return []


@dataclass(frozen=True)
class Board:
    """A type of machine, the controller of its disks, and the device by which its guest sees one.

    The disks are SCSI ones, which go as soon as they are unplugged: of others, a guest would have to let go.
    """

    machine: str
    controller: str
    disk: str = "scsi-hd"

    @property
    def hardware(self) -> tuple[str, ...]:
        """Return the arguments of QEMU's command line for it."""
        return ("-machine", self.machine, "-device", self.controller)


BOARDS = (
    Board("pc", "virtio-scsi-pci"),
    Board("q35", "virtio-scsi-pci"),
    Board("virt", "virtio-scsi-pci"),
    Board("pseries", "virtio-scsi-pci"),
    Board("s390-ccw-virtio", "virtio-scsi-ccw"),
)
"""The boards that a machine with a disk device may have, the preferred first."""


def ask(argv: Sequence[str]) -> str:
    """Run a program that only says something of itself; return all it wrote, whatever its exit status.

    Raises ToolFailed when it does not end.
    """
    finished = run_tool(argv, cwd=Path("/"), bound=BOUND, allowed=None)
    return finished.stdout + finished.stderr


@dataclass
class Capabilities:
    """What the build under test has, found out when first asked.

    `schema_source` returns QEMU's answer to query-qmp-schema, `ask` what a program says when it is run, and `starts`
    tells whether QEMU starts with such hardware, which only a trial can.
    """

    toolchain: Toolchain
    schema_source: Callable[[], Iterable[Mapping[str, Any]]]
    ask: Callable[[Sequence[str]], str] = ask
    starts: Callable[[Sequence[str]], bool] = lambda _hardware: True
    _answers: dict[tuple[str, ...], str] = field(default_factory=dict, repr=False)

    def has(self, name: str) -> bool:
        """Tell whether the build has what the need `name` asks for; raise UnknownNeed if there is none."""
        return need(name).probe(self)

    @cached_property
    def schema(self) -> Schema:
        """The description of the build's QMP commands."""
        return Schema(self.schema_source())

    @cached_property
    def board(self) -> Board | None:
        """The first of BOARDS that the emulator has with its disk device and firmware, or None."""
        machines = {line.partition(" ")[0] for line in self._qemu("-machine", "help").splitlines()}
        usable = (board for board in BOARDS if board.machine in machines and self._has_devices(board))
        return next((board for board in usable if self.starts(board.hardware)), None)

    def has_commands(self, *names: str) -> bool:
        """Tell whether there are all of these QMP commands."""
        return all(self.schema.has_command(name) for name in names)

    def has_driver(self, name: str) -> bool:
        """Tell whether the emulator has a block driver and may write with it; packagers can forbid either."""
        # Some emulators have no machine unless one is named, and say nothing else then.
        allowed = _formats(self._qemu("-machine", "none", "-drive", "format=help"))
        return self.schema.has_enum_member(name, "blockdev-add", "driver") and (not allowed or name in allowed)

    def has_format(self, name: str) -> bool:
        """Tell whether both the emulator and qemu-img can write images of a format."""
        return self.has_driver(name) and name in _formats(self._image_tool("--help"))

    def image_tool_takes(self, command: str, *options: str) -> bool:
        """Tell by a trial whether qemu-img has a command, and that the options."""
        answer = self._image_tool(command, *options)
        return not any(words in answer for words in _NOT_TAKEN)

    def has_creation_option(self, image_format: str, option: str) -> bool:
        """Tell whether images of a format can be made with an option."""
        answer = self._image_tool("create", "-f", image_format, "-o", "help")
        return re.search(rf"^\s+{re.escape(option)}=", answer, re.MULTILINE) is not None

    def _has_devices(self, board: Board) -> bool:
        return all(
            f"{name} options" in self._qemu("-device", f"{name},help") for name in (board.controller, board.disk)
        )

    def _qemu(self, *arguments: str) -> str:
        return self._said(str(self.toolchain.qemu.path), *arguments)

    def _image_tool(self, *arguments: str) -> str:
        return self._said(str(self.toolchain.qemu_img.path), *arguments)

    def _said(self, *argv: str) -> str:
        if argv not in self._answers:
            self._answers[argv] = self.ask(argv)
        return self._answers[argv]


def _formats(help_text: str) -> list[str]:
    """Return the formats that a program says it supports, for writing too; none if it does not say."""
    found = re.search(
        r"^Supported (?:image )?formats:\s*(.*?)(?:\n\n|\nSupported|\Z)", help_text, re.MULTILINE | re.DOTALL
    )
    return found[1].split() if found else []


@dataclass(frozen=True)
class Need:
    """Something that a build may lack.

    `meaning` completes "this build has no ..."; `probe` tells whether a build has it; `since` is the version
    of QEMU that first had it, empty if every supported one does; `otherwise` says why a build may lack it that
    is not too old.
    """

    name: str
    meaning: str
    probe: Callable[[Capabilities], bool]
    since: str = ""
    otherwise: str = "dropped or left out by its packager"

    def why_not(self, capabilities: Capabilities) -> str:
        """Say of a build that lacks it that it does, and why."""
        qemu = capabilities.toolchain.qemu
        too_old = self.since and qemu.version < tuple(map(int, self.since.split(".")))
        if too_old:
            why = f"QEMU has it since {self.since}, this is {qemu.release}"
        else:
            why = "this is a storage daemon" if qemu.is_storage_daemon else self.otherwise
        return f"this build has no {self.meaning} ({why})"


def _command(name: str, *, called: str = "", since: str = "") -> Need:
    command = called or name
    return Need(name, f"{command} command", lambda build: build.has_commands(command), since)


def _commands(name: str, meaning: str, *commands: str, since: str = "") -> Need:
    return Need(name, meaning, lambda build: build.has_commands(*commands), since)


def _argument(name: str, command: str, *path: str, since: str = "") -> Need:
    meaning = f"argument {'.'.join(path)} of {command}"
    return Need(name, meaning, lambda build: build.schema.has_argument(command, *path), since)


def _driver(name: str, *, since: str = "") -> Need:
    return Need(name, f"block driver {name} that may write", lambda build: build.has_driver(name), since)


def _format(name: str) -> Need:
    return Need(name, f"image format {name} that may be written", lambda build: build.has_format(name))


def _creation_option(name: str, image_format: str, option: str) -> Need:
    meaning = f"option {option} for {image_format} images"
    return Need(name, meaning, lambda build: build.has_creation_option(image_format, option))


def _image_tool(name: str, command: str, *options: str, since: str = "") -> Need:
    meaning = " ".join(("qemu-img", command, *options))
    return Need(name, meaning, lambda build: build.image_tool_takes(command, *options), since)


_TRIAL_OF_MOUNT = "unshare --user --map-root-user --mount sh -c 'mount -t tmpfs trial /tmp && echo mounted'"


def _program(name: str, program: str, option: str) -> Need:
    otherwise = f"none was found; -D {option}=PATH names one"
    return Need(name, program, lambda build: getattr(build.toolchain, option) is not None, "", otherwise)


NEEDS = (
    # Backups and their options.
    _command("drive-backup"),
    _argument("x-perf", "blockdev-backup", "x-perf", "max-workers", since="6.0"),
    _argument("min-cluster-size", "blockdev-backup", "x-perf", "min-cluster-size", since="9.2"),
    _argument("discard-source", "blockdev-backup", "discard-source", since="9.1"),
    _argument("on-cbw-error", "blockdev-backup", "on-cbw-error", since="10.1"),
    _argument("compress", "blockdev-backup", "compress"),
    # Jobs, nodes and machines.
    _commands("job-commands", "job-* commands", *(f"job-{verb}" for verb in JOB_VERBS)),
    _commands("block-job-commands", "block-job-* commands", *(f"block-job-{verb}" for verb in JOB_VERBS)),
    _command("blockdev-create"),
    _command("blockdev-reopen", since="6.1"),
    _command("set-active", called="blockdev-set-active", since="10.0"),
    _command("block-graph", called="x-debug-query-block-graph"),
    _command("iothread", called="x-blockdev-set-iothread"),
    _argument("query-block-flat", "query-block", "flat", since="11.1"),
    _commands(
        "internal-snapshots",
        "snapshot-save, snapshot-load and snapshot-delete commands",
        *("snapshot-save", "snapshot-load", "snapshot-delete"),
        since="6.0",
    ),
    _command("human-monitor", called="human-monitor-command"),
    Need(
        "guest-disk",
        "machine with a disk device, of the types known here",
        lambda build: build.board is not None,
    ),
    # Bitmaps.
    _command("bitmap-hash", called="x-debug-block-dirty-bitmap-sha256"),
    Need(
        "bitmap-status",
        "status in what it says of a bitmap",
        lambda build: build.schema.returns_member("query-block", "inserted", "dirty-bitmaps", "status"),
        otherwise="QEMU had it until 5.2",
    ),
    Need(
        "bitmap-migration",
        "migration capability dirty-bitmaps",
        lambda build: build.schema.has_enum_member(
            "dirty-bitmaps", "migrate-set-capabilities", "capabilities", "capability"
        ),
    ),
    _argument("bitmap-mapping", "migrate-set-parameters", "block-bitmap-mapping"),
    _argument(
        "bitmap-mapping-transform",
        *("migrate-set-parameters", "block-bitmap-mapping", "bitmaps", "transform"),
        since="6.0",
    ),
    # Fleecing.
    _driver("copy-before-write", since="6.2"),
    _argument("cbw-bitmap", "blockdev-add", "bitmap", since="7.0"),
    _argument("cbw-error-policy", "blockdev-add", "on-cbw-error", since="7.1"),
    _argument("cbw-timeout", "blockdev-add", "cbw-timeout", since="7.1"),
    _argument("cbw-min-cluster-size", "blockdev-add", "min-cluster-size", since="9.2"),
    _driver("snapshot-access", since="7.0"),
    # NBD.
    _driver("nbd"),
    _command("nbd-server", called="nbd-server-start"),
    _command("nbd-server-add"),
    Need(
        "block-export",
        "block-export-add that exports over NBD",
        lambda build: build.schema.has_enum_member("nbd", "block-export-add", "type"),
    ),
    _argument("export-foreign-bitmap", "block-export-add", "bitmaps", "node", since="7.1"),
    _argument("export-allocation-depth", "block-export-add", "allocation-depth"),
    _argument("export-inactive", "block-export-add", "allow-inactive", since="10.0"),
    # Formats and drivers.
    _format("qcow2"),
    _format("raw"),
    _format("vmdk"),
    _format("vdi"),
    _format("qed"),
    _format("luks"),
    _driver("blkdebug"),
    _driver("null-co"),
    _driver("throttle"),
    _driver("copy-on-read"),
    _creation_option("data-file", "qcow2", "data_file"),
    _creation_option("extended-l2", "qcow2", "extended_l2"),
    Need(
        "zstd",
        "compression of qcow2 images by zstd",
        lambda build: build.schema.has_enum_member("zstd", "blockdev-create", "options", "compression-type"),
    ),
    # Tools.
    _program("qemu-nbd", "qemu-nbd", "qemu_nbd"),
    Need(
        "small-disk",
        "small file system that a scenario can fill",
        lambda build: "mounted" in build.ask(("sh", "-c", _TRIAL_OF_MOUNT)),
        otherwise="this machine lets nobody mount one in a name space of his own",
    ),
    _program("storage-daemon", "qemu-storage-daemon", "qemu_storage_daemon"),
    _image_tool("qemu-img-bitmap", "bitmap"),
    _image_tool("remove-all-bitmaps", "bitmap", "--remove-all", since="11.1"),
    _image_tool("convert-bitmaps", "convert", "--bitmaps"),
    _image_tool("skip-broken-bitmaps", "convert", "--skip-broken-bitmaps", since="6.1"),
)
"""All needs, in the order in which the documentation lists them."""

_BY_NAME = {known.name: known for known in NEEDS}


def need(name: str) -> Need:
    """Return the need of that name; raise UnknownNeed, with the nearest that there is, if there is none."""
    if name not in _BY_NAME:
        near = difflib.get_close_matches(name, _BY_NAME, n=1)
        hint = f"did you mean @{TAG}{near[0]}?" if near else "python -m testbed.needs lists those that there are"
        raise UnknownNeed(f"there is no tag @{TAG}{name}; {hint}")
    return _BY_NAME[name]


def needed(tags: Iterable[str]) -> list[Need]:
    """Return the needs that tags, written without their @, name; raise UnknownNeed for one that is not."""
    return [need(tag.removeprefix(TAG)) for tag in dict.fromkeys(tags) if tag.startswith(TAG)]


def unmet(tags: Iterable[str], capabilities: Capabilities) -> list[str]:
    """Return why a scenario with these tags cannot be run on a build, in plain words: all reasons, or none.

    Raises UnknownNeed for a tag that names a need which is not in the list.
    """
    return [each.why_not(capabilities) for each in needed(tags) if not each.probe(capabilities)]


def table() -> str:
    """Return the list of needs as a Markdown table."""
    rows = [f"| `@{TAG}{each.name}` | {each.meaning} | {each.since or '5.2 or older'} |" for each in NEEDS]
    return "\n".join(["| tag | what the build must have | since QEMU |", "| --- | --- | --- |", *rows, ""])


if __name__ == "__main__":
    sys.stdout.write(table())
