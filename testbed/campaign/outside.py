"""What a process costs with all that it starts, as somebody outside sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from testbed.base.process import Child


@dataclass(frozen=True)
class Whole:
    """What something took: wall time and processor time in seconds."""

    wall: float
    processor: float


@dataclass
class Outside:
    """Watches one process, and nothing else: to be made just before it is started."""

    began: float = field(default_factory=monotonic)
    ended_at: float = 0.0
    user: float = 0.0
    kernel: float = 0.0

    def started(self, _child: Child) -> None:
        """Note nothing: starting it takes a while, which counts."""

    def ended(self, _child: Child, user: float, kernel: float) -> None:
        """Note what it has used, with all that it had started."""
        self.ended_at, self.user, self.kernel = monotonic(), user, kernel

    @property
    def whole(self) -> Whole:
        """All of it."""
        return Whole(self.ended_at - self.began, self.user + self.kernel)
