"""Faults of drives: how they are resized and exported."""

from __future__ import annotations

from testbed.campaign.proof.faultkind import FaultKind, does_nothing
from testbed.campaign.proof.spoiling import clears_after, dropped, refused, replaced, with_arguments

FAULTS = (
    FaultKind(
        "resize-refused", "no drive can be resized", refused("block_resize"), ("refused",), features=("resize/growing",)
    ),
    FaultKind(
        "grows-too-little",
        "a drive gets 64 KiB less than asked",
        with_arguments(("block_resize",), replaced("size", lambda size: size - 65536)),
        ("byte", "dirty"),
        ("resize/growing",),
    ),
    FaultKind(
        "grows-too-much",
        "a drive gets 64 KiB more than asked",
        with_arguments(("block_resize",), replaced("size", lambda size: size + 65536)),
        ("byte", "dirty", "long"),
        ("resize/growing", "resize/shrinking"),
    ),
    FaultKind(
        "bitmap-empty-after-resizing",
        "resizing a drive clears its bitmaps",
        clears_after("block_resize", lambda arguments: str(arguments["node-name"])),
        ("dirty",),
        ("resize/growing", "resize/shrinking"),
    ),
    does_nothing("block_resize", "dirty", "resize/growing"),
    FaultKind(
        "export-without-bitmaps",
        "an export does not hold its bitmaps",
        with_arguments(("block-export-add",), dropped("bitmaps")),
        ("busy", "refuse", "granted"),
        ("refusal/busy_bitmap",),
    ),
    does_nothing("block-export-del", "BLOCK_EXPORT_DELETED", "refusal/busy_bitmap"),
)
