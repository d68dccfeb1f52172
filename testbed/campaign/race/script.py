"""QEMU's own script for incremental backup, tests/qemu-iotests/124: where it is, and what it must be given to run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.base.process import Finished, run_tool
from testbed.build.toolchain import Toolchain
from testbed.campaign.runs import PYTHON

SCRIPT = Path("tests/qemu-iotests/124")
"""Where it is in a source tree of QEMU."""

CASES = 13
"""How many cases it has, each of which this suite has, too."""

BOUND = 10.0
"""Seconds that QEMU may take to tell of its machines."""

OPTIONS = "-nodefaults -display none -accel qtest -accel tcg -S"
"""How the script's QEMU is started: as tests/qemu-iotests/check has it, and where a build has no qtest, with an
emulator that runs no guest, which takes a bit longer to start."""


class NotRun(Exception):
    """The script, or the suite, has not shown what the other is to be compared with; the text says why."""


@dataclass(frozen=True)
class Script:
    """The script of a source tree, for a build; its images go into `home`."""

    source: Path
    toolchain: Toolchain
    home: Path

    @classmethod
    def of(cls, source: Path, toolchain: Toolchain, home: Path) -> Script:
        """Return that of a source tree. Raises NotRun where there is none."""
        if not (source / SCRIPT).is_file():
            raise NotRun(f"there is no {SCRIPT} in {source}: name a source tree of QEMU with QEMU_SRC=")
        return cls(source.absolute(), toolchain, home)

    @property
    def command(self) -> list[str]:
        """The command line, which has the environment in it."""
        variables = (f"{name}={value}" for name, value in self.environment.items())
        return ["env", *variables, str(PYTHON), str(self.source / SCRIPT)]

    @property
    def environment(self) -> Mapping[str, object]:
        """What tests/qemu-iotests/check sets for it."""
        tools = self.toolchain
        image_options = "--cache writeback --aio threads"
        return {
            "PYTHONPATH": self.source / "python",
            # It is compiled once, as the suite is; but the source tree is somebody else's.
            "PYTHONPYCACHEPREFIX": self.home / "bytecode",
            "PYTHONDONTWRITEBYTECODE": "",
            "TEST_DIR": self.home,
            "SOCK_DIR": self.home,
            "SAMPLE_IMG_DIR": self.source / SCRIPT.with_name("sample_images"),
            "IMGFMT": "qcow2",
            "IMGPROTO": "file",
            "IMGOPTS": "compat=1.1",
            "CACHEMODE": "writeback",
            "AIOMODE": "threads",
            "QEMU_PROG": tools.qemu.path,
            "QEMU_IMG_PROG": tools.qemu_img.path,
            "QEMU_IO_PROG": tools.qemu_io.path,
            "QEMU_OPTIONS": OPTIONS,
            "QEMU_IMG_OPTIONS": "",
            "QEMU_IO_OPTIONS": f"{image_options} -f qcow2",
            "QEMU_IO_OPTIONS_NO_FMT": image_options,
            "QEMU_DEFAULT_MACHINE": default_machine(tools.qemu.path),
        }


def insist_on_cases(finished: Finished) -> None:
    """See that the script has run all of its cases, and that they have passed. Raises NotRun."""
    said = f"{finished.stdout}\n{finished.stderr}".strip()
    ran = re.search(r"^Ran (\d+) tests?\b", said, re.MULTILINE)
    if finished.returncode or ran is None or int(ran[1]) != CASES or not re.search(r"^OK$", said, re.MULTILINE):
        raise NotRun(
            f"QEMU's own script has not passed {CASES} cases with this build; the end of what it said:\n{said[-2000:]}"
        )


def default_machine(qemu: Path) -> str:
    """Return the machine that a QEMU has when it is told of none. Raises ToolFailed, and NotRun if it says none."""
    listed = run_tool([str(qemu), "-machine", "help"], cwd=Path("/"), bound=BOUND).stdout
    default = re.search(r"^(\S+) .*\(default\)", listed, re.MULTILINE)
    if default is None:
        raise NotRun(f"{qemu} has no default machine, which QEMU's own script needs")
    return default[1]
