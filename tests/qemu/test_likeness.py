from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from testbed.model.content import Content
from testbed.qemu.images import Images
from testbed.qemu.likeness import first_unlike
from testbed.qemu.qcow2 import PIECE, Chain

SIZE = 3 * PIECE + 700

stretches = st.tuples(st.integers(0, 2), st.integers(0, SIZE - 1), st.integers(1, SIZE))
contents = st.lists(stretches, max_size=5)


def content_of(writes: list[tuple[int, int, int]]) -> Content:
    """Return a content after such writes (pattern, offset, length in bytes), as far as there is room for them."""
    content = Content(SIZE)
    for pattern, at, length in writes:
        content = content.written(pattern, at, min(length, SIZE - at))
    return content


def flat(content: Content) -> bytes:
    """Return all bytes of a content."""
    return b"".join(bytes([run.pattern]) * (run.end - run.start) for run in content.covering(0, content.size))


@given(contents, contents)
def test_first_unlike_byte_is_the_first_one(
    writes: list[tuple[int, int, int]], others: list[tuple[int, int, int]]
) -> None:
    one, other = content_of(writes), content_of(others)
    expected = next((at for at, (a, b) in enumerate(zip(flat(one), flat(other), strict=True)) if a != b), None)
    with TemporaryDirectory() as folder:
        for name, content in (("one", one), ("other", other)):
            with (Path(folder) / name).open("wb") as file:
                content.write_sparsely(file)
        with Chain.open(Path(folder) / "one", "raw") as ours, Chain.open(Path(folder) / "other", "raw") as theirs:
            assert first_unlike(ours, theirs) == first_unlike(theirs, ours) == expected


def test_chain_is_unlike_where_its_top_differs(images: Images) -> None:
    content = Content(SIZE).written(0x41, 0, 512).written(0xD5, PIECE, 70_000)
    images.create("base", "qcow2", content)
    images.create_above("top", "qcow2", SIZE, ("base", "qcow2"))
    images.create("flat", "raw", content)
    with Chain.open(images.home / "top", "qcow2") as top, Chain.open(images.home / "flat", "raw") as whole:
        assert first_unlike(top, whole) is None
    images._io("qcow2", [f"write -q -z {PIECE} 64k"], "top")
    with Chain.open(images.home / "top", "qcow2") as top, Chain.open(images.home / "flat", "raw") as whole:
        assert first_unlike(top, whole) == PIECE
