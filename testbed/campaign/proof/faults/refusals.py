"""Faults of refusals: those that do not come, and those that say nothing."""

from __future__ import annotations

import re
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


def another(text: str) -> str:
    """Let a refusal name another bitmap or node, where it names one."""
    return re.sub(r"\b(bitmap|drive)(\d)(-\d)?", lambda found: f"{found[1]}{int(found[2]) + 1}{found[3] or ''}", text)


def nameless(text: str) -> str:
    """Let a refusal say of what is in use just that it is."""
    text = re.sub(r"(Node|Bitmap) '[^']*' is (busy: .*|currently in use)", "Device '(null)' is in use", text)
    return re.sub(r"Permission conflict on node .*", "Conflicts with use by something else", text)


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
    never_refused("blockdev-add", "target/storage"),
    FaultKind("all-granted", "nothing is ever refused", GrantsAll, ("refuse", "granted")),
    *(
        FaultKind(
            f"refusals-{name}-in-{area}",
            f"refusals of what is in use, {area} among it, {what}",
            reworded(change),
            ("says",),
            (feature,),
        )
        for name, what, change in (
            ("nameless", "do not name it", nameless),
            ("of-another", "name something else", another),
        )
        for area, feature in (
            ("bitmaps", "refusal/busy_bitmap"),
            ("nodes", "job/nodes_in_use"),
            ("targets", "refusal/backup_target"),
            ("transactions", "transaction/refused_backups"),
        )
    ),
    FaultKind("refusals-reworded", "refusals do not say what is wrong", reworded(lambda _text: "Error"), ("says",)),
)
