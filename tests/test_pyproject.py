from __future__ import annotations

import ast
import re
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from behave.configuration import configfile_options_iter
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
RUNNING, DEVELOPING = ("requirements.lock", "requirements-dev.lock")

BEHAVE_TABLES = {"formatters", "runners", "userdata"}


def settings() -> dict[str, Any]:
    return tomllib.loads(PYPROJECT)


def requirements() -> list[tuple[str, Requirement]]:
    """Return what is asked for, each with the lock that must have it."""
    project = settings()
    needed = {RUNNING: project["project"]["dependencies"], DEVELOPING: project["dependency-groups"]["dev"]}
    return [(lock, Requirement(line)) for lock, lines in needed.items() for line in lines]


def text_of(lock: str) -> str:
    return (ROOT / lock).read_text(encoding="utf-8")


def locked(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text_of(lock), re.MULTILINE))


def imported(source: str) -> set[str]:
    """Return the packages of others that a module imports when it runs, and not only for its types."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.If(test=ast.Name("TYPE_CHECKING")):
                waiting += node.orelse
            case ast.Import(names=names):
                found |= {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(module)):
                found.add(module.partition(".")[0])
            case _:
                waiting += ast.iter_child_nodes(node)
    return found - sys.stdlib_module_names - {"testbed"}


@pytest.mark.parametrize(("lock", "requirement"), requirements(), ids=str)
def test_lock_satisfies_each_dependency(lock: str, requirement: Requirement) -> None:
    assert locked(lock)[canonicalize_name(requirement.name)] in requirement.specifier, "run make lock"


@pytest.mark.parametrize(("lock", "requirement"), requirements(), ids=str)
def test_each_dependency_says_why_it_is_there(lock: str, requirement: Requirement) -> None:
    assert re.search(rf'^    "{re.escape(requirement.name)}[^"]*", +# \w', PYPROJECT, re.MULTILINE), lock


def test_developing_keeps_the_versions_of_running() -> None:
    assert locked(RUNNING).items() < locked(DEVELOPING).items(), "run make lock"


def test_running_needs_nothing_that_is_for_developing() -> None:
    files = [ROOT / "environment.py", *(ROOT / "steps").glob("*.py"), *(ROOT / "testbed").rglob("*.py")]
    files.remove(ROOT / "testbed/clients/script.py")  # the system's Python runs it
    sources = packages_distributions()
    needed = {
        canonicalize_name(source) for file in files for name in imported(file.read_text()) for source in sources[name]
    }
    assert {"behave", "qemu-qmp", "pyhamcrest"} <= needed
    assert needed <= locked(RUNNING).keys()


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import os\nfrom testbed.base import text", set()),
        ("import lxml.etree", {"lxml"}),
        ("def late():\n    from pytest import raises", {"pytest"}),
        ("if TYPE_CHECKING:\n    from lxml import etree\nelse:\n    import parse", {"parse"}),
    ],
)
def test_import_of_another_package_is_seen(source: str, names: set[str]) -> None:
    assert imported(source) == names


@pytest.mark.parametrize("lock", [RUNNING, DEVELOPING])
def test_each_locked_package_has_hashes(lock: str) -> None:
    packages = re.split(r"^(?=[a-z0-9])", text_of(lock), flags=re.MULTILINE)[1:]
    assert len(packages) == len(locked(lock))
    assert [package.split()[0] for package in packages if "--hash=sha256:" not in package] == []


@pytest.mark.parametrize("lock", [RUNNING, DEVELOPING])
def test_lock_names_no_place_to_fetch_from(lock: str) -> None:
    assert re.findall(r"https?:|file:|--(?:extra-)?index-url|--find-links", text_of(lock)) == []


def test_pytest_passes_over_no_folder_with_tests(pytestconfig: pytest.Config) -> None:
    folders = {path.parent.name for path in (ROOT / "tests").rglob("test_*.py")}
    passed_over = pytestconfig.getini("norecursedirs")
    assert [name for name in folders if any(fnmatch(name, pattern) for pattern in passed_over)] == []


def test_behave_reads_each_of_its_settings() -> None:
    known = {option.dest for option in configfile_options_iter(None)} | BEHAVE_TABLES
    assert settings()["tool"]["behave"].keys() <= known
