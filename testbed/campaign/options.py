"""What the command lines of all campaigns have in common."""

from __future__ import annotations

import argparse
import os


def add_at_once(parser: argparse.ArgumentParser, option: str, what: str) -> None:
    """Add the option that says how many runs may be under way at a time; by default one for each processor."""
    processors = len(os.sched_getaffinity(0))
    parser.add_argument(option, type=_number, default=processors, help=f"{what} at once (default: %(default)s)")


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("give a number from 1 on")
    return int(text)
