"""Faults of transactions: which actions they carry out, undo, and let end together."""

from __future__ import annotations

from collections.abc import Callable

from testbed.campaign.proof.conversation import Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind, does_nothing
from testbed.campaign.proof.spoiling import BACKUPS, actions_of, dropped, with_arguments


def not_undone(kind: str) -> Callable[[Conversation], Fault]:
    """Make a fault that leaves what an action of a failed transaction has done."""

    class NotUndone(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            if command["execute"] == "transaction" and "error" in reply:
                for name, arguments in actions_of(command):
                    if name == kind:
                        self.qemu.ask(name, **arguments)
            return reply

    return NotUndone


class GroupsIgnored(Fault):
    """Lets each job of a group end on its own."""

    def command(self, command: Message) -> Message:
        if command["execute"] == "transaction":
            command["arguments"].pop("properties", None)
        return command


class GroupsImposed(Fault):
    """Lets the jobs of every transaction end together."""

    def command(self, command: Message) -> Message:
        if command["execute"] == "transaction":
            command["arguments"]["properties"] = {"completion-mode": "grouped"}
        return command


class BackupsRefused(Fault):
    """Refuses to start several backups in one transaction."""

    def command(self, command: Message) -> Message | None:
        is_refused = command["execute"] == "transaction" and sum(name in BACKUPS for name, _ in actions_of(command)) > 1
        return None if is_refused else command

    def answer(self, command: Message) -> Message:
        return {"error": {"class": "GenericError", "desc": "this cannot be done"}}


def in_actions(change: Callable[[list[Message]], list[Message]]) -> Callable[[Conversation], Fault]:
    """Make a fault that carries out other actions than those of a transaction with several."""

    class Actions(Fault):
        def command(self, command: Message) -> Message:
            if command["execute"] == "transaction" and len(command["arguments"]["actions"]) > 1:
                command["arguments"]["actions"] = change(command["arguments"]["actions"])
            return command

    return Actions


FAULTS = (
    FaultKind(
        "first-action-left-out",
        "a transaction leaves out its first action",
        in_actions(lambda actions: actions[1:]),
        ("should have", "dirty"),
        ("transaction/order_of_requests", "transaction/common_point_in_time"),
    ),
    FaultKind(
        "last-action-left-out",
        "a transaction leaves out its last action",
        in_actions(lambda actions: actions[:-1]),
        ("should have", "dirty", "did not come within"),
        ("transaction/order_of_requests", "transaction/common_point_in_time"),
    ),
    FaultKind(
        "actions-reversed",
        "a transaction carries its actions out in the reverse order",
        in_actions(lambda actions: actions[::-1]),
        ("should have", "dirty"),
        ("transaction/order_of_requests",),
    ),
    FaultKind(
        "backups-in-transactions-refused",
        "a transaction of several requests cannot start a backup",
        BackupsRefused,
        ("this cannot be done",),
        ("backup/iothreads",),
    ),
    does_nothing("transaction", "did not come within", "transaction/common_point_in_time"),
    *(
        FaultKind(
            f"{act}-not-undone",
            f"a failed transaction does not undo {act}",
            not_undone(f"block-dirty-bitmap-{act}"),
            ("what the refused request has changed",),
            features=("transaction/undone_requests",),
        )
        for act in ("add", "clear", "enable", "disable", "merge", "remove")
    ),
    FaultKind(
        "dismiss-ignored-in-group",
        "the backups of a group are forgotten by themselves",
        with_arguments(BACKUPS, dropped("auto-dismiss")),
        ("concluded", "did not come", "not found"),
        ("transaction/group_ends",),
    ),
    FaultKind("groups-ignored", "grouped completion is ignored", GroupsIgnored, ("cancelled",)),
    FaultKind(
        "groups-imposed",
        "each transaction is grouped",
        GroupsImposed,
        ("completion-mode", "cancelled"),
        ("transaction/individual_completion",),
    ),
)
