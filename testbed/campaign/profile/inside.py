"""Runs behave under the sampler: `python -m testbed.campaign.profile.inside BORN FILE ARGUMENTS FOR BEHAVE`.

BORN is when this process was started, in seconds of the monotonic clock, FILE where the ledger goes.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from testbed.campaign.profile.runner import ProfiledRunner
from testbed.campaign.profile.sampler import Sampler

RUNNER = f"{ProfiledRunner.__module__}:{ProfiledRunner.__name__}"


def main() -> None:
    """Run behave, whose exit status is this program's."""
    _, born, file, *arguments = sys.argv
    sampler = Sampler(float(born))
    ProfiledRunner.sampler = sampler
    # Of two numbers of processes behave takes the last: others than this one are not seen by the sampler.
    sys.argv = ["behave", *arguments, "--runner", RUNNER, "--jobs", "1"]
    try:
        with sampler.sampling():
            runpy.run_module("behave", run_name="__main__")
    finally:
        sampler.ledger.write(Path(file))


if __name__ == "__main__":
    main()
