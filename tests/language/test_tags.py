from __future__ import annotations

import pytest

from testbed.base.problems import AuthorError
from testbed.language import tags


@pytest.mark.parametrize(
    "tag",
    [
        "backup",
        "slow",
        "iotest-124",
        "incremental_simple",
        "known-defect.merge-empty-list",
        "bug-B07",
        "bug-B112",
        "id:BK-017",
        "bug:RHEL-3934",
        "bug:qemu/3934",
        "qemu-commit:10b1e09ed3",
    ],
)
def test_listed_tag_is_known(tag: str) -> None:
    assert tags.unknown([tag]) == []


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "@backup",
        "Backup",
        "backups",
        "iotest-125",
        "needs.drive-backup",
        "known-defect.",
        "known-defect.merge_empty_list",
        "known-defect.merge-empty-list-2",
        "bug-B7",
        "bug-B07x",
        "id:",
        "qemu-commit:main",
    ],
)
def test_anything_else_is_unknown(tag: str) -> None:
    assert tags.unknown([tag]) == [tag]


def test_unknown_tags_come_sorted_and_once() -> None:
    assert tags.unknown(["zebra", "backup", "ant", "zebra"]) == ["ant", "zebra"]


def test_a_misspelt_tag_is_an_author_s_slip() -> None:
    tags.insist_on_known(["backup", "slow"])
    with pytest.raises(AuthorError) as caught:
        tags.insist_on_known(["bakcup", "slow", "zebra"])
    assert str(caught.value).startswith('there is no tag "bakcup"; did you mean "backup"')
    assert 'there is no tag "zebra"; ' in str(caught.value)


def test_each_tag_has_one_meaning() -> None:
    forms = [tag.form for tag in (*tags.TAGS, *tags.DEFECTS)]
    assert len(forms) == len(set(forms))
    assert all(tag.meaning for tag in tags.TAGS)
