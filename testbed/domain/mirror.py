"""A mirror of a drive: a job that copies the drive and keeps the copy the same, beside the bitmaps on the drive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from testbed.domain.drive import Drive
from testbed.domain.job import Job
from testbed.domain.request import Request
from testbed.domain.target import Target
from testbed.model.content import Content


@dataclass(eq=False)
class Mirror:
    """A mirror of a drive into a target; `content` is what the drive read as when it ended."""

    drive: Drive
    target: Target
    job: Job = field(init=False)
    content: Content | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Prepare the job."""
        machine = self.drive.machine
        self.job = Job(machine, f"mirror-of-{self.drive.name}", kind="mirror", start=len(machine.all_events()))

    def __str__(self) -> str:
        """Name the mirror as a reader would know it again."""
        return f"the mirror of {self.drive.name} ({self.target.name})"

    def start(self, options: Mapping[str, object]) -> Request:
        """Open the target and make the request that starts the mirror; `options` are those of the QMP command."""
        node = {"node-name": self.target.node, **self.target.location.open(self.target)}
        self.drive.machine.execute("blockdev-add", node)
        arguments = {"job-id": self.job.name, "device": self.drive.name, "target": self.target.node, "sync": "full"}
        return Request(
            "blockdev-mirror", {**arguments, **options}, self._begin, self._close, machine=self.drive.machine
        )

    def end(self) -> None:
        """Let the mirror copy what is left, however slow it was, and end it; the guest goes on with the drive.

        Raises what Job.wait does.
        """
        machine, name = self.drive.machine, self.job.name
        machine.execute("block-job-set-speed", {"device": name, "speed": 0})
        self.job.wait_until("ready")
        machine.execute("block-job-cancel", {"device": name})
        self.job.wait()
        self.content = self.drive.content
        self._close()

    def _begin(self) -> None:
        self.job.begun = True

    def _close(self) -> None:
        self.drive.machine.execute("blockdev-del", {"node-name": self.target.node})
        self.target.location.close(self.target)
