"""Faults of refusals: those that do not come, and those that say nothing."""

from __future__ import annotations

from collections.abc import Callable

from testbed.campaign.proof.conversation import Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind, never_refused


class GrantsAll(Fault):
    """Answers each refusal as if it had been granted, but for what the testbed asks to learn something."""

    def reply(self, command: Message, reply: Message) -> Message:
        return {"return": {}} if "error" in reply and not command["execute"].startswith("query-") else reply


def reworded(change: Callable[[str], str]) -> Callable[[Conversation], Fault]:
    """Make a fault that words refusals otherwise."""

    class Reworded(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            if "error" in reply:
                reply["error"]["desc"] = change(reply["error"]["desc"])
            return reply

    return Reworded


REFUSALS = (
    "refusal/missing_bitmap",
    "refusal/bitmap_name",
    "refusal/incremental_backup",
    "refusal/backup_arguments",
    "transaction/undone_requests",
    "resize/refused",
)
"""Features in which QEMU refuses something."""

FAULTS = (
    never_refused("block-dirty-bitmap-add", *REFUSALS),
    never_refused("block-dirty-bitmap-remove", *REFUSALS),
    never_refused("block-dirty-bitmap-clear", *REFUSALS),
    never_refused("block-dirty-bitmap-enable", *REFUSALS),
    never_refused("block-dirty-bitmap-disable", *REFUSALS),
    never_refused("block-dirty-bitmap-merge", *REFUSALS),
    never_refused("blockdev-backup", *REFUSALS),
    never_refused("drive-backup", *REFUSALS),
    never_refused("transaction", *REFUSALS),
    never_refused("block_resize", *REFUSALS),
    FaultKind("all-granted", "nothing is ever refused", GrantsAll, ("refuse", "granted")),
    FaultKind("refusals-reworded", "refusals do not say what is wrong", reworded(lambda _text: "Error"), ("says",)),
)
