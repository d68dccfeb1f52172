"""How QEMU words its refusals: a scenario quotes the newest QEMU, and here is how older ones say the same."""

from __future__ import annotations

import re

from testbed.base.units import format_size

IN_5_2 = (
    (r"Cannot find device='([^']*)'(?: nor node-name='[^']*')?", r"Cannot find device=\1 nor node_name=\1"),
    (r"(?:(?:Parameter )?'[^']*' )?does not accept value '(.*)'", r"Invalid parameter '\1'"),
    (r"Duplicate nodes with node-name='.*'", "Duplicate node name"),
    (r"Invalid node-name: '.*'", "Invalid node name"),
    (r"(?:Permission )?conflict on node '.*'", "Conflicts with use by"),
    (r"Bitmaps are of different sizes.*", "Bitmaps are incompatible and can't be merged"),
    (r"(?:(?:Node '.*' )?is busy: block device is )?in use by block job: .*", "Device '(null)' is in use"),
)
"""Pairs of what the newest QEMU says, or the last part of it, as a regular expression, and what QEMU 5.2 says."""


def spellings(words: str) -> list[str]:
    """Return words of the newest QEMU, and how any older one would say them."""
    older = (re.sub(newest, oldest, words) for newest, oldest in IN_5_2 if re.search(newest, words))
    return [words, *older]


IN_BYTES = ("len", "offset", "speed", "total-progress", "current-progress", "size", "count", "granularity")
"""Members of QEMU's answers and events that count bytes."""


def as_said(member: str, value: object) -> str:
    """Write what a member of QEMU's answers or events is as people do: one that counts bytes with units."""
    counts_bytes = member in IN_BYTES and isinstance(value, int) and not isinstance(value, bool)
    return format_size(int(str(value))) if counts_bytes else str(value)
