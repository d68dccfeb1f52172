"""Where a build comes from: the package that a program is of, as its packager or the system's list of packages says."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from testbed.base.process import ToolFailed, run_tool
from testbed.build.toolchain import Tool

BOUND = 10.0
"""Seconds that a list of packages may take to answer."""

OWNERS = (("dpkg-query", "-S"), ("rpm", "-qf"))
"""The commands that tell which package a file is of."""

NO_PACKAGE = "no package"


def package_of(tool: Tool, ask: Callable[[Sequence[str]], str | None]) -> str:
    """Return what the program's banner says of its package, else what `ask` says, which is asked of OWNERS."""
    if tool.packager:
        return tool.packager
    answers = (ask([*owner, str(tool.path)]) for owner in OWNERS)
    found = next((answer for answer in answers if answer), "")
    return found.partition("\n")[0].removesuffix(f": {tool.path}") or NO_PACKAGE


def ask(argv: Sequence[str]) -> str | None:
    """Return what a list of packages says, or None where there is none, or it does not know the file."""
    if shutil.which(argv[0]) is None:
        return None
    try:
        return run_tool(argv, cwd=Path("/"), bound=BOUND).stdout.strip()
    except ToolFailed:
        return None
