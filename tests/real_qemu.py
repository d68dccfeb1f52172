"""A real QEMU and its tools for tests: those that the suite itself would judge if it were started without options."""

from __future__ import annotations

import os
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.base.settings import Settings
from testbed.build.toolchain import Toolchain
from testbed.domain.access import Accesses, MonitorAccesses
from testbed.domain.digests import Digests
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.node import Node
from testbed.domain.request import Request
from testbed.domain.storage import Storage, sound
from testbed.model.content import Content
from testbed.model.dirty import Word
from testbed.qemu.daemon import Daemon
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import Refused
from testbed.scenario.testbed import Testbed
from testbed.scenario.world import World

BOUND = 20.0
"""Seconds that a sound QEMU or tool may take for anything here."""

HOST_WORD = Word(struct.calcsize("L"), sys.byteorder)
"""The word of the machine that the tests run on, which is that of a QEMU that was built for it."""

DIGESTS = Digests(HOST_WORD)
"""How such a QEMU reckons digests."""


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


@pytest.fixture(scope="session")
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
def daemon(toolchain: Toolchain, home: Path) -> Iterator[Daemon]:
    """Return a storage daemon that has just been started, for those who have one."""
    program = toolchain.qemu.path.with_name("qemu-storage-daemon")
    if not program.exists():
        pytest.skip("there is no qemu-storage-daemon beside QEMU")
    daemon = Daemon.boot(program, home, BOUND)
    yield daemon
    daemon.kill()


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of images that are used again."""
    return tmp_path_factory.mktemp("templates")


@pytest.fixture
def images(toolchain: Toolchain, home: Path, templates: Path) -> Images:
    """Return the tools for images, in a directory where nothing is made yet."""
    return Images(toolchain.qemu_img.path, toolchain.qemu_io.path, home, templates, BOUND)


def add_null_node(machine: Machine, name: str, size: int) -> Node:
    """Give a machine a node of `size` bytes, a multiple of 512, that forgets what it is told; return it."""
    machine.execute("blockdev-add", {"driver": "null-co", "node-name": name, "size": size})
    return Node(name, machine, size)


def add_drive(
    machine: Machine,
    images: Images,
    content: Content,
    *,
    image_format: str = "qcow2",
    storage: Storage = sound,
    accesses: Accesses | None = None,
) -> Drive:
    """Give a machine the drive "drive0" in a new image of that content and format, on such storage; return it.

    Its guest gets at it by the human monitor unless `accesses` make another way.
    """
    image = Image(f"drive0.{image_format}", ImageKind(image_format), content)
    images.create(image.name, image_format, content)
    drive = Drive.of("drive0", machine, image, accesses or MonitorAccesses(machine))
    drive.attach(storage(image.name))
    return drive


def make(request: Request) -> None:
    """Make a request of the machine that it is for, without anybody who listens; raises Refused."""
    assert request.machine is not None
    try:
        request.machine.execute(request.command, request.arguments)
    except Refused:
        request.refused()
        raise
    request.granted()
