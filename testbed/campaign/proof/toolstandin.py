"""A stand-in for a tool that works on images, such as qemu-img: the real one, spoilt by somebody who calls it.

Run as `python toolstandin.py FAULT TOOL ARGUMENTS...`. What says something of the tool alone is left to the real one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # It is started without the environment's packages, to be fast; all that it needs lies in the testbed.
    sys.path.insert(0, str(Path(__file__).parents[3]))

from testbed.campaign.proof.faults import FAULTS


def main(arguments: list[str]) -> None:
    """Play the fault named first with the tool named second."""
    name, tool, *rest = arguments
    play = FAULTS[name].tool
    if play is None or not rest or rest[-1] in ("--version", "--help", "help"):
        os.execv(tool, [tool, *rest])  # noqa: S606 (whoever calls names the program)
    sys.exit(play(tool, rest))


if __name__ == "__main__":
    main(sys.argv[1:])
