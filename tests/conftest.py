"""Small behave projects to throw away, run by the project's own runner in a process of its own."""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from aftermath import Told
from hypothesis import HealthCheck, settings
from junitparser import JUnitXml, TestCase, TestSuite
from loaded_python import LoadedPython, Program

pytest_plugins = ["real_qemu"]

# A machine that is busy with other things breaks no property. make check looks at more examples of each.
settings.register_profile("thorough", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("thorough"), max_examples=20)
settings.load_profile("quick")

# What nohup starts, or a shell in the background, ignores these signals, and so would all that the tests start; but
# they are about what the signals do.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

# pytest's rewritten tests are kept from run to run, and so is what each Python that a test starts has compiled: without
# that, most of what a small run takes would be compiling.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ROOT = Path(__file__).parent.parent

PATIENCE = 60.0
"""Seconds after which a behave that should long have ended is given up."""

CONFIGURATION = """
    [tool.behave]
    paths = ["features"]
    runner = "testbed.run.runner:AcceptanceRunner"
    default_format = "story"
    tag_expression_protocol = "v2"
    summary = false
    show_snippets = false
    capture_hooks = false

    [tool.behave.formatters]
    story = "testbed.reports.console:Story"
"""

STEPS = """
    from behave import given, then, when

    @given("a state")
    @when("it happens")
    def fine(context):
        pass

    @then("it should hold")
    def fails(context):
        assert False, "offset 65536 holds 0x00, not 0xab"
"""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among the tests: not while they are collected, and not later, as they stay to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        gc.set_threshold(100_000)  # what a test leaves is little, and is looked at a hundred times less often


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Work in two processes for each processor: some tests only wait."""
    del config
    return 2 * len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Finished:
    """A behave that has ended, and what it left behind."""

    status: int
    stdout: str
    stderr: str
    home: Path

    @property
    def files(self) -> list[str]:
        """Names of the JUnit files."""
        return sorted(file.name for file in (self.home / "reports" / "junit").iterdir())

    def suite(self, name: str) -> TestSuite:
        """Read TEST-name.xml back, as an importer would."""
        return next(iter(JUnitXml.fromfile(str(self.home / "reports" / "junit" / f"TEST-{name}.xml"))))

    def case(self, suite: str, name: str) -> TestCase:
        """Return the one test case whose name ends so."""
        (case,) = (case for case in self.suite(suite) if str(case.name).endswith(name))
        return case

    def summary(self) -> Any:
        """Read summary.json back."""
        return json.loads((self.home / "reports" / "summary.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Project:
    """A behave project in a directory of its own, where `loaded` runs behave."""

    home: Path
    loaded: LoadedPython

    def write(self, name: str, text: str) -> None:
        """Write a file, its text without the common margin."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")

    def start(self, *args: str, env: Mapping[str, str] = {}, pass_fds: Sequence[int] = ()) -> Program:
        """Start behave here with these arguments and additions to the environment."""
        return self.loaded.start(self.home, "behave", args, environment(env), pass_fds)

    def run(self, *args: str, env: Mapping[str, str] = {}) -> Finished:
        """Run behave here to its end."""
        return self.finish(self.start(*args, env=env))

    def finish(self, behave: Program) -> Finished:
        """Wait for a behave to end."""
        return Finished(*behave.end(PATIENCE), self.home)

    def run_until_told(self, number: signal.Signals, *args: str) -> Finished:
        """Start behave, and send it a signal when something in it writes to the file descriptor $READY."""
        ready, told = os.pipe()
        try:
            behave = self.start(*args, env={"READY": str(told)}, pass_fds=[told])
            os.close(told)
            # Readable when the step writes, and also when behave ends without a word.
            select.select([ready], [], [], PATIENCE)
            behave.send_signal(number)
            return self.finish(behave)
        finally:
            os.close(ready)


def environment(additions: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a behave that is to find the testbed of this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **additions}


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedPython]:
    """Return a Python that is loaded once for all tests."""
    loaded = LoadedPython(tmp_path_factory.mktemp("loaded"))
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def new_project(loaded: LoadedPython, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Project]:
    """Return a maker of projects that hold a configuration and a few steps."""

    def make() -> Project:
        project = Project(tmp_path_factory.mktemp("project"), loaded)
        project.write("pyproject.toml", CONFIGURATION)
        project.write("steps/steps.py", STEPS)
        return project

    return make


@pytest.fixture
def project(new_project: Callable[[], Project]) -> Project:
    """Return a project for one test."""
    return new_project()


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    """Return a pipe by which processes tell their numbers."""
    pipe = Told(tmp_path / "told")
    yield pipe
    pipe.close()
