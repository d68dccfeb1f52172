"""A real QEMU and its tools for tests: those that the suite itself would judge if it were started without options."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.base.settings import Settings
from testbed.build.toolchain import Toolchain
from testbed.domain.node import Node
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.scenario.testbed import Testbed
from testbed.scenario.world import World

BOUND = 20.0
"""Seconds that a sound QEMU or tool may take for anything here."""


@contextmanager
def taking(bound: float) -> Iterator[None]:
    """Check that something takes its bound, in seconds, and not many times that: a loaded machine may be late."""
    started = time.monotonic()
    yield
    assert 1 <= (time.monotonic() - started) / bound < 10


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """Return the programs under test."""
    return Toolchain.find(Settings.load({}, os.environ), os.environ)


@pytest.fixture
def testbed() -> Iterator[Testbed]:
    """Return the place where scenarios run, as a run without options has it."""
    testbed = Testbed.open({}, os.environ)
    yield testbed
    testbed.close()


@pytest.fixture
def world(testbed: Testbed, request: pytest.FixtureRequest) -> Iterator[World]:
    """Return the world of a scenario that is called after the test, with nothing but its machine in it yet."""
    world = testbed.world(request.node.name, [])
    yield world
    testbed.discard(world)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the directory that machine and images share, as they do in a scenario."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def machine(toolchain: Toolchain, home: Path) -> Iterator[Machine]:
    """Return a QEMU that has just been started."""
    machine = Machine.boot(toolchain.qemu.path, home, BOUND)
    yield machine
    machine.kill()


@pytest.fixture
def images(toolchain: Toolchain, home: Path, tmp_path: Path) -> Images:
    """Return the tools for images, with nothing made yet."""
    templates = tmp_path / "templates"
    templates.mkdir()
    return Images(toolchain.qemu_img.path, toolchain.qemu_io.path, home, templates, BOUND)


def add_null_node(machine: Machine, name: str, size: int) -> Node:
    """Give a machine a node of `size` bytes, a multiple of 512, that forgets what it is told; return it."""
    machine.execute("blockdev-add", {"driver": "null-co", "node-name": name, "size": size})
    return Node(name, machine, size)
