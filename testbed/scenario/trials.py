"""Trials of what a build has by name: a driver or a format that it lists may lack what makes it work."""

from __future__ import annotations

import shlex
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace

from testbed.base.problems import AuthorError
from testbed.base.process import OutOfSpace, ToolFailed
from testbed.build.answers import YES, Answer, Unclear, answer_of
from testbed.build.boards import Board
from testbed.model.content import Content
from testbed.qemu.image_kinds import KEY_OPTION, KINDS, SECRET
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine, MachineDied, MachineHung
from testbed.qemu.monitor import Refused

SIZE = 1 << 20
"""Bytes of everything that is tried."""


def _file(name: str) -> dict[str, object]:
    return {"driver": "file", "filename": name}


DRIVERS: Mapping[str, Mapping[str, object]] = {
    "blkdebug": {"driver": "blkdebug", "image": _file("plain")},
    "blklogwrites": {"driver": "blklogwrites", "file": _file("plain"), "log": _file("log")},
    "throttle": {"driver": "throttle", "throttle-group": "group", "file": _file("plain")},
    "copy-on-read": {"driver": "copy-on-read", "file": _file("plain")},
}
"""Nodes of the drivers that a need may name, over the file "plain", and with "log", which is empty."""

OBJECTS: Mapping[str, Mapping[str, object]] = {
    "throttle": {"qom-type": "throttle-group", "id": "group"},
}
"""What a need must have besides."""


def try_need(need: str, machine: Machine, images: Images) -> Answer:
    """Tell whether what a need names works, on a machine that does nothing else meanwhile.

    `images` are the tools, in the machine's directory. Raises Unclear where the answer is neither yes nor no,
    AuthorError where there is no trial of such a need, Withdrawn where QEMU lacks what takes part in it and what every
    QEMU has, and OutOfSpace or OSError where there is no room for it.
    """
    if need == "luks":
        return try_luks(machine)
    # No scenario has use for such an image: none is to stay.
    images = replace(images, templates=images.home)
    try:
        images.create("plain", "raw", Content(SIZE))
        images.create("log", "raw", Content(0))
        if need in CONVERSATIONS:
            CONVERSATIONS[need](machine)
        else:
            _open_nodes(need, machine, images)
    except (MachineDied, MachineHung) as death:
        raise Unclear(str(death)) from None
    except Refused as refusal:
        return answer_of(refusal.text, str(refusal))
    except OutOfSpace:
        raise
    except ToolFailed as failure:
        said = str(failure)
        return answer_of(said.partition("stderr:\n")[2], said)
    return YES


def try_board(machine: Machine, board: Board) -> Answer:
    """Tell whether a machine that is not started yet takes a disk on a board, and lets go of it without a guest.

    Any error of QEMU's is a no, since most boards have no place for a disk; a death is not. Raises Unclear.
    """
    with (machine.home / "plain").open("wb") as file:
        file.truncate(SIZE)
    try:
        machine.start(board.hardware)
        _plug_in_and_out(machine, board.disk)
        machine.quit()
    except MachineDied as death:
        if machine.child.was_killed:
            raise Unclear(f"{shlex.join(machine.command_line)}: {death}") from None
        return Answer(yes=False, words=(machine.last_words or str(death)).splitlines()[-1])
    except Refused as refusal:
        machine.kill()
        return Answer(yes=False, words=refusal.text)
    except (MachineHung, ToolFailed) as failure:
        raise Unclear(str(failure)) from None
    return YES


def _plug_in_and_out(machine: Machine, device: str) -> None:
    machine.execute("blockdev-add", {"driver": "raw", "node-name": "tried", "file": _file("plain")})
    machine.execute("device_add", {"driver": device, "id": "tried", "drive": "tried"})
    machine.execute("device_del", {"id": "tried"})
    machine.wait_for(
        f"DEVICE_DELETED of {device}",
        lambda event: event.name == "DEVICE_DELETED" and event.data.get("device") == "tried",
    )


def try_luks(machine: Machine, cipher: str = "aes") -> Answer:
    """Tell whether QEMU has what encrypts LUKS images by default, and `cipher`; raises Unclear.

    To make a key takes seconds. So it is a header without one that QEMU must read: it derives something from the
    password, deciphers the key with that, and finds that it is none.
    """
    with (machine.home / "image").open("wb") as file:
        file.write(_luks_header(cipher))
        file.truncate(_PAYLOAD * 512 + SIZE)
    try:
        machine.execute("object-add", SECRET)
        machine.execute(
            "blockdev-add", {"driver": "luks", "node-name": "tried", KEY_OPTION: SECRET["id"], "file": _file("image")}
        )
    except (MachineDied, MachineHung) as death:
        raise Unclear(str(death)) from None
    except Refused as refusal:
        return YES if "Invalid password" in refusal.text else answer_of(refusal.text, str(refusal))
    raise Unclear("QEMU opened a LUKS image without a key")


_PAYLOAD = 4096
"""Where the data of that image begin, in sectors."""


def _luks_header(cipher: str) -> bytes:
    """Return a header as the LUKS specification, version 1, has it: with the places of keys, the first one in use."""
    head = struct.pack(
        ">6sH32s32s32sII20s32sI40s",
        *(b"LUKS\xba\xbe", 1, cipher.encode(), b"xts-plain64", b"sha512", _PAYLOAD, 64),
        *(bytes(20), bytes(32), 1000, b"00000000-0000-0000-0000-000000000000"),
    )
    slots = [
        struct.pack(">II32sII", 0xAC71F3 if number == 0 else 0xDEAD, 1000, bytes(32), 8 + 504 * number, 4000)
        for number in range(8)
    ]
    return head + b"".join(slots)


def _open_nodes(need: str, machine: Machine, images: Images) -> None:
    """Have QEMU open, to read and write it, each node that a need is for; raises as `try_need` does, and Refused."""
    nodes = list(_nodes_of(need, images))
    if not nodes:
        raise AuthorError(f'there is no trial of the need "{need}": testbed/scenario/trials.py must have one')
    if need in OBJECTS:
        machine.execute("object-add", OBJECTS[need])
    for node in nodes:
        _open_and_close(machine, node)


def _open_and_close(machine: Machine, node: Mapping[str, object]) -> None:
    machine.execute("blockdev-add", {"node-name": "tried", **node})
    machine.execute("blockdev-del", {"node-name": "tried"})


def _export(machine: Machine) -> None:
    """Have QEMU export the file "plain" over NBD."""
    machine.serve()
    machine.execute("blockdev-add", {"node-name": "exported", **_file("plain")})
    machine.execute("block-export-add", {"type": "nbd", "id": "tried", "node-name": "exported", "writable": True})


def _write_over_nbd(machine: Machine) -> None:
    """Have QEMU open an export of another QEMU of the same build: of its own it might wait for itself."""
    with ExitStack() as leaving:
        other = type(machine).boot(machine.qemu, machine.home, machine.bound, "other")
        leaving.callback(other.kill)
        _export(other)
        server = {"type": "unix", "path": other.exports_socket}
        _open_and_close(machine, {"driver": "nbd", "server": server, "export": "exported"})


CONVERSATIONS: Mapping[str, Callable[[Machine], None]] = {"block-export": _export, "nbd": _write_over_nbd}
"""What is said to a machine to try needs that it takes more for than to open a node."""


def _nodes_of(need: str, images: Images) -> Iterator[Mapping[str, object]]:
    """Give the options of nodes that a need is for, over images that are made here."""
    if need in DRIVERS:
        yield DRIVERS[need]
    for kind in KINDS.values():
        is_plain = not (kind.options or kind.has_base)
        if need in kind.needs or (is_plain and need == kind.image_format):
            images.create("image", kind.image_format, Content(SIZE), options=kind.options)
            yield {"driver": kind.image_format, "file": _file("image"), **kind.opening}
