"""Images that the QEMU of the scenario makes itself, by jobs of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from testbed.domain.job import Job
from testbed.domain.target import Target, seen_from
from testbed.qemu.machine import Machine

FILE_NODE = "file-to-format"
"""The name of the node by which QEMU has a file open while it makes an image of it."""


class NotCreated(AssertionError):
    """QEMU could not make an image; the message names the job and the error that it ended with."""


@dataclass(frozen=True)
class Creation:
    """The QMP command blockdev-create as the maker of images: a job makes the file, another one the image in it."""

    machine: Machine

    def make(self, target: Target, size: int) -> None:
        """Make the image; see Maker. Raises NotCreated, MachineHung or MachineDied, and Refused."""
        file = {"driver": "file", "filename": target.name}
        image: dict[str, object] = {"driver": target.image_format, "file": FILE_NODE, "size": size}
        if target.image.base:
            image["backing-file"], image["backing-fmt"] = seen_from(target.image.base, target.image)
        if "cluster_size" in target.kind.options:
            image["cluster-size"] = target.cluster
        self._run(f"file-of-{target.node}", {**file, "size": 0})
        self.machine.execute("blockdev-add", {**file, "node-name": FILE_NODE})
        self._run(f"image-of-{target.node}", image)
        self.machine.execute("blockdev-del", {"node-name": FILE_NODE})

    def _run(self, name: str, options: Mapping[str, object]) -> None:
        job = Job(self.machine, name, kind="create", start=len(self.machine.all_events()), auto_dismiss=False)
        self.machine.execute("blockdev-create", {"job-id": name, "options": options})
        job.wait_until("concluded")
        (shown,) = (listed for listed in self.machine.execute("query-jobs") if listed["id"] == name)
        if "error" in shown:
            raise NotCreated(f"the job {name} should have made {options}; it failed: {shown['error']}")
        self.machine.execute("job-dismiss", {"id": name})
        job.wait_until("null")
