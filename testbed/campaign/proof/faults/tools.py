"""Faults of the tools that work on images: what qemu-img and qemu-nbd do otherwise than they were told."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from testbed.campaign.proof.conversation import Fault
from testbed.campaign.proof.faultkind import FaultKind, ToolPlay

SERVER = "qemu-nbd"

COMMAND = ("offline/bitmap_command", "offline/named_otherwise")
REFUSED = ("offline/refused_bitmap_command", "offline/refused_tools", "offline/named_otherwise")
KEPT = ("offline/kept_bitmaps", "offline/refused_tools")
MERGED = ("offline/merged_images",)
TOLD = ("offline/told_bitmaps",)

NOT_IN_STEP = ("not in the right places", "should be dirty", "as they were left")
WRONG_BITMAP = ("should be", "should have", "as they were left")


def told(command: str, change: Callable[[list[str]], list[str]]) -> ToolPlay:
    """Make a tool that is told something else than a command of it asks for."""

    def play(tool: str, arguments: list[str]) -> int:
        os.execv(tool, [tool, *(change(arguments) if arguments[0] == command else arguments)])  # noqa: S606

    return play


def instead(command: str, word: str, *others: str) -> ToolPlay:
    """Make a tool that takes other words for a word of a command."""
    return told(command, lambda given: [each for one in given for each in (others if one == word else (one,))])


def without(command: str, option: str) -> ToolPlay:
    """Make a tool that does not heed an option of a command, nor its value."""

    def change(given: list[str]) -> list[str]:
        places = [place for place, word in enumerate(given) if word == option]
        return [word for place, word in enumerate(given) if place not in places and place - 1 not in places]

    return told(command, change)


def does_nothing(*commands: str) -> ToolPlay:
    """Make a tool that says of some commands that they are done, and does nothing."""
    return lambda tool, given: 0 if given[0] in commands else subprocess.call([tool, *given])


def grants_all(tool: str, given: list[str]) -> int:
    """Play a tool that ends as if all were well whatever comes."""
    subprocess.call([tool, *given])
    return 0


def says_nothing(tool: str, given: list[str]) -> int:
    """Play a tool that does not say why it refuses."""
    return subprocess.call([tool, *given], stderr=subprocess.DEVNULL)


def _bitmaps_in(tool: str, image: str) -> list[str]:
    """Return the names of the bitmaps that an image stores, if it is one."""
    told_of = subprocess.run([tool, "info", "--output=json", image], capture_output=True, check=False)
    if told_of.returncode:
        return []
    data = json.loads(told_of.stdout).get("format-specific", {}).get("data", {})
    return [bitmap["name"] for bitmap in data.get("bitmaps", [])]


def afterwards(action: str, *commands: str) -> ToolPlay:
    """Make a tool that does something to the last bitmap of each image that it has worked on with some commands."""

    def play(tool: str, given: list[str]) -> int:
        code = subprocess.call([tool, *given])
        if given[0] in commands and not code:
            for image in Path().glob("*.qcow2"):
                for bitmap in _bitmaps_in(tool, str(image))[-1:]:
                    subprocess.call([tool, "bitmap", action, str(image), bitmap])
        return code

    return play


def shows_another(tool: str, given: list[str]) -> int:
    """Play a server that shows another bitmap under the name of the one that was asked for: none."""
    if not tool.endswith(SERVER):
        os.execv(tool, [tool, *given])  # noqa: S606
    image, place = given[-1], given.index("-B") + 1
    editor = str(Path(tool).with_name("qemu-img"))
    if given[place] in _bitmaps_in(editor, image):
        subprocess.call([editor, "bitmap", "--clear", "--merge", "coarse", image, given[place]])
    os.execv(tool, [tool, *given])  # noqa: S606


def _fault(
    name: str, description: str, play: ToolPlay, clues: tuple[str, ...], features: tuple[str, ...], *needs: str
) -> FaultKind:
    return FaultKind(name, description, Fault, clues, features, needs=needs, tool=play)


FAULTS = (
    _fault(
        "tool-adds-disabled",
        "qemu-img adds bitmaps that do not record",
        instead("bitmap", "--add", "--add", "--disable"),
        WRONG_BITMAP,
        COMMAND,
    ),
    _fault(
        "tool-clears-nothing",
        "qemu-img bitmap --clear does nothing",
        instead("bitmap", "--clear", "--enable"),
        WRONG_BITMAP,
        COMMAND,
    ),
    _fault(
        "tool-enables",
        "qemu-img bitmap --disable enables",
        instead("bitmap", "--disable", "--enable"),
        WRONG_BITMAP,
        COMMAND,
    ),
    _fault(
        "tool-disables",
        "qemu-img bitmap --enable disables",
        instead("bitmap", "--enable", "--disable"),
        WRONG_BITMAP,
        COMMAND,
    ),
    _fault(
        "tool-removes-nothing",
        "qemu-img bitmap --remove only empties",
        instead("bitmap", "--remove", "--clear"),
        WRONG_BITMAP,
        ("offline/bitmap_command",),
    ),
    _fault(
        "tool-ignores-granularity", "qemu-img bitmap does not heed -g", without("bitmap", "-g"), WRONG_BITMAP, COMMAND
    ),
    _fault(
        "tool-merges-nothing",
        "qemu-img bitmap --merge does nothing",
        told("bitmap", lambda given: given if "--merge" not in given else ["--version"]),
        WRONG_BITMAP,
        (*COMMAND, *MERGED),
    ),
    _fault("tool-grants-all", "qemu-img ends with status 0 whatever comes", grants_all, ("qemu-img did it",), REFUSED),
    _fault(
        "tool-says-nothing", "tools do not say why they refuse", says_nothing, ("and said: nothing",), (*REFUSED, *TOLD)
    ),
    _fault(
        "tool-copies-no-bitmaps",
        "qemu-img convert does not heed --bitmaps",
        instead("convert", "--bitmaps"),
        WRONG_BITMAP,
        KEPT,
    ),
    _fault(
        "tool-copies-bitmaps-unasked",
        "qemu-img convert copies bitmaps whether it was told to or not",
        told("convert", lambda given: given if "--bitmaps" in given else [given[0], "--bitmaps", *given[1:]]),
        WRONG_BITMAP,
        KEPT,
    ),
    _fault(
        "tool-skips-broken",
        "qemu-img convert leaves broken bitmaps behind unasked",
        instead("convert", "--bitmaps", "--bitmaps", "--skip-broken-bitmaps"),
        ("qemu-img did it",),
        ("offline/refused_tools",),
        "skip-broken-bitmaps",
    ),
    _fault(
        "tool-drops-bitmaps",
        "qemu-img loses a bitmap of an image that it works on",
        afterwards("--remove", "check", "info", "measure", "snapshot", "amend", "resize", "rebase", "convert"),
        ("should have", "only read", "as they were left"),
        (*KEPT, *MERGED),
    ),
    _fault(
        "tool-empties-bitmaps",
        "qemu-img empties a bitmap of an image that it works on",
        afterwards("--clear", "check", "snapshot", "amend", "resize", "rebase", "commit", "convert"),
        ("should be dirty", "only read", "as they were left"),
        (*KEPT, *MERGED),
    ),
    _fault(
        "tool-resizes-nothing",
        "qemu-img resize does nothing",
        does_nothing("resize"),
        ("should be of", "failed", "beyond", "end of", "size"),
        KEPT,
    ),
    _fault("tool-commits-nothing", "qemu-img commit does nothing", does_nothing("commit"), WRONG_BITMAP, MERGED),
    _fault(
        "tool-stays-on-base",
        "qemu-img rebase always only names the base",
        told("rebase", lambda given: [given[0], "-u", *given[1:]]),
        WRONG_BITMAP,
        MERGED,
    ),
    _fault(
        "tool-measures-small-clusters",
        "qemu-img measures for other clusters",
        told("measure", lambda given: [*given[:1], "-o", "cluster_size=4096", *given[1:]]),
        ("were measured",),
        TOLD,
    ),
    _fault(
        "tool-lists-nothing",
        "qemu-img info says nothing in words",
        told("info", lambda given: given if "--output=json" in given else ["--version"]),
        ("it is with nothing",),
        TOLD,
    ),
    _fault(
        "tool-measures-always",
        "qemu-img measures bitmaps for every image",
        told("measure", lambda given: ["measure", "-O", "qcow2", *given[-3:]]),
        ("qemu-img measures",),
        TOLD,
    ),
    _fault(
        "server-shows-another",
        "qemu-nbd shows another bitmap than was asked for",
        shows_another,
        ("to be dirty",),
        TOLD,
        "qemu-nbd",
    ),
)
