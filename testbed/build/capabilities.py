"""What the build under test has, found out from itself: from its schema, from what its tools say, and by trials."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from testbed.base.process import run_tool
from testbed.build.boards import BOARDS, Board
from testbed.build.schema import Schema
from testbed.build.toolchain import Toolchain

BOUND = 30.0
"""Seconds that a tool may take to say something of itself."""

_NOT_TAKEN = "Command not found"


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
    tells whether QEMU starts with such hardware, which only a trial can. `next_build` is the one that a machine may go
    on with which began on this one, if there is such.
    """

    toolchain: Toolchain
    schema_source: Callable[[], Iterable[Mapping[str, Any]]]
    ask: Callable[[Sequence[str]], str] = ask
    starts: Callable[[Sequence[str]], bool] = lambda _hardware: True
    next_build: Toolchain | None = None
    _answers: dict[tuple[str, ...], str] = field(default_factory=dict, repr=False)

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

    def image_tool_takes(self, command: str) -> bool:
        """Tell by a trial whether qemu-img has a command."""
        return _NOT_TAKEN not in self._image_tool(command)

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
