"""Faults of a QEMU that believes what it should not, or refuses what it need not, of images with damaged bitmaps."""

from __future__ import annotations

from testbed.campaign.proof.conversation import Fault, Message
from testbed.campaign.proof.faultkind import FaultKind
from testbed.campaign.proof.spoiling import refused

DAMAGED = ("damage/directory", "damage/bitmap")
OPENED = ("damage/missing", "damage/outdated")
"""Features of images that nobody may open, and of those that can be opened."""


class TakesDamaged(Fault):
    """Opens what it should refuse: another file in its place, without bitmaps."""

    def reply(self, command: Message, reply: Message) -> Message:
        if command["execute"] == "blockdev-add" and "error" in reply:
            empty = {"driver": "null-co", "node-name": command["arguments"]["node-name"]}
            self.qemu.ask("blockdev-add", **empty)
            return {"return": {}}
        return reply


class SaysNothing(Fault):
    """Does not say why it cannot open an image."""

    def reply(self, command: Message, reply: Message) -> Message:
        if command["execute"] == "blockdev-add" and "error" in reply:
            reply["error"]["desc"] = "Could not open the image"
        return reply


class ListsOutdated(Fault):
    """Lists a bitmap on each node that has none."""

    def reply(self, command: Message, reply: Message) -> Message:
        if command["execute"] == "query-named-block-nodes" and "return" in reply:
            listed = {"name": "bitmap0", "granularity": 512, "recording": True, "busy": False, "persistent": True}
            for node in reply["return"]:
                node.setdefault("dirty-bitmaps", [{**listed, "count": 0}])
        return reply


def _is_damaged(arguments: Message) -> bool:
    file = arguments.get("file")
    return isinstance(file, dict) and "damaged" in str(file.get("filename"))


FAULTS = (
    FaultKind(
        "damaged-taken",
        "an image with damaged bitmaps is opened",
        TakesDamaged,
        ("although", "opened an image with another"),
        DAMAGED,
    ),
    FaultKind("damaged-not-said", "nobody is told what is damaged", SaysNothing, ("did not say",), DAMAGED),
    FaultKind(
        "outdated-refused",
        "an image is not opened since its bitmaps are outdated or incomplete",
        refused("blockdev-add", _is_damaged),
        ("gives no data",),
        OPENED,
    ),
    FaultKind(
        "outdated-listed",
        "bitmaps are listed that are outdated",
        ListsOutdated,
        ("no bitmap", "takes for valid"),
        (*OPENED, "restart/inconsistent"),
    ),
)
