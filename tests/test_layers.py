from __future__ import annotations

from pathlib import Path

import codelint
import pytest

ROOT = Path(__file__).parent.parent
TESTBED = sorted((ROOT / "testbed").glob("[!_]*.py"))
STEPS = sorted((ROOT / "steps").glob("*.py"))
HOOKS = sorted(ROOT.glob("environment.py"))

MOST_LINES_OF_HOOKS = 150


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*TESTBED, *STEPS, *HOOKS], ids=short)
def test_imports_go_downward(path: Path) -> None:
    assert codelint.import_problems(path.relative_to(ROOT), path.read_text()) == []


@pytest.mark.parametrize("path", [*TESTBED, *STEPS, *HOOKS], ids=short)
def test_nothing_waits_for_a_fixed_time(path: Path) -> None:
    assert codelint.fixed_waits(path.relative_to(ROOT), path.read_text()) == []


def test_layers_list_the_modules_that_there_are() -> None:
    assert sorted(codelint.RANKS) == [path.stem for path in TESTBED]


def test_no_modules_import_each_other() -> None:
    assert codelint.circle({path.stem: path.read_text() for path in TESTBED}) == []


@pytest.mark.parametrize("path", STEPS, ids=short)
def test_steps_are_short(path: Path) -> None:
    assert codelint.step_problems(path.relative_to(ROOT), path.read_text()) == []


@pytest.mark.parametrize("path", HOOKS, ids=short)
def test_hooks_are_wiring_only(path: Path) -> None:
    assert len(path.read_text().splitlines()) < MOST_LINES_OF_HOOKS


def test_step_modules_lie_flat() -> None:
    assert [short(path) for path in (ROOT / "steps").glob("*/*.py")] == []


# The checks themselves, each seen to fail.


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "testbed/world.py",
            "from testbed.machine import Machine\nfrom testbed import units\nimport subprocess",
        ),
        ("testbed/drive.py", "from testbed.bitmap import Bitmap"),
        ("testbed/monitor.py", "import asyncio"),
        ("testbed/runner.py", "from behave.runner import Runner"),
        ("steps/drive.py", "from behave import given\nfrom testbed.sentences import world_of"),
        ("environment.py", "from behave.runner import Context\nfrom testbed.world import World"),
        ("testbed/process.py", "import time\ntime.monotonic()"),
    ],
)
def test_downward_import_is_fine(path: str, source: str) -> None:
    assert codelint.import_problems(Path(path), source) == []


@pytest.mark.parametrize(
    ("path", "source", "problem"),
    [
        ("testbed/units.py", "from testbed.world import World", "testbed.world goes upward"),
        ("testbed/units.py", "from testbed import world", "testbed.world goes upward"),
        ("testbed/units.py", "import testbed.world", "testbed.world goes upward"),
        ("testbed/units.py", "def late():\n    from testbed.world import World", "testbed.world goes upward"),
        ("testbed/world.py", "from testbed.nowhere import Nothing", "a module without a layer"),
        ("testbed/nowhere.py", "import os", "in no layer"),
        ("testbed/world.py", "from behave.runner import Context", "behave is not for this layer"),
        ("testbed/machine.py", "import asyncio", "asyncio stays behind"),
        ("steps/job.py", "import asyncio", "asyncio stays behind"),
    ],
)
def test_wrong_import_is_found(path: str, source: str, problem: str) -> None:
    (found,) = codelint.import_problems(Path(path), source)
    assert problem in found
    assert found.startswith(path)


@pytest.mark.parametrize(
    "source",
    ["import time\ntime.sleep(1)", "from time import sleep", "async def f():\n    await asyncio.sleep(1)"],
)
def test_fixed_wait_is_found(source: str) -> None:
    (found,) = codelint.fixed_waits(Path("testbed/machine.py"), source)
    assert found.startswith("testbed/machine.py:")


@pytest.mark.parametrize("source", ["import time\ntime.monotonic()", "async def f():\n    await asyncio.sleep(0)"])
def test_no_wait_is_fine(source: str) -> None:
    assert codelint.fixed_waits(Path("testbed/machine.py"), source) == []


def test_circle_is_found() -> None:
    sources = {
        "drive": "from testbed.bitmap import Bitmap",
        "bitmap": "from testbed.job import Job",
        "job": "from testbed import drive",
        "units": "",
    }
    assert set(codelint.circle(sources)) == {"drive", "bitmap", "job"}


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
