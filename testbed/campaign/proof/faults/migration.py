"""Faults of guests that move to another machine: of what arrives there, what stays here, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from testbed.campaign.proof.conversation import Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind, does_nothing
from testbed.campaign.proof.spoiling import bitmaps_in, bitmaps_of, dropped, granted

MAPPING = "block-bitmap-mapping"

SHARED = "migration/shared_images"
COPIED = "migration/copied_images"
NAMES = "migration/names"
ON_ITS_WAY = "migration/on_its_way"
CALLED_OFF = "migration/called_off"
KEPT = "migration/kept_state"
TRAVELLING = "migration/travelling"
IN_USE = "migration/in_use"
REFUSED = "migration/refused_names"


class AtMove(Fault):
    """A fault that does something to the bitmaps of all nodes; `begins_with` is a command after which it is armed.

    It strikes once, when QEMU has granted the command `strikes_at`, or before it gets that if it is `early`.
    """

    begins_with = "migrate-incoming"
    strikes_at = "cont"
    early = False
    is_armed = False

    def command(self, command: Message) -> Message:
        """Strike before the command, if that is wanted."""
        self.is_armed |= command["execute"] == self.begins_with
        if self.early:
            self.strike(command)
        return command

    def reply(self, command: Message, reply: Message) -> Message:
        """Strike after the command, if that is wanted."""
        if not self.early and "return" in reply:
            self.strike(command)
        return reply

    def strike(self, command: Message) -> None:
        """Spoil each bitmap, if it is time."""
        if self.is_armed and command["execute"] == self.strikes_at:
            self.is_armed = False
            for node in self.qemu.ask("query-named-block-nodes", flat=True) or ():
                for bitmap in bitmaps_of(self.qemu, node["node-name"]):
                    self.spoil(node["node-name"], bitmap)

    def spoil(self, node: str, bitmap: Message) -> None:
        """Spoil one bitmap."""
        raise NotImplementedError


def at_move(spoil: str, *, only: str = "", **when: Any) -> type[Fault]:
    """Make a fault that asks block-dirty-bitmap-`spoil` for each bitmap, or for those of which the flag `only` is set.

    `when` are members of AtMove.
    """

    class Spoiling(AtMove):
        def spoil(self, node: str, bitmap: Message) -> None:
            if not only or bitmap[only]:
                self.qemu.ask(f"block-dirty-bitmap-{spoil}", node=node, name=bitmap["name"])

    for member, value in when.items():
        setattr(Spoiling, member, value)
    return Spoiling


AT_DEPARTURE: dict[str, Any] = {"begins_with": "migrate", "strikes_at": "migrate", "early": True}
WHERE_IT_STAYS: dict[str, Any] = {"begins_with": "migrate", "strikes_at": "cont"}


def told(flag: str, *, to: bool, after: str) -> type[Fault]:
    """Make a fault that tells a flag of bitmaps wrong once a command was given."""

    class Told(Fault):
        is_armed = False

        def command(self, command: Message) -> Message:
            self.is_armed |= command["execute"] == after
            return command

        def reply(self, command: Message, reply: Message) -> Message:
            for bitmap in bitmaps_in(reply.get("return")) if self.is_armed else ():
                bitmap[flag] = to
            return reply

    return Told


def without_capability(qemu: Conversation) -> Fault:
    """Answer as if bitmaps were told to travel, and do not tell it."""

    class Without(Fault):
        def command(self, command: Message) -> Message | None:
            asked = command.get("arguments", {}).get("capabilities", [])
            return None if any(each["capability"] == "dirty-bitmaps" for each in asked) else command

    return Without(qemu)


def mapped(change: Callable[[Message], Message | None]) -> type[Fault]:
    """Make a fault that changes what is told of a mapping, or ignores it where the change gives nothing."""

    class Mapped(Fault):
        def command(self, command: Message) -> Message | None:
            return change(command) if MAPPING in command.get("arguments", {}) else command

    return Mapped


def each_bitmap(change: Callable[[Message], object]) -> type[Fault]:
    """Make a fault that changes what a mapping tells of each bitmap."""

    def changed(command: Message) -> Message:
        for bitmap in mapped_bitmaps(command["arguments"][MAPPING]):
            change(bitmap)
        return command

    return mapped(changed)


def mapped_bitmaps(mapping: list[dict[str, Any]]) -> Iterator[Message]:
    """Yield the entries of all bitmaps in a mapping."""
    for node in mapping:
        yield from node["bitmaps"]


def unless_empty(command: Message) -> Message | None:
    """Return a command that gives a mapping, or None if that is empty."""
    return command if command["arguments"][MAPPING] else None


def leaves_one_out(command: Message) -> Message:
    """Leave out the first bitmap of each node."""
    for node in command["arguments"][MAPPING]:
        del node["bitmaps"][:1]
    return command


class FailureHidden(Fault):
    """Says of a migration that failed that it has completed."""

    def reply(self, command: Message, reply: Message) -> Message:
        """Change what query-migrate says."""
        if command["execute"] == "query-migrate" and reply.get("return", {}).get("status") == "failed":
            reply["return"]["status"] = "completed"
        return reply


class SuccessDenied(Fault):
    """Says of a migration that has completed that it failed."""

    def reply(self, command: Message, reply: Message) -> Message:
        """Change what query-migrate says."""
        if command["execute"] == "query-migrate" and reply.get("return", {}).get("status") == "completed":
            reply["return"]["status"] = "failed"
        return reply


class ChangesWhatIsSent(Fault):
    """Answers what it refuses since a bitmap is in use, as if it had been granted."""

    def reply(self, command: Message, reply: Message) -> Message:
        """Change the refusal."""
        return {"return": {}} if "currently in use" in reply.get("error", {}).get("desc", "") else reply


FAULTS = (
    FaultKind(
        "bitmaps-told-to-stay",
        "bitmaps do not travel although they were told to",
        without_capability,
        ("no such bitmap", "dirty", "inconsistent", "moves there", "held", "state"),
        (SHARED, TRAVELLING, COPIED, NAMES),
    ),
    FaultKind(
        "removed-on-arrival",
        "the bitmaps that come to a machine are dropped",
        at_move("remove"),
        ("no such bitmap", "not found"),
        (SHARED, TRAVELLING, COPIED, NAMES, ON_ITS_WAY, KEPT, CALLED_OFF),
    ),
    FaultKind(
        "cleared-on-arrival",
        "the bitmaps that come to a machine are empty",
        at_move("clear"),
        ("dirty",),
        (SHARED, TRAVELLING, COPIED, NAMES, ON_ITS_WAY, KEPT, CALLED_OFF),
    ),
    FaultKind(
        "disabled-on-arrival",
        "the bitmaps that come to a machine do not record",
        at_move("disable"),
        ("recording", "dirty"),
        (SHARED, TRAVELLING, COPIED, KEPT),
    ),
    FaultKind(
        "enabled-on-arrival",
        "the bitmaps that come to a machine record, be they disabled",
        at_move("enable"),
        ("recording",),
        (SHARED, TRAVELLING, COPIED, ON_ITS_WAY, KEPT),
    ),
    FaultKind(
        "transient-on-arrival",
        "persistent bitmaps that come to a machine are not stored",
        at_move("remove", only="persistent", strikes_at="quit", early=True),
        ("store", "find"),
        (SHARED, TRAVELLING, COPIED, NAMES, KEPT),
    ),
    FaultKind(
        "told-persistent-on-arrival",
        "the bitmaps that come to a machine are told to be persistent",
        told("persistent", to=True, after="migrate-incoming"),
        ("persistent",),
        (SHARED, TRAVELLING, COPIED, NAMES),
    ),
    FaultKind(
        "cleared-at-departure",
        "the bitmaps that leave a machine are emptied before they do",
        at_move("clear", **AT_DEPARTURE),
        ("dirty",),
        (SHARED, TRAVELLING, COPIED, KEPT, CALLED_OFF),
    ),
    FaultKind(
        "removed-where-it-stays",
        "a guest that does not get to the other machine has no bitmaps any more",
        at_move("remove", **WHERE_IT_STAYS),
        ("no such bitmap", "not found"),
        (CALLED_OFF, KEPT),
    ),
    FaultKind(
        "disabled-where-it-stays",
        "the bitmaps of a guest that does not get to the other machine record no more",
        at_move("disable", **WHERE_IT_STAYS),
        ("recording", "dirty"),
        (CALLED_OFF, KEPT),
    ),
    FaultKind(
        "free-on-the-way",
        "bitmaps that are being sent are not told to be in use",
        told("busy", to=False, after="migrate"),
        ("busy",),
        (ON_ITS_WAY,),
    ),
    FaultKind(
        "changed-on-the-way",
        "what is refused since a bitmap is being sent, is answered as if it had been granted",
        ChangesWhatIsSent,
        ("granted",),
        (IN_USE,),
    ),
    FaultKind(
        "mapping-ignored",
        "what bitmaps are called on their way is not heeded",
        mapped(lambda _command: None),
        ("no such bitmap", "no bitmap", "granted", "completed"),
        (NAMES,),
    ),
    FaultKind(
        "empty-mapping-ignored",
        "a mapping of nothing is not heeded",
        mapped(unless_empty),
        ("no bitmap",),
        (NAMES,),
    ),
    FaultKind(
        "mapping-leaves-one-out",
        "a mapping lacks the first bitmap of each node",
        mapped(leaves_one_out),
        ("no such bitmap", "granted"),
        (NAMES,),
    ),
    FaultKind(
        "mapping-by-alias",
        "a bitmap bears its alias when it has arrived",
        each_bitmap(lambda bitmap: bitmap.update(name=bitmap["alias"])),
        ("no such bitmap", "no bitmap", "refused", "granted"),
        (NAMES,),
    ),
    FaultKind(
        "persistence-not-changed",
        "a bitmap stays as persistent as it was, whatever the mapping says",
        each_bitmap(dropped("transform")),
        ("persistent",),
        (NAMES,),
        needs=("bitmap-transform",),
    ),
    FaultKind(
        "any-mapping-granted",
        "a mapping that cannot be right is answered as if it had been granted",
        granted("migrate-set-parameters"),
        ("granted",),
        (REFUSED,),
    ),
    FaultKind(
        "failure-hidden",
        "of a migration that has failed QEMU says that it has completed",
        FailureHidden,
        ("it completed",),
        (CALLED_OFF, COPIED, NAMES),
    ),
    FaultKind(
        "success-denied",
        "of a migration that has completed QEMU says that it failed",
        SuccessDenied,
        ("it failed",),
        (SHARED, TRAVELLING, COPIED, KEPT),
    ),
    does_nothing("migrate_cancel", "did not come", CALLED_OFF),
)
