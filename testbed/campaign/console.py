"""What a campaign says: lines for good, and while it works, how far it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import IO

from testbed.reports.console import Printer
from testbed.reports.progress import Line, Share


class Plain:
    """The choice of no colours."""

    color = "off"

    def has_colored_mode(self, _file: IO[str]) -> bool:
        """Tell that there are to be none."""
        return False


class Console:
    """The standard output, at the time of each call; several threads may use it."""

    def __init__(self) -> None:
        self._line: Line | None = None

    def say(self, text: str) -> None:
        """Print something for good."""
        if self._line is not None:
            self._line.say(text)
        else:
            Printer(sys.stdout, Plain()).line(text)

    def began(self, key: Hashable, name: str, how_far: Callable[[], Share | None]) -> None:
        """Tell that something runs, while a line tells how far all is; for the rest see Line."""
        if self._line is not None:
            self._line.began(key, name, how_far)

    @contextmanager
    def telling(self, total: int, red: str = "red") -> Iterator[Line]:
        """Give the line that tells how far it is while the block lasts; for the rest see Line."""
        line = Line(Printer(sys.stdout, Plain()), total, red)
        self._line = line
        try:
            with line.ticking():
                yield line
        finally:
            self._line = None
