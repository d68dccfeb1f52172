"""How the program of a campaign ends: with its own exit status, or told to by a signal, or since something failed."""

from __future__ import annotations

import sys
from collections.abc import Callable

from testbed.campaign.console import Console
from testbed.campaign.runs import Interrupted, interruptible


def ended(act: Callable[[], int], wanting: int, *failures: type[Exception]) -> int:
    """Do what a program is for, and return its exit status, which `act` returns; a signal may end it.

    Where `act` raises one of `failures`, what it says is told, and the status is `wanting`; the rest is raised.
    """
    try:
        with interruptible():
            return act()
    except Interrupted as interrupted:
        Console().say("interrupted")
        return interrupted.status
    except failures as error:
        sys.stderr.write(f"{error}\n")
        return wanting
