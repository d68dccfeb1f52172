"""A stand-in for QEMU: the real one with somebody in the middle of its QMP conversation, who spoils one thing.

Run as `python standin.py FAULT QEMU ARGUMENTS...`; the fault may be "lacks-" and the name of a command that the build
shall not have. What is not a machine with monitors on inherited sockets, such as --version, is left to the real QEMU
alone. The stand-in ends as the real one ends: with its status, or by its signal.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    # It is started without the environment's packages, to be fast; all that it needs lies in the testbed.
    sys.path.insert(0, str(Path(__file__).parents[3]))

from testbed.campaign.proof.conversation import MONITOR, stand_in
from testbed.campaign.proof.faults import FAULTS
from testbed.campaign.proof.spoiling import lacking

LACKS = "lacks-"
"""How a build is called that has not got the command named then."""


def main(arguments: list[str]) -> None:
    """Play the fault named first, or a build that lacks a command, with the QEMU named second."""
    name, *command = arguments
    if not any(MONITOR.fullmatch(word) for word in command):
        os.execv(command[0], command)  # noqa: S606 (whoever calls names the program)
    code = stand_in(command, lacking(name.removeprefix(LACKS)) if name.startswith(LACKS) else FAULTS[name].make)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
