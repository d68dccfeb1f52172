"""What Python is at, told from its stack: the layer that works, or what is waited for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

from testbed.campaign.checkout import ROOT

LOADING = "loading of modules"
OTHERS = "others"
BEHAVE = "behave"
CLIENT = "qemu.qmp and asyncio"
STEPS = "steps and hooks"
"""Layers besides the packages of the testbed."""

_PACKAGES = {"behave": BEHAVE, "parse": BEHAVE, "parse_type": BEHAVE, "cucumber_expressions": BEHAVE, "qemu": CLIENT}
"""Packages of others that are layers of their own; what another does, it does for whoever has called it."""

WAITS = {
    "testbed/qemu/monitor.py": {
        "connect": "a QEMU to come up",
        "execute": "an answer",
        "wait_for": "an event",
        "collect": "an event",
        "hear_out": "the end of a connection",
        "close": "the end of a connection",
    },
    "testbed/base/process.py": {
        "attached": "a process to start",
        "result": "a tool",
        "wait": "a QEMU to end",
        "kill_and_reap": "a QEMU to end",
    },
}
"""What is waited for in which function of which module; the outermost in a stack tells it."""

_WAITING = frozenset(function for functions in WAITS.values() for function in functions)


@dataclass(frozen=True)
class Place:
    """Where Python is: the layer that works, and what is waited for there; nothing where it should run."""

    layer: str
    wait: str


def place_of(frame: FrameType | None) -> Place:
    """Return where Python is, told from the innermost frame of its stack.

    The layer is the innermost that is known, unless a module is being loaded.
    """
    layer, wait = "", ""
    while frame is not None:
        code = frame.f_code
        here = _layer(code.co_filename)
        if here == LOADING:
            layer = LOADING
            break
        layer = layer or here
        if code.co_name in _WAITING:  # few names, and names are found faster than code
            wait = _wait(code.co_filename, code.co_name) or wait
        frame = frame.f_back
    return Place(layer or OTHERS, wait)


def kind_of(argv: Sequence[str]) -> str:
    """Return what a process is, told from its command line: QEMU, qemu-img with its subcommand, or its name."""
    name = Path(argv[0]).name
    if re.match(r"qemu-system-|qemu-kvm", name):
        return "QEMU"
    if name == "qemu-img":
        return " ".join([name, *argv[1:2]])
    return name


@cache
def _layer(filename: str) -> str:
    """Return the layer that a file belongs to, or nothing where it works for whoever has called it."""
    if filename.startswith("<frozen importlib"):
        return LOADING
    path = Path(filename)
    if path.is_relative_to(ROOT / "testbed"):
        package = path.relative_to(ROOT).parts[1]
        return "" if package == "campaign" else f"testbed.{package}"
    if path.is_relative_to(ROOT / "steps") or path == ROOT / "environment.py":
        return STEPS
    if "site-packages" in path.parts:
        package = path.parts[path.parts.index("site-packages") + 1]
        return _PACKAGES.get(package.removesuffix(".py"), "")
    return CLIENT if "asyncio" in path.parts else ""


@cache
def _wait(filename: str, function: str) -> str:
    """Return what a function waits for when it does, or nothing for most of them."""
    path = Path(filename)
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""
    return WAITS.get(name, {}).get(function, "")
