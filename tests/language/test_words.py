from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from testbed.base.problems import AuthorError
from testbed.domain.backup import Backup
from testbed.language.words import them


def backups(count: int) -> Sequence[Backup]:
    return cast("Sequence[Backup]", [f"backup{number}" for number in range(1, count + 1)])


@pytest.mark.parametrize(
    ("text", "count", "meant"),
    [
        ("it", 1, ["backup1"]),
        ("each of them", 2, ["backup1", "backup2"]),
        ("each of them", 3, ["backup1", "backup2", "backup3"]),
        ("the newest of them", 3, ["backup3"]),
    ],
)
def test_backups_that_were_spoken_of_are_meant(text: str, count: int, meant: list[str]) -> None:
    assert them(text)(backups(count)) == meant


@pytest.mark.parametrize(
    ("text", "count"),
    [("it", 0), ("it", 2), ("each of them", 1), ("the newest of them", 1)],
)
def test_a_single_backup_is_it_and_several_are_not(text: str, count: int) -> None:
    with pytest.raises(AuthorError, match=f'"{text}" does not fit, as {count} backups were last spoken of: a single'):
        them(text)(backups(count))


@pytest.mark.parametrize("text", ["each of them", "the newest of them"])
def test_no_backup_is_not_each_of_them(text: str) -> None:
    with pytest.raises(AuthorError, match="0 backups"):
        them(text)(backups(0))
