"""Trials of what a build has by name: a driver or a format that it lists may lack what makes it work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from testbed.base.process import ToolFailed
from testbed.build.answers import YES, Answer, Unclear, answer_of
from testbed.model.content import Content
from testbed.qemu.image_kinds import KINDS, SECRET
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine, MachineDied, MachineHung
from testbed.qemu.monitor import Refused

SIZE = 1 << 20
"""Bytes of everything that is tried."""


def _file(name: str) -> dict[str, object]:
    return {"driver": "file", "filename": name}


DRIVERS: Mapping[str, Mapping[str, object]] = {
    "blkdebug": {"driver": "blkdebug", "image": _file("plain")},
    "throttle": {"driver": "throttle", "throttle-group": "group", "file": _file("plain")},
    "copy-on-read": {"driver": "copy-on-read", "file": _file("plain")},
}
"""Nodes of the drivers that a need may name, over the file "plain"."""

OBJECTS: Mapping[str, Mapping[str, object]] = {
    "throttle": {"qom-type": "throttle-group", "id": "group"},
    "luks": SECRET,
}
"""What a need must have besides."""


def try_need(need: str, machine: Machine, images: Images) -> Answer:
    """Tell whether what a need names works, as far as there is a trial, on a machine that has nothing else to do.

    `images` are the tools, in the machine's directory. Raises Unclear where the answer is neither yes nor no.
    """
    try:
        images.create("plain", "raw", Content(SIZE))
        if need in OBJECTS:
            machine.execute("object-add", OBJECTS[need])
        for node in _nodes_of(need, images):
            machine.execute("blockdev-add", {"node-name": "tried", **node})
            machine.execute("blockdev-del", {"node-name": "tried"})
        machine.quit()
    except (MachineDied, MachineHung) as death:
        raise Unclear(str(death)) from None
    except Refused as refusal:
        return answer_of(refusal.text, str(refusal))
    except ToolFailed as failure:
        said = str(failure)
        return answer_of(said.partition("stderr:\n")[2], said)
    return YES


def _nodes_of(need: str, images: Images) -> Iterator[Mapping[str, object]]:
    """Give the options of nodes that a need is for, over images that are made here."""
    if need in DRIVERS:
        yield DRIVERS[need]
    for kind in KINDS.values():
        if need in kind.needs:
            images.create("image", kind.image_format, Content(SIZE), options=kind.options)
            yield {"driver": kind.image_format, "file": _file("image"), **kind.opening}
