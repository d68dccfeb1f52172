from __future__ import annotations

import os
from pathlib import Path

import pytest
from programs import shell_program

from testbed.base.process import ToolFailed
from testbed.clients.export_address import ExportAddress
from testbed.clients.libnbd import Area, Libnbd, Status, bitmap_context
from testbed.model.ranges import Ranges


@pytest.fixture
def libnbd(tmp_path: Path) -> Libnbd:
    return Libnbd(ExportAddress(tmp_path, "main.exports", "drive0-1", bound=10))


def test_odd_names_are_quoted() -> None:
    assert ExportAddress(Path("/"), "a b", "x/ü?", 1).uri == "nbd+unix:///x%2F%C3%BC%3F?socket=a%20b"


def test_areas_are_chosen_by_bits_and_by_value() -> None:
    status = Status.told([(0, 10, 0), (10, 5, 3), (15, 5, 2)])
    assert status.areas[1] == Area(10, 15, 3)
    assert status.where(2) == Ranges.of((10, 10))
    assert status.valued(2) == Ranges.of((15, 5))
    assert status.end == 20


@pytest.mark.parametrize("second", [(9, 1, 0), (11, 1, 0), (10, 0, 0)])
def test_areas_that_leave_out_or_overlap_or_are_empty(second: tuple[int, int, int]) -> None:
    with pytest.raises(ToolFailed, match="where 10 bytes had been told of"):
        Status.told([(0, 10, 0), second])


def test_nothing_told_has_no_end() -> None:
    assert Status.told([]).end == 0


def test_tools_are_asked_in_their_words(libnbd: Libnbd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    shell_program(
        tmp_path / "bin" / "nbdinfo",
        'echo "$@" >>asked; [ "$#" = 2 ] && echo \'{"exports": [{"export-size": 7}]}\' || '
        'echo \'[{"offset": 0, "length": 7, "type": 1}]\'',
    )
    shell_program(tmp_path / "bin" / "nbdcopy", "echo no such export >&2; exit 1")
    assert libnbd.facts() == {"export-size": 7}
    assert libnbd.status(bitmap_context("bitmap0")).valued(1) == Ranges.of((0, 7))
    assert (tmp_path / "asked").read_text().splitlines()[1] == (
        "--json --map=qemu:dirty-bitmap:bitmap0 nbd+unix:///drive0-1?socket=main.exports"
    )
    with pytest.raises(ToolFailed, match="no such export"):
        libnbd.copy("copy.raw")
