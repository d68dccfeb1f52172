"""What the command lines of all campaigns have in common."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence


def add_at_once(parser: argparse.ArgumentParser, option: str, what: str) -> None:
    """Add the option that says how many runs may be under way at a time; by default one for each processor."""
    processors = len(os.sched_getaffinity(0))
    parser.add_argument(option, type=number, default=processors, help=f"{what} at once (default: %(default)s)")


def defines_in(arguments: Sequence[str]) -> dict[str, str]:
    """Return the options that arguments for behave give by -D or --define; of two of one name, the last counts."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-D", "--define", dest="defines", action="append", default=[])
    defines: list[str] = parser.parse_known_args(arguments)[0].defines
    return dict(define.partition("=")[::2] for define in defines)


def told_arguments(arguments: Sequence[str]) -> str:
    """Say in a line which arguments behave is given besides the build: TAGS, ARGS and options among them."""
    return f"Arguments of behave: {shlex.join(arguments) or 'none'}"


def number(text: str) -> int:
    """Return the number from 1 on that an option is given. Raises ArgumentTypeError for anything else."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("give a number from 1 on")
    return int(text)
