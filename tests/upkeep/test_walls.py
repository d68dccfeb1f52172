from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.upkeep import codelint

ROOT = Path(__file__).parents[2]
TESTBED = sorted((ROOT / "testbed").rglob("[!_]*.py"))
STEPS = sorted((ROOT / "steps").glob("*.py"))
HOOKS = sorted(ROOT.glob("environment.py"))

MOST_LINES_OF_HOOKS = 150


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


LOADED = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(" ".join(sorted({"behave", "asyncio"} & sys.modules.keys())))
"""


def loaded_by(*modules: str) -> set[str]:
    """Return which of behave and asyncio a fresh Python has loaded when it has imported these modules."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *modules], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def modules_in(*packages: str) -> list[str]:
    paths = (path for package in packages for path in sorted((ROOT / "testbed" / package).rglob("*.py")))
    return [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]


def walls(home: Path) -> subprocess.CompletedProcess[str]:
    """Hold the package in a directory against the walls, as make check does."""
    linter = Path(sys.executable).parent / "lint-imports"
    environment = {**os.environ, "PYTHONPATH": str(home)}
    return subprocess.run(
        [linter, "--no-cache", "--no-logo"], cwd=home, env=environment, capture_output=True, text=True, check=False
    )


def test_walls_stand() -> None:
    lint = walls(ROOT)
    assert lint.returncode == 0, lint.stdout
    assert " 0 broken." in lint.stdout


def test_hole_in_a_wall_is_found(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "testbed", tmp_path / "testbed", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "testbed/model/ranges.py").open("a") as module:
        module.write("import testbed.qemu.machine\n")
    lint = walls(tmp_path)
    assert lint.returncode == 1
    assert "testbed.model.ranges -> testbed.qemu.machine" in lint.stdout


def test_ground_floor_and_domain_load_no_behave() -> None:
    modules = set(modules_in("base", "model", "qemu", "domain")) - {"testbed.base.gherkin"}
    assert len(modules) > 30
    assert "behave" not in loaded_by(*sorted(modules))
    assert loaded_by("testbed.base.gherkin") >= {"behave"}


def test_models_and_ground_load_no_asyncio() -> None:
    assert loaded_by(*modules_in("model"), "testbed.base.process", "testbed.base.scratch") == set()
    assert "asyncio" in loaded_by("testbed.qemu.monitor")


@pytest.mark.parametrize("path", STEPS, ids=short)
def test_steps_import_only_what_they_delegate_to(path: Path) -> None:
    assert codelint.import_problems(path.relative_to(ROOT), path.read_text()) == []


@pytest.mark.parametrize("path", [*TESTBED, *STEPS, *HOOKS], ids=short)
def test_nothing_waits_for_a_fixed_time(path: Path) -> None:
    assert codelint.fixed_waits(path.relative_to(ROOT), path.read_text()) == []


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
def test_fixed_wait_is_found(source: str) -> None:
    (found,) = codelint.fixed_waits(Path("testbed/qemu/machine.py"), source)
    assert found.startswith("testbed/qemu/machine.py:")


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
