"""How a job is held in a state for as long as a scenario needs it there, and how it is let go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from testbed.domain.job import Job
from testbed.domain.request import Request

SLOWEST = 1
"""The lowest limit there is, in bytes a second: after the first piece of its work, a job has to wait for hours."""


@dataclass(frozen=True)
class Hold:
    """A way to hold a job in a state: options with which its backup starts, what is asked of it then, its release."""

    options: Mapping[str, object]
    release: Callable[[Job], Request]
    acts: Sequence[Callable[[Job], Request]] = field(default=())


def _unlimited(job: Job) -> Request:
    return job.set_speed(0)


HOLDS: Mapping[str, Hold] = {
    "running": Hold({"speed": SLOWEST}, _unlimited),
    # Up to 5.2 a job that waits for its limit does not notice that it is to pause; without limit, all do.
    "paused": Hold({"speed": SLOWEST}, Job.resume, acts=(Job.pause, _unlimited)),
    "pending": Hold({"auto-finalize": False}, Job.finalize),
    "concluded": Hold({"auto-dismiss": False}, Job.dismiss),
}
"""How a job is held in each state; one that waits, waits for another job of its group, which is held running."""
