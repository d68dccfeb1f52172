from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from behave.configuration import configfile_options_iter
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")

BEHAVE_TABLES = {"formatters", "runners", "userdata"}


def settings() -> dict[str, Any]:
    return tomllib.loads(PYPROJECT)


def requirements() -> list[Requirement]:
    project = settings()
    groups = project["dependency-groups"].values()
    return [
        Requirement(line)
        for lines in (project["build-system"]["requires"], project["project"]["dependencies"], *groups)
        for line in lines
    ]


def locked() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", LOCK, re.MULTILINE))


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_lock_satisfies_each_dependency(requirement: Requirement) -> None:
    assert locked()[canonicalize_name(requirement.name)] in requirement.specifier, "run make lock"


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_each_dependency_says_why_it_is_there(requirement: Requirement) -> None:
    assert re.search(rf'^    "{re.escape(requirement.name)}[^"]*", +# \w', PYPROJECT, re.MULTILINE)


def test_each_locked_package_has_hashes() -> None:
    packages = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(packages) == len(locked())
    assert [package.split()[0] for package in packages if "--hash=sha256:" not in package] == []


def test_lock_names_no_place_to_fetch_from() -> None:
    assert re.findall(r"https?:|file:|--(?:extra-)?index-url|--find-links", LOCK) == []


def test_behave_reads_each_of_its_settings() -> None:
    known = {option.dest for option in configfile_options_iter(None)} | BEHAVE_TABLES
    assert settings()["tool"]["behave"].keys() <= known
