"""Tells what a build is and what it lacks, as JSON, to programs that run the suite and do not import it.

`python -m testbed.scenario.survey [-D NAME=VALUE] NEED...` takes the options that a run takes, and names of needs. The
exit status is 1, with the reason on stderr, where no scenario could be run on the build.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing

from testbed.base.problems import EnvironmentUnusable
from testbed.build.answers import Unclear
from testbed.build.needs import unmet
from testbed.build.promised import Withdrawn
from testbed.scenario.testbed import Testbed


def main(arguments: Sequence[str]) -> int:
    """Run the program with these arguments; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m testbed.scenario.survey", description=__doc__)
    parser.add_argument("needs", nargs="*", metavar="NEED")
    parser.add_argument("-D", dest="defines", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args(arguments)
    userdata = dict(define.partition("=")[::2] for define in options.defines)
    try:
        with closing(Testbed.open(userdata, os.environ)) as testbed:
            told = {**testbed.describe(), "lacking": lacking(testbed, options.needs)}
    except EnvironmentUnusable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{json.dumps(told)}\n")
    return 0


def lacking(testbed: Testbed, needs: Iterable[str]) -> dict[str, str]:
    """Return which of these needs a build does not meet, each with the reasons in plain words.

    Raises AuthorError for a name that is no need.
    """
    found = {}
    for need in needs:
        try:
            reasons = unmet([need], testbed.capabilities)
        except (Unclear, Withdrawn) as fault:
            reasons = [str(fault)]
        if reasons:
            found[need] = "; ".join(reasons)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
