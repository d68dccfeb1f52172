"""The graph of block nodes as QEMU has built it: what stands between the guest and the node of a drive."""

from __future__ import annotations

from typing import Any

from testbed.domain.node import Node

NAMELESS = "#"
"""How the names begin that QEMU gives to nodes for which nobody else has one."""

FILTERED = ("file", "backing")
"""What a filter calls the node that it stands over; up to 5.2 a backup's calls it as an image calls its base."""


def filters_over(node: Node) -> list[str]:
    """Return the names of all nodes that stand over one, the uppermost first; a name of QEMU's own is empty."""
    graph: dict[str, Any] = node.machine.execute("x-debug-query-block-graph")
    nodes = {entry["id"]: entry["name"] for entry in graph["nodes"] if entry["type"] == "block-driver"}
    above = {
        nodes[edge["child"]]: nodes[edge["parent"]]
        for edge in graph["edges"]
        if edge["name"] in FILTERED and edge["parent"] in nodes
    }
    over: list[str] = []
    name = node.name
    while name in above:
        name = above[name]
        over.insert(0, "" if name.startswith(NAMELESS) else name)
    return over
