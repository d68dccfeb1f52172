"""Faults of bitmaps: how they are reported, added, changed and stored."""

from __future__ import annotations

from collections.abc import Callable

from testbed.campaign.proof.conversation import Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind, always_refused, does_nothing, gone
from testbed.campaign.proof.spoiling import (
    actions_of,
    bitmaps_in,
    clears_after,
    other_drive,
    refused,
    setting,
    with_arguments,
)


def misreport(spoil: Callable[[Message], None]) -> Callable[[Conversation], Fault]:
    """Make a fault that reports each named bitmap otherwise than it is."""

    class Misreport(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            for bitmap in bitmaps_in(reply.get("return")):
                spoil(bitmap)
            return reply

    return Misreport


def count_off(by: int) -> Callable[[Message], None]:
    """Make a function that reports `by` granules more than there are, where there are any."""

    def spoil(bitmap: Message) -> None:
        if bitmap["count"]:
            bitmap["count"] += by * bitmap["granularity"]

    return spoil


def instead(of: str, act: str) -> Callable[[Conversation], Fault]:
    """Make a fault that does one thing to a bitmap when another is asked for, in transactions, too."""

    class Instead(Fault):
        def command(self, command: Message) -> Message:
            if command["execute"] == of:
                command["execute"] = act
            for action in command.get("arguments", {}).get("actions", ()):
                if action["type"] == of:
                    action["type"] = act
            return command

    return Instead


def also(after: str, act: str) -> Callable[[Conversation], Fault]:
    """Make a fault that does another thing to the bitmap, too, when one was done."""

    class Also(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            for name, arguments in actions_of(command):
                if name == after and "return" in reply:
                    self.qemu.ask(act, node=arguments["node"], name=arguments.get("name", arguments.get("target")))
            return reply

    return Also


class Loaded(Fault):
    """A fault in how bitmaps are reported that the image had stored, as far as nobody has touched them since."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.touched: set[object] = set()

    def command(self, command: Message) -> Message:
        for name, arguments in actions_of(command):
            if name.startswith("block-dirty-bitmap-"):
                self.touched.add(arguments.get("name", arguments.get("target")))
        return command

    def reply(self, command: Message, reply: Message) -> Message:
        for bitmap in bitmaps_in(reply.get("return")):
            if bitmap["persistent"] and not bitmap.get("inconsistent") and bitmap["name"] not in self.touched:
                self.spoil(bitmap)
        return reply

    def spoil(self, bitmap: Message) -> None:
        """Report a bitmap as empty."""
        bitmap["count"] = 0


class LoadedAsEnabled(Loaded):
    def spoil(self, bitmap: Message) -> None:
        """Report a bitmap as recording."""
        bitmap["recording"] = True


class HidesInconsistent(Fault):
    """Does not list the bitmaps that are inconsistent."""

    def reply(self, command: Message, reply: Message) -> Message:
        nodes = reply.get("return")
        for node in nodes if isinstance(nodes, list) else ():
            if isinstance(node, dict) and "dirty-bitmaps" in node:
                node["dirty-bitmaps"] = [one for one in node["dirty-bitmaps"] if not one.get("inconsistent")]
        return reply


class StoresNothing(Fault):
    """Empties the persistent bitmaps before it stores them."""

    def command(self, command: Message) -> Message:
        """Do it when QEMU is told to quit."""
        if command["execute"] == "quit":
            for node in self.qemu.ask("query-named-block-nodes"):
                for bitmap in bitmaps_in(node.get("dirty-bitmaps")):
                    if bitmap["persistent"]:
                        self.qemu.ask("block-dirty-bitmap-clear", node=node["node-name"], name=bitmap["name"])
        return command


LIFE = ("bitmap/life", "bitmap/recording")
"""Features of what can be done to a bitmap."""

FAULTS = (
    # How bitmaps are reported.
    FaultKind("count-one-more", "a bitmap counts one granule too many", misreport(count_off(1)), ("dirty",)),
    FaultKind(
        "count-one-less",
        "a bitmap counts one granule too few",
        misreport(count_off(-1)),
        ("dirty",),
        seen_only_by="prediction",
    ),
    FaultKind(
        "count-in-sectors",
        "a bitmap counts sectors",
        misreport(lambda b: b.update(count=b["count"] // 512)),
        ("dirty",),
    ),
    FaultKind("count-zero", "a bitmap always counts nothing", misreport(setting(count=0)), ("dirty",)),
    FaultKind(
        "granularity-doubled",
        "the granularity is reported as double",
        misreport(lambda b: b.update(granularity=b["granularity"] * 2)),
        ("granularity",),
        features=("bitmap/granularity",),
    ),
    FaultKind("never-busy", "no bitmap is ever reported as busy", misreport(setting(busy=False)), ("busy",)),
    FaultKind("always-busy", "each bitmap is reported as busy", misreport(setting(busy=True)), ("busy",)),
    FaultKind(
        "always-recording",
        "each bitmap is reported as recording",
        misreport(setting(recording=True)),
        ("recording",),
        features=("bitmap/recording", "bitmap/life"),
    ),
    FaultKind(
        "never-recording",
        "no bitmap is reported as recording",
        misreport(setting(recording=False)),
        ("recording",),
        features=("bitmap/recording", "bitmap/life"),
    ),
    FaultKind(
        "always-persistent",
        "each bitmap is reported as persistent",
        misreport(setting(persistent=True)),
        ("persistent",),
        features=("bitmap/persistent", "bitmap/life"),
    ),
    FaultKind(
        "reported-transient",
        "no bitmap is reported as persistent",
        misreport(setting(persistent=False)),
        ("persistent",),
        ("bitmap/persistent",),
    ),
    FaultKind(
        "inconsistent",
        "each bitmap is reported as inconsistent",
        misreport(setting(inconsistent=True)),
        ("inconsistent",),
    ),
    FaultKind(
        "never-inconsistent",
        "no bitmap is reported as inconsistent",
        misreport(lambda bitmap: bitmap.pop("inconsistent", None)),
        ("inconsistent",),
        ("refusal/inconsistent_bitmap", "restart/inconsistent", "restart/way_out", "damage/inconsistent"),
    ),
    FaultKind(
        "loaded-as-empty",
        "a bitmap that was loaded from its image counts nothing",
        Loaded,
        ("dirty",),
        (
            "restart/next_machine",
            "restart/inconsistent",
            "transaction/removed_persistent",
            "restart/several_days",
            "restart/chains",
            "restart/ends",
            "restart/crashes",
            "restart/opened_twice",
            "restart/full_store",
            "restart/upgrade",
        ),
    ),
    FaultKind(
        "loaded-as-enabled",
        "a bitmap that was loaded from its image records, whatever it did before",
        LoadedAsEnabled,
        ("recording",),
        ("restart/next_machine",),
    ),
    FaultKind(
        "inconsistent-hidden",
        "an inconsistent bitmap is not listed",
        HidesInconsistent,
        ("should have", "no bitmap"),
        (
            "restart/next_machine",
            "refusal/inconsistent_bitmap",
            "restart/inconsistent",
            "restart/crashes",
            "restart/full_store",
            "restart/writable_again",
            "restart/read_only",
            "restart/upgrade",
        ),
    ),
    FaultKind(
        "named-otherwise",
        "bitmaps are reported with another name",
        misreport(setting(name="another")),
        ("no such bitmap", "no bitmap"),
        ("bitmap/life",),
    ),
    # How bitmaps are added.
    FaultKind(
        "never-added-disabled",
        "a bitmap is never added disabled",
        with_arguments(("block-dirty-bitmap-add",), lambda a: a.pop("disabled", None)),
        ("recording",),
        features=LIFE,
    ),
    FaultKind(
        "never-persistent",
        "a bitmap is never made persistent",
        with_arguments(("block-dirty-bitmap-add",), lambda a: a.pop("persistent", None)),
        ("persistent", "granted"),
        features=("bitmap/persistent", "bitmap/life"),
    ),
    FaultKind(
        "always-made-persistent",
        "each bitmap is made persistent",
        with_arguments(("block-dirty-bitmap-add",), setting(persistent=True)),
        ("persistent", "store"),
        ("bitmap/life",),
    ),
    FaultKind(
        "default-granularity",
        "every bitmap has the default granularity",
        with_arguments(("block-dirty-bitmap-add",), lambda a: a.pop("granularity", None)),
        ("granularity", "granted"),
        features=("bitmap/granularity",),
    ),
    FaultKind(
        "small-granularity-refused",
        "a granularity below 64 KiB is refused",
        refused("block-dirty-bitmap-add", lambda a: a.get("granularity", 65536) < 65536),
        ("refused",),
        features=("bitmap/granularity",),
    ),
    FaultKind(
        "large-granularity-refused",
        "a granularity above 64 KiB is refused",
        refused("block-dirty-bitmap-add", lambda a: a.get("granularity", 65536) > 65536),
        ("refused",),
        features=("bitmap/granularity",),
    ),
    FaultKind(
        "second-bitmap-refused",
        "a second bitmap is refused",
        refused("block-dirty-bitmap-add", lambda a: a.get("name", "").endswith("1")),
        ("refused",),
        features=("bitmap/several",),
    ),
    does_nothing("block-dirty-bitmap-add", "should have", "bitmap/life"),
    # How bitmaps are changed.
    FaultKind(
        "enable-disables",
        "enabling disables",
        instead("block-dirty-bitmap-enable", "block-dirty-bitmap-disable"),
        ("recording",),
        features=LIFE,
    ),
    FaultKind(
        "disable-enables",
        "disabling enables",
        instead("block-dirty-bitmap-disable", "block-dirty-bitmap-enable"),
        ("recording",),
        features=LIFE,
    ),
    FaultKind(
        "clear-disables",
        "clearing disables instead",
        instead("block-dirty-bitmap-clear", "block-dirty-bitmap-disable"),
        ("recording", "dirty"),
        features=LIFE,
    ),
    FaultKind(
        "remove-clears",
        "removing clears instead",
        instead("block-dirty-bitmap-remove", "block-dirty-bitmap-clear"),
        ("no bitmap",),
        features=LIFE,
    ),
    FaultKind(
        "enable-clears",
        "enabling clears, too",
        also("block-dirty-bitmap-enable", "block-dirty-bitmap-clear"),
        ("dirty",),
        features=LIFE,
    ),
    FaultKind(
        "disable-clears",
        "disabling clears, too",
        also("block-dirty-bitmap-disable", "block-dirty-bitmap-clear"),
        ("dirty",),
        features=LIFE,
    ),
    FaultKind(
        "clear-also-disables",
        "clearing disables, too",
        also("block-dirty-bitmap-clear", "block-dirty-bitmap-disable"),
        ("recording",),
        features=LIFE,
    ),
    FaultKind(
        "clears-all-bitmaps",
        "clearing a bitmap clears all of its drive",
        clears_after("block-dirty-bitmap-clear", lambda arguments: str(arguments["node"])),
        ("dirty",),
        ("bitmap/several", "bitmap/life"),
    ),
    FaultKind(
        "clears-another-drive",
        "clearing a bitmap clears those of another drive, too",
        clears_after("block-dirty-bitmap-clear", lambda arguments: other_drive(str(arguments["node"]))),
        ("dirty",),
        ("bitmap/several",),
    ),
    does_nothing("block-dirty-bitmap-remove", "should have no bitmap", "bitmap/life"),
    does_nothing("block-dirty-bitmap-clear", "dirty", "bitmap/life"),
    does_nothing("block-dirty-bitmap-enable", "recording", "bitmap/recording", "bitmap/life"),
    does_nothing("block-dirty-bitmap-disable", "recording", "bitmap/recording", "bitmap/life"),
    # How bitmaps are merged.
    FaultKind(
        "merge-clears",
        "merging clears its target",
        also("block-dirty-bitmap-merge", "block-dirty-bitmap-clear"),
        ("dirty",),
        features=("bitmap/merging",),
    ),
    FaultKind(
        "merge-first-only",
        "merging takes the first source only",
        with_arguments(("block-dirty-bitmap-merge",), lambda a: a.update(bitmaps=a["bitmaps"][:1])),
        ("dirty",),
        features=("bitmap/merging",),
    ),
    FaultKind(
        "merge-last-only",
        "merging takes the last source only",
        with_arguments(("block-dirty-bitmap-merge",), lambda a: a.update(bitmaps=a["bitmaps"][-1:])),
        ("dirty",),
        features=("bitmap/merging",),
    ),
    does_nothing("block-dirty-bitmap-merge", "dirty", "bitmap/merging"),
    always_refused("block-dirty-bitmap-merge", "bitmap/merging"),
    gone("block-dirty-bitmap-merge", "bitmap/merging"),
    *(gone(f"block-dirty-bitmap-{act}", "bitmap/life") for act in ("add", "remove", "clear", "enable", "disable")),
    # How bitmaps are stored.
    FaultKind(
        "stores-nothing",
        "what a persistent bitmap has recorded is not stored",
        StoresNothing,
        ("next machine", "dirty"),
        ("bitmap/persistent",),
    ),
)
