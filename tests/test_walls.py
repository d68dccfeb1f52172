"""The walls between the packages: contracts in pyproject.toml, and what a package may not even load."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[1]

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
