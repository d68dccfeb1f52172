"""How QEMU words its refusals: a scenario quotes the newest QEMU, and here is how older ones say the same."""

from __future__ import annotations

import re
from collections.abc import Mapping

from testbed.base.units import format_size

IN_5_2 = (
    (r"Cannot find device='([^']*)'(?: nor node-name='[^']*')?", r"Cannot find device=\1 nor node_name=\1"),
    (r"(?:(?:Parameter )?'[^']*' )?does not accept value '(.*)'", r"Invalid parameter '\1'"),
    (r"Duplicate nodes with node-name='.*'", "Duplicate node name"),
    (r"Invalid node-name: '.*'", "Invalid node name"),
    (r"(?:Permission )?conflict on node '(.*)'", r"Conflicts with use by ... on \1"),
    (
        r"Read-only block node '.*' cannot support(?: read-write users)?",
        "Cannot make block node read-only, there is a writer on it",
    ),
    (
        r"Cannot remove persistent bitmap '([^']*)'(?:: no write access to node '.*')?",
        r"Bitmap '\1' is readonly and cannot be modified",
    ),
    (r"Bitmaps are of different sizes.*", "Bitmaps are incompatible and can't be merged"),
)
"""Pairs of what the newest QEMU says, or the last part of it, as a regular expression, and what QEMU 5.2 says.

Three dots stand for what only QEMU knows.
"""

OF_COMMANDS = {
    "block_resize": ((r"Node '.*' is busy: block device is in use by block job: .*", "Device '(null)' is in use"),),
}
"""Such pairs for a single command, which is known by its name; QEMU 7.2 still says so, too."""


def spellings(words: str, command: str = "") -> list[str]:
    """Return words of the newest QEMU, and how any older one would say them in answer to a command."""
    pairs = (*IN_5_2, *OF_COMMANDS.get(command, ()))
    older = (re.sub(newest, oldest, words) for newest, oldest in pairs if re.search(newest, words))
    return [words, *older]


def says(text: str, words: str, command: str) -> bool:
    """Tell whether a text that refuses a command has these words, in the newest or an older spelling."""
    return any(
        re.search(".*".join(map(re.escape, spelling.split("..."))), text) for spelling in spellings(words, command)
    )


IN_BYTES = (
    *("len", "offset", "speed", "total-progress", "current-progress", "size", "count", "granularity"),
    *("write-threshold", "amount-exceeded"),
)
"""Members of QEMU's answers and events that count bytes."""


def as_said(member: str, value: object) -> str:
    """Write what a member of QEMU's answers or events is as people do: one that counts bytes with units."""
    match value:
        case None:
            return "missing"
        case bool():
            return str(value).lower()
        case int() if member in IN_BYTES:
            return format_size(value)
        case Mapping():
            return f"({members(value)})"
        case list():
            return f"[{', '.join(spelt(member, item) for item in value)}]"
        case _:
            return str(value)


def spelt(member: str, value: object) -> str:
    """Write the same with a text in quotes, since it may be empty or have blanks."""
    return f'"{value}"' if isinstance(value, str) else as_said(member, value)


def members(data: Mapping[str, object]) -> str:
    """Write all that an answer or an event of QEMU's holds on one line, by the alphabet."""
    return ", ".join(f"{member} {spelt(member, value)}" for member, value in sorted(data.items()))
