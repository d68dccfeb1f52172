from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.upkeep import codelint

ROOT = Path(__file__).parents[2]
TESTBED = sorted((ROOT / "testbed").rglob("[!_]*.py"))
STEPS = sorted((ROOT / "steps").glob("*.py"))
HOOKS = sorted(ROOT.glob("environment.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

MOST_LINES_OF_HOOKS = 150


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", STEPS, ids=short)
def test_steps_import_only_what_they_delegate_to(path: Path) -> None:
    assert codelint.import_problems(path.relative_to(ROOT), path.read_text()) == []


@pytest.mark.parametrize("path", [*TESTBED, *STEPS, *HOOKS], ids=short)
def test_nothing_waits_for_a_fixed_time(path: Path) -> None:
    assert codelint.fixed_waits(path.relative_to(ROOT), path.read_text()) == []


@pytest.mark.parametrize("path", TESTS, ids=short)
def test_no_test_waits_for_a_fixed_time(path: Path) -> None:
    assert codelint.fixed_waits_of_tests(path.relative_to(ROOT), path.read_text()) == []


@pytest.mark.parametrize("path", STEPS, ids=short)
def test_steps_are_short(path: Path) -> None:
    assert codelint.step_problems(path.relative_to(ROOT), path.read_text()) == []


@pytest.mark.parametrize("path", HOOKS, ids=short)
def test_hooks_are_wiring_only(path: Path) -> None:
    assert len(path.read_text().splitlines()) < MOST_LINES_OF_HOOKS


def test_step_modules_lie_flat() -> None:
    assert [short(path) for path in (ROOT / "steps").glob("*/*.py")] == []


# The checks themselves, each seen to fail.


@pytest.mark.parametrize("source", ["import asyncio", "from subprocess import run", "def late():\n    import os"])
def test_wrong_import_of_a_step_is_found(source: str) -> None:
    (found,) = codelint.import_problems(Path("steps/job.py"), source)
    assert found.startswith("steps/job.py:")
    assert found.endswith("is not for steps: delegate")


def test_right_import_of_a_step_is_fine() -> None:
    source = "from behave import given\nfrom testbed.language.words import world_of"
    assert codelint.import_problems(Path("steps/drive.py"), source) == []


@pytest.mark.parametrize(
    "source",
    ["import time\ntime.sleep(1)", "from time import sleep", "async def f():\n    await asyncio.sleep(1)"],
)
@pytest.mark.parametrize("fixed_waits", [codelint.fixed_waits, codelint.fixed_waits_of_tests])
def test_fixed_wait_is_found(fixed_waits: Callable[[Path, str], list[str]], source: str) -> None:
    (found,) = fixed_waits(Path("testbed/qemu/machine.py"), source)
    assert found.startswith("testbed/qemu/machine.py:")


BOUNDED_POLL = "while not it() and time.monotonic() < deadline:\n    time.sleep(0.01)\n"


def test_a_test_may_poll_with_a_bound() -> None:
    assert codelint.fixed_waits_of_tests(Path("tests/aftermath.py"), BOUNDED_POLL) == []
    assert len(codelint.fixed_waits(Path("testbed/qemu/machine.py"), BOUNDED_POLL)) == 1


@pytest.mark.parametrize(
    "source",
    [
        BOUNDED_POLL.replace(" and time.monotonic() < deadline", ""),
        BOUNDED_POLL.replace("    time", "    pass\ntime"),
        "while time.monotonic() < deadline:\n    pass\nelse:\n    time.sleep(1)\n",
    ],
    ids=["no bound", "after the loop", "when it is late"],
)
def test_a_wait_of_a_test_that_is_no_bounded_poll_is_found(source: str) -> None:
    (found,) = codelint.fixed_waits_of_tests(Path("tests/aftermath.py"), source)
    assert found.endswith("a fixed wait; wait for an event, or poll with a bound")


@pytest.mark.parametrize("source", ["import time\ntime.monotonic()", "async def f():\n    await asyncio.sleep(0)"])
def test_no_wait_is_fine(source: str) -> None:
    assert codelint.fixed_waits(Path("testbed/qemu/machine.py"), source) == []


GOOD_STEP = '''
@given("a drive")
def drive(context: Context) -> None:
    """Add a drive."""
    with world_of(context) as world:
        for number in range(2):
            if number:
                world.add(number)
        world.done()
    world.end()


def helper() -> None:
    drive_of(context)
'''


def test_good_step_is_fine() -> None:
    assert codelint.step_problems(Path("steps/drive.py"), GOOD_STEP) == []


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        ('    """Add a drive."""\n', "", "drive has no docstring"),
        ("    world.end()\n", "    world.end()\n    world.end()\n", "drive has 7 statements"),
        (GOOD_STEP, '@then("nothing")\ndef f(context):\n    """Do nothing."""\n', "f has 0 statements"),
        ("world.done()", "drive(context)", "drive calls drive"),
        ("world.done()", 'context.execute_steps("Given a drive")', "drive calls context.execute_steps"),
    ],
)
def test_bad_step_is_found(good: str, bad: str, problem: str) -> None:
    assert good in GOOD_STEP
    (found,) = codelint.step_problems(Path("steps/drive.py"), GOOD_STEP.replace(good, bad, 1))
    assert problem in found
    assert found.startswith("steps/drive.py:")
