"""The graph of block nodes as QEMU has built it: what stands between the guest and the node of a drive."""

from __future__ import annotations

from typing import Any

from testbed.qemu.machine import Machine

NAMELESS = "#"
"""How the names begin that QEMU gives to nodes for which nobody else has one."""

FILTERED = ("file", "backing")
"""What a filter calls the node that it stands over; up to 5.2 a backup's calls it as an image calls its base."""


def filters_over(machine: Machine, node: str) -> list[str]:
    """Return the names of all nodes that stand over one, the uppermost first; a name of QEMU's own is empty."""
    graph: dict[str, Any] = machine.execute("x-debug-query-block-graph")
    nodes = {entry["id"]: entry["name"] for entry in graph["nodes"] if entry["type"] == "block-driver"}
    above = {
        nodes[edge["child"]]: nodes[edge["parent"]]
        for edge in graph["edges"]
        if edge["name"] in FILTERED and edge["parent"] in nodes
    }
    over: list[str] = []
    while node in above:
        node = above[node]
        over.insert(0, "" if node.startswith(NAMELESS) else node)
    return over
