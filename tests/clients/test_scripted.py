from __future__ import annotations

from pathlib import Path

import pytest
from programs import shell_program

from testbed.base.process import ToolFailed
from testbed.clients import scripted
from testbed.clients.export_address import ExportAddress
from testbed.clients.libnbd import Area
from testbed.clients.scripted import Scripted
from testbed.model.ranges import Ranges


@pytest.fixture
def client(tmp_path: Path) -> Scripted:
    return Scripted(ExportAddress(tmp_path, "main.exports", "drive0-1", bound=10))


def answering(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program in the place of the system's Python; its last argument is what it is asked."""
    program = shell_program(folder / "python", f'echo "$3" >>asked\n{script}')
    monkeypatch.setattr(scripted, "PYTHON", str(program))


def test_each_context_has_its_own_answer(client: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(tmp_path, """echo '[["a", "b"], {"a": [[0, 4, 1]], "b": [[0, 2, 0], [2, 2, 3]]}]'""", monkeypatch)
    told = client.statuses(["a", "b"], most=7)
    assert told["a"].areas == (Area(0, 4, 1),)
    assert told["b"].valued(3) == Ranges.of((2, 2))
    assert '"deeds": [["offered"], ["map", 7]]' in (tmp_path / "asked").read_text()


def test_context_that_is_not_offered_is_missed(
    client: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(tmp_path, """echo '[["a"], {"a": [[0, 4, 1]]}]'""", monkeypatch)
    with pytest.raises(ToolFailed, match="drive0-1 does not offer b"):
        client.statuses(["a", "b"])


def test_words_of_a_client_that_fails_are_told(
    client: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(tmp_path, "echo command failed >&2; exit 1", monkeypatch)
    with pytest.raises(ToolFailed, match="command failed"):
        client.copy(Ranges.of((0, 512)), "copy.raw")


def test_visitor_that_does_not_come_to_its_work_is_ended(
    client: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(tmp_path, "exit 1", monkeypatch)
    with pytest.raises(ToolFailed, match="did not come to its work"):
        client.visit("stay")
