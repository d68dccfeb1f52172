from __future__ import annotations

import re
from pathlib import Path

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


@pytest.mark.parametrize("word", ["backup", "known-defect.merge-empty-list", "bug-B07", "b*", "bug-B??", "slow"])
def test_what_selects_something_may_be_said(word: str) -> None:
    tags.insist_on_selectable([word], ["bug-B07"])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("bakup", 'there is no tag "bakup"; did you mean "backup"'),
        ("bug-B08", 'there is no tag "bug-B08"; did you mean "bug-B07"'),
        ("known-defects.*", 'there is no tag "known-defects.*"; did you mean "known-defect.'),
        ("Slow", 'there is no tag "Slow"; did you mean "slow"'),
        ("id:KEY", 'there is no tag "id:KEY"; of '),
    ],
)
def test_what_can_select_nothing_is_told_with_what_is_near(word: str, said: str) -> None:
    with pytest.raises(AuthorError, match=f"^{re.escape(said)}"):
        tags.insist_on_selectable(["backup", word], ["bug-B07"])


def test_the_tags_of_features_are_found_wherever_they_stand(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.feature").write_text("@first @second\nFeature: A\n  @first\n  @id:7\n  Scenario: at@x\n")
    assert tags.of_features(tmp_path) == ["first", "id:7", "second"]
