"""How QEMU words its refusals: a scenario quotes the newest QEMU, and here is how older ones say the same."""

from __future__ import annotations

import re

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
