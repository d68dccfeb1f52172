"""What make makes of the command line, without doing any of it."""

from __future__ import annotations

import os
import subprocess

import pytest
from conftest import ROOT

pytestmark = pytest.mark.whole


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell: `make check`, which runs these tests, hands variables on that make it a make's make."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    for name in ("QEMU", "TAGS", "VENV", "BUILDS", "PAIRS", "MIRROR", "QEMU_SRC"):
        environment.pop(name, None)
    return subprocess.run(
        ["make", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("TAG=bitmap", 'there is no variable TAG; did you mean "TAGS"'),
        ("QEMUU=/opt/qemu", 'there is no variable QEMUU; did you mean "QEMU"'),
        ("tags=bitmap", 'there is no variable tags; did you mean "TAGS"'),
        ("COFFEE=yes", "there is no variable COFFEE; there are: "),
    ],
)
@pytest.mark.parametrize("target", ["accept", "quick", "check", "matrix", "profile", "prove", "race"])
def test_a_variable_that_nobody_reads_is_an_error_with_status_2(target: str, given: str, said: str) -> None:
    ended = make("-n", target, given)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stdout == ""


def test_variables_reach_behave_whatever_they_hold() -> None:
    ended = make("-n", "accept", "TAGS=a or 'b'", 'ARGS=--name "x y"', "JOBS=3", "QEMU=/with blanks/x")
    assert (ended.returncode, ended.stderr) == (0, "")
    behave = """behave --jobs 3 ${QEMU:+-D "qemu=$QEMU"} ${TAGS:+--tags "$TAGS"} --name "x y"\n"""
    assert f'SUITE_CALLED_BY="make accept" {behave}' in ended.stdout


@pytest.mark.parametrize("target", ["accept", "quick", "matrix", "prove", "profile", "race"])
def test_what_runs_scenarios_remembers_bytecode_in_the_environment(target: str) -> None:
    *_, runs = make("-n", target).stdout.splitlines()
    assert runs.startswith('PYTHONPYCACHEPREFIX="$(cd "$VENV" && pwd)/cache/python" PYTHONDONTWRITEBYTECODE= ')


def test_matrix_asks_at_once_for_all_that_it_may_take() -> None:
    first, *_ = make("-n", "matrix").stdout.splitlines()
    assert first == ".ci/setup python releases"


def test_pairs_reach_the_matrix_and_what_is_asked_before() -> None:
    ended = make("-n", "matrix", "PAIRS=a:b b:a", "MATRIX=--pairs-only")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("""${PAIRS:+--pairs "$PAIRS"} --pairs-only $BUILDS""") == 2


def test_variables_reach_the_profile() -> None:
    ended = make("-n", "profile", "TAGS=a or 'b'", "ARGS=features/bitmap", "QEMU=/with blanks/x")
    assert (ended.returncode, ended.stderr) == (0, "")
    words = """${QEMU:+-D "qemu=$QEMU"} ${TAGS:+--tags "$TAGS"} features/bitmap\n"""
    assert f"python -m testbed.campaign.profile {words}" in ended.stdout


def test_variables_reach_the_race() -> None:
    ended = make("-n", "race", "QEMU_SRC=/a tree", "QEMU=/with blanks/x", "ARGS=--pairs 3")
    assert (ended.returncode, ended.stderr) == (0, "")
    words = """${QEMU_SRC:+--source "$QEMU_SRC"} ${QEMU:+-D "qemu=$QEMU"} --pairs 3\n"""
    assert f"python -m testbed.campaign.race {words}" in ended.stdout


def test_quick_run_is_a_run_with_a_runner_of_its_own() -> None:
    accept, quick = (make("-n", target, "ARGS=features/bitmap") for target in ("accept", "quick"))
    assert quick.stdout == accept.stdout.rstrip("\n") + " --runner testbed.run.quick:QuickRunner\n"


def test_what_make_itself_takes_is_no_variable_of_ours() -> None:
    assert make("-n", "--keep-going", "--jobs=2", "help").returncode == 0


def test_make_ends_with_2_whatever_its_command_ended_with() -> None:
    """As the table of exit statuses says."""
    ended = make("steps", "VENV=/proc/venv")
    assert ended.returncode == 2
    assert "name a directory that can be written to with VENV=" in ended.stderr
