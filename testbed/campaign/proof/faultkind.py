"""What a fault is to the proof: what is wrong, how it is played, where it must be found, and by which words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from testbed.campaign.proof.conversation import Conversation, Fault
from testbed.campaign.proof.spoiling import granted, ignored, lacking, refused

FIRST_CASES = (
    "backup/incremental_chain",
    "failure/failed_backup",
    "refusal/incremental_backup",
    "transaction/grouped_completion",
    "transaction/common_point_in_time",
)
"""Features of the first cases; what most faults are looked for in."""


ToolPlay = Callable[[str, list[str]], int]
"""What stands in for a tool that works on images: it gets the real one and the arguments, and returns a status."""


@dataclass(frozen=True)
class FaultKind:
    """A fault by its name and in words; `make` plays it in a conversation.

    `clues` are words of which a message that leads to the fault must have one; `features` are those that it is looked
    for in. `seen_only_by` names the oracle that alone can see it, if there is just one. `is_survivable` tells whether
    any scenario can pass with it: if none can, that one fails shows nothing of that one.

    `tool` plays what is wrong with the tools that work on images, if that is it.

    It can be shown with builds only that meet its `needs`, of the list in testbed.build.needs, and that do not have it
    by themselves, as the known `defect` of that name.
    """

    name: str
    description: str
    make: Callable[[Conversation], Fault]
    clues: tuple[str, ...] = ()
    features: tuple[str, ...] = FIRST_CASES
    seen_only_by: str = ""
    is_survivable: bool = True
    needs: tuple[str, ...] = ()
    defect: str = ""
    tool: ToolPlay | None = None


NOTHING = FaultKind("none", "nothing is wrong", Fault)
"""The stand-in as it is when it spoils nothing."""


# What many commands can do wrong alike.


def does_nothing(command: str, clue: str, *features: str) -> FaultKind:
    """Return the fault of a command that is granted and not carried out."""
    return FaultKind(f"{command}-ignored", f"{command} does nothing", ignored(command), (clue,), features)


def always_refused(command: str, *features: str) -> FaultKind:
    """Return the fault of a command that is never granted."""
    clues = ("this cannot be done",)
    return FaultKind(f"{command}-refused", f"{command} is always refused", refused(command), clues, features)


def never_refused(command: str, *features: str) -> FaultKind:
    """Return the fault of a command whose refusals are not told."""
    description = f"{command} answers a refusal as if it had been granted"
    return FaultKind(f"{command}-never-refused", description, granted(command), ("granted", "refuse"), features)


def gone(command: str, *features: str) -> FaultKind:
    """Return the fault of a build that has not got a command which every QEMU has."""
    clues = (f"no command {command}; every QEMU", f"no {command} command; every QEMU")
    return FaultKind(f"{command}-gone", f"this build has no {command}", lacking(command), clues, features)
