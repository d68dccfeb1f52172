from __future__ import annotations

import pytest

from testbed.qemu.wording import IN_5_2, OF_COMMANDS, as_said, members, says, spellings

TOLD = [
    ("Cannot find device='absent' nor node-name='absent'", "Cannot find device=absent nor node_name=absent"),
    ("Parameter 'sync' does not accept value 'differential'", "Invalid parameter 'differential'"),
    ("Duplicate nodes with node-name='drive0'", "Duplicate node name"),
    ("Invalid node-name: '0th'", "Invalid node name"),
    ("Permission conflict on node 'drive0'", "Conflicts with use by ... on drive0"),
    ("Bitmaps are of different sizes", "Bitmaps are incompatible and can't be merged"),
    (
        "Read-only block node 'drive0' cannot support read-write users",
        "Cannot make block node read-only, there is a writer on it",
    ),
    (
        "Cannot remove persistent bitmap 'bitmap0': no write access to node 'drive0'",
        "Bitmap 'bitmap0' is readonly and cannot be modified",
    ),
]
"""What QEMU 11.1 and QEMU 5.2 were heard to say of the same requests."""


@pytest.mark.parametrize(("newest", "older"), TOLD)
def test_words_of_the_newest_are_known_in_their_older_spelling(newest: str, older: str) -> None:
    assert spellings(newest) == [newest, older]


@pytest.mark.parametrize(
    ("part", "older"),
    [
        ("Cannot find device='absent'", "Cannot find device=absent nor node_name=absent"),
        ("'sync' does not accept value 'differential'", "Invalid parameter 'differential'"),
        ("does not accept value 'differential'", "Invalid parameter 'differential'"),
        ("conflict on node 'drive0'", "Conflicts with use by ... on drive0"),
    ],
)
def test_a_part_of_the_words_is_known_in_their_older_spelling(part: str, older: str) -> None:
    assert spellings(part) == [part, older]


def test_each_older_spelling_was_heard() -> None:
    assert len(TOLD) == len(IN_5_2)


def test_words_that_never_changed_have_one_spelling() -> None:
    assert spellings("Bitmap already exists: bitmap0") == ["Bitmap already exists: bitmap0"]


def test_older_spelling_keeps_the_names() -> None:
    assert "Cannot find device=drive7 nor node_name=drive7" in spellings(
        "Cannot find device='drive7' nor node-name='drive7'"
    )


BUSY = "Node 'drive0-2' is busy: block device is in use by block job: backup"


def test_only_the_command_that_never_named_a_node_may_leave_it_out() -> None:
    assert list(OF_COMMANDS) == ["block_resize"]
    assert spellings(BUSY, "block_resize") == [BUSY, "Device '(null)' is in use"]
    assert says("Device '(null)' is in use", BUSY, "block_resize")
    assert not says("Device '(null)' is in use", BUSY, "blockdev-del")


def test_a_refusal_must_name_what_is_meant_in_its_older_spelling_too() -> None:
    older = "Conflicts with use by over-drive0 as 'backing', which does not allow 'resize' on drive0"
    assert says(older, "Permission conflict on node 'drive0'", "block_resize")
    assert not says(older, "Permission conflict on node 'drive1'", "block_resize")


def test_what_stands_in_words_is_no_pattern() -> None:
    assert says("max-chunk (1) is less", "max-chunk (1)", "blockdev-backup")
    assert not says("max-chunk 1 is less", "max-chunk (1)", "blockdev-backup")


def test_what_counts_bytes_is_said_in_units() -> None:
    said = [as_said(member, 262144) for member in ("len", "offset", "speed", "total-progress", "auto-id")]
    assert said == ["256 KiB", "256 KiB", "256 KiB", "256 KiB", "262144"]
    assert as_said("len", None) == "missing"
    assert as_said("speed", True) == "true"  # noqa: FBT003 (what QEMU might answer)


def test_answer_is_written_on_one_line_as_people_write() -> None:
    told = {"offset": 65536, "error": "", "busy": False, "file": {"size": 1 << 20}, "flags": ["auto", None]}
    assert members(told) == 'busy false, error "", file (size 1 MiB), flags ["auto", missing], offset 64 KiB'
