"""What the build under test has, found out from itself: from its schema, from what its tools say, and by trials."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from testbed.base.process import ToolFailed, run_tool
from testbed.build.answers import NO, YES, Answer, Unclear, answer_of
from testbed.build.boards import DISK, Board, candidates, choose
from testbed.build.schema import Schema
from testbed.build.toolchain import Toolchain

BOUND = 30.0
"""Seconds that a tool may take to say something of itself."""

LIBNBD = ("nbdinfo", "nbdcopy")
"""The tools of libnbd, which read what QEMU serves and share no code with it."""

ASKING_FOR_BINDING = ("/usr/bin/python3", "-I", "-c", "import nbd; print('libnbd', nbd.NBD().get_version())")
"""How one asks the system's Python for libnbd, which its packages bring and no package index has."""

_NOT_TAKEN = "Command not found"

_STATUSES = range(126)
"""Exit statuses by which a program answers: those above say that a shell could not start it, or that it was killed."""


def ask(argv: Sequence[str]) -> str:
    """Run a program that only says something of itself; return all it wrote, whether it calls that an error or not.

    Raises Unclear when it is killed by a signal, cannot be started or does not end.
    """
    try:
        finished = run_tool(argv, cwd=Path("/"), bound=BOUND, allowed=_STATUSES)
    except ToolFailed as failure:
        raise Unclear(str(failure)) from None
    return finished.stdout + finished.stderr


@dataclass
class Capabilities:
    """What the build under test has, found out when first asked.

    `schema_source` returns QEMU's answer to query-qmp-schema, `ask` what a program says when it is run. Two trials tell
    what nothing else can: `tries_board` whether a board takes a disk, `tries` whether what a need names works, of
    which a build may have the name only. All raise Unclear where the answer is neither yes nor no. `next_build` is the
    one that a machine may go on with which began on this one, if there is such.
    """

    toolchain: Toolchain
    schema_source: Callable[[], Iterable[Mapping[str, Any]]]
    ask: Callable[[Sequence[str]], str] = ask
    tries_board: Callable[[Board], Answer] = lambda _board: YES
    tries: Callable[[str], Answer] = lambda _need: YES
    next_build: Toolchain | None = None
    answers: dict[str, Answer | Unclear] = field(default_factory=dict, repr=False)
    """What is known of needs, by their names; see `Need.answer`."""
    _said_before: dict[tuple[str, ...], str] = field(default_factory=dict, repr=False)

    @cached_property
    def schema(self) -> Schema:
        """The description of the build's QMP commands."""
        return Schema(self.schema_source())

    @property
    def board(self) -> Board | None:
        """The first machine of the emulator's that takes a disk, or None; raises Unclear."""
        return self._tried_boards[0]

    def has_board(self) -> Answer:
        """Tell whether there is a board; why the first that was tried would not do, if there is none."""
        board, words = self._tried_boards
        return YES if board else Answer(yes=False, words=words)

    @cached_property
    def _tried_boards(self) -> tuple[Board | None, str]:
        if not self._has_device(DISK):
            return None, self._qemu("-device", f"{DISK},help").strip()
        return choose(candidates(self._qemu("-machine", "help")), self.tries_board, self._stays)

    @property
    def _stays(self) -> tuple[str, ...]:
        """What lets a machine stay whose guest panics or shuts down, as firmware may that finds nothing to boot."""
        # -action came with the command; an older QEMU pauses a guest that panics if it is told not to shut down.
        return ("-no-shutdown", *(("-action", "panic=none") if self.has_commands("set-action") else ()))

    def has_commands(self, *names: str) -> bool:
        """Tell whether there are all of these QMP commands."""
        return all(self.schema.has_command(name) for name in names)

    def has_driver(self, name: str) -> bool:
        """Tell whether the emulator lists a block driver that it may write with; packagers can forbid either."""
        # Some emulators have no machine unless one is named, and say nothing else then.
        allowed = _formats(self._qemu("-machine", "none", "-drive", "format=help"))
        return self.schema.has_enum_member(name, "blockdev-add", "driver") and (not allowed or name in allowed)

    def has_format(self, name: str) -> bool:
        """Tell whether both the emulator and qemu-img list a format among those that they can write; raises Unclear."""
        said = self._image_tool("--help")
        if not _formats(said):
            raise Unclear(f"qemu-img --help lists no formats: {said.strip() or 'it says nothing'}")
        return self.has_driver(name) and name in _formats(said)

    def image_tool_takes(self, command: str) -> Answer:
        """Tell by a trial whether qemu-img has a command."""
        said = self._image_tool(command)
        return Answer(yes=False, words=said.strip()) if _NOT_TAKEN in said else YES

    def image_tool_has_option(self, command: str, option: str) -> Answer:
        """Tell by a trial, which has too little to do anything, whether a command of qemu-img has an option."""
        said = self._image_tool(command, option)
        is_unknown = f"unrecognized option '{option}'" in said
        return Answer(yes=False, words=said.strip().partition("\n")[0]) if is_unknown else YES

    def has_image_server(self) -> Answer:
        """Tell whether qemu-nbd lies beside qemu-img, and says that it is it; raises Unclear."""
        server = self.toolchain.qemu_img.path.with_name("qemu-nbd")
        said = self._said(str(server), "--version") if server.exists() else ""
        return Answer(yes="qemu-nbd" in said, words=said.strip())

    def has_libnbd(self) -> Answer:
        """Tell whether libnbd's tools are on the PATH, and say that they are it; raises Unclear."""
        return self._says_its_name(*(shutil.which(name) for name in LIBNBD))

    def has_libnbd_for_python(self) -> Answer:
        """Tell whether the system's Python knows libnbd; raises Unclear."""
        said = self._said(*ASKING_FOR_BINDING) if Path(ASKING_FOR_BINDING[0]).exists() else ""
        return YES if said.startswith("libnbd ") else NO

    def _says_its_name(self, *programs: str | None) -> Answer:
        said = {program: self._said(program, "--version").strip() for program in programs if program}
        return Answer(
            yes=len(said) == len(programs) and all(Path(name).name in words for name, words in said.items()),
            words="",
        )

    def clients(self) -> Mapping[str, str]:
        """Return what the foreign clients say that they are, by their paths; those that there are."""
        told: dict[str, str] = {}
        for path in filter(None, map(shutil.which, LIBNBD)):
            with suppress(Unclear):  # a report is no place to complain of a program that nothing may need
                told[path] = self._said(path, "--version").strip().partition("\n")[0]
        return told

    def has_creation_option(self, image_format: str, option: str) -> Answer:
        """Tell whether images of a format can be made with an option; raises Unclear."""
        said = self._image_tool("create", "-f", image_format, "-o", "help")
        if f"Supported {image_format} options" not in said:
            return answer_of(said, f"qemu-img create -f {image_format} -o help says: {said.strip() or 'nothing'}")
        return YES if re.search(rf"^\s+{re.escape(option)}=", said, re.MULTILINE) else NO

    def _has_device(self, name: str) -> bool:
        said = self._qemu("-device", f"{name},help")
        return f"{name} options" in said or bool(
            answer_of(said, f"QEMU, asked for the device {name}, says: {said.strip() or 'nothing'}")
        )

    def _qemu(self, *arguments: str) -> str:
        return self._said(str(self.toolchain.qemu.path), *arguments)

    def _image_tool(self, *arguments: str) -> str:
        return self._said(str(self.toolchain.qemu_img.path), *arguments)

    def _said(self, *argv: str) -> str:
        if argv not in self._said_before:
            self._said_before[argv] = self.ask(argv)
        return self._said_before[argv]


def _formats(help_text: str) -> list[str]:
    """Return the formats that a program says it supports, for writing too; none if it does not say."""
    found = re.search(
        r"^Supported (?:image )?formats:\s*(.*?)(?:\n\n|\nSupported|\Z)", help_text, re.MULTILINE | re.DOTALL
    )
    return found[1].split() if found else []
