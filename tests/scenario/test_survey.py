"""What a build is and lacks, as it is told to other programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.base.problems import AuthorError
from testbed.build.capabilities import Capabilities
from testbed.build.toolchain import Toolchain
from testbed.scenario.survey import lacking, main
from testbed.scenario.testbed import Testbed


def test_survey_tells_the_build_and_nothing_that_it_has(
    toolchain: Toolchain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-D", f"qemu={toolchain.qemu.path}", "-D", f"scratch={tmp_path}", "blockdev-backup"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["qemu"]["version"] == toolchain.qemu.release
    assert str(toolchain.qemu.path) in told["subject"]
    assert told["lacking"] == {}
    assert list(tmp_path.iterdir()) == []


def test_need_that_is_not_met_is_told_with_its_reason(testbed: Testbed) -> None:
    bare = replace(testbed, capabilities=Capabilities(testbed.toolchain, list))
    told = lacking(bare, ["set-active", "blockdev-backup"])
    assert told["set-active"].startswith("this build has no blockdev-set-active command (")
    assert "every QEMU since 5.2 has it" in told["blockdev-backup"]


def test_need_that_there_is_not_is_the_authors_slip(testbed: Testbed) -> None:
    with pytest.raises(AuthorError, match='there is no need "set-activ"; did you mean "set-active"'):
        lacking(testbed, ["set-activ"])


def test_problems_go_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-D", f"qemu={tmp_path}/qemu"]) == 1
    assert "remedy: name one with -D qemu=PATH" in capsys.readouterr().err
