"""The race: what it needs, that both must have passed, and that it is the same cases. The script here is a stand-in."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest
from behave.configuration import Configuration
from behave.parser import parse_file
from campaigns import run_campaign
from conftest import ROOT

from testbed.base.process import Finished, run_tool
from testbed.build.toolchain import Toolchain
from testbed.campaign.race.__main__ import TAGS
from testbed.campaign.race.script import CASES, SCRIPT, NotRun, Script, default_machine, insist_on_cases
from testbed.language import tags

pytestmark = pytest.mark.whole

PASSED = f"{'.' * CASES}\n{'-' * 70}\nRan {CASES} tests\n\nOK\n"

ENVIRONMENT = """
    import os, subprocess, sys
    from pathlib import Path

    for name in ("QEMU_PROG", "QEMU_IMG_PROG", "QEMU_IO_PROG"):
        subprocess.run([os.environ[name], "--version"], check=True, stdout=subprocess.DEVNULL)
    for name in ("CACHEMODE", "AIOMODE", "QEMU_DEFAULT_MACHINE", "IMGFMT", "SAMPLE_IMG_DIR", "QEMU_OPTIONS"):
        assert os.environ[name], name
    assert Path(os.environ["TEST_DIR"]).samefile("."), "where it runs"
    assert "python" in os.environ["PYTHONPATH"]
"""
"""What the real one wants of its environment."""


def source_with(home: Path, script: str) -> Path:
    """Make a source tree with a script in it."""
    path = home / SCRIPT
    path.parent.mkdir(parents=True)
    path.write_text(dedent(script), encoding="utf-8")
    return home


def test_without_a_source_tree_it_says_what_it_needs() -> None:
    ended = run_campaign("race")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "QEMU_SRC=/path/to/qemu" in ended.stderr
    assert "remedy:" in ended.stderr


def test_another_tree_is_an_error(tmp_path: Path) -> None:
    ended = run_campaign("race", "--source", str(tmp_path))
    assert ended.returncode == 1
    assert f"there is no tests/qemu-iotests/124 in {tmp_path}" in ended.stderr


@pytest.mark.parametrize("pairs", ["0", "-1", "many"])
def test_number_of_pairs_is_one_from_1_on(pairs: str) -> None:
    ended = run_campaign("race", "--source", ".", "--pairs", pairs)
    assert ended.returncode == 2
    assert "give a number from 1 on" in ended.stderr


def test_script_and_suite_run_in_turn_and_are_compared(tmp_path: Path) -> None:
    source = source_with(tmp_path, f"{ENVIRONMENT}\n    sys.stderr.write({PASSED!r})\n")
    ended = run_campaign("race", "--source", str(source), "--pairs", "1")
    assert (ended.returncode, ended.stderr) == (0, "")
    (pair,) = re.findall(
        r"^script [\d.]+ s wall, ([\d.]+) s processor; suite [\d.]+ s, ([\d.]+) s;", ended.stdout, re.MULTILINE
    )
    assert 0 < float(pair[0]) < float(pair[1])
    assert re.search(r"^medians of 1 pairs", ended.stdout, re.MULTILINE)


def test_script_that_leaves_its_cases_out_is_no_rival(tmp_path: Path) -> None:
    source = source_with(tmp_path, "print('124 not run: Missing virtio-blk in QEMU binary')\n")
    ended = run_campaign("race", "--source", str(source), "--pairs", "1")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "124 not run: Missing virtio-blk" in ended.stderr


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (1, PASSED),
        (0, PASSED.replace("13", "12")),
        (0, PASSED.replace("OK", "FAILED (errors=1)")),
        (0, ""),
    ],
)
def test_script_must_have_passed_all_cases(status: int, said: str) -> None:
    insist_on_cases(Finished(("124",), 0, "", PASSED))
    with pytest.raises(NotRun, match="has not passed 13 cases"):
        insist_on_cases(Finished(("124",), status, "", said))


def test_each_case_of_the_script_is_selected_once() -> None:
    expression = Configuration(["--tags", TAGS], load_config=False).tag_expression
    assert expression is not None
    features = [parse_file(str(path)) for path in sorted((ROOT / "features").rglob("*.feature"))]
    chosen = [
        [tag for tag in scenario.effective_tags if tag in tags.CASES]
        for feature in features
        for scenario in feature.walk_scenarios()
        if expression.check(scenario.effective_tags)
    ]
    assert len(tags.CASES) == CASES
    assert sorted(chosen) == [[case] for case in sorted(tags.CASES)]


def test_environment_is_that_of_the_build(tmp_path: Path, toolchain: Toolchain) -> None:
    source = source_with(tmp_path / "qemu", "")
    script = Script.of(source, toolchain, tmp_path)
    assert script.environment["QEMU_IMG_PROG"] == toolchain.qemu_img.path
    assert script.environment["QEMU_DEFAULT_MACHINE"] == default_machine(toolchain.qemu.path)
    assert script.command[0] == "env"
    assert script.command[-1] == str(source / SCRIPT)


def test_neither_is_compiled_anew_each_time_and_the_source_tree_stays_as_it_is(
    tmp_path: Path, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    source, home = tmp_path / "source", tmp_path / "home"
    (source / SCRIPT).parent.mkdir(parents=True)
    (source / SCRIPT).write_text("import iotests\n")
    (source / SCRIPT).with_name("iotests.py").touch()
    home.mkdir()
    run_tool(Script.of(source, toolchain, home).command, cwd=home, bound=20.0)
    assert [path.name.partition(".")[0] for path in home.rglob("iotests*.pyc")] == ["iotests"]
    assert [*source.rglob("*.pyc")] == []


def test_qemu_without_a_default_machine_is_said_to_be_so(tmp_path: Path) -> None:
    program = tmp_path / "qemu-system-aarch64"
    program.write_text("#!/bin/sh\necho 'none  empty machine'\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(NotRun, match="no default machine"):
        default_machine(program)
