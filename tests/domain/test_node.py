from __future__ import annotations

import pytest
from without_qemu import MIB, ended_machine

from testbed.base.problems import AuthorError
from testbed.domain.node import Node, UnknownName
from testbed.model.ranges import Ranges

CLUSTER = 64 * 1024


@pytest.fixture
def node() -> Node:
    """Return a node with a bitmap that records and one that does not."""
    node = Node("drive0", ended_machine(), MIB)
    node.gained_bitmap("a", {})
    node.gained_bitmap("b", {"granularity": 4096, "disabled": True, "persistent": True})
    return node


def test_new_bitmap_is_as_it_was_asked_for(node: Node) -> None:
    node.changed(Ranges.of((0, 1)))
    node.gained_bitmap("c", {})
    a, b, c = (node.bitmap(name) for name in "abc")
    assert (a.state.granularity, a.state.flags, a.state.count, a.since) == (CLUSTER, ["recording"], CLUSTER, 0)
    assert (b.state.granularity, b.state.flags, b.state.count) == (4096, ["persistent"], 0)
    assert (c.state.count, c.since) == (0, 1)


def test_node_says_which_granularity_is_its_own() -> None:
    node = Node("drive0", ended_machine(), MIB, granularity=4096)
    node.gained_bitmap("a", {})
    assert node.bitmap("a").state.granularity == 4096


def test_new_size_is_a_moment_and_reaches_all_bitmaps(node: Node) -> None:
    node.changed(Ranges.of((0, MIB)))
    node.resized(MIB // 2)
    assert (node.size, node.moment) == (MIB // 2, 2)
    assert [bitmap.state.count for bitmap in node.bitmaps.values()] == [MIB // 2, 0]


@pytest.mark.parametrize("look", [Node.bitmap, Node.lost_bitmap])
def test_bitmap_that_there_is_not_is_the_author_s_slip(node: Node, look: object) -> None:
    assert callable(look)
    with pytest.raises(UnknownName, match='drive0 has no bitmap "d"; there are: "a", "b"') as caught:
        look(node, "d")
    assert isinstance(caught.value, AuthorError)


def test_lost_bitmap_is_gone(node: Node) -> None:
    node.lost_bitmap("a")
    assert list(node.bitmaps) == ["b"]
